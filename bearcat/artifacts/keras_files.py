"""Loading of .keras files, with every registered class that they may contain."""

import zipfile
from pathlib import Path

import keras

from bearcat.artifacts.card import read_card
from bearcat.core.devices import precision_scope
from bearcat.core.errors import ArtifactError, message_for

# imported for the classes that they register with Keras
from bearcat.detection import exact_match, network  # noqa: F401
from bearcat.detection import losses as detection_losses  # noqa: F401
from bearcat.networks import layers, losses, metrics  # noqa: F401
from bearcat.networks.backbones import adapt  # noqa: F401
from bearcat.networks.optimizers import swap_average
from bearcat.networks.registry import BACKBONES, load_backbone_module


def load_model(path: Path, compile: bool = False) -> keras.Model:
    """Loads a .keras file in safe mode, which runs no code from it.

    Args:
        path: The file.
        compile: Whether to restore loss, metrics and the optimizer with its state.

    Raises:
        ArtifactError: The file is damaged, or holds code or layers that Bearcat does not write.
    """
    for name in {module: name for name, module in BACKBONES.items()}.values():
        load_backbone_module(name)
    try:
        return keras.saving.load_model(path, compile=compile, safe_mode=True)
    # what Keras and h5py raise on configurations and weights that do not belong together, or that safe mode refuses
    except (ValueError, TypeError, KeyError, AttributeError, ImportError, zipfile.BadZipFile, OSError) as error:
        if message_for(error):
            raise
        reason = (str(error).strip() or repr(error)).splitlines()[0]
        raise ArtifactError(f"{path} cannot be loaded, and nothing in it was run ({reason:.300})") from None


def load_evaluated(path: Path) -> keras.Model:
    """Loads a .keras file with the weights that its metrics belong to: of some checkpoints the moving average."""
    card, payload = read_card(path)
    if "recipe" not in payload or not card.metrics.get("averaged"):
        return load_model(path)
    with precision_scope(payload["recipe"]["precision"]):  # Keras finds the optimizer's state only under that policy
        model = load_model(path, compile=True)
    swap_average(model)
    return model


def to_float32(model: keras.Model) -> keras.Model:
    """Copies a model with all layers computing in float32, which every engine supports."""
    copy = type(model).from_config(_without_policies(model.get_config()))
    copy.set_weights(model.get_weights())
    return copy


def _without_policies(config: object) -> object:
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return config | {"config": {"name": "float32"}}
        return {name: _without_policies(value) for name, value in config.items()}
    return type(config)(map(_without_policies, config)) if isinstance(config, list | tuple) else config
