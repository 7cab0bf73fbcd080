"""Boxes are drawn at their places, with their names inside the image."""

from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import (
    BACKGROUND,
    FOUND_COLOUR,
    MIN_WIDTH,
    TRUE_COLOUR,
    draw_comparison,
    draw_detections,
    save_image,
)

NAMES = ("a", "b")
FOUND = Detections(NAMES, np.array([[100.0, 60.0, 140.0, 90.0], [0, 0, 9, 9]]), np.array([[0.1, 0.9], [0.2, 0.1]]))


def coloured(image: Image.Image, colour: tuple[int, int, int]) -> np.ndarray:
    """Returns (x, y) of the pixels of a colour."""
    return np.argwhere((np.asarray(image) == colour).all(axis=2))[:, ::-1]


def test_only_boxes_above_the_score_threshold_are_drawn():
    image = Image.new("RGB", (400, 200), "yellow")
    drawn = draw_detections(image, FOUND)
    pixels = coloured(drawn, FOUND_COLOUR)
    edge = pixels[pixels[:, 1] >= 60]
    assert edge.min(axis=0).tolist() == [100, 60]
    assert edge.max(axis=0).tolist() == [140, 90]
    assert (pixels[:, 1] < 60).any()  # the caption above
    assert pixels[:, 0].min() >= 100  # nothing of the second box
    assert not coloured(image, FOUND_COLOUR).size  # the image itself is not changed


def test_captions_stay_inside_the_image():
    corner = Detections(NAMES, np.array([[380.0, 0.0, 400.0, 10.0]]), np.array([[0.1, 0.9]]))
    pixels = coloured(draw_detections(Image.new("RGB", (400, 200)), corner), BACKGROUND)
    assert pixels[:, 0].min() < 375  # moved to the left


def test_small_images_are_enlarged_with_their_boxes():
    truth = BoxLabels(50, 40, ("a",), np.array([[10, 10, 20, 20]], np.float32))
    drawn = draw_comparison(Image.new("L", (50, 40)), truth, Detections(NAMES, np.zeros((0, 4)), np.zeros((0, 2))))
    scale = drawn.width // 50
    assert drawn.width >= MIN_WIDTH
    pixels = coloured(drawn, TRUE_COLOUR)
    assert pixels.min(axis=0).tolist() == [10 * scale, 10 * scale]


def test_a_drawing_is_written_atomically(tmp_path: Path):
    save_image(Image.new("RGB", (4, 4)), tmp_path / "new" / "a.png")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.png"]
