"""The images that save_model.py needs: to calibrate, to interpolate weights, and to compare Keras, ONNX and int8."""

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bearcat.artifacts.card import Card
from bearcat.artifacts.inference import Extract
from bearcat.core.errors import DataError, ImageError
from bearcat.core.workspace import Work
from bearcat.data.codecs import TEXT_CODECS
from bearcat.data.images import InputSpec, is_blank_input
from bearcat.data.labels.reading import ImageProcessing, list_images, load_split
from bearcat.modes import MODES, Task

CALIBRATION_IMAGES = 2000  # more of them change nothing and take longer
TRAINING_IMAGES = 500  # to interpolate weights, and for the ranges and the comparison of int8
MAX_BYTES = 2**27  # of the pixels of a data set, which bounds the memory of a large detector
IMAGES_COMPARED = 64


@dataclass(frozen=True)
class ExportImages:
    """Images as the network sees them.

    Args:
        pixels: Images uint8 (n, H, W, C): the validation images with labels, then others until there are enough to
            compare on.
        labels: Labels of the validation images.
        trained_on: Training images with their labels; empty unless they are needed.
    """

    pixels: np.ndarray
    labels: list[Any]
    trained_on: list[tuple[np.ndarray, Any]]


def load_export_images(
    work: Work, card: Card, seed: int, processing: ImageProcessing, with_training: bool
) -> ExportImages:
    """Loads the images that a checkpoint is calibrated, interpolated and compared on.

    Args:
        work: The work.
        card: The checkpoint's card.
        seed: Decides which images are taken if there are more than needed.
        processing: `utils.Image_Processing`.
        with_training: Whether to load training images and, for EFFICIENTDET, boxes.

    Raises:
        DataError: The work has no images left.
    """

    is_text = MODES[card.mode].task is Task.TEXT

    def load(split: str, limit: int) -> list[tuple[np.ndarray, Any]]:
        if card.mode not in TEXT_CODECS and not with_training:
            return []
        try:
            data = load_split(work, split, card.mode, processing, card.ignore_case)
        except DataError:
            return []  # the images were deleted after packing
        limit = min(len(data), limit, max(1, MAX_BYTES // math.prod(card.spec.shape)))
        chosen = random.Random(seed).sample(data, limit)
        loaded = ((item, _load_pixels(item.path, card.spec, processing.extraction_image)) for item in chosen)
        return [
            (pixels, item.label)
            for item, pixels in loaded
            if pixels is not None and not (is_text and is_blank_input(pixels, item.path, card.spec))
        ]

    validation = load("validation", CALIBRATION_IMAGES)
    trained_on = load("train", TRAINING_IMAGES) if with_training else []
    pixels = _load_further([image for image, _ in validation], work, card.spec, processing.extraction_image)
    return ExportImages(pixels, [label for _, label in validation], trained_on)


def _load_further(found: list[np.ndarray], work: Work, spec: InputSpec, extract: Extract) -> np.ndarray:
    """Appends images of the other data sets until there are enough to compare on."""
    for split in ("test", "train") if found else ("validation", "test", "train"):
        for path in list_images(work.data_folder(split)):
            if len(found) >= IMAGES_COMPARED:
                return np.stack(found)
            pixels = _load_pixels(path, spec, extract)
            found += [pixels] if pixels is not None else []
    if not found:
        raise DataError(f"{work.path} has no image left to compare Keras and ONNX on: put some in test_dataset")
    return np.stack(found)


def _load_pixels(path: Path, spec: InputSpec, extract: Extract) -> np.ndarray | None:
    try:
        return extract(path, spec)
    except ImageError:
        return None  # damaged, as pack_dataset.py reports
