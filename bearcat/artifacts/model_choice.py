"""The choice of a model by the size and colour of an image."""

from collections.abc import Callable, Mapping

from bearcat.artifacts.card import Card
from bearcat.core.errors import RequestOptionError
from bearcat.data.images import COLOURS, ImageKind, ImageKinds

AUTO_MODEL = "auto"  # what a request names for the model that its image fits
ASPECT_TOLERANCE = 0.05  # by which the aspect ratio of an image may differ from that of the training images


def expected_images(card: Card) -> ImageKinds:
    """Returns the sizes and colours of images that a model expects: those of its training images.

    Models of earlier versions do not know them: the size of their input stands for that of the images, which may have
    any colour.
    """
    return card.kinds if card.kinds.sizes else ImageKinds(((card.spec.width, card.spec.height),), COLOURS)


def fitting_models(image: ImageKind, models: Mapping[str, ImageKinds]) -> list[str]:
    """Returns the names of the models that an image fits.

    Models that expect images of its size come first; if there are none, those that expect its aspect ratio (within
    ASPECT_TOLERANCE). Only if that leaves several, its colour decides between them.

    Args:
        image: The image.
        models: Name → what the model expects.
    """
    names = _sized(models, lambda width, height: (width, height) == (image.width, image.height))
    names = names or _sized(models, lambda width, height: _has_aspect_ratio(image, width, height))
    return [name for name in names if len(names) == 1 or image.colour in models[name].colours]


def _sized(models: Mapping[str, ImageKinds], is_right: Callable[[int, int], bool]) -> list[str]:
    return [name for name, kinds in models.items() if any(is_right(*size) for size in kinds.sizes)]


def _has_aspect_ratio(image: ImageKind, width: int, height: int) -> bool:
    return abs(image.width * height - image.height * width) <= ASPECT_TOLERANCE * image.height * width


def choose_fitting(image: ImageKind, models: Mapping[str, ImageKinds]) -> str:
    """Returns the name of the only model that an image fits.

    Raises:
        RequestOptionError: It fits none or several; the message says what each model expects.
    """
    names = fitting_models(image, models)
    if len(names) == 1:
        return names[0]
    found = "the image fits several models" if names else "the image fits no model"
    expected = "; ".join(f"{name} expects {kinds}" for name, kinds in models.items())
    raise RequestOptionError(f"model is {AUTO_MODEL!r}, but {found}: it is {image}. Name a model: {expected}")
