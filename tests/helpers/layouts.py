"""Captchas of two lines, of one column of upright characters, and of one line."""

import random

from PIL import Image, ImageDraw, ImageFont

from tests.helpers.animations import FONT

PAPER, INK = (225, 235, 230), (60, 20, 90)
SIZE = 22  # of the characters, in pixels


def _draw(size: tuple[int, int], rows: list[str], pitch: int, seed: int) -> Image.Image:
    rng = random.Random(seed)
    image = Image.new("RGB", size, PAPER)
    drawing = ImageDraw.Draw(image)
    font = ImageFont.truetype(FONT, SIZE)
    for number, row in enumerate(rows):
        step = size[0] / len(row)
        for column, character in enumerate(row):
            place = (column + 0.5) * step + rng.uniform(-2, 2), (number + 0.5) * pitch + rng.uniform(-2, 2)
            drawing.text(place, character, INK, font, anchor="mm")
    for _ in range(2):
        ends = [(rng.randrange(size[0]), rng.randrange(size[1])) for _ in range(2)]
        drawing.line(ends, (150, 140, 170))
    return image


def draw_two_lines(text: str, seed: int = 0) -> Image.Image:
    """Draws the first half of a text above the second half."""
    half = len(text) // 2
    return _draw((100, 64), [text[:half], text[half:]], 32, seed)


def draw_column(text: str, seed: int = 0) -> Image.Image:
    """Draws the characters of a text below each other."""
    return _draw((36, 30 * len(text)), list(text), 30, seed)


def draw_line(text: str, seed: int = 0, height: int = 64) -> Image.Image:
    """Draws a text in one line."""
    return _draw((24 * len(text), height), [text], height, seed)
