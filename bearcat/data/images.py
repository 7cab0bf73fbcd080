"""From a file or bytes to what the network sees, and from its coordinates back to the image's."""

import io
import struct
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import ExifTags, Image, ImageOps

from bearcat.core.errors import ImageError, ImageFormatError, ImageSizeError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
FORMAT_OF_SUFFIX = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP"}
SUFFIXES = frozenset(FORMAT_OF_SUFFIX)
SMALLEST_SIDE = 4  # pixels
MOST_PIXELS = 16_000_000
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
PAPER = 255  # white: what padding and transparency become
# what Pillow's readers raise on damaged bytes
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)

Source = Path | bytes | Image.Image


@dataclass(frozen=True)
class InputSpec:
    """The size of what the network sees: height and width in pixels, 1 (grey) or 3 (RGB) channels."""

    height: int
    width: int
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    def as_dict(self) -> dict[str, int]:
        return asdict(self)

    @classmethod
    def from_settings(cls, settings: SimpleNamespace) -> "InputSpec":
        """Return what the settings ask for."""
        return cls(settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH, settings.IMAGE_CHANNALS)


@dataclass(frozen=True)
class Placement:
    """Where a letterboxed image lies: input = image · scale + (left, top), in pixels."""

    scale: float
    left: int
    top: int

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the input back to the image that was given."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of the image to the input."""
        return x * self.scale + self.left, y * self.scale + self.top


def place(width: int, height: int, spec: InputSpec) -> Placement:
    """Return where an image of this size goes: never enlarged, shrunk in proportion if too large, centred."""
    scale = min(1.0, spec.width / width, spec.height / height)
    inner_width, inner_height = scaled_size(width, height, scale)
    return Placement(scale, (spec.width - inner_width) // 2, (spec.height - inner_height) // 2)


def scaled_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Return the size in whole pixels, at least 1."""
    return max(1, round(width * scale)), max(1, round(height * scale))


def letterbox(image: Image.Image, spec: InputSpec) -> np.ndarray:
    """Return uint8 pixels (height, width, channels) of an RGB image placed on white paper.

    The one transform of packing, testing and serving.
    """
    placement = place(*image.size, spec)
    image = image.convert("L" if spec.channels == 1 else "RGB")
    if placement.scale < 1:
        image = image.resize(scaled_size(*image.size, placement.scale), Image.Resampling.BILINEAR)
    paper = Image.new(image.mode, (spec.width, spec.height), PAPER if spec.channels == 1 else (PAPER,) * 3)
    paper.paste(image, (placement.left, placement.top))
    return np.asarray(paper, np.uint8).reshape(spec.shape)


def extract_pixels(source: Source, spec: InputSpec) -> np.ndarray:
    """Return uint8 pixels (height, width, channels) of an image given as a file, as bytes or opened."""
    return letterbox(open_image(source), spec)


@dataclass(frozen=True)
class FileFacts:
    """What an image's file says of itself: Pillow's format and mode, and whether EXIF turns or mirrors it."""

    format: str
    mode: str
    turned: bool


def open_image(source: Source) -> Image.Image:
    """Return an image as RGB: first frame, turned as its EXIF says, transparency on white, 16 bits to 8.

    One that Pillow has opened already goes the same way, so that it looks the same.

    Raises as open_with_facts does.
    """
    return open_with_facts(source)[0]


def open_with_facts(source: Source) -> tuple[Image.Image, FileFacts]:
    """Return an image as open_image does, and what its file said of itself.

    Raises ImageFormatError for what is no PNG, JPEG, GIF, BMP or WEBP, ImageSizeError before too large an image
    is decoded, ImageError for a damaged one; each names the file where there is one.
    """
    name = str(source) if isinstance(source, Path) else "the image"
    try:
        with _opened(source) as image:
            _check_size(image, name)
            image.load()
            return _to_rgb(ImageOps.exif_transpose(image)), _facts(image)
    except Image.UnidentifiedImageError:
        raise ImageFormatError(f"{name} is no image in one of these formats: {', '.join(FORMATS)}") from None
    except Image.DecompressionBombError:
        raise ImageSizeError(f"{name} has too many pixels, at most {MOST_PIXELS:,} are accepted") from None
    except FileNotFoundError:
        raise ImageError(f"{name} is not there") from None
    except _DAMAGE as error:
        if isinstance(error, PermissionError | IsADirectoryError):
            raise
        raise ImageError(f"{name} is damaged: {error}") from None


def image_size(path: Path) -> tuple[int, int]:
    """Return width and height as open_image would give them, from the file's head alone.

    Raises ImageError for what is no image, or none whose head can be read.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
            return image.size[::-1] if turned else image.size
    except Image.DecompressionBombError:
        raise ImageSizeError(f"{path} has too many pixels, at most {MOST_PIXELS:,} are accepted") from None
    except FileNotFoundError:
        raise ImageError(f"{path} is not there") from None
    except _DAMAGE as error:
        if isinstance(error, PermissionError | IsADirectoryError):
            raise
        raise ImageError(f"{path} is damaged: {error}") from None


def _opened(source: Source) -> AbstractContextManager[Image.Image]:
    if isinstance(source, Image.Image):
        return nullcontext(source)
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=FORMATS)


def _facts(image: Image.Image) -> FileFacts:
    # a JPEG with a second image behind the first calls itself MPO
    name = "JPEG" if image.format == "MPO" else image.format or ""
    return FileFacts(name, image.mode, image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9))


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ImageSizeError(f"{name} has {width}×{height} pixels, at most {MOST_PIXELS:,} are accepted")
    if min(width, height) < SMALLEST_SIDE:
        raise ImageError(f"{name} has {width}×{height} pixels, at least {SMALLEST_SIDE}×{SMALLEST_SIDE} are needed")


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        transparent = image.info.get("transparency")
        image = Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) // 257).astype(np.uint8))
        if isinstance(transparent, int):
            image.info["transparency"] = transparent // 257
    if image.has_transparency_data:
        image = image.convert("RGBA")
        paper = Image.new("RGBA", image.size, (PAPER,) * 4)
        image = Image.alpha_composite(paper, image)
    return image.convert("RGB")
