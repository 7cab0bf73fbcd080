"""Draws boxes with their names, and points to click, on images."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from bearcat.core.files import atomic_write
from bearcat.core.fonts import find_font
from bearcat.data.labels.boxes import BoxLabels
from bearcat.detection.decoding import Detections

TRUE_COLOUR, FOUND_COLOUR, BACKGROUND = (0, 150, 60), (220, 30, 30), (255, 255, 255)
POINT_COLOUR = (30, 80, 200)
MIN_WIDTH = 320  # pixels: smaller images are enlarged, so that the names are legible

Colour = tuple[int, int, int]


def draw_detections(image: Image.Image, detections: Detections) -> Image.Image:
    """Returns a copy of an image, enlarged if it is small, with the detected objects, their names and scores."""
    canvas, scale = _enlarged(image)
    _draw_objects(canvas, detections, scale)
    return canvas


def draw_comparison(image: Image.Image, truth: BoxLabels, detections: Detections) -> Image.Image:
    """Returns a copy of an image with the true boxes in green, named below, and the detected objects in red."""
    canvas, scale = _enlarged(image)
    _draw_boxes(canvas, truth.boxes_xyxy * scale, truth.names, TRUE_COLOUR, below=True)
    _draw_objects(canvas, detections, scale)
    return canvas


def draw_points(image: Image.Image, points_xy: Sequence[Sequence[float] | None], scale: float = 1.0) -> None:
    """Draws points in place, numbered from 1 in the order of clicks; None takes a number and is not drawn."""
    pen = ImageDraw.Draw(image)
    radius = max(9, image.height // 18)
    font = find_font("0123456789", radius * 5 // 4)
    for number, point in enumerate(points_xy, 1):
        if point is None:
            continue
        x, y = point[0] * scale, point[1] * scale
        corners = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(corners, fill=POINT_COLOUR, outline=BACKGROUND, width=max(2, radius // 8))
        pen.text((x, y), str(number), fill=BACKGROUND, font=font, anchor="mm")


def save_image(image: Image.Image, path: Path) -> None:
    """Writes an image atomically."""
    with atomic_write(path) as part:
        image.save(part)


def _draw_objects(canvas: Image.Image, detections: Detections, scale: int) -> None:
    captions = [f"{name} {score:.0%}" for name, score in detections.parts]
    _draw_boxes(canvas, detections.boxes_xyxy[: detections.count] * scale, captions, FOUND_COLOUR)


def _draw_boxes(
    image: Image.Image, boxes_xyxy: np.ndarray, captions: Sequence[str], colour: Colour, below: bool = False
) -> None:
    """Draws boxes in place with captions above or below them, moved inside the image if necessary."""
    pen = ImageDraw.Draw(image)
    font = find_font("".join(captions), max(12, image.height // 18))
    for (left, top, right, bottom), caption in zip(boxes_xyxy, captions, strict=True):
        pen.rectangle((left, top, right, bottom), outline=colour, width=2)
        width, height = pen.textbbox((0, 0), caption, font=font, anchor="lt")[2:]
        x = max(0, min(left, image.width - width))
        y = max(0, min(bottom + 1 if below else top - height - 1, image.height - height))
        pen.rectangle((x, y, x + width, y + height), fill=BACKGROUND)
        pen.text((x, y), caption, fill=colour, font=font, anchor="lt")


def _enlarged(image: Image.Image) -> tuple[Image.Image, int]:
    scale = max(1, -(-MIN_WIDTH // image.width))
    return image.convert("RGB").resize((image.width * scale, image.height * scale)), scale
