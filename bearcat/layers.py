"""Layers of our own, and the one way to load a model that has them."""

from pathlib import Path

import keras
from keras import ops

from bearcat.metrics import ExactMatch


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


def load_model(path: Path, compile: bool = False) -> keras.Model:
    """Load a .keras file of ours in safe mode, which runs no code from it; `compile` restores the optimizer too."""
    ours = {"PositionEmbedding": PositionEmbedding, "ExactMatch": ExactMatch}
    return keras.saving.load_model(path, custom_objects=ours, compile=compile, safe_mode=True)
