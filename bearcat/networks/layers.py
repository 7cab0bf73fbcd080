"""Layers of our own, and the one way to load a model that has them."""

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable("bearcat")
class PositionEmbedding(keras.layers.Layer):
    """Adds a learnt vector to each step of a sequence (N, steps, filters), so that a step knows where it stands."""

    def build(self, input_shape):
        """Make one vector a step."""
        initializer = keras.initializers.RandomNormal(stddev=0.02)
        self.embedding = self.add_weight(shape=input_shape[1:], initializer=initializer, name="embedding")

    def call(self, inputs):
        """Return inputs plus the vectors, in the inputs' type."""
        return inputs + ops.cast(self.embedding, inputs.dtype)


@keras.saving.register_keras_serializable("bearcat")
class Sight(keras.layers.Layer):
    """Resizes images (N, H, W, C) to a height and a width in pixels, as Pillow's BILINEAR does, in float32.

    Two multiplications by matrices, which every engine computes alike.
    """

    def __init__(self, height: int, width: int, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.height, self.width = height, width

    def build(self, input_shape):
        """Make the two matrices."""
        self._down, self._across = resampling(input_shape[1], self.height), resampling(input_shape[2], self.width)

    def call(self, inputs):
        """Return the resized images."""
        across = ops.matmul(ops.transpose(inputs, (0, 3, 1, 2)), ops.convert_to_tensor(self._across.T))
        down = ops.matmul(ops.transpose(across, (0, 1, 3, 2)), ops.convert_to_tensor(self._down.T))
        return ops.transpose(down, (0, 3, 2, 1))

    def compute_output_shape(self, input_shape):
        """Return the shape of what `call` returns."""
        return input_shape[0], self.height, self.width, input_shape[3]

    def get_config(self):
        """Return what builds this layer again."""
        return super().get_config() | {"height": self.height, "width": self.width}


@keras.saving.register_keras_serializable("bearcat")
class ManyLogits(keras.layers.Dense):
    """A dense layer of thousands of logits, multiplied in bfloat16 while it trains, as the rest of the network is.

    They are float32 all the same, and so is all that is computed after the training. The bias is one more row of the
    kernel: by itself it costs two more walks over all logits.
    """

    def call(self, inputs, training=None):
        """Return logits (..., units) of features."""
        if not training:
            return super().call(inputs)
        features = ops.concatenate([inputs, ops.ones_like(inputs[..., :1])], axis=-1)
        kernel = ops.concatenate([self.kernel, ops.expand_dims(self.bias, 0)])
        product = ops.matmul(ops.cast(features, "bfloat16"), ops.cast(kernel, "bfloat16"))
        return ops.cast(product, "float32")


def resampling(before: int, after: int) -> np.ndarray:
    """Return the matrix (after, before) that resamples a row of pixels by Pillow's triangle filter."""
    reach = max(1.0, before / after)
    centres = (np.arange(after)[:, None] + 0.5) * before / after
    weights = np.maximum(0.0, 1 - np.abs(np.arange(before) + 0.5 - centres) / reach)
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


# ---- merged from normalisation: Batch normalisation as one operation of TensorFlow, which Keras makes of a dozen: a third of a training step.


@keras.saving.register_keras_serializable("bearcat")
class FusedBatchNormalization(keras.layers.BatchNormalization):
    """What Keras' layer computes over the last axis of (N, W, C) or (N, H, W, C), faster under TensorFlow."""

    def call(self, inputs, training=None, mask=None):
        """Return the normalised inputs, and follow their averages while training."""
        if not (training and self.trainable and keras.backend.backend() == "tensorflow"):
            return super().call(inputs, training=training, mask=mask)
        import tensorflow as tf

        rank = len(inputs.shape)
        maps = inputs if rank == 4 else ops.expand_dims(inputs, 1)
        # an exponential factor of 1: the figures of this batch alone
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
        variance = variance * (count - 1) / count  # of these values, as Keras has it, not of what they are a sample of
        for average, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + ops.cast(now, average.dtype) * (1 - self.momentum))
        return outputs if rank == 4 else ops.squeeze(outputs, 1)


def fused(layer: keras.layers.Layer) -> type[keras.layers.Layer]:
    """Return the class to make a layer's like of: the fused one where it is Keras' plain batch normalisation."""
    plain = type(layer) is keras.layers.BatchNormalization and layer.center and layer.scale
    return FusedBatchNormalization if plain else type(layer)
