"""Draw click captchas: characters at random places on a restless background, the box of each, and what to click."""

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from bearcat.captcha_config import ClickConfig
from bearcat.click_background import background
from bearcat.click_layout import PlacedGlyph, lay_out, make_glyph
from bearcat.click_marks import draw_line, draw_stroke
from bearcat.colours import choose_colour
from bearcat.fonts import fonts_with
from bearcat.voc import BoxLabels

OUTLINED = 0.3  # the share of characters with an outline or a shadow though their colour needs none
UNDERNEATH = 0.6  # the share of lines under the characters
_DARK, _LIGHT = (20, 20, 20), (245, 245, 245)


@dataclass(frozen=True)
class ClickDrawing:
    """A picture, what it shows, and what is to be clicked, in order."""

    picture: Image.Image
    labels: BoxLabels
    prompt: list[str]


class ClickDrawer:
    """Draws the click captchas of one configuration; paths in it start at the work."""

    def __init__(self, config: ClickConfig, work: Path):
        self.config = config
        self.fonts = fonts_with(config.characters, [work / font for font in config.fonts] or None)
        self.backgrounds = work / config.backgrounds if config.backgrounds else None

    def draw(self, text: str, seed: str) -> ClickDrawing:
        """Draw a picture with the characters of `text`; the same again for the same seed."""
        config, source = self.config, random.Random(f"{seed}/picture")
        placed = self._place(text, source)
        picture = background(config.width, config.height, self.backgrounds, source)
        under = [source.random() < UNDERNEATH for _ in range(config.lines)]
        for _ in range(sum(under)):
            draw_line(picture, source)
        boxes = [glyph.box for glyph in placed]
        for _ in range(config.dummy_strokes):
            draw_stroke(picture, boxes, config.size_range, source)
        for glyph in placed:
            draw_glyph(picture, glyph, source)
        for _ in range(config.lines - sum(under)):
            draw_line(picture, source)
        names = tuple(glyph.glyph.character for glyph in placed)
        count = source.choice(config.prompt_count) if config.prompt_count else len(names)
        prompt = source.sample(names, count)
        labels = BoxLabels(config.width, config.height, names, np.array(boxes, np.float32))
        return ClickDrawing(picture, labels, prompt)

    def _place(self, text: str, source: random.Random) -> list[PlacedGlyph]:
        config, turn = self.config, self.config.rotation
        glyphs = [
            make_glyph(
                character, source.choice(self.fonts), source.randint(*config.size_range), source.uniform(-turn, turn)
            )
            for character in text
        ]
        return lay_out(glyphs, config.width, config.height, config.size_range[0], turn, source)


def draw_glyph(picture: Image.Image, placed: PlacedGlyph, source: random.Random) -> None:
    """Draw a character in a colour that stands out from what lies under it."""
    mask, corner = placed.glyph.mask, (placed.left, placed.top)
    colour, outline = choose_colour(np.asarray(picture.crop(placed.box)), source)
    decorated = source.random() < OUTLINED
    if outline is None and decorated:
        outline = _LIGHT if sum(colour) < 300 else _DARK
        if source.random() < 0.5:
            picture.paste(outline, (corner[0] + 1, corner[1] + 1), mask)
            outline = None
    if outline:
        wide = Image.new("L", (mask.width + 2, mask.height + 2))
        wide.paste(mask, (1, 1))
        picture.paste(outline, (corner[0] - 1, corner[1] - 1), wide.filter(ImageFilter.MaxFilter(3)))
    picture.paste(colour, corner, mask)
