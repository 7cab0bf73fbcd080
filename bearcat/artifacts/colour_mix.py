"""The mix of colours from which a network for colour images starts if its weights were made for grey ones.

Weights for grey images know what strokes look like, but not which colours distinguish them from the background. A mix
is a factor for each of red, green, blue and greyness (see `AppendGreyness`). The first kernel for grey images is
multiplied by these factors, so that the network predicts from the weighted sum of the channels as from a grey image.
With the default, the luminance, this is the grey image itself. Letters of any hue on a grey gradient may vanish in the
luminance, but are dark in the greyness.
"""

import difflib
import statistics
from dataclasses import dataclass

import keras
import numpy as np

from bearcat.artifacts.card import Card
from bearcat.artifacts.weight_transfer import LUMINANCE, first_kernel, takes_greyness
from bearcat.data.labels.text import fold_case

# name → weights of red, green, blue and greyness
MIXES: dict[str, tuple[float, ...]] = {
    "luminance": (*LUMINANCE.tolist(), 0),
    "luminance and some greyness": (*(2 / 3 * LUMINANCE).tolist(), 1 / 3),
    "greyness and some luminance": (*(1 / 3 * LUMINANCE).tolist(), 2 / 3),
    "greyness": (0, 0, 0, 1),
    "red": (1, 0, 0, 0),
    "green": (0, 1, 0, 0),
    "blue": (0, 0, 1, 0),
    "red minus green": (1, -1, 0, 0),
    "green minus red": (-1, 1, 0, 0),
    "red minus blue": (1, 0, -1, 0),
    "blue minus red": (-1, 0, 1, 0),
    "green minus blue": (0, 1, -1, 0),
    "blue minus green": (0, -1, 1, 0),
}
DEFAULT = "luminance"
IMAGES = 64  # on which the mixes are compared
MARGIN = 0.05  # by which the similarity of another mix must be higher than that of the default


@dataclass(frozen=True)
class MixChoice:
    """Result of a comparison of mixes.

    Args:
        name: The best mix, or the default if none is clearly better.
        images: Number of images on which they were compared.
        similarity: Mean similarity of predictions and labels before any training, 0 to 1.
        similarity_of_default: That of the default.
    """

    name: str
    images: int
    similarity: float
    similarity_of_default: float


def choose_mix(model: keras.Model, card: Card, pixels: np.ndarray, labels: list[str]) -> MixChoice | None:
    """Applies a model's weights for grey images to the mix of colours with which it predicts labelled images best.

    Args:
        model: The model, whose first kernel is changed in place.
        card: Its card.
        pixels: Images (n, H, W, 3).
        labels: Their labels.

    Returns:
        What was chosen; None, with the model unchanged, if its first kernel is not one for grey images that was
        expanded by `transfer_weights`, or without images.
    """
    if not takes_greyness(model) or not labels:
        return None
    variable = first_kernel(model)
    kernel = np.array(variable)
    grey_kernel = kernel.sum(axis=2, keepdims=True)  # the luminance weights sum to 1
    if not np.allclose(kernel, _see(grey_kernel, MIXES[DEFAULT]), atol=1e-6):
        return None
    codec, images = card.make_codec(), np.asarray(pixels, np.float32)

    def similarity(mix: tuple[float, ...]) -> float:
        variable.assign(_see(grey_kernel, mix))
        predictions = codec.decode(np.asarray(keras.ops.convert_to_numpy(model(images, training=False)), np.float32))
        # whatever the case: the one that the head starts from is chosen afterwards
        matchers = (
            difflib.SequenceMatcher(None, fold_case(prediction.text), fold_case(label), autojunk=False)
            for prediction, label in zip(predictions, labels, strict=True)
        )
        return statistics.fmean(matcher.ratio() for matcher in matchers)

    similarities = {name: similarity(mix) for name, mix in MIXES.items()}
    best = max(similarities, key=lambda name: similarities[name])
    name = best if similarities[best] > similarities[DEFAULT] + MARGIN else DEFAULT
    variable.assign(_see(grey_kernel, MIXES[name]))
    return MixChoice(name, len(labels), similarities[name], similarities[DEFAULT])


def see_nearest_mix(model: keras.Model, trained_kernel: np.ndarray) -> None:
    """Applies a model's weights for grey images to the mix of colours that comes nearest to a trained kernel.

    Args:
        model: The model, whose first kernel was expanded by `transfer_weights` and is changed in place.
        trained_kernel: The first kernel of the same network after training.
    """
    if not takes_greyness(model):
        return
    variable = first_kernel(model)
    grey_kernel = np.array(variable).sum(axis=2, keepdims=True)
    # least squares: each channel of the trained kernel is a multiple of the grey one, and a rest
    mix = (trained_kernel * grey_kernel).sum(axis=(0, 1, 3)) / max((grey_kernel**2).sum(), keras.config.epsilon())
    variable.assign(_see(grey_kernel, mix))


def _see(grey_kernel: np.ndarray, mix) -> np.ndarray:
    return grey_kernel * np.asarray(mix, np.float32)[:, None]
