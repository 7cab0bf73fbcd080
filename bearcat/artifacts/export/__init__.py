"""From a checkpoint to what is served: ONNX in float or int8, compared with Keras on real images; LiteRT."""
