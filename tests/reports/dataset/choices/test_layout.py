"""The value of LAYOUT that is suggested for images of two lines, of a column, and of one line."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from captcha.image import ImageCaptcha
from PIL import Image

from bearcat.reports.dataset.choices.layout import choose_layout, has_band, reason_for_layout, see_layout
from tests.helpers.layouts import draw_column, draw_line, draw_two_lines

TEXTS = ("k7xd3a", "2mhe8r", "wq8r5t", "zt4apn", "n6pbk7", "XYHM22")


def seen(draw: Callable[[str, int], Image.Image], texts: tuple[str, ...] = TEXTS) -> list:
    return [see_layout(draw(text, number)) for number, text in enumerate(texts)]


def noisy(draw: Callable[[str, int], Image.Image]) -> Callable[[str, int], Image.Image]:
    def draw_noisy(text: str, seed: int) -> Image.Image:
        pixels = np.asarray(draw(text, seed), np.float64)
        noise = np.random.default_rng(seed).normal(0, 12, (*pixels.shape[:2], 1))
        return Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))

    return draw_noisy


@pytest.mark.parametrize("change", [lambda draw: draw, noisy])
@pytest.mark.parametrize(
    ("draw", "expected"), [(draw_two_lines, "two_lines"), (draw_column, "vertical"), (draw_line, "line")]
)
def test_images_say_which_layout_they_have(change: Callable, draw: Callable, expected: str):
    assert choose_layout(seen(change(draw)), Counter({6: 6})) == expected


def test_generated_captchas_are_in_one_line():
    generator = ImageCaptcha(100, 60)
    assert choose_layout(seen(lambda text, _: generator.generate_image(text)), Counter({6: 6})) == "line"


def test_a_low_line_with_an_empty_band_is_one_line():
    signs = seen(lambda text, _: draw_two_lines(text).resize((300, 40)))
    assert all(one.has_band for one in signs)
    assert choose_layout(signs, Counter({6: 6})) == "line"


def test_short_labels_are_in_one_line():
    assert choose_layout(seen(draw_column), Counter({1: 6})) == "line"
    assert choose_layout(seen(draw_two_lines), Counter({3: 6})) == "line"
    assert choose_layout([], Counter()) == "line"


def test_most_images_decide_and_are_counted():
    mixed = seen(draw_two_lines, TEXTS[:4]) + seen(draw_line, TEXTS[:3])
    assert choose_layout(mixed, Counter({6: 7})) == "two_lines"
    assert reason_for_layout("two_lines", mixed) == (
        "an empty band divides 4 of 7 images into an upper and a lower line"
    )
    assert choose_layout(seen(draw_two_lines, TEXTS[:3]) + seen(draw_line, TEXTS[:3]), Counter({6: 6})) == "line"
    assert reason_for_layout("vertical", seen(draw_column)) == (
        "6 of 6 images are at least 1.5 times as high as wide, and labels have several characters"
    )


def test_the_lines_that_images_make_are_measured():
    one = see_layout(draw_two_lines("k7xd3a"))
    width, height = one.line_sizes["two_lines"]
    assert (one.size, width) == ((100, 64), 200)
    assert 32 <= height <= 43


@pytest.mark.parametrize("height", [1, 2, 3])
@pytest.mark.parametrize("width", [1, 2, 5])
def test_images_of_a_few_rows_are_measured_too(width: int, height: int):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    one = see_layout(Image.fromarray(pixels))
    assert one.size == (width, height)
    assert one.line_sizes["two_lines"] == ((width, 1) if height == 1 else (2 * width, height - 1))


def test_two_rows_have_no_band():
    assert not has_band(Image.fromarray(np.uint8([[[0] * 3] * 4, [[0] * 3, [255] * 3] * 2])))


def test_a_large_image_has_the_band_of_a_small_one():
    assert has_band(draw_two_lines("k7xd3a").resize((1000, 640)))
    assert not has_band(draw_line("k7xd3a").resize((1440, 640)))


@pytest.mark.parametrize("size", [(4, 4), (30, 5), (1, 60)])
def test_nothing_is_seen_in_a_blank_image(size: tuple[int, int]):
    assert not has_band(Image.new("RGB", size, "white"))
