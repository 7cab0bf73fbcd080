"""Draw boxes with their names on a picture, for a person to look at."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from bearcat.detection.decoding import Detections
from bearcat.files import written_beside
from bearcat.fonts import find_font
from bearcat.voc import BoxLabels

TRUE_COLOUR, FOUND_COLOUR, PAPER = (0, 150, 60), (220, 30, 30), (255, 255, 255)
LEAST_WIDTH = 320  # pixels: smaller pictures are enlarged, so that the names can be read


def draw_boxes(image: Image.Image, boxes_xyxy: Sequence, words: Sequence[str], colour, below: bool = False) -> None:
    """Draw boxes in place, each with its words above it (or below), or as near as they fit into the picture."""
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
    """Return a copy of a picture with the sure boxes, their names and scores."""
    canvas, scale = _enlarged(image)
    words = [f"{found.labels[n]} {found.scores[n]:.0%}" for n in range(found.count)]
    draw_boxes(canvas, found.boxes_xyxy[: found.count] * scale, words, FOUND_COLOUR)
    return canvas


def draw_against(image: Image.Image, truth: BoxLabels, found: Detections) -> Image.Image:
    """Return a copy of a picture with the true boxes in green, named below, and the found ones in red."""
    canvas, scale = _enlarged(image)
    draw_boxes(canvas, truth.boxes_xyxy * scale, truth.names, TRUE_COLOUR, below=True)
    words = [f"{found.labels[n]} {found.scores[n]:.0%}" for n in range(found.count)]
    draw_boxes(canvas, found.boxes_xyxy[: found.count] * scale, words, FOUND_COLOUR)
    return canvas


def _enlarged(image: Image.Image) -> tuple[Image.Image, int]:
    scale = max(1, -(-LEAST_WIDTH // image.width))
    return image.convert("RGB").resize((image.width * scale, image.height * scale)), scale


def save_picture(image: Image.Image, path: Path) -> None:
    """Write a picture beside and rename it into place."""
    with written_beside(path) as part:
        image.save(part)
