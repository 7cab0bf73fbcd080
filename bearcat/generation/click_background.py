"""Backgrounds of click captchas: gradients with soft noise, or random crops of photographs."""

import math
import random
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.data.images import open_image
from bearcat.data.labels.reading import list_images
from bearcat.generation.colours import random_colour

NOISE_OPACITY = (0.05, 0.22)  # of the noise over a gradient
NOISE_CELL = (0.08, 0.3)  # size of a blob of the noise, as a fraction of the image's longer side
GRADIENT_LEVELS = 1024
CACHED_SCALE = 2  # photographs are cached at this multiple of the captcha's size, or smaller
MIN_CROP = 0.5  # side of a crop as a fraction of the largest one that fits


def background(width: int, height: int, folder: Path | None, rng: random.Random) -> Image.Image:
    """Returns an RGB image: a random crop of one of the folder's images, or a gradient if `folder` is None."""
    if folder is None:
        return gradient(width, height, rng)
    photograph = _photograph(rng.choice(_images_of(folder)), width * CACHED_SCALE, height * CACHED_SCALE)
    largest = min(photograph.width / width, photograph.height / height)
    scale = largest * rng.uniform(MIN_CROP, 1)
    crop_width, crop_height = width * scale, height * scale
    left, top = rng.uniform(0, photograph.width - crop_width), rng.uniform(0, photograph.height - crop_height)
    box = (left, top, left + crop_width, top + crop_height)
    return photograph.resize((width, height), Image.Resampling.BILINEAR, box=box)


@lru_cache(maxsize=4)
def _images_of(folder: Path) -> list[Path]:
    return list_images(folder)


@lru_cache(maxsize=16)
def _photograph(path: Path, width: int, height: int) -> Image.Image:
    photograph = open_image(path)
    scale = max(width / photograph.width, height / photograph.height)
    if scale < 1:
        size = (math.ceil(photograph.width * scale), math.ceil(photograph.height * scale))
        photograph = photograph.resize(size, Image.Resampling.BILINEAR)
    return photograph


def gradient(width: int, height: int, rng: random.Random) -> Image.Image:
    """Returns a linear gradient of two or three colours in a random direction, with soft noise."""
    angle = rng.uniform(0, 2 * math.pi)
    x, y = np.arange(width, dtype=np.float32) * math.cos(angle), np.arange(height, dtype=np.float32) * math.sin(angle)
    position = y[:, None] + x[None, :]
    position = (position - position.min()) / max(float(np.ptp(position)), 1e-6)
    brightness = rng.uniform(0.05, 0.75)
    colours = [random_colour(min(0.9, brightness * rng.uniform(0.6, 1.6)), rng) for _ in range(rng.choice((2, 3)))]
    stops = np.linspace(0, len(colours) - 1, GRADIENT_LEVELS)
    table = np.stack([np.interp(stops, range(len(colours)), levels) for levels in zip(*colours, strict=True)], -1)
    smooth = Image.fromarray(table.round().astype(np.uint8)[(position * (GRADIENT_LEVELS - 1)).astype(np.int16)])
    return Image.blend(smooth, _noise(width, height, rng), rng.uniform(*NOISE_OPACITY))


def _noise(width: int, height: int, rng: random.Random) -> Image.Image:
    cell = max(width, height) * rng.uniform(*NOISE_CELL)
    columns, rows = math.ceil(width / cell) + 1, math.ceil(height / cell) + 1
    noise = Image.frombytes("RGB", (columns, rows), rng.randbytes(columns * rows * 3))
    return noise.resize((width, height), Image.Resampling.BICUBIC)
