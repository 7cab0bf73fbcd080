"""The images that the base recogniser learns from: drawn on all cores, kept in files of CHUNK images each."""

import os
import random
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from bearcat.core.files import written_beside
from bearcat.core.fonts import fonts_with, open_font
from bearcat.networks.registry import HEIGHT, LEAST_WIDTH
from pretraining import drawing
from pretraining.texts import CHARACTERS, choose_text

CHUNK = 2000  # images a file
HELD_OUT = 2000  # that only validate
INVERTED = 0.15  # share of the others' images, which are dark on light otherwise
POLL = 0.5  # seconds between two looks for images that are drawn meanwhile
# letters whose two cases differ in more than their size, and how alike their shapes may be, of how many of them
TWO_SHAPES, SHAPE_SIDE, LEAST_DIFFERENCE, MOST_ALIKE = "abdeghnqr", 24, 0.1, 2


class Pile:
    """So many images uint8 (HEIGHT, LEAST_WIDTH) and their texts, in a folder of files, drawn or yet to be drawn."""

    def __init__(self, folder: Path, count: int):
        self.folder, self.chunks = folder, -(-count // CHUNK)
        self.count = self.chunks * CHUNK

    def draw(self) -> None:
        """Draw the files that are not there."""
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
        """Tell whether a file is there."""
        return number < self.chunks and self._file(number).is_file()

    def wait(self, chunks: int) -> None:
        """Wait until the first files are there, which another process draws."""
        while not all(map(self.is_drawn, range(min(chunks, self.chunks)))):
            time.sleep(POLL)

    def chunk(self, number: int) -> tuple[np.ndarray, list[str]]:
        """Return the images (CHUNK, HEIGHT, LEAST_WIDTH) of a file, and their texts."""
        return np.load(self._file(number)), [text_of(image) for image in self._numbers(number)]

    def whole(self) -> tuple[np.ndarray, list[str]]:
        """Return all images and all texts."""
        parts = [self.chunk(number) for number in range(self.chunks)]
        return np.concatenate([images for images, _ in parts]), [text for _, texts in parts for text in texts]

    def _draw_chunk(self, number: int, fonts: list[Path]) -> None:
        images = np.stack([draw_image(image, fonts) for image in self._numbers(number)])
        with written_beside(self._file(number), sync=False) as part:
            np.save(part, images)

    def _file(self, number: int) -> Path:
        return self.folder / f"images_{number:05d}.npy"

    def _numbers(self, number: int) -> range:
        return range(number * CHUNK, (number + 1) * CHUNK)


def text_of(number: int) -> str:
    """Return the text of an image."""
    return choose_text(_chances(number))


def _chances(number: int) -> random.Random:
    """Return where all that is random in an image comes from, its text first."""
    return random.Random(f"base/{number}")


def draw_image(number: int, fonts: list[Path]) -> np.ndarray:
    """Return the grey pixels uint8 (HEIGHT, LEAST_WIDTH) of an image."""
    from pretraining import others

    drawers = {drawing.draw: 6, others.draw_captcha: 3, others.draw_wheezy: 2}
    source = _chances(number)
    text = choose_text(source)
    (draw,) = source.choices(list(drawers), drawers.values())
    if not text.isalnum():
        draw = drawing.draw  # wheezy.captcha fails on signs, and captchas of sums look plainer than its
    pixels = np.asarray(draw(text, fonts, source).convert("L").resize((LEAST_WIDTH, HEIGHT)))
    return 255 - pixels if draw is not drawing.draw and source.random() < INVERTED else pixels


def captcha_fonts() -> list[Path]:
    """Return the fonts of the system that have all characters and tell their cases apart."""
    return [path for path in fonts_with(CHARACTERS) if tells_cases(path)]


def tells_cases(path: Path) -> bool:
    """Tell whether a font's small letters are other shapes than its capitals; in some they are capitals again."""
    alike = [letter for letter in TWO_SHAPES if _difference(path, letter, letter.upper()) < LEAST_DIFFERENCE]
    return len(alike) <= MOST_ALIKE


def _difference(path: Path, one: str, other: str) -> float:
    """Return how much two characters differ, 0 … 1, when both are stretched to one size."""
    shapes = []
    for character in (one, other):
        mask = open_font(path, 2 * SHAPE_SIDE).getmask(character, mode="L")
        ink = Image.frombytes("L", mask.size, bytes(mask))
        shapes.append(np.asarray(ink.crop(ink.getbbox()).resize((SHAPE_SIDE, SHAPE_SIDE)), np.float32) / 255)
    return float(np.abs(shapes[0] - shapes[1]).mean())
