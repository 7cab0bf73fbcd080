"""The one way to load a .keras file, whatever layers it has."""

import zipfile
from pathlib import Path

import keras

from bearcat.artifacts.card import read_card
from bearcat.core.devices import precision_set
from bearcat.core.errors import ArtifactError, words_of
from bearcat.detection import losses as detection_losses  # noqa: F401
from bearcat.detection import metrics as detection_metrics  # noqa: F401
from bearcat.detection import network  # noqa: F401
from bearcat.networks import layers, losses, metrics  # noqa: F401
from bearcat.networks.backbones import adapt  # noqa: F401
from bearcat.networks.optimizers import swap_average
from bearcat.networks.registry import BACKBONES, load_family


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
