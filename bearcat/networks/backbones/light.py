"""Light plain networks of our own, which train fast on a CPU.

Plain convolutions only: depthwise ones cost a CPU more time than the multiplications they save. The stem and the
strides shrink the image early, since the time goes where the maps are large. Filters come in multiples of 32: with
24, TensorFlow's batch normalisation in bfloat16 takes twice as long as with 32.
"""

from keras import layers

STRIDES = (2, 2, 1, 2, 1, 2)
# name → filters of the six convolutions
VARIANTS = {
    "tiny": (32, 32, 64, 64, 64, 64),
    "light": (32, 64, 96, 96, 128, 160),
    "wide": (48, 96, 128, 128, 192, 256),
}


def build(name: str, inputs):
    """Return features (N, H/16, W/16, filters) of pixels (N, H, W, C) in −1 … 1."""
    outputs = inputs
    for number, (filters, strides) in enumerate(zip(VARIANTS[name], STRIDES, strict=True)):
        kernel = 3 if number else 5
        outputs = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(outputs)
        outputs = layers.BatchNormalization()(outputs)
        outputs = layers.Activation("relu")(outputs)
    return outputs
