"""Decoding and letterboxing: the one way from an image file to the network's input, and back for coordinates.

Also what can be said of images: their sizes and colours, and whether one is blank.
"""

import io
import math
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import numpy as np
from PIL import ExifTags, Image, ImageOps

from bearcat.core.errors import ImageError, ImageFormatError, ImageSizeError
from bearcat.core.names import show_name
from bearcat.data.frames import FIRST, FRAMES, MAX_FRAMES, SPREAD, combine_frames, evenly_spaced
from bearcat.data.layouts.arrangement import LAYOUTS, LINE, arrange

FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
SERVED_FORMATS = FORMATS[:-1]  # no web page shows TIFF, and its decoder is the one with the most known faults
FORMAT_OF_SUFFIX = {
    ".png": "PNG",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jfif": "JPEG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".webp": "WEBP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
}
SUFFIXES = frozenset(FORMAT_OF_SUFFIX)
ANIMATED_FORMATS = ("GIF", "PNG", "WEBP", "TIFF")
TIFF_STARTS = (b"II", b"MM")  # no other of the formats starts with these bytes
MIN_SIDE = 4  # pixels
MAX_PIXELS = 16_000_000
SIDEWAYS = (5, 6, 7, 8)  # EXIF orientations that swap width and height
PAPER = 255  # white, for padding and behind transparency
DARK_PAPER = 0  # behind transparency, for ink that cannot be seen on white
SEEN_ON_WHITE = 0.1  # fraction of the contrast on black that ink has on white; with less it gets black paper
BLANK_RANGE = 8  # levels of 255 by which the pixels of a blank image may differ
COLOUR_STEP = 32  # levels by which R − G or B − G of a pixel differ from the image's median, to be called coloured
COLOURED_AREA = 0.005  # of an image: less is noise
COLOURED_PIXELS = 2**18  # of an image, about, that are looked at for colour: all of those of a captcha
COLOUR, GREY = COLOURS = ("colour", "grey")
KINDS_SAMPLE = 100  # images of a set that are opened for `ImageKinds`
MOST_SIZES = 8
SIZES_SHOWN = 3  # in a message
RARE = 0.05  # of the most common size or colour: a rarer one is that of a few stray images
# exceptions that Pillow's decoders raise for damaged files
_DAMAGE = (OSError, ValueError, SyntaxError, EOFError, IndexError, KeyError, TypeError, struct.error)

Source = Path | bytes | Image.Image
# field of an InputSpec that is stored only if it is not the default → that, and all values
_CHOICES: dict[str, tuple[str, Mapping[str, object]]] = {"frames": (FIRST, FRAMES), "layout": (LINE, LAYOUTS)}
Value = TypeVar("Value")


@dataclass(frozen=True)
class InputSpec:
    """The network's input.

    Args:
        height: Height in pixels.
        width: Width in pixels.
        channels: 1 (grey) or 3 (RGB).
        frames: What becomes of an animation, a name in `frames.FRAMES`.
        layout: How the text is arranged as the line that the network reads, a name in `arrangement.LAYOUTS`.
    """

    height: int
    width: int
    channels: int
    frames: str = FIRST
    layout: str = LINE

    @property
    def shape(self) -> tuple[int, int, int]:
        return self.height, self.width, self.channels

    def __str__(self) -> str:
        size = "×".join(map(str, self.shape))
        chosen = ", ".join(f"{name.upper()} = {value!r}" for name, value in self._choices().items())
        return f"{size} ({chosen})" if chosen else size

    def _choices(self) -> dict[str, str]:
        values = {name: getattr(self, name) for name in _CHOICES}
        return {name: value for name, value in values.items() if value != _CHOICES[name][0]}

    def as_dict(self) -> dict[str, int | str]:
        """Returns the fields as cards and packs store them: without `frames` if it is 'first', `layout` if 'line'."""
        sizes = {name: value for name, value in asdict(self).items() if name not in _CHOICES}
        return sizes | self._choices()

    @classmethod
    def take_from(cls, values: dict) -> "InputSpec":
        """Removes the keys of `as_dict` from a card or the index of a pack and returns them as an InputSpec.

        Raises:
            KeyError: One is missing.
            ValueError: `frames` is not a name in FRAMES, or `layout` none in LAYOUTS.
        """
        chosen = {name: values.pop(name, default) for name, (default, _) in _CHOICES.items()}
        for name, value in chosen.items():
            if value not in (known := _CHOICES[name][1]):
                raise ValueError(f"{name} is {value!r}, known are {', '.join(known)}")
        return cls(**{item.name: values.pop(item.name) for item in fields(cls) if item.name not in _CHOICES}, **chosen)

    @classmethod
    def from_settings(cls, settings: SimpleNamespace) -> "InputSpec":
        """Returns the input that the settings ask for."""
        size = settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH, settings.IMAGE_CHANNALS
        return cls(*size, settings.FRAMES, settings.LAYOUT)


@dataclass(frozen=True)
class ImageKind:
    """The size of an image as it was sent, in pixels, and whether it is COLOUR or GREY."""

    width: int
    height: int
    colour: str

    def __str__(self) -> str:
        return f"{self.width}×{self.height} in {self.colour}"


@dataclass(frozen=True)
class ImageKinds:
    """The sizes and colours of a set of images.

    Args:
        sizes: Width and height in pixels, the most common size first; empty if nothing is known.
        colours: What they are of COLOURS.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    colours: tuple[str, ...] = ()

    @classmethod
    def of_files(cls, paths: Sequence[Path]) -> "ImageKinds":
        """Returns the sizes and colours of a sample of image files; unreadable ones are left out."""
        kinds = []
        for number in evenly_spaced(len(paths), KINDS_SAMPLE):
            with suppress(ImageError):
                kinds.append(image_kind(paths[number]))
        sizes = _most_common([(kind.width, kind.height) for kind in kinds])
        colours = _most_common([kind.colour for kind in kinds])
        return cls(tuple(sizes[:MOST_SIZES]), tuple(colour for colour in COLOURS if colour in colours))

    def __str__(self) -> str:
        shown = [f"{width}×{height}" for width, height in self.sizes[:SIZES_SHOWN]]
        shown += ["…"] if len(self.sizes) > SIZES_SHOWN else []
        return f"{', '.join(shown)} in {' or '.join(self.colours)}"

    def as_dict(self) -> dict[str, object]:
        """Returns what cards and the indices of packs store: nothing if nothing is known."""
        if not self.sizes:
            return {}
        return {"image_sizes": [list(size) for size in self.sizes], "image_colours": list(self.colours)}

    @classmethod
    def take_from(cls, values: dict) -> "ImageKinds":
        """Removes the keys of `as_dict` from a card or the index of a pack and returns them as ImageKinds.

        Raises:
            ValueError: They are not as `as_dict` writes them.
        """
        sizes, colours = values.pop("image_sizes", []), values.pop("image_colours", [])
        try:
            kinds = cls(tuple((width, height) for width, height in sizes), tuple(colours))
        except TypeError:
            raise ValueError(f"image_sizes is {sizes!r:.60}, image_colours {colours!r:.60}") from None
        if not all(type(side) is int and side > 0 for size in kinds.sizes for side in size):
            raise ValueError(f"image_sizes is {sizes!r:.60}")
        if bool(kinds.sizes) != bool(kinds.colours) or not set(kinds.colours) <= set(COLOURS):
            raise ValueError(f"image_colours is {colours!r:.60}")
        return kinds


UNKNOWN_KINDS = ImageKinds()


def _most_common(values: Iterable[Value]) -> list[Value]:
    """Returns the different values, the most common first, without those that are RARE compared with it."""
    counts = Counter(values).most_common()
    return [value for value, count in counts if count >= RARE * counts[0][1]]


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
    """Opens, arranges and letterboxes an image, a file, bytes or opened; returns uint8 pixels (H, W, C)."""
    return letterbox(arrange(open_image(source, spec.frames), spec.layout), spec)


@dataclass(frozen=True)
class FileFacts:
    """Properties of an image file: Pillow's format and mode, and whether EXIF rotates or mirrors the image."""

    format: str
    mode: str
    turned: bool


def open_image(source: Source, frames: str = FIRST) -> Image.Image:
    """Opens an image as RGB.

    Applies the EXIF orientation, puts transparent images on white (on black if nothing could be seen on white), and
    reduces 16 bits to 8. An image that Pillow has already opened is converted in the same way.

    Args:
        source: The image.
        frames: What becomes of an animation, a name in `frames.FRAMES`.

    Raises:
        ImageFormatError: The source has none of the FORMATS, or, if it is bytes, of the SERVED_FORMATS.
        ImageSizeError: The image has too many pixels; it is not decoded.
        ImageError: The image is damaged, too small or missing. All messages name the file, if there is one.
    """
    return open_with_facts(source, frames)[0]


def open_with_facts(source: Source, frames: str = FIRST) -> tuple[Image.Image, FileFacts]:
    """Opens an image as `open_image` does, and returns the properties of its file too."""
    opened, facts = _open_frames(source, 1 if frames == FIRST else MAX_FRAMES)
    return combine_frames(opened, frames), facts


def open_frames(source: Source) -> tuple[list[Image.Image], FileFacts]:
    """Opens the frames of an image as `open_image` opens the first, and returns the properties of its file too.

    Of an animation at most MAX_FRAMES frames and MAX_PIXELS pixels in all are decoded. It ends before a frame that is
    damaged; pages of another size than the first are left out.
    """
    return _open_frames(source, MAX_FRAMES)


def _open_frames(source: Source, most: int) -> tuple[list[Image.Image], FileFacts]:
    name = show_name(source) if isinstance(source, Path) else "the image"
    with _image_errors(name):
        try:
            with _opened(source) as image:
                _check_size(image, name)
                turned = _is_turned(image)  # Pillow forgets the orientation of a TIFF when it loads the pixels
                image.load()
                # a JPEG with a second image behind the first calls itself MPO
                form = "JPEG" if image.format == "MPO" else image.format or ""
                facts = FileFacts(form, image.mode, turned or _is_turned(image))
                frames = [ImageOps.exif_transpose(image)]
                if most > 1 and form in ANIMATED_FORMATS:
                    frames += _further_frames(image, most)
                return _all_to_rgb(frames), facts
        except Image.UnidentifiedImageError:
            raise ImageFormatError(f"{name} is not in a supported format ({', '.join(_formats(source))})") from None


def _further_frames(image: Image.Image, most: int) -> Iterator[Image.Image]:
    """Yields the frames after the current one of an opened image."""
    start, size = image.tell(), image.size
    pixels = size[0] * size[1]
    try:
        for number in range(start + 1, start + most):
            image.seek(number)
            pixels += image.size[0] * image.size[1]
            if pixels > MAX_PIXELS:
                break
            image.load()
            if image.size == size:
                yield ImageOps.exif_transpose(image)
    except _DAMAGE:  # EOFError: there are no more
        pass
    finally:
        with suppress(*_DAMAGE):
            image.seek(start)


def refuse_unserved(file: Path) -> None:
    """Raises ImageFormatError for a file that strangers may have sent and whose format is not served."""
    with _image_errors(show_name(file)), file.open("rb") as content:
        if content.read(2) in TIFF_STARTS:
            raise ImageFormatError(f"{show_name(file)} is not in a supported format ({', '.join(SERVED_FORMATS)})")


def image_size(path: Path) -> tuple[int, int]:
    """Returns the width and height that `open_image` would give, read from the file's header only.

    Raises:
        ImageError: The file is not an image, or its header is damaged.
    """
    with _image_errors(show_name(path)), Image.open(path, formats=FORMATS) as image:
        # the size of a TIFF is already that of the upright image
        sideways = image.format != "TIFF" and image.getexif().get(ExifTags.Base.Orientation) in SIDEWAYS
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
    return Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_formats(source))


def _formats(source: Source) -> tuple[str, ...]:
    # a request brings bytes, a data set files
    return SERVED_FORMATS if isinstance(source, bytes) else FORMATS


def _is_turned(image: Image.Image) -> bool:
    return image.getexif().get(ExifTags.Base.Orientation, 1) in range(2, 9)


def _check_size(image: Image.Image, name: str) -> None:
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageSizeError(f"{name} has {width}×{height} pixels, at most {MAX_PIXELS:,} are accepted")
    if min(width, height) < MIN_SIDE:
        raise ImageError(f"{name} has {width}×{height} pixels, at least {MIN_SIDE}×{MIN_SIDE} are needed")


def _all_to_rgb(frames: Iterable[Image.Image]) -> list[Image.Image]:
    """Converts the frames of an image to RGB, all on the same paper."""
    frames = [_to_8_bits(frame) for frame in frames]
    paper = _choose_paper([frame for frame in frames if frame.mode == "RGBA"])
    return [_on_paper(frame, paper) if frame.mode == "RGBA" else frame.convert("RGB") for frame in frames]


def _to_8_bits(image: Image.Image) -> Image.Image:
    """Returns an image with 8 bits per channel, as RGBA if it has transparency."""
    if image.mode.startswith("I"):
        transparent = image.info.get("transparency")
        image = Image.fromarray((np.asarray(image, np.int64).clip(0, 65535) // 257).astype(np.uint8))
        if isinstance(transparent, int):
            image.info["transparency"] = transparent // 257
    elif image.mode == "F" and np.asarray(image).max() <= 1:
        image = Image.fromarray((np.asarray(image).clip(0, 1) * 255).round().astype(np.uint8))
    return image.convert("RGBA") if image.has_transparency_data else image


def _on_paper(image: Image.Image, paper: int) -> Image.Image:
    return Image.alpha_composite(Image.new("RGBA", image.size, (paper, paper, paper, 255)), image).convert("RGB")


def _choose_paper(frames: Sequence[Image.Image]) -> int:
    """Returns the grey level to put RGBA frames on: white, unless they have next to no contrast on it but on black."""
    if all(frame.getchannel("A").getextrema()[0] == 255 for frame in frames):
        return PAPER  # nothing of it will be seen
    on_white, on_black = (sum(_contrast(_on_paper(frame, paper)) for frame in frames) for paper in (PAPER, DARK_PAPER))
    return DARK_PAPER if on_white < SEEN_ON_WHITE * on_black else PAPER


def _contrast(image: Image.Image) -> int:
    """Returns the sum of the differences between neighbouring pixels, in grey levels."""
    grey = np.asarray(image.convert("L"), np.int16)
    return sum(int(np.abs(np.diff(grey, axis=axis)).sum(dtype=np.int64)) for axis in (0, 1))


def image_kind(source: Source) -> ImageKind:
    """Returns the size and colour of an image, for which all frames of an animation count; raises as `open_image`."""
    frames, _ = open_frames(source)
    pixels = np.asarray(combine_frames(frames, SPREAD))
    step = math.isqrt(max(1, pixels[..., 0].size // COLOURED_PIXELS))
    return ImageKind(*frames[0].size, COLOUR if is_coloured(pixels[::step, ::step]) else GREY)


def is_coloured(pixels: np.ndarray) -> bool:
    """Whether hue or saturation differ within RGB pixels (H, W, 3); a tint that covers all of them does not count."""
    pixels = pixels.astype(np.int16)
    tints = (pixels[..., ::2] - pixels[..., 1:2]).reshape(-1, 2)
    differences = np.abs(tints - np.median(tints, axis=0)).max(axis=1)
    return bool((differences > COLOUR_STEP).mean() >= COLOURED_AREA)


def is_blank(image: Image.Image) -> bool:
    """Whether an RGB image is of one colour, or so nearly that nothing can be seen."""
    return _is_flat(np.asarray(image))


def is_blank_input(pixels: np.ndarray, source: Source, spec: InputSpec) -> bool:
    """Whether nothing can be seen in what the network gets of an image.

    Args:
        pixels: The network's input, uint8 (H, W, C).
        source: The image, which is opened only if its pixels may be one colour within white margins.
        spec: The network's input.
    """
    if _is_flat(pixels):
        return True
    rows, columns = (np.flatnonzero((pixels != PAPER).any(axis=(axis, 2))) for axis in (1, 0))
    inside = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return _is_flat(inside) and is_blank(open_image(source, spec.frames))


def _is_flat(pixels: np.ndarray) -> bool:
    return bool(np.ptp(pixels, axis=(0, 1)).max() <= BLANK_RANGE)
