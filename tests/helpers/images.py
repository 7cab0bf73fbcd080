"""Images with a bar of ink, or as rich in colours as photographs, for tests of data sets."""

import random
from pathlib import Path

from PIL import Image

RED = (255, 0, 0)
GREEN = (0, 130, 0)  # as light as RED: both are grey 76


def draw_bar(
    folder: Path,
    name: str,
    size: tuple[int, int] = (40, 20),
    ink: tuple[int, ...] = (0, 0, 0),
    paper: tuple[int, ...] = (255, 255, 255),
) -> None:
    """Writes an image with a bar of ink."""
    folder.mkdir(exist_ok=True)
    image = Image.new("RGB", size, paper)
    image.paste(ink, (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    image.save(folder / name)


def draw_scene(size: tuple[int, int], rng: random.Random) -> Image.Image:
    """Returns an image of soft blobs of all colours, as rich in colours as a photograph."""
    blobs = Image.frombytes("RGB", (5, 5), rng.randbytes(5 * 5 * 3))
    return blobs.resize(size, Image.Resampling.BICUBIC)
