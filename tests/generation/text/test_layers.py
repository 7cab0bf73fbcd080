"""Papers, lines and dots."""

import random
from collections.abc import Callable
from itertools import count

import numpy as np
import pytest
from PIL import Image

from bearcat.generation.text import dots, lines, papers

SIZE = (90, 40)
RED, GREY = (255, 0, 0), (128, 128, 128)


def drawn_on_grey(draw: Callable[[Image.Image, random.Random], object], seed: int = 1) -> np.ndarray:
    """Returns the pixels of grey paper after drawing."""
    image = Image.new("RGB", SIZE, GREY)
    drawn = draw(image, random.Random(seed))
    return np.asarray(drawn if isinstance(drawn, Image.Image) else image)


def changed(draw: Callable[[Image.Image, random.Random], object], seed: int = 1) -> np.ndarray:
    """Returns which pixels of grey paper are drawn on, as bool (height, width)."""
    return (drawn_on_grey(draw, seed) != GREY).any(-1)


@pytest.mark.parametrize(
    "draw",
    [
        lambda image, rng: papers.add_gradient(image, lambda: RED, rng),
        lambda image, rng: papers.add_blots(image, lambda: RED, rng),
        lambda image, rng: papers.add_grid(image, RED, rng),
        lambda image, rng: papers.add_patches(image, lambda: RED, rng),
        lambda image, rng: papers.add_noise(image, 20, rng),
    ],
    ids=["gradient", "blots", "grid", "patches", "noise"],
)
def test_a_paper_is_changed_by_chance_and_repeats(draw: Callable):
    drawn = [drawn_on_grey(draw, seed).tobytes() for seed in range(12)]
    assert len(set(drawn)) >= 4
    assert Image.new("RGB", SIZE, GREY).tobytes() not in drawn
    assert drawn == [drawn_on_grey(draw, seed).tobytes() for seed in range(12)]


def test_tiles_lie_between_the_cuts():
    image, numbers = Image.new("RGB", SIZE), count(1)
    papers.add_tiles(image, [0, 30, 31, 90], lambda size: Image.new("RGB", size, (next(numbers), 0, 0)))
    assert np.asarray(image)[5, :, 0].tolist() == [1] * 30 + [2] + [3] * 59


def test_noise_has_the_strength_that_was_asked_for_in_every_grain_size():
    grey = Image.new("RGB", (200, 200), GREY)
    for seed in range(12):
        noisy = np.asarray(papers.add_noise(grey, 12, random.Random(seed)), np.float32)
        assert 11 < noisy.std() < 13 and abs(noisy.mean() - 128) < 1


@pytest.mark.parametrize("shape", sorted(set(lines.SHAPES)))
def test_a_line_has_its_colour_and_is_thicker_if_asked(shape: str):
    thin, thick = (
        [changed(lambda image, rng, n=n: lines.draw_line(image, shape, RED, n, rng), seed).sum() for seed in range(20)]
        for n in (1, 5)
    )
    assert 0 < sum(thin) < sum(thick)


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.3])
@pytest.mark.parametrize(("shape", "radius"), dots.AREAS)
def test_dots_cover_about_the_fraction_of_the_area(shape: str, radius: float, fraction: float):
    number = dots.count_for(fraction, SIZE, shape, radius)
    covered = [
        changed(lambda image, rng: dots.scatter(image, shape, radius, number, lambda: RED, rng), seed).mean()
        for seed in range(10)
    ]
    assert 0.7 * fraction < np.mean(covered) < 1.3 * fraction


def test_no_dots():
    assert dots.count_for(0, SIZE, "circle", 0) == 0
