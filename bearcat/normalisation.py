"""Batch normalisation as one operation of TensorFlow, which Keras makes of a dozen: a third of a training step."""

import keras
from keras import ops


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
