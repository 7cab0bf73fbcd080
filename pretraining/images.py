"""The training images of the pretrained weights: drawn on all cores, and cached in files of CHUNK images each."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from bearcat.core.files import atomic_write, read_json, write_json
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT
from pretraining import drawing, kinds
from pretraining.fonts import describe, find_fonts, require_fonts
from pretraining.plans import AS_BEFORE, LATIN, plan_of
from pretraining.scripts import target_of

CHUNK = 2000  # images per file
HELD_OUT = 2000  # the first images, which only validate
INVERTED = 0.15  # fraction of the third-party images, which are dark on light otherwise
POLL_SECONDS = 0.5
FONTS_FILE = "fonts.json"


class ImageCache:
    """Images uint8 (TEXT_HEIGHT, MIN_TEXT_WIDTH) and their texts, in chunks that are drawn once.

    Args:
        folder: Where the chunks are kept.
        count: Number of images, rounded up to whole chunks.
    """

    def __init__(self, folder: Path, count: int):
        self.folder, self.chunks = folder, -(-count // CHUNK)
        self.count = self.chunks * CHUNK

    def draw(self, font_folder: Path | None = None) -> None:
        """Draws the chunks that are missing, with the fonts of a folder or of the system."""
        self.folder.mkdir(parents=True, exist_ok=True)
        missing = [number for number in range(self.chunks) if not self.is_drawn(number)]
        if not missing:
            return
        fonts = self._fonts(font_folder)
        print(f"Fonts: {describe(fonts)}", flush=True)
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
        """Loads all images and texts, or those before the first chunk that is not drawn yet."""
        chunks = next((number for number in range(self.chunks) if not self.is_drawn(number)), self.chunks)
        if chunks * CHUNK <= HELD_OUT:
            raise SystemExit(f"{self.folder} holds {chunks * CHUNK} images: run with --draw-only first")
        images, texts = np.empty((chunks * CHUNK, TEXT_HEIGHT, MIN_TEXT_WIDTH), np.uint8), []
        for number in range(chunks):
            images[number * CHUNK : (number + 1) * CHUNK], of_chunk = self.chunk(number)
            texts += of_chunk
        return images, texts

    def _fonts(self, folder: Path | None) -> dict[str, list[Path]]:
        """The fonts, which are looked for once: the rest of the images is drawn with the same ones."""
        file = self.folder / FONTS_FILE
        if not file.is_file():
            print("Looking for fonts: this takes some minutes", flush=True)
            found = find_fonts(folder)
            require_fonts(found)
            write_json(file, {script: [str(path) for path in paths] for script, paths in found.items()})
        return {script: [Path(path) for path in paths] for script, paths in read_json(file).items()}

    def _draw_chunk(self, number: int, fonts: dict[str, list[Path]]) -> None:
        images = np.stack([draw_image(image, fonts) for image in self._numbers(number)])
        with atomic_write(self._file(number), sync=False) as part:
            np.save(part, images)

    def _file(self, number: int) -> Path:
        return self.folder / f"images_{number:05d}.npy"

    def _numbers(self, number: int) -> range:
        return range(number * CHUNK, (number + 1) * CHUNK)


def text_of(number: int) -> str:
    """The text of an image by its number, as training expects it."""
    return target_of(plan_of(number)[0].text)


def draw_image(number: int, fonts: dict[str, list[Path]]) -> np.ndarray:
    """Draws an image by its number: grey pixels uint8 (TEXT_HEIGHT, MIN_TEXT_WIDTH)."""
    plan, rng = plan_of(number)
    if plan.kind != AS_BEFORE:
        return _shrink(kinds.draw(kinds.KINDS[plan.kind], plan.text, fonts[plan.script], rng))
    from pretraining import others

    drawers = {drawing.draw: 6, others.draw_captcha: 3, others.draw_wheezy: 2}
    (draw,) = rng.choices(list(drawers), list(drawers.values()))
    if not plan.text.isalnum():
        draw = drawing.draw  # wheezy.captcha fails on operators, and real captchas of sums look plainer
    pixels = _shrink(draw(plan.text, fonts[LATIN], rng))
    return 255 - pixels if draw is not drawing.draw and rng.random() < INVERTED else pixels


def _shrink(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("L").resize((MIN_TEXT_WIDTH, TEXT_HEIGHT)))
