"""Draw boxes with their names on an image, for a person to look at."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from bearcat.core.files import written_beside
from bearcat.core.fonts import find_font
from bearcat.data.box_labels import BoxLabels
from bearcat.detection.decoding import Detections

TRUE_COLOUR, FOUND_COLOUR, PAPER = (0, 150, 60), (220, 30, 30), (255, 255, 255)
POINT_COLOUR = (30, 80, 200)
LEAST_WIDTH = 320  # pixels: smaller images are enlarged, so that the names can be read


def draw_boxes(image: Image.Image, boxes_xyxy: Sequence, words: Sequence[str], colour, below: bool = False) -> None:
    """Draw boxes in place, each with its words above it (or below), or as near as they fit into the image."""
    pen = ImageDraw.Draw(image)
    font = find_font("".join(words), max(12, image.height // 18))
    for (left, top, right, bottom), text in zip(boxes_xyxy, words, strict=True):
        pen.rectangle((left, top, right, bottom), outline=colour, width=2)
        width, height = pen.textbbox((0, 0), text, font=font, anchor="lt")[2:]
        x = max(0, min(left, image.width - width))
        y = max(0, min(bottom + 1 if below else top - height - 1, image.height - height))
        pen.rectangle((x, y, x + width, y + height), fill=PAPER)
        pen.text((x, y), text, fill=colour, font=font, anchor="lt")


def draw_found(image: Image.Image, found: Detections) -> Image.Image:
    """Return a copy of an image with the sure boxes, their names and scores."""
    canvas, scale = _enlarged(image)
    words = [f"{found.labels[n]} {found.scores[n]:.0%}" for n in range(found.count)]
    draw_boxes(canvas, found.boxes_xyxy[: found.count] * scale, words, FOUND_COLOUR)
    return canvas


def draw_against(image: Image.Image, truth: BoxLabels, found: Detections) -> Image.Image:
    """Return a copy of an image with the true boxes in green, named below, and the found ones in red."""
    canvas, scale = _enlarged(image)
    draw_boxes(canvas, truth.boxes_xyxy * scale, truth.names, TRUE_COLOUR, below=True)
    words = [f"{found.labels[n]} {found.scores[n]:.0%}" for n in range(found.count)]
    draw_boxes(canvas, found.boxes_xyxy[: found.count] * scale, words, FOUND_COLOUR)
    return canvas


def draw_points(image: Image.Image, points_xy: Sequence[Sequence[float] | None], scale: float = 1.0) -> None:
    """Draw numbers from 1 on at points in place, in the order of clicks; None keeps its number and is left out."""
    pen = ImageDraw.Draw(image)
    radius = max(9, image.height // 18)
    font = find_font("0123456789", radius * 5 // 4)
    for number, point in enumerate(points_xy, 1):
        if point is None:
            continue
        x, y = point[0] * scale, point[1] * scale
        corners = (x - radius, y - radius, x + radius, y + radius)
        pen.ellipse(corners, fill=POINT_COLOUR, outline=PAPER, width=max(2, radius // 8))
        pen.text((x, y), str(number), fill=PAPER, font=font, anchor="mm")


def _enlarged(image: Image.Image) -> tuple[Image.Image, int]:
    scale = max(1, -(-LEAST_WIDTH // image.width))
    return image.convert("RGB").resize((image.width * scale, image.height * scale)), scale


def save_image(image: Image.Image, path: Path) -> None:
    """Write an image beside and rename it into place."""
    with written_beside(path) as part:
        image.save(part)
