"""Object detection for EFFICIENTDET: boxes, network, loss, metric, decoding, augmentation and drawing.

Boxes, configs, decoding and drawing do not import Keras.
"""
