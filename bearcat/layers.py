"""Layers of our own, and the one way to load a model that has them."""

import zipfile
from pathlib import Path

import keras
from keras import ops

# what saved models are made of registers itself when it is imported
from bearcat import losses, metrics  # noqa: F401
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
