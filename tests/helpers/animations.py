"""Animated captchas: letters that come one after the other, fade, move, or lie under moving noise."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

SIZE = (120, 40)
FONT = "DejaVuSans-Bold.ttf"
Frames = list[Image.Image]


class Letters:
    """A text of four letters in one colour, to be drawn as a whole or in part."""

    def __init__(self, text: str, seed: int = 0, dark_paper: bool = False):
        self.random = random.Random(seed)
        self.text = text
        self.paper, self.ink = ((20, 20, 30), (230, 230, 200)) if dark_paper else ((245, 245, 240), (30, 20, 90))
        step = (SIZE[0] - 10) / len(text)
        self.places = [(5 + number * step, self.random.uniform(0, 5)) for number in range(len(text))]

    def draw(self, letters: Sequence[int] | None = None, strength: float = 1, shift: int = 0) -> Image.Image:
        """Draws some of the letters, by default all, with a fraction of their contrast, shifted to the right."""
        image = Image.new("RGB", SIZE, self.paper)
        ink = tuple(round(paper + (ink - paper) * strength) for paper, ink in zip(self.paper, self.ink, strict=True))
        for number in range(len(self.text)) if letters is None else letters:
            x, y = self.places[number]
            ImageDraw.Draw(image).text((x + shift, y), self.text[number], ink, ImageFont.truetype(FONT, 26))
        return image


def one_after_the_other(letters: Letters) -> Frames:
    return [letters.draw([number]) for number in range(len(letters.text))]


def one_more_each(letters: Letters) -> Frames:
    return [letters.draw(range(number + 1)) for number in range(len(letters.text))]


def one_less_each(letters: Letters) -> Frames:
    return one_more_each(letters)[::-1]


def in_and_out(letters: Letters) -> Frames:
    return [letters.draw(strength=strength) for strength in (0.1, 0.5, 1, 0.3)]


def across(letters: Letters) -> Frames:
    letters.places = [(3 + number * 18, y) for number, (_, y) in enumerate(letters.places)]
    return [letters.draw(shift=shift) for shift in (-60, 0, 40, 100)]


def aside(letters: Letters) -> Frames:
    letters.places = [(3 + number * 15, y) for number, (_, y) in enumerate(letters.places)]
    return [letters.draw(shift=shift) for shift in (0, 17, 34, 51)]


def under_moving_lines(letters: Letters) -> Frames:
    frames = [letters.draw() for _ in range(6)]
    for frame in frames:
        for _ in range(3):
            y = letters.random.randrange(SIZE[1])
            ImageDraw.Draw(frame).line([0, y, SIZE[0], letters.random.randrange(SIZE[1])], letters.ink, width=2)
    return frames


def save_animation(file: Path, frames: Frames) -> Path:
    """Saves frames in the format of the file's name."""
    file.parent.mkdir(parents=True, exist_ok=True)
    frames[0].save(file, save_all=True, append_images=frames[1:])
    return file


def save_animations(folder: Path, animate: Callable[[Letters], Frames], texts: Sequence[str]) -> None:
    """Saves a GIF per text, named as a data set is."""
    for number, text in enumerate(texts):
        save_animation(folder / f"{text}_{number:03d}.gif", animate(Letters(text, number)))
