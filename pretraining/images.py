"""The training images of the pretrained weights: drawn on all cores, and cached in files of CHUNK images each."""

import os
import random
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from bearcat.core.files import atomic_write
from bearcat.core.fonts import fonts_with, open_font
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT
from pretraining import drawing
from pretraining.texts import CHARACTERS, choose_text

CHUNK = 2000  # images per file
HELD_OUT = 2000  # the first images, which only validate
INVERTED = 0.15  # fraction of the third-party images, which are dark on light otherwise
POLL_SECONDS = 0.5
# Letters whose two cases differ in more than size. A font is left out if more than MAX_ALIKE of them differ in shape
# by less than MIN_DIFFERENCE, compared at SHAPE_SIDE pixels.
TWO_SHAPES, SHAPE_SIDE, MIN_DIFFERENCE, MAX_ALIKE = "abdeghnqr", 24, 0.1, 2


class ImageCache:
    """Images uint8 (TEXT_HEIGHT, MIN_TEXT_WIDTH) and their texts, in chunks that are drawn once.

    Args:
        folder: Where the chunks are kept.
        count: Number of images, rounded up to whole chunks.
    """

    def __init__(self, folder: Path, count: int):
        self.folder, self.chunks = folder, -(-count // CHUNK)
        self.count = self.chunks * CHUNK

    def draw(self) -> None:
        """Draws the chunks that are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = [number for number in range(self.chunks) if not self.is_drawn(number)]
        if not missing:
            return
        fonts = captcha_fonts()
        print(f"{len(fonts)} fonts", flush=True)
        with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
            tasks = [pool.submit(self._draw_chunk, number, fonts) for number in missing]
            for task in tqdm(tasks, unit_scale=CHUNK, unit=" images", mininterval=5):
                task.result()

    def is_drawn(self, number: int) -> bool:
        """Whether a chunk exists."""
        return number < self.chunks and self._file(number).is_file()

    def wait(self, chunks: int) -> None:
        """Waits until another process has drawn the first chunks."""
        while not all(map(self.is_drawn, range(min(chunks, self.chunks)))):
            time.sleep(POLL_SECONDS)

    def chunk(self, number: int) -> tuple[np.ndarray, list[str]]:
        """Loads a chunk: images (CHUNK, TEXT_HEIGHT, MIN_TEXT_WIDTH) and their texts."""
        return np.load(self._file(number)), [text_of(image) for image in self._numbers(number)]

    def load_all(self) -> tuple[np.ndarray, list[str]]:
        """Loads all images and texts."""
        parts = [self.chunk(number) for number in range(self.chunks)]
        return np.concatenate([images for images, _ in parts]), [text for _, texts in parts for text in texts]

    def _draw_chunk(self, number: int, fonts: list[Path]) -> None:
        images = np.stack([draw_image(image, fonts) for image in self._numbers(number)])
        with atomic_write(self._file(number), sync=False) as part:
            np.save(part, images)

    def _file(self, number: int) -> Path:
        return self.folder / f"images_{number:05d}.npy"

    def _numbers(self, number: int) -> range:
        return range(number * CHUNK, (number + 1) * CHUNK)


def text_of(number: int) -> str:
    """The text of an image, by its number."""
    return choose_text(_rng(number))


def _rng(number: int) -> random.Random:
    # the seed is part of the training data: with another one, cached images would not match their texts
    return random.Random(f"base/{number}")


def draw_image(number: int, fonts: list[Path]) -> np.ndarray:
    """Draws an image by its number: grey pixels uint8 (TEXT_HEIGHT, MIN_TEXT_WIDTH)."""
    from pretraining import others

    drawers = {drawing.draw: 6, others.draw_captcha: 3, others.draw_wheezy: 2}
    rng = _rng(number)
    text = choose_text(rng)
    (draw,) = rng.choices(list(drawers), list(drawers.values()))
    if not text.isalnum():
        draw = drawing.draw  # wheezy.captcha fails on operators, and real captchas of sums look plainer
    pixels = np.asarray(draw(text, fonts, rng).convert("L").resize((MIN_TEXT_WIDTH, TEXT_HEIGHT)))
    return 255 - pixels if draw is not drawing.draw and rng.random() < INVERTED else pixels


def captcha_fonts() -> list[Path]:
    """The fonts of the system that have all characters and distinguish upper and lower case."""
    return [path for path in fonts_with(CHARACTERS) if distinguishes_cases(path)]


def distinguishes_cases(path: Path) -> bool:
    """Whether a font's lower-case letters are not just small capitals."""
    alike = [letter for letter in TWO_SHAPES if _difference(path, letter, letter.upper()) < MIN_DIFFERENCE]
    return len(alike) <= MAX_ALIKE


def _difference(path: Path, one: str, other: str) -> float:
    """Mean difference, 0 … 1, between two characters stretched to the same size."""
    shapes = []
    for character in (one, other):
        mask = open_font(path, 2 * SHAPE_SIDE).getmask(character, mode="L")
        ink = Image.frombytes("L", mask.size, bytes(mask))
        shapes.append(np.asarray(ink.crop(ink.getbbox()).resize((SHAPE_SIDE, SHAPE_SIDE)), np.float32) / 255)
    return float(np.abs(shapes[0] - shapes[1]).mean())
