"""The ImageNet weights of the backbones of keras.applications: download into Keras' cache folder, and transfer."""

import os
import tempfile
from pathlib import Path

import keras
import numpy as np
from filelock import FileLock

from bearcat.core.errors import ArtifactError, message_for
from bearcat.networks.backbones.applications import RGB, download_imagenet, scaling_of


def models_folder() -> Path:
    """The folder in which Keras keeps the weights that it downloads: `models` in KERAS_HOME or ~/.keras.

    If that is not writable, Keras takes .keras in /tmp, or in the system's temporary folder if there is no /tmp.
    """
    temporary = Path("/tmp" if Path("/tmp").is_dir() else tempfile.gettempdir(), ".keras")
    user = Path("~").expanduser()
    default = user / ".keras" if os.access(user, os.W_OK) else temporary
    home = Path(os.environ.get("KERAS_HOME", default)).expanduser()
    return (home if os.access(home, os.W_OK) else temporary) / "models"


def read_weights(backbone: str) -> list[np.ndarray]:
    """Reads the ImageNet weights of a backbone, for RGB images; Keras downloads the file unless it is in its cache.

    Processes that share the folder, such as the workers of a training, wait for each other.

    Raises:
        ArtifactError: The file can neither be found nor downloaded, or is damaged.
    """
    folder = models_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / f".{backbone}.lock"):
        try:
            network = download_imagenet(backbone)
        except Exception as error:  # Keras raises Exception itself if a download fails
            if message_for(error):
                raise
            raise ArtifactError(_advice(backbone, folder, str(error))) from error
    # the layer that scales pixels is not part of an adapted backbone
    kept = [layer for layer in network.layers if not isinstance(layer, keras.layers.Normalization)]
    weights = [np.array(variable) for layer in kept for variable in layer.weights]
    if scaling_of(backbone).takes_bgr:
        first = next(number for number, values in enumerate(weights) if values.ndim == 4 and values.shape[2] == RGB)
        weights[first] = weights[first][:, :, ::-1]
    return weights


def _advice(backbone: str, folder: Path, problem: str) -> str:
    """Returns the message for ImageNet weights that cannot be loaded."""
    address = next((word.rstrip(":") for word in problem.split() if word.startswith("https://")), "")
    if address:
        remedy = f"Without internet access put that file here by hand: {folder / address.rpartition('/')[2]}"
    else:
        remedy = f"If the network's file in {folder} is damaged, delete it: it is downloaded again"
    return (
        f"the ImageNet weights of {backbone} cannot be loaded: {problem}\n{remedy}\n"
        "Or start from other weights: a model of yours in the work's folder weight, or random ones, --set WEIGHTS=None"
    )


def assign_weights(model: keras.Model, backbone: str, weights: list[np.ndarray]) -> int:
    """Assigns a backbone's weights to its layers in a model, and returns their number.

    Args:
        model: The model, changed in place; built with the preprocessing that the weights expect.
        backbone: The name of the backbone.
        weights: What `read_weights` returns.
    """
    variables = [variable for layer in model.get_layer(backbone).layers for variable in layer.weights]
    for variable, values in zip(variables, weights, strict=True):
        variable.assign(values)
    return len(variables)
