"""Batches of images with boxes."""

from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.data.images import InputSpec, extract_pixels
from bearcat.data.labels.boxes import BoxLabels
from bearcat.data.labels.reading import LabelledImage
from bearcat.detection.losses import NO_OBJECT
from bearcat.training.box_pipeline import encode_objects, load_images, training_batches, validation_batches
from tests.helpers.detections import dark_box

SIDE = 64
NAMES = ("a", "b")


def write_images(folder: Path) -> list[LabelledImage]:
    """Writes two images of 100 × 50 with a square each; returns them with their boxes."""
    items = []
    for index, left in enumerate((10, 60)):
        pixels = np.full((50, 100), 255, np.uint8)
        pixels[10:30, left : left + 20] = 0
        path = folder / f"{index}.png"
        Image.fromarray(pixels).save(path)
        box = np.array([[left, 10, left + 20, 30]], np.float32)
        items.append(LabelledImage(path, BoxLabels(100, 50, (NAMES[index],), box)))
    return items


def test_batches_have_images_and_boxes_in_pixels_of_the_input(tmp_path: Path):
    singles = load_images(write_images(tmp_path), NAMES, InputSpec(SIDE, SIDE, 1), extract_pixels)
    ((images, objects),) = validation_batches(singles, 4)
    assert images.shape == (2, SIDE, SIDE, 1)
    for index, image in enumerate(images.numpy()):
        assert objects.numpy()[index, 0, 0] == index
        np.testing.assert_allclose(dark_box(image), objects.numpy()[index, 0, 1:], atol=1.0)
    images, objects = next(iter(training_batches(singles, 2, 4, 0, True, True)))
    assert (images.shape, objects.shape) == ((4, SIDE, SIDE, 1), (4, 4, 5))


def test_objects_are_padded(tmp_path: Path):
    objects = encode_objects(write_images(tmp_path)[1], NAMES, InputSpec(50, 100, 1), 3)
    assert objects[0].tolist() == [1, 10, 60, 30, 80]
    assert (objects[1:] == NO_OBJECT).all()


def test_nobody_waits_for_a_thread_that_tunes(tmp_path: Path):
    singles = load_images(write_images(tmp_path), NAMES, InputSpec(SIDE, SIDE, 1), extract_pixels)
    for batches in (training_batches(singles, 2, 4, 0, True, False), validation_batches(singles, 4)):
        assert batches.options().autotune.enabled is False
