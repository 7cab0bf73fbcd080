"""Images: all formats are read alike, damaged files are named, and the letterbox can be inverted."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import ImageError, ImageFormatError, ImageSizeError
from bearcat.data.images import MAX_PIXELS, PAPER, InputSpec, extract_pixels, letterbox, open_image, place


def noise(width: int, height: int) -> Image.Image:
    """Returns an RGB image of random pixels without white."""
    return Image.fromarray(np.random.default_rng(0).integers(0, 200, (height, width, 3), np.uint8))


def encoded(image: Image.Image, form: str, **options) -> bytes:
    """Returns the file content of an image."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png(width: int, height: int, depth: int, colour_type: int, lines: bytes) -> bytes:
    """Returns a PNG made from raw lines, of a kind that Pillow does not write."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, colour_type, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("channels", [1, 3])
def test_an_image_of_the_input_size_keeps_its_exact_pixels(channels: int):
    image = noise(12, 9)
    expected = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(9, 12, channels)
    np.testing.assert_array_equal(letterbox(image, InputSpec(9, 12, channels)), expected)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_smaller_image_is_not_enlarged_but_centred_on_white(channels: int):
    image = noise(6, 5)
    pixels = letterbox(image, InputSpec(11, 20, channels))
    expected = np.full((11, 20, channels), PAPER, np.uint8)
    expected[3:8, 7:13] = np.asarray(image.convert("L" if channels == 1 else "RGB")).reshape(5, 6, channels)
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("size", "inner"),
    [
        ((200, 60), (100, 30)),
        ((100, 120), (50, 60)),
        ((150, 90), (100, 60)),
        ((1000, 4), (100, 1)),
        ((4, 600), (1, 60)),
    ],
)
def test_a_larger_image_is_shrunk_in_proportion(size: tuple[int, int], inner: tuple[int, int]):
    pixels = letterbox(Image.new("RGB", size), InputSpec(60, 100, 1))[:, :, 0]
    rows, columns = np.nonzero(pixels == 0)
    assert (np.ptp(columns) + 1, np.ptp(rows) + 1) == inner
    assert abs((columns.min() + columns.max()) - 99) <= 1
    assert abs((rows.min() + rows.max()) - 59) <= 1
    assert (pixels == 0).sum() == inner[0] * inner[1]


@pytest.mark.parametrize("size", [(10, 10), (100, 60), (333, 77), (50, 500)])
def test_points_are_mapped_to_the_input_and_back(size: tuple[int, int]):
    placement = place(*size, InputSpec(60, 100, 3))
    for point in [(0, 0), size, (size[0] / 3, size[1] * 0.7)]:
        x, y = placement.to_input(*point)
        assert -0.51 <= x <= 100.51
        assert -0.51 <= y <= 60.51
        assert placement.to_image(x, y) == pytest.approx(point)


def test_the_placement_locates_a_mark_of_the_image():
    image = Image.new("RGB", (200, 60), "white")
    image.paste("black", (100, 20, 120, 40))
    spec = InputSpec(60, 100, 1)
    rows, columns = np.nonzero(letterbox(image, spec)[:, :, 0] < 128)
    placement = place(200, 60, spec)
    assert placement.to_input(100, 20) == pytest.approx((columns.min(), rows.min()), abs=1)
    assert placement.to_input(120, 40) == pytest.approx((columns.max() + 1, rows.max() + 1), abs=1)


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "WEBP"])
def test_a_lossless_format_gives_its_exact_pixels_as_file_and_as_bytes(tmp_path: Path, form: str):
    image = Image.new("RGB", (8, 6), (10, 200, 30))
    image.paste((250, 0, 90), (2, 1, 5, 4))
    content = encoded(image, form, **{"lossless": True} if form == "WEBP" else {})
    path = tmp_path / "ab_1.dat"
    path.write_bytes(content)
    for source in (content, path):
        opened = open_image(source)
        assert opened.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(opened), np.asarray(image))


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_of_any_colour_space_becomes_rgb(mode: str):
    image = Image.new("RGB", (16, 16), (200, 120, 40)).convert(mode)
    opened = open_image(encoded(image, "JPEG", quality=95))
    assert opened.mode == "RGB"
    np.testing.assert_allclose(np.asarray(opened, int), np.asarray(image.convert("RGB"), int), atol=4)


def test_an_animation_gives_its_first_frame():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    for form in ("GIF", "WEBP"):
        content = encoded(frames[0], form, save_all=True, append_images=frames[1:], lossless=True)
        assert open_image(content).getpixel((4, 4)) == pytest.approx((255, 0, 0), abs=2)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_becomes_white_and_the_rest_stays(mode: str):
    if mode == "P":
        image = Image.new("P", (8, 8), 0)
        image.putpalette([0, 0, 0, 90, 90, 90])
        image.paste(1, (4, 0, 8, 8))
        content = encoded(image, "PNG", transparency=0)
    else:
        image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
        image.paste((90, 90, 90, 255), (4, 0, 8, 8))
        content = encoded(image.convert(mode), "PNG")
    opened = open_image(content)
    assert opened.mode == "RGB"
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((4, 0)) == (90, 90, 90)


def test_partial_transparency_is_blended_with_white():
    opened = open_image(encoded(Image.new("RGBA", (4, 4), (0, 100, 255, 51)), "PNG"))
    assert opened.getpixel((0, 0)) == pytest.approx((204, 224, 255), abs=1)


def test_16_bit_grey_becomes_8_bit():
    line = b"\0" + struct.pack(">4H", 0, 257, 257 * 200 + 256, 65535)
    opened = open_image(png(4, 4, 16, 0, line * 4))
    assert [opened.getpixel((x, 3)) for x in range(4)] == [(0,) * 3, (1,) * 3, (200,) * 3, (255,) * 3]


def test_1_bit_becomes_black_and_white():
    opened = open_image(png(4, 4, 1, 0, b"\0\x50" * 4))
    assert [opened.getpixel((x, 0)) for x in range(4)] == [(0,) * 3, (255,) * 3] * 2


def test_the_exif_orientation_is_applied():
    exif = Image.Exif()
    exif[0x0112] = 6  # to be rotated by 90° clockwise
    image = Image.new("RGB", (16, 8), "white")
    image.paste("black", (0, 0, 8, 8))
    opened = open_image(encoded(image, "PNG", exif=exif))
    assert opened.size == (8, 16)
    assert opened.getpixel((4, 2)) == (0, 0, 0)
    assert opened.getpixel((4, 13)) == (255, 255, 255)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello, this is not an image",
        b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>',
        encoded(noise(9, 9), "TIFF"),
        encoded(noise(9, 9), "PPM"),
        encoded(noise(9, 9), "ICO"),
    ],
    ids=["empty", "text", "svg", "tiff", "ppm", "ico"],
)
def test_a_file_in_another_format_is_refused_whatever_its_name(tmp_path: Path, content: bytes):
    path = tmp_path / "ab_1.png"
    path.write_bytes(content)
    with pytest.raises(ImageFormatError, match="PNG, JPEG") as error:
        open_image(path)
    assert str(path) in str(error.value)
    with pytest.raises(ImageFormatError):
        open_image(content)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
@pytest.mark.parametrize("fraction", [0.3, 0.6, 0.9])
def test_a_truncated_image_is_an_error_that_names_the_file(tmp_path: Path, form: str, fraction: float):
    content = encoded(noise(40, 40), form)
    path = tmp_path / "ab_1.dat"
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(ImageError) as error:
        open_image(path)
    assert str(path) in str(error.value)


def test_a_missing_image_is_named(tmp_path: Path):
    with pytest.raises(ImageError, match=r"absent\.png does not exist"):
        open_image(tmp_path / "absent.png")


@pytest.mark.parametrize("size", [(1, 1), (100, 3), (3, 100)])
def test_too_small_an_image_is_refused_with_its_size(tmp_path: Path, size: tuple[int, int]):
    path = tmp_path / "ab_1.png"
    noise(*size).save(path)
    with pytest.raises(ImageError, match=f"{size[0]}×{size[1]}") as error:
        open_image(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(("width", "height"), [(4001, 4000), (MAX_PIXELS // 4 + 1, 4), (100_000, 100_000)])
def test_too_many_pixels_are_refused_by_the_header_alone(width: int, height: int):
    with pytest.raises(ImageSizeError, match="16,000,000"):
        open_image(png(width, height, 8, 0, b"no pixels"))


def test_a_file_its_bytes_and_the_opened_image_give_the_same_pixels(tmp_path: Path):
    path = tmp_path / "ab_1.png"
    noise(30, 20).save(path)
    spec = InputSpec(16, 16, 3)
    first, *others = (extract_pixels(source, spec) for source in (path, path.read_bytes(), open_image(path)))
    assert first.shape == spec.shape == (16, 16, 3)
    for other in others:
        np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16", "P", "RGB"])
def test_an_open_image_gives_the_same_pixels_as_its_file(tmp_path: Path, mode: str):
    path = tmp_path / "image.png"
    noise = np.random.default_rng(0).integers(0, 2**16, (20, 30), np.uint16)
    image = Image.fromarray(noise) if mode == "I;16" else Image.effect_noise((30, 20), 80).convert(mode)
    image.save(path)
    spec = InputSpec(20, 30, 3)
    expected = extract_pixels(path, spec)
    assert np.array_equal(extract_pixels(path.read_bytes(), spec), expected)
    with Image.open(path) as opened:
        assert np.array_equal(extract_pixels(opened, spec), expected)
