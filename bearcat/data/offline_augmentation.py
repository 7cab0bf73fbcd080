"""Offline augmentation: copies of images with small random changes, written before training (DATA_ENHANCEMENT).

The limits of the changes also hold for the augmentation while training: a person still reads the text at a glance.
"""

import hashlib
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from bearcat.core.errors import ImageError
from bearcat.core.files import atomic_write
from bearcat.core.names import encode_name
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.frames import FIRST
from bearcat.data.images import open_image
from bearcat.data.labels.reading import LabelledImage

ROTATION = 0.08  # radians
SCALE = 0.10  # fraction of the size
SHEAR = 0.15  # pixels to the side per pixel down
SHIFT_X, SHIFT_Y = 0.04, 0.06  # fractions of the width and the height
CONTRAST = 0.2  # fraction
BRIGHTNESS = 20.0  # grey levels
BLUR = 0.8  # pixels, standard deviation of the Gaussian
NOISE = 8.0  # grey levels, standard deviation
MAX_DRIFT = 0.1  # rotation and shear move no edge further than this fraction, so the ends of a long line stay inside
MID_GREY = 127.5
_COPY = "{stem}-{suffix}-enhanced-{frames}{number}.png"
_IS_COPY = re.compile(r".*-enhanced-([a-z]+-)?[0-9]+\.png", re.DOTALL)


def is_augmented(path: Path) -> bool:
    """Whether an image's name is that of an augmented copy."""
    return bool(_IS_COPY.fullmatch(path.name))


def origin_of(name: str) -> str:
    """Returns an identifier that an image and its augmented copies share, from the name of any of them."""
    stem, _, rest = name.rpartition("-enhanced-")
    return stem if rest and _IS_COPY.fullmatch(name) else "-".join(name.rsplit(".", 1))


def augment_data_set(
    data: list[LabelledImage], folder: Path, count: int, seed: int, frames: str = FIRST
) -> list[LabelledImage]:
    """Writes augmented copies of each image to a folder; copies that exist are kept.

    Args:
        data: The images. Augmented copies among them and damaged images get no copies.
        folder: Where the copies go.
        count: Number of copies per image.
        seed: Seed of the random changes.
        frames: What becomes of an animation, a name in `frames.FRAMES`.

    Returns:
        The copies with their images' labels.
    """

    def write(item: LabelledImage) -> list[LabelledImage]:
        try:
            copies = write_copies(item.path, folder / item.inside, count, seed, frames)
        except ImageError:
            return []  # packing reports it
        return [LabelledImage(path, item.label, item.inside) for path in copies]

    originals = [item for item in data if not is_augmented(item.path)]
    copies = show_progress(map_in_threads(write, originals), len(originals), f"writing {folder.name}")
    return [copy for of_one in copies for copy in of_one]


def write_copies(source: Path, folder: Path, count: int, seed: int, frames: str = FIRST) -> list[Path]:
    """Writes the missing or outdated augmented copies of an image.

    A copy depends only on the seed, the image, the image's file name and its own: ab3d_0001.jpg gives
    ab3d_0001-jpg-enhanced-1.png, …-2.png; and ab3d_0001.gif with FRAMES = 'last' ab3d_0001-gif-enhanced-last-1.png.

    Returns:
        The paths of all `count` copies; none if the image is itself a copy.

    Raises:
        ImageError: The image cannot be opened.
    """
    if is_augmented(source):
        return []
    names = {"stem": source.stem, "suffix": source.suffix[1:], "frames": "" if frames == FIRST else f"{frames}-"}
    copies = [folder / _COPY.format(**names, number=number) for number in range(1, count + 1)]
    changed = source.stat().st_mtime
    missing = [path for path in copies if not path.exists() or path.stat().st_mtime < changed]
    if not missing:
        return copies
    image = open_image(source, frames)
    for path in missing:
        # thousands of small files that can be made again: no fsync
        with atomic_write(path, sync=False) as part:
            augment(image, _generator(f"{seed}/{source.name}/{path.name}")).save(part)
    return copies


def _generator(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(encode_name(text), digest_size=16).digest()))


def augment(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Randomly warps an RGB image, changes its contrast and brightness, and blurs it or adds noise.

    The size stays, grey stays grey, and nothing is mirrored.
    """
    finish = (_blur, _add_noise)[generator.integers(2)]
    return finish(_change_light(_warp(image, generator), generator), generator)


def affine_coefficients(uniform: Callable, cos: Callable, sin: Callable, height: int, width: int) -> list:
    """Returns random affine maps from output to input pixels about the images' centre, for any array library.

    Args:
        uniform: `uniform(limit)` draws an array from −limit … limit, one value per image.
        cos: The library's cosine.
        sin: The library's sine.
        height: Height of the images in pixels.
        width: Width of the images in pixels.

    Returns:
        The coefficients [a0, a1, a2, b0, b1, b2] of x' = a0 x + a1 y + a2, y' = b0 x + b1 y + b2.
    """
    angle = uniform(ROTATION)
    a0 = cos(angle) * (1 + uniform(SCALE))
    a1 = -sin(angle) + uniform(SHEAR)
    b0 = sin(angle)
    b1 = cos(angle) * (1 + uniform(SCALE))
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + uniform(SHIFT_X * width)
    b2 = centre_y - b0 * centre_x - b1 * centre_y + uniform(SHIFT_Y * height)
    return [a0, a1, a2, b0, b1, b2]


def _warp(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Rotates, scales, shears and shifts about the centre; pixels from outside repeat the edge."""
    size = np.array(image.size)
    linear, shift = _random_map(*image.size, generator)
    offset = size / 2 + shift - linear @ (size / 2)
    # Pillow fills the outside with one colour, so the edges are padded as far as the map reaches
    reach = np.abs(linear - np.eye(2)) @ (size / 2) + np.abs(shift)
    margin_x, margin_y = (np.ceil(reach).astype(int) + 1).tolist()
    padded = np.pad(np.asarray(image), ((margin_y, margin_y), (margin_x, margin_x), (0, 0)), mode="edge")
    rows = np.column_stack([linear, np.add(offset, (margin_x, margin_y))])
    return Image.fromarray(padded).transform(
        image.size, Image.Transform.AFFINE, rows.ravel().tolist(), Image.Resampling.BILINEAR
    )


def _random_map(width: int, height: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Returns the linear part (2, 2) and the shift (2,), in pixels, of a map from output to input points (x, y)."""
    angle = _uniform(generator, min(ROTATION, 2 * MAX_DRIFT * min(width, height) / max(width, height)))
    shear = _uniform(generator, min(SHEAR, 2 * MAX_DRIFT * width / height))
    scale_x, scale_y = 1 + _uniform(generator, SCALE), 1 + _uniform(generator, SCALE)
    linear = [[math.cos(angle) * scale_x, shear - math.sin(angle)], [math.sin(angle), math.cos(angle) * scale_y]]
    return np.array(linear), np.array([_uniform(generator, SHIFT_X * width), _uniform(generator, SHIFT_Y * height)])


def _change_light(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    contrast = math.exp(_uniform(generator, math.log1p(CONTRAST)))
    brightness = _uniform(generator, BRIGHTNESS)
    return image.point([_level((level - MID_GREY) * contrast + MID_GREY + brightness) for level in range(256)] * 3)


def _blur(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(generator.uniform(0, BLUR)))


def _add_noise(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    # the same for all channels, so that grey stays grey
    noise = generator.standard_normal((image.height, image.width, 1), np.float32) * generator.uniform(0, NOISE)
    return Image.fromarray((np.asarray(image) + noise).round().clip(0, 255).astype(np.uint8))


def _uniform(generator: np.random.Generator, limit: float) -> float:
    return generator.uniform(-limit, limit)


def _level(value: float) -> int:
    return round(min(255.0, max(0.0, value)))
