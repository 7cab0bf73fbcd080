"""What lies under a click captcha: a gradient with soft noise, or a piece of a photograph."""

import math
import random
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.data.images import open_image
from bearcat.data.labels import list_images
from bearcat.generation.colours import coloured

NOISE = (0.05, 0.22)  # how much of the clouds is mixed into a gradient
CLOUD_SHARES = (0.08, 0.3)  # the size of a cloud as a share of the image's longer side
SHADES = 1024  # steps of a gradient
KEPT_SIZES = 2  # how many times larger than what is drawn a photograph is kept
SMALLEST_PIECE = 0.5  # the share of a photograph's side that is shown at least


def background(width: int, height: int, folder: Path | None, source: random.Random) -> Image.Image:
    """Return an RGB image: a random piece of one of the folder's images, or a gradient where there is none."""
    if folder is None:
        return gradient(width, height, source)
    photograph = _opened(source.choice(_listed(folder)), width * KEPT_SIZES, height * KEPT_SIZES)
    largest = min(photograph.width / width, photograph.height / height)
    scale = largest * source.uniform(SMALLEST_PIECE, 1)
    piece = width * scale, height * scale
    left, top = source.uniform(0, photograph.width - piece[0]), source.uniform(0, photograph.height - piece[1])
    box = (left, top, left + piece[0], top + piece[1])
    return photograph.resize((width, height), Image.Resampling.BILINEAR, box=box)


@lru_cache(maxsize=4)
def _listed(folder: Path) -> list[Path]:
    return list_images(folder)


@lru_cache(maxsize=16)
def _opened(path: Path, width: int, height: int) -> Image.Image:
    photograph = open_image(path)
    scale = max(width / photograph.width, height / photograph.height)
    if scale < 1:
        size = (math.ceil(photograph.width * scale), math.ceil(photograph.height * scale))
        photograph = photograph.resize(size, Image.Resampling.BILINEAR)
    return photograph


def gradient(width: int, height: int, source: random.Random) -> Image.Image:
    """Return two or three colours that run into each other in any direction, with soft noise."""
    angle = source.uniform(0, 2 * math.pi)
    x, y = np.arange(width, dtype=np.float32) * math.cos(angle), np.arange(height, dtype=np.float32) * math.sin(angle)
    way = y[:, None] + x[None, :]
    way = (way - way.min()) / max(float(np.ptp(way)), 1e-6)
    brightness = source.uniform(0.05, 0.75)
    colours = [coloured(source, min(0.9, brightness * source.uniform(0.6, 1.6))) for _ in range(source.choice((2, 3)))]
    shades = np.linspace(0, len(colours) - 1, SHADES)
    table = np.stack([np.interp(shades, range(len(colours)), levels) for levels in zip(*colours, strict=True)], -1)
    plain = Image.fromarray(table.round().astype(np.uint8)[(way * (SHADES - 1)).astype(np.int16)])
    return Image.blend(plain, _clouds(width, height, source), source.uniform(*NOISE))


def _clouds(width: int, height: int, source: random.Random) -> Image.Image:
    cell = max(width, height) * source.uniform(*CLOUD_SHARES)
    columns, rows = math.ceil(width / cell) + 1, math.ceil(height / cell) + 1
    noise = Image.frombytes("RGB", (columns, rows), source.randbytes(columns * rows * 3))
    return noise.resize((width, height), Image.Resampling.BICUBIC)
