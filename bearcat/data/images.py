"""Decoding and letterboxing: the one way from an image file to the network's input, and back for coordinates."""

import io
import struct
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from PIL import ExifTags, Image, ImageOps

from bearcat.core.errors import ImageError, ImageFormatError, ImageSizeError

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
FORMAT_OF_SUFFIX = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".gif": "GIF", ".bmp": "BMP", ".webp": "WEBP"}
SUFFIXES = frozenset(FORMAT_OF_SUFFIX)
MIN_SIDE = 4  # pixels
MAX_PIXELS = 16_000_000
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
PAPER = 255  # white, for padding and behind transparency
# exceptions that Pillow's decoders raise for damaged files
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)

Source = Path | bytes | Image.Image


@dataclass(frozen=True)
class InputSpec:
    """The network's input: height and width in pixels, and 1 (grey) or 3 (RGB) channels."""

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
        """Returns the input that the settings ask for."""
        return cls(settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH, settings.IMAGE_CHANNALS)


@dataclass(frozen=True)
class Placement:
    """The position of a letterboxed image: input = image · scale + (left, top), in pixels."""

    scale: float
    left: int
    top: int

    def to_image(self, x: float, y: float) -> tuple[float, float]:
        """Maps a point of the input to the original image."""
        return (x - self.left) / self.scale, (y - self.top) / self.scale

    def to_input(self, x: float, y: float) -> tuple[float, float]:
        """Maps a point of the original image to the input."""
        return x * self.scale + self.left, y * self.scale + self.top


def place(width: int, height: int, spec: InputSpec) -> Placement:
    """Returns the position of an image of this size in the input: centred, shrunk if too large, never enlarged."""
    scale = min(1.0, spec.width / width, spec.height / height)
    inner_width, inner_height = scaled_size(width, height, scale)
    return Placement(scale, (spec.width - inner_width) // 2, (spec.height - inner_height) // 2)


def scaled_size(width: int, height: int, scale: float) -> tuple[int, int]:
    """Returns a scaled size in whole pixels, at least 1×1."""
    return max(1, round(width * scale)), max(1, round(height * scale))


def letterbox(image: Image.Image, spec: InputSpec) -> np.ndarray:
    """Places an RGB image on white paper of the input's size, keeping its proportions.

    Packing, testing and serving all use this transform.

    Returns:
        Pixels (height, width, channels), uint8.
    """
    placement = place(*image.size, spec)
    image = image.convert("L" if spec.channels == 1 else "RGB")
    if placement.scale < 1:
        image = image.resize(scaled_size(*image.size, placement.scale), Image.Resampling.BILINEAR)
    paper = Image.new(image.mode, (spec.width, spec.height), PAPER if spec.channels == 1 else (PAPER,) * 3)
    paper.paste(image, (placement.left, placement.top))
    return np.asarray(paper, np.uint8).reshape(spec.shape)


def extract_pixels(source: Source, spec: InputSpec) -> np.ndarray:
    """Opens and letterboxes an image, given as a file, as bytes or opened; returns uint8 pixels (H, W, C)."""
    return letterbox(open_image(source), spec)


@dataclass(frozen=True)
class FileFacts:
    """Properties of an image file: Pillow's format and mode, and whether EXIF rotates or mirrors the image."""

    format: str
    mode: str
    turned: bool


def open_image(source: Source) -> Image.Image:
    """Opens an image as RGB.

    Takes the first frame, applies the EXIF orientation, puts transparent images on white, and reduces 16 bits to 8.
    An image that Pillow has already opened is converted in the same way.

    Raises:
        ImageFormatError: The source is not a PNG, JPEG, GIF, BMP or WEBP.
        ImageSizeError: The image has too many pixels; it is not decoded.
        ImageError: The image is damaged, too small or missing. All messages name the file, if there is one.
    """
    return open_with_facts(source)[0]


def open_with_facts(source: Source) -> tuple[Image.Image, FileFacts]:
    """Opens an image as `open_image` does, and returns the properties of its file too."""
    name = str(source) if isinstance(source, Path) else "the image"
    with _image_errors(name):
        try:
            with _opened(source) as image:
                _check_size(image, name)
                image.load()
                return _to_rgb(ImageOps.exif_transpose(image)), _facts(image)
        except Image.UnidentifiedImageError:
            raise ImageFormatError(f"{name} is not in a supported format ({', '.join(FORMATS)})") from None


def image_size(path: Path) -> tuple[int, int]:
    """Returns the width and height that `open_image` would give, read from the file's header only.

    Raises:
        ImageError: The file is not an image, or its header is damaged.
    """
    with _image_errors(str(path)), Image.open(path, formats=FORMATS) as image:
        sideways = image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
        return image.size[::-1] if sideways else image.size


@contextmanager
def _image_errors(name: str) -> Iterator[None]:
    """Turns what Pillow raises for an unreadable image into an ImageError that names it."""
    try:
        yield
    except Image.DecompressionBombError:
        raise ImageSizeError(f"{name} has too many pixels, at most {MAX_PIXELS:,} are accepted") from None
    except FileNotFoundError:
        raise ImageError(f"{name} does not exist") from None
    except _DAMAGE as error:
        if isinstance(error, PermissionError | IsADirectoryError):
            raise
        raise ImageError(f"{name} is damaged: {error}") from None


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
    if width * height > MAX_PIXELS:
        raise ImageSizeError(f"{name} has {width}×{height} pixels, at most {MAX_PIXELS:,} are accepted")
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{name} has {width}×{height} pixels, at least {MIN_SIDE}×{MIN_SIDE} are needed")


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
