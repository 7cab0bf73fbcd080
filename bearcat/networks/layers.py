"""Layers that Keras lacks, or that train faster than those of Keras.

Keras finds the weights in a .keras file by the class names of the layers: a class with weights keeps its name.
"""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("bearcat")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learned position embedding to each step of a sequence (N, steps, filters)."""

    def build(self, input_shape):
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.embedding = self.add_weight(shape=input_shape[1:], initializer=initializer, name="embedding")

    def call(self, inputs):
        return inputs + ops.cast(self.embedding, inputs.dtype)


@keras.saving.register_keras_serializable("bearcat")
class AppendGreyness(keras.layers.Layer):
    """Appends a fourth channel to RGB images (N, H, W, 3) in 0 … 255: 255 minus the chroma, in float32.

    The chroma is the difference between the largest and the smallest of red, green and blue. Strokes of any hue are
    dark in this channel, and whatever is grey is white, even where both are equally bright.
    """

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)

    def call(self, inputs):
        chroma = ops.max(inputs, axis=-1, keepdims=True) - ops.min(inputs, axis=-1, keepdims=True)
        return ops.concatenate([inputs, 255.0 - chroma], axis=-1)

    def compute_output_shape(self, input_shape):
        return *input_shape[:-1], input_shape[-1] + 1


@keras.saving.register_keras_serializable("bearcat", name="Sight")
class ResizeBilinear(keras.layers.Layer):
    """Resizes images (N, H, W, C) with antialiasing, as Pillow's BILINEAR does, in float32.

    Done by two matrix multiplications, which every inference engine computes alike.

    Args:
        height: Height of the outputs in pixels.
        width: Width of the outputs in pixels.
    """

    def __init__(self, height: int, width: int, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.height, self.width = height, width

    def build(self, input_shape):
        self._rows = _resampling_matrix(input_shape[1], self.height)
        self._columns = _resampling_matrix(input_shape[2], self.width)

    def call(self, inputs):
        maps = ops.matmul(ops.transpose(inputs, (0, 3, 1, 2)), ops.convert_to_tensor(self._columns.T))
        maps = ops.matmul(ops.transpose(maps, (0, 1, 3, 2)), ops.convert_to_tensor(self._rows.T))
        return ops.transpose(maps, (0, 3, 2, 1))

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.height, self.width, input_shape[3]

    def get_config(self):
        return super().get_config() | {"height": self.height, "width": self.width}


def _resampling_matrix(size: int, new_size: int) -> np.ndarray:
    """Matrix (new_size, size) that resamples a line of pixels by Pillow's triangle filter."""
    reach = max(1.0, size / new_size)
    centres = (np.arange(new_size)[:, None] + 0.5) * size / new_size
    weights = np.maximum(0.0, 1 - np.abs(np.arange(size) + 0.5 - centres) / reach)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


@keras.saving.register_keras_serializable("bearcat")
class ManyLogits(keras.layers.Dense):
    """Dense layer for thousands of classes that multiplies in bfloat16 during training.

    The logits are float32, and so is all computation outside training. The bias is multiplied as one more row of the
    kernel, since adding it separately takes two more passes over all logits.
    """

    def call(self, inputs, training=None):
        if not training:
            return super().call(inputs)
        features = ops.concatenate([inputs, ops.ones_like(inputs[..., :1])], axis=-1)
        kernel = ops.concatenate([self.kernel, ops.expand_dims(self.bias, 0)])
        product = ops.matmul(ops.cast(features, "bfloat16"), ops.cast(kernel, "bfloat16"))
        return ops.cast(product, "float32")


@keras.saving.register_keras_serializable("bearcat")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """Batch normalization over the last axis of (N, W, C) or (N, H, W, C) by TensorFlow's fused operation.

    Keras' own layer has a dozen operations and takes a third of a training step. Same results; other backends and
    inference use Keras' own.

    Args:
        keeps_averages: Whether training normalises with the moving averages, as inference does, and leaves them as they
            are. Scale and offset are trained all the same, unlike those of a layer with `trainable = False`.
        **options: As of keras.layers.BatchNormalization.
    """

    def __init__(self, keeps_averages: bool = False, **options):
        super().__init__(**options)
        self.keeps_averages = keeps_averages

    def get_config(self):
        # earlier versions do not know the key
        return super().get_config() | ({"keeps_averages": True} if self.keeps_averages else {})

    def call(self, inputs, training=None, mask=None):
        training = training and not self.keeps_averages
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        rank = len(inputs.shape)
        maps = inputs if rank == 4 else ops.expand_dims(inputs, 1)
        # without an exponential_avg_factor, mean and variance are those of this batch alone
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=maps,
            scale=ops.convert_to_tensor(self.gamma, "float32"),
            offset=ops.convert_to_tensor(self.beta, "float32"),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        count = ops.cast(ops.size(inputs) // inputs.shape[-1], "float32")
        variance = variance * (count - 1) / count  # TensorFlow gives the sample variance, Keras tracks the population's
        for average, value in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + ops.cast(value, average.dtype) * (1 - self.momentum))
        return outputs if rank == 4 else ops.squeeze(outputs, 1)


def fused_class(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """The class to rebuild a layer with: the fused one for Keras' plain batch normalization, else the layer's own."""
    is_plain = type(layer) is keras.layers.BatchNormalization and layer.center and layer.scale
    return FusedBatchNormalization if is_plain else type(layer)
