"""Confidence intervals of proportions."""

import pytest

from bearcat.core.intervals import wilson_interval


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe 1998, table I, method 3; and 10 of 100
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (10, 100, 0.0552, 0.1744),
    ],
)
def test_the_wilson_interval_has_its_published_values(successes: int, trials: int, low: float, high: float):
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("trials", [1, 10, 10_000])
def test_the_wilson_interval_stays_within_0_and_1_and_mirrors(trials: int):
    low, high = wilson_interval(trials, trials)
    assert 0 < low < high <= 1
    assert high == pytest.approx(1)
    assert wilson_interval(0, trials) == pytest.approx((1 - high, 1 - low))
