"""Layers of our own, and the one way to load a model that has them."""

import zipfile
from pathlib import Path

import keras
import numpy as np
from keras import ops

# what saved models are made of registers itself when it is imported
from bearcat import losses, metrics, normalisation  # noqa: F401
from bearcat.artifact import read_card
from bearcat.backbones import BACKBONES, fitting, load_family  # noqa: F401
from bearcat.detection import losses as detection_losses  # noqa: F401
from bearcat.detection import metrics as detection_metrics  # noqa: F401
from bearcat.detection import network  # noqa: F401
from bearcat.devices import precision_set
from bearcat.errors import ArtifactError
from bearcat.optimizers import swap_average
from bearcat.trouble import words_of


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
    """Resizes pictures (N, H, W, C) to a height and a width in pixels, as Pillow's BILINEAR does, in float32.

    Two multiplications by matrices, which every engine computes alike.
    """

    def __init__(self, height: int, width: int, **kwargs):
        super().__init__(**{"dtype": "float32"} | kwargs)
        self.height, self.width = height, width

    def build(self, input_shape):
        """Make the two matrices."""
        self._down, self._across = resampling(input_shape[1], self.height), resampling(input_shape[2], self.width)

    def call(self, inputs):
        """Return the resized pictures."""
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


def load_model(path: Path, compile: bool = False) -> keras.Model:
    """Load a .keras file of ours in safe mode, which runs no code from it; `compile` restores the optimizer too.

    Raises ArtifactError where it holds code, or anything else that such a file of ours does not.
    """
    for name in {module: name for name, module in BACKBONES.items()}.values():
        load_family(name)
    try:
        return keras.saving.load_model(path, compile=compile, safe_mode=True)
    # what Keras and h5py raise on configurations and weights that do not belong together, or that safe mode refuses
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, zipfile.BadZipFile, OSError) as error:
        if words_of(error):
            raise
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ArtifactError(f"{path} cannot be loaded, and nothing in it was run ({reason:.300})") from None


def load_validated(path: Path) -> keras.Model:
    """Load a .keras file of ours with the weights whose figures its card has: for some checkpoints the average."""
    card, payload = read_card(path)
    if "recipe" not in payload or not card.metrics.get("averaged"):
        return load_model(path)
    with precision_set(payload["recipe"]["precision"]):  # Keras finds the optimizer's state under that policy alone
        model = load_model(path, compile=True)
    swap_average(model)
    return model


def in_float32(model: keras.Model) -> keras.Model:
    """Return the same network computing in float32, which every engine knows, with the same weights."""
    twin = type(model).from_config(_without_policies(model.get_config()))
    twin.set_weights(model.get_weights())
    return twin


def _without_policies(config: object) -> object:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config | {"config": {"name": "float32"}}
        return {name: _without_policies(value) for name, value in config.items()}
    return type(config)(map(_without_policies, config)) if isinstance(config, list | tuple) else config
