"""Enhancement before training: copies of an image with small random changes, written beside the original."""

import hashlib
import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from bearcat.core.files import written_beside
from bearcat.data.images import open_image

BLUR = 0.8  # pixels, the Gaussian's standard deviation
NOISE = 8.0  # grey levels, standard deviation
MOST_DRIFT = 0.1  # a turn or a shear moves no edge further than this share: the ends of a long line stay inside
MIDDLE = 127.5  # grey level
_COPY = "{stem}-{suffix}-enhanced-{number}.png"
_IS_COPY = re.compile(r".*-enhanced-[0-9]+\.png", re.DOTALL)


def is_enhanced(path: Path) -> bool:
    """Tell by its name whether an image is a copy that `enhanced_copies` wrote."""
    return bool(_IS_COPY.fullmatch(path.name))


def origin_of(name: str) -> str:
    """Return what the name of an image and the names of its copies have in common."""
    stem, _, rest = name.rpartition("-enhanced-")
    return stem if rest and _IS_COPY.fullmatch(name) else "-".join(name.rsplit(".", 1))


def enhanced_copies(source_path: Path, folder: Path, count: int, seed: int) -> list[Path]:
    """Return the `count` copies of an image in `folder`, changed at random; write those that are not there yet.

    One that is older than its image is written anew. ab3d_0001.jpg gives ab3d_0001-jpg-enhanced-1.png and so on, and
    each hangs on the seed, the two names and the image alone. A copy has no copies. Raises ImageError where the
    image cannot be opened.
    """
    if is_enhanced(source_path):
        return []
    copies = [
        folder / _COPY.format(stem=source_path.stem, suffix=source_path.suffix[1:], number=number)
        for number in range(1, count + 1)
    ]
    changed = source_path.stat().st_mtime
    missing = [path for path in copies if not path.exists() or path.stat().st_mtime < changed]
    image = open_image(source_path) if missing else None
    for path in missing:
        # thousands of small files that can be made again: no waiting for the disk
        with written_beside(path, sync=False) as part:
            enhance(image, _generator(f"{seed}/{source_path.name}/{path.name}")).save(part)
    return copies


def _generator(text: str) -> np.random.Generator:
    return np.random.default_rng(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest()))


def enhance(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Return an RGB image of the same size, a little warped, in another light, and slightly blurred or noisy.

    A person still reads it; it is never mirrored, and grey stays grey.
    """
    finish = (_blur, _add_noise)[generator.integers(2)]
    return finish(_change_light(_warp(image, generator), generator), generator)


def _warp(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    """Turn, stretch, shear and shift about the centre; what comes in from outside repeats the edge's pixels."""
    size = np.array(image.size)
    linear, shift = _random_map(*image.size, generator)
    offset = size / 2 + shift - linear @ (size / 2)
    # Pillow fills what lies outside with one colour, so the edges are repeated as far as the map reaches
    reach = np.abs(linear - np.eye(2)) @ (size / 2) + np.abs(shift)
    margin_x, margin_y = (np.ceil(reach).astype(int) + 1).tolist()
    padded = np.pad(np.asarray(image), ((margin_y, margin_y), (margin_x, margin_x), (0, 0)), mode="edge")
    rows = np.column_stack([linear, np.add(offset, (margin_x, margin_y))])
    return Image.fromarray(padded).transform(
        image.size, Image.Transform.AFFINE, rows.ravel().tolist(), Image.Resampling.BILINEAR
    )


def _random_map(width: int, height: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the linear part (2, 2) and the shift (2,) in pixels of a map from output to input points (x, y)."""
    turn = _uniform(generator, min(TURN, 2 * MOST_DRIFT * min(width, height) / max(width, height)))
    shear = _uniform(generator, min(SHEAR, 2 * MOST_DRIFT * width / height))
    scale_x, scale_y = 1 + _uniform(generator, SCALE), 1 + _uniform(generator, SCALE)
    linear = [[math.cos(turn) * scale_x, shear - math.sin(turn)], [math.sin(turn), math.cos(turn) * scale_y]]
    return np.array(linear), np.array([_uniform(generator, SHIFT_X * width), _uniform(generator, SHIFT_Y * height)])


def _change_light(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    contrast = math.exp(_uniform(generator, math.log1p(CONTRAST)))
    brightness = _uniform(generator, BRIGHTNESS)
    return image.point([_level((level - MIDDLE) * contrast + MIDDLE + brightness) for level in range(256)] * 3)


def _blur(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(generator.uniform(0, BLUR)))


def _add_noise(image: Image.Image, generator: np.random.Generator) -> Image.Image:
    # the same for all channels, or a grey image would become a coloured one
    noise = generator.standard_normal((image.height, image.width, 1), np.float32) * generator.uniform(0, NOISE)
    return Image.fromarray((np.asarray(image) + noise).round().clip(0, 255).astype(np.uint8))


def _uniform(generator: np.random.Generator, limit: float) -> float:
    return generator.uniform(-limit, limit)


def _level(value: float) -> int:
    return round(min(255.0, max(0.0, value)))


# ---- merged from augment_limits: How far each random change of an image may go, so that a person still reads the text at the first glance.


TURN = 0.08  # radians
SCALE = 0.10  # share of the size
SHEAR = 0.15  # pixels to the side for each pixel down
SHIFT_X, SHIFT_Y = 0.04, 0.06  # shares of the width and the height
CONTRAST = 0.2  # share
BRIGHTNESS = 20.0  # grey levels


def affine_rows(uniform: Callable, cos: Callable, sin: Callable, height: int, width: int) -> list:
    """Return the six numbers of random maps from output to input pixels about the centre of images.

    `uniform(limit)` draws from −limit … limit, in arrays of a library whose cosine and sine the others are.
    """
    turn = uniform(TURN)
    a0 = cos(turn) * (1 + uniform(SCALE))
    a1 = -sin(turn) + uniform(SHEAR)
    b0 = sin(turn)
    b1 = cos(turn) * (1 + uniform(SCALE))
    centre_x, centre_y = (width - 1) / 2, (height - 1) / 2
    a2 = centre_x - a0 * centre_x - a1 * centre_y + uniform(SHIFT_X * width)
    b2 = centre_y - b0 * centre_x - b1 * centre_y + uniform(SHIFT_Y * height)
    return [a0, a1, a2, b0, b1, b2]
