"""Images: all formats are read alike, damaged files are named, and the letterbox can be inverted."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import ImageError, ImageFormatError, ImageSizeError
from bearcat.data import images
from bearcat.data.frames import FRAMES, MAX_FRAMES, combine_frames
from bearcat.data.images import (
    FORMATS,
    MAX_PIXELS,
    PAPER,
    SERVED_FORMATS,
    ImageKind,
    ImageKinds,
    InputSpec,
    extract_pixels,
    image_kind,
    image_size,
    is_blank,
    is_blank_input,
    letterbox,
    open_frames,
    open_image,
    open_with_facts,
    place,
    refuse_unserved,
)
from bearcat.data.layouts.arrangement import LAYOUTS, arrange
from tests.helpers.animations import Letters, one_after_the_other, save_animation
from tests.helpers.images import draw_bar
from tests.helpers.layouts import draw_column, draw_two_lines


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


@pytest.mark.parametrize("form", ["PNG", "BMP", "GIF", "WEBP", "TIFF"])
def test_a_lossless_format_gives_its_exact_pixels_as_file_and_as_bytes(tmp_path: Path, form: str):
    image = Image.new("RGB", (8, 6), (10, 200, 30))
    image.paste((250, 0, 90), (2, 1, 5, 4))
    content = encoded(image, form, **{"lossless": True} if form == "WEBP" else {})
    path = tmp_path / "ab_1.dat"
    path.write_bytes(content)
    for source in (content, path) if form in SERVED_FORMATS else (path,):
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
        encoded(noise(9, 9), "PPM"),
        encoded(noise(9, 9), "ICO"),
    ],
    ids=["empty", "text", "svg", "ppm", "ico"],
)
def test_a_file_in_another_format_is_refused_whatever_its_name(tmp_path: Path, content: bytes):
    path = tmp_path / "ab_1.png"
    path.write_bytes(content)
    with pytest.raises(ImageFormatError, match="PNG, JPEG") as error:
        open_image(path)
    assert str(path) in str(error.value)
    with pytest.raises(ImageFormatError):
        open_image(content)


@pytest.mark.parametrize("form", FORMATS)
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


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_size_in_the_header_is_that_of_the_upright_image(tmp_path: Path, form: str, orientation: int):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "image"
    noise(16, 8).save(path, form, exif=exif)
    opened, facts = open_with_facts(path)
    assert image_size(path) == opened.size == ((16, 8) if orientation < 5 else (8, 16))
    assert facts.turned == (orientation > 1)


@pytest.mark.parametrize(
    "options", [{}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}, {"compression": "packbits"}]
)
@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "I;16", "CMYK"])
def test_a_tiff_of_any_mode_shows_the_same_as_a_png(tmp_path: Path, mode: str, options: dict):
    image = Image.effect_noise((20, 12), 80)
    image = Image.fromarray(np.asarray(image, np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    image.save(tmp_path / "a.tif", **options)
    (image.convert("RGB") if mode == "CMYK" else image).save(tmp_path / "a.png")
    np.testing.assert_array_equal(open_image(tmp_path / "a.tif"), open_image(tmp_path / "a.png"))


def test_fractions_in_a_tiff_are_levels(tmp_path: Path):
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(tmp_path / "a.tif")
    opened = np.asarray(open_image(tmp_path / "a.tif"))
    assert (opened.min(), opened.max()) == (0, 255)


def test_a_tiff_that_comes_as_bytes_is_refused_as_is_one_that_was_uploaded(tmp_path: Path):
    content = encoded(noise(9, 9), "TIFF")
    with pytest.raises(ImageFormatError, match=r"\(PNG, JPEG, GIF, BMP, WEBP\)"):
        open_image(content)
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageFormatError, match=r"\(PNG, JPEG, GIF, BMP, WEBP\)"):
        refuse_unserved(tmp_path / "a.png")
    for form in SERVED_FORMATS:
        (tmp_path / "a.png").write_bytes(encoded(noise(9, 9), form))
        refuse_unserved(tmp_path / "a.png")


def white_on_nothing(mode: str) -> bytes:
    """Returns a PNG or GIF with a white bar on a transparent ground."""
    if mode in ("P", "L"):
        image = Image.new(mode, (12, 8), 0)
        if mode == "P":
            image.putpalette([9, 9, 9, 255, 255, 255])
        image.paste(1 if mode == "P" else 255, (3, 2, 6, 6))
        return encoded(image, "GIF" if mode == "P" else "PNG", transparency=0)
    image = Image.new("RGBA", (12, 8), (0, 0, 0, 0))
    image.paste((255, 255, 255, 255), (3, 2, 6, 6))
    return encoded(image.convert(mode), "PNG")


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L"])
def test_white_ink_on_a_transparent_ground_gets_black_paper(tmp_path: Path, mode: str):
    content = white_on_nothing(mode)
    expected = np.zeros((8, 12, 3), np.uint8)
    expected[2:6, 3:6] = 255
    np.testing.assert_array_equal(open_image(content), expected)
    (tmp_path / "a").write_bytes(content)
    np.testing.assert_array_equal(extract_pixels(tmp_path / "a", InputSpec(8, 12, 1))[:, :, 0], expected[:, :, 0])


@pytest.mark.parametrize(
    ("ink", "ground", "paper"),
    [
        ((0, 0, 0), (0, 0, 0, 0), 255),
        ((255, 220, 0), (0, 0, 0, 0), 255),  # yellow is seen on white, if only just
        ((215, 215, 215), (255, 255, 255, 0), 255),
        ((245, 245, 235), (255, 255, 255, 0), 0),
        ((255, 255, 255), (0, 0, 0, 255), 255),  # nothing is transparent: black as it was
    ],
)
def test_the_paper_is_white_if_the_ink_is_seen_on_it(ink: tuple, ground: tuple, paper: int):
    image = Image.new("RGBA", (40, 20), ground)
    image.paste((*ink, 255), (10, 5, 14, 15))
    opened = open_image(encoded(image, "PNG"))
    assert opened.getpixel((10, 5)) == ink
    assert opened.getpixel((0, 0)) == ((paper,) * 3 if ground[3] == 0 else ground[:3])


def test_a_white_card_with_transparent_corners_stays_on_white():
    image = Image.new("RGBA", (60, 30), (255, 255, 255, 255))
    image.paste((60, 60, 60, 255), (28, 10, 31, 20))
    image.paste((0, 0, 0, 0), (0, 0, 3, 3))
    assert open_image(encoded(image, "PNG")).getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_the_frames_of_every_animated_format_are_put_together(tmp_path: Path, suffix: str):
    frames = one_after_the_other(Letters("k7xd"))
    file = save_animation(tmp_path / f"a{suffix}", frames)
    loss = {".webp": 40, ".gif": 3}.get(suffix, 0)
    assert len(open_frames(file)[0]) == 4
    for how in FRAMES:
        expected = np.asarray(combine_frames(frames, how), np.int16)
        for source in (file, Image.open(file)):
            found = np.asarray(open_image(source, how), np.int16)
            assert found.shape == expected.shape
            assert np.abs(found - expected).mean() <= loss / 10
            assert np.abs(found - expected).max() <= loss * 3
    assert np.array_equal(open_image(file), open_image(file, "first"))


def test_frames_on_a_transparent_ground_share_their_paper():
    frames = []
    for left in (-9, 3, 8):  # at first there is nothing to see
        frame = Image.new("RGBA", (16, 8), (0, 0, 0, 0))
        frame.paste((255, 255, 255, 255), (left, 2, left + 2, 6))
        frames.append(frame)
    content = encoded(frames[0], "PNG", save_all=True, append_images=frames[1:], duration=100)
    together = np.asarray(open_image(content, "lightest"))[:, :, 0]
    assert np.flatnonzero(together.any(axis=0)).tolist() == [3, 4, 8, 9]


def test_a_long_animation_is_decoded_in_part(monkeypatch: pytest.MonkeyPatch):
    frames = [Image.new("L", (8, 8), number) for number in range(MAX_FRAMES + 20)]
    content = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert len(open_frames(content)[0]) == MAX_FRAMES
    monkeypatch.setattr(images, "MAX_PIXELS", 8 * 8 * 5)
    assert len(open_frames(content)[0]) == 5


def test_an_animation_ends_before_a_damaged_frame(tmp_path: Path):
    content = encoded(noise(40, 40), "GIF", save_all=True, append_images=[noise(40, 40).rotate(90)])
    opened, _ = open_frames(content[: len(content) * 3 // 4])
    assert len(opened) == 1
    np.testing.assert_array_equal(open_image(content[: len(content) * 3 // 4], "last"), open_image(content))


def test_pages_of_another_size_are_left_out(tmp_path: Path):
    noise(20, 10).save(tmp_path / "a.tif", save_all=True, append_images=[noise(5, 5), noise(20, 10)])
    assert len(open_frames(tmp_path / "a.tif")[0]) == 2


def test_an_image_that_was_put_together_is_not_put_together_again(tmp_path: Path):
    file = save_animation(tmp_path / "a.gif", one_after_the_other(Letters("k7xd")))
    spec = InputSpec(20, 240, 1, "spread")
    pixels = extract_pixels(file, spec)
    np.testing.assert_array_equal(extract_pixels(open_image(file, spec.frames), spec), pixels)
    assert (pixels < 128).any(axis=(0, 2)).reshape(4, 60).any(axis=1).all()


@pytest.mark.parametrize(("layout", "draw"), [("two_lines", draw_two_lines), ("vertical", draw_column)])
def test_the_input_is_the_line_that_the_layout_makes(layout: str, draw: Callable, tmp_path: Path):
    image = draw("k7xd3a")
    spec = InputSpec(48, 320, 1, layout=layout)
    pixels = extract_pixels(image, spec)
    np.testing.assert_array_equal(pixels, letterbox(arrange(image, layout), spec))
    assert (pixels != extract_pixels(image, InputSpec(48, 320, 1))).any()
    image.save(tmp_path / "k7xd3a_1.png")
    for source in (tmp_path / "k7xd3a_1.png", (tmp_path / "k7xd3a_1.png").read_bytes()):
        np.testing.assert_array_equal(extract_pixels(source, spec), pixels)
    assert str(spec) == f"48×320×1 (LAYOUT = '{layout}')"
    assert str(InputSpec(8, 9, 3, "last", layout)) == f"8×9×3 (FRAMES = 'last', LAYOUT = '{layout}')"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_blank_image_of_any_layout_is_known_by_its_input(layout: str):
    spec = InputSpec(30, 200, 3, layout=layout)
    image = Image.new("RGB", (31, 63), "#dde")
    assert is_blank_input(extract_pixels(image, spec), image, spec)
    image.paste("#888", (3, 3, 8, 6))
    assert not is_blank_input(extract_pixels(image, spec), image, spec)


@pytest.mark.parametrize(("range_of_levels", "blank"), [(0, True), (8, True), (9, False), (200, False)])
def test_an_image_of_one_colour_is_blank(range_of_levels: int, blank: bool):
    image = Image.new("RGB", (30, 12), (50, 50, 50))
    image.putpixel((7, 7), (50, 50, 50 + range_of_levels))
    assert is_blank(image) == blank


@pytest.mark.parametrize("colour", ["white", "black", "#dde"])
@pytest.mark.parametrize("size", [(30, 12), (60, 20), (17, 9), (200, 11)])
def test_a_blank_image_is_known_by_its_input(colour: str, size: tuple[int, int]):
    spec = InputSpec(20, 60, 3)
    image = Image.new("RGB", size, colour)
    assert is_blank_input(letterbox(image, spec), image, spec)
    image.paste("#888", (3, 3, 8, 6))
    assert not is_blank_input(letterbox(image, spec), image, spec)


def test_a_bar_on_white_is_not_blank():
    image = Image.new("RGB", (60, 20), "white")
    image.paste("black", (20, 5, 40, 15))
    spec = InputSpec(20, 60, 1)
    assert not is_blank_input(letterbox(image, spec), image, spec)


BLUE = (20, 30, 120)


def test_the_kind_of_an_image_is_its_size_and_whether_it_has_colour(tmp_path: Path):
    draw_bar(tmp_path, "grey.png")
    draw_bar(tmp_path, "blue.png", (60, 20), ink=BLUE)
    assert image_kind(tmp_path / "grey.png") == ImageKind(40, 20, "grey")
    assert image_kind((tmp_path / "blue.png").read_bytes()) == ImageKind(60, 20, "colour")
    first, second = Image.new("RGB", (40, 20), "white"), Image.open(tmp_path / "blue.png").resize((40, 20))
    animation = encoded(first, "GIF", save_all=True, append_images=[second])
    assert image_kind(animation) == ImageKind(40, 20, "colour")  # the size is that of one frame
    assert str(image_kind(animation)) == "40×20 in colour"


def test_a_large_image_is_looked_at_in_few_places(monkeypatch: pytest.MonkeyPatch):
    looked_at = []
    monkeypatch.setattr(images, "is_coloured", lambda pixels: looked_at.append(pixels.shape))
    image_kind(Image.new("RGB", (2000, 1000)))
    ((height, width, channels),) = looked_at
    assert channels == 3
    assert height * width <= 2 * images.COLOURED_PIXELS


def test_the_kinds_of_a_set_are_its_common_sizes_and_colours(tmp_path: Path):
    sizes = [(40, 20)] * 60 + [(60, 20)] * 30 + [(80, 20)] * 2
    for number, size in enumerate(sizes):
        draw_bar(tmp_path, f"{number}.png", size, ink=BLUE if number < 2 else (0, 0, 0))
    (tmp_path / "damaged.png").write_bytes(b"no image")
    found = ImageKinds.of_files(sorted(tmp_path.iterdir()))
    assert found == ImageKinds(((40, 20), (60, 20)), ("grey",))  # without the few stray ones
    assert str(found) == "40×20, 60×20 in grey"


def test_of_images_of_many_sizes_a_few_are_kept(tmp_path: Path):
    for width in range(40, 60):
        draw_bar(tmp_path, f"{width}.png", (width, 20), ink=BLUE if width % 2 else (0, 0, 0))
    found = ImageKinds.of_files(sorted(tmp_path.iterdir()))
    assert len(found.sizes) == images.MOST_SIZES
    assert found.colours == ("colour", "grey")
    assert ImageKinds.of_files([]) == ImageKinds()
