"""The toolkit's own light networks, which train fast on a CPU.

Only plain convolutions: depthwise ones save multiplications, but no time on a CPU. The first layers shrink the image
early, since large maps take most of the time. Filters are multiples of 16 or 32: with 24, TensorFlow's batch
normalization in bfloat16 takes twice as long as with 32.
"""

from keras import layers

STRIDES = (2, 2, 1, 2, 1, 2)
# name → filters of the convolutions
VARIANTS = {
    "tiny": (32, 32, 64, 64, 64, 64),
    "light": (32, 64, 96, 96, 128, 160),
    "wide": (48, 96, 128, 128, 192, 256),
}


def build(name: str, inputs):
    """Features (N, H/16, W/16, filters) of pixels (N, H, W, C) in −1 … 1."""
    outputs = inputs
    for number, (filters, strides) in enumerate(zip(VARIANTS[name], STRIDES, strict=True)):
        kernel = 3 if number else 5
        outputs = layers.Conv2D(filters, kernel, strides=strides, padding="same", use_bias=False)(outputs)
        outputs = layers.BatchNormalization()(outputs)
        outputs = layers.Activation("relu")(outputs)
    return outputs
