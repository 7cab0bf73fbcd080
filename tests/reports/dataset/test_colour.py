"""Which images have colour, and which lose something in grey."""

import random
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.generation.click_background import gradient
from bearcat.reports.dataset.colour import are_photographs, measure_colour, needs_colour, reason_for_channels
from tests.helpers.images import draw_scene

WHITE, BLACK, BEIGE = (255, 255, 255), (0, 0, 0), (245, 245, 230)
RED, GREEN = (200, 30, 30), (10, 100, 20)
YELLOW = (255, 255, 130)


def bars(*inks: tuple[int, int, int], paper: tuple[int, int, int] = WHITE) -> Image.Image:
    """An image with a bar of each ink."""
    image = Image.new("RGB", (120, 40), paper)
    for number, ink in enumerate(inks):
        image.paste(ink, (10 + 15 * number, 10, 15 + 15 * number, 30))
    return image


def on_gradient() -> Image.Image:
    """Bars of several hues on grey that runs from dark to light."""
    image = Image.linear_gradient("L").rotate(90).resize((120, 40)).convert("RGB")
    image.paste((150, 60, 60), (20, 10, 25, 30))
    image.paste((30, 120, 160), (60, 10, 65, 30))
    return image


def pale_under_black() -> Image.Image:
    image = bars(YELLOW, YELLOW)
    ImageDraw.Draw(image).line((0, 0, 120, 40), BLACK, 4)
    return image


def speckled() -> Image.Image:
    """Black bars with a few coloured dots."""
    image, rng = bars(BLACK, BLACK), random.Random(0)
    for _ in range(15):
        image.putpixel((rng.randrange(120), rng.randrange(40)), tuple(rng.randrange(256) for _ in range(3)))
    return image


@pytest.mark.parametrize(
    ("draw", "is_coloured", "merges"),
    [
        (lambda: bars(BLACK, BLACK), False, False),
        (lambda: bars(BLACK, paper=BEIGE), False, False),
        (lambda: bars((40, 40, 50), paper=(200, 210, 205)), False, False),
        (lambda: bars(paper=RED), False, False),  # all of it has one colour
        (speckled, False, False),
        (lambda: bars((20, 30, 120)), True, False),
        (lambda: bars(RED, GREEN, RED), True, True),  # both are dark on white, and alike
        (lambda: bars(BLACK, BLACK, BLACK, BLACK, BLACK, YELLOW), True, True),  # one letter of six is lost
        (lambda: bars((200, 40, 40), paper=(60, 108, 60)), True, True),
        (on_gradient, True, True),
        (pale_under_black, True, True),
    ],
)
def test_colour_counts_if_it_differs_within_an_image(draw: Callable, is_coloured: bool, merges: bool):
    colour = measure_colour(draw())
    assert (colour.is_coloured, colour.merges) == (is_coloured, merges)


def test_chroma_is_the_mean_difference_of_the_channels():
    image = Image.fromarray(np.array([[[10, 20, 60], [7, 7, 7]]], np.uint8))
    assert measure_colour(image).chroma == 25


def test_a_tenth_of_the_images_is_enough_for_colour():
    grey, red = measure_colour(bars(BLACK)), measure_colour(bars(RED))
    assert needs_colour([grey] * 9 + [red], is_text=True)
    assert not needs_colour([grey] * 99 + [red], is_text=True)
    assert not needs_colour([], is_text=True)


def test_tinted_images_keep_their_colour_as_classes_only():
    tinted = [measure_colour(bars(paper=RED))]
    assert not needs_colour(tinted, is_text=True)
    assert needs_colour(tinted, is_text=False)


def test_the_reason_says_how_many_images_have_colour_and_what_grey_would_lose():
    grey, blue, both = (measure_colour(image) for image in (bars(BLACK), bars((20, 30, 120)), bars(RED, GREEN)))
    assert reason_for_channels([], True) == ""
    assert reason_for_channels([grey], True) == "the images have no colour"
    assert reason_for_channels([grey, blue], True) == "colour in 50% of the images"
    expected = "colour in 100% of the images; in grey, different colours would look alike in 50%"
    assert reason_for_channels([blue, both], True) == expected


def test_the_entropy_is_that_of_colours_in_steps():
    quarters = Image.new("RGB", (4, 1))
    for x, colour in enumerate((WHITE, BLACK, RED, GREEN)):
        quarters.putpixel((x, 0), colour)
    assert measure_colour(quarters).entropy == pytest.approx(2)
    assert measure_colour(bars(paper=RED)).entropy == 0


def test_photographs_have_more_colours_than_drawings():
    rng = random.Random(0)
    scenes = [measure_colour(draw_scene((67, 67), rng)) for _ in range(10)]
    drawn = [measure_colour(bars(RED, GREEN, YELLOW, BLACK)) for _ in range(80)]
    gradients = [measure_colour(gradient(67, 67, rng)) for _ in range(40)]
    assert are_photographs(scenes)
    assert are_photographs(scenes + drawn)  # a few show that the others are photographs on plain ground
    assert not are_photographs(drawn + gradients)
    assert not are_photographs([])
