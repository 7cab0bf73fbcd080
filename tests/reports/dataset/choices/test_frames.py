"""The value of FRAMES that is suggested for animations of each kind."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from bearcat.data.frames import FRAMES
from bearcat.reports.dataset.choices.frames import REASONS, choose_frames
from tests.helpers.animations import (
    Letters,
    across,
    aside,
    in_and_out,
    one_after_the_other,
    one_less_each,
    one_more_each,
    under_moving_lines,
)

TEXTS = ("k7xd", "2mhe", "wq8r", "zt4a", "n6pb")


@pytest.mark.parametrize("dark_paper", [False, True])
@pytest.mark.parametrize(
    ("animate", "expected"),
    [
        (one_after_the_other, "together"),
        (one_more_each, "last"),
        (one_less_each, "first"),
        (in_and_out, "together"),
        (across, "spread"),
        (aside, "first"),
        (under_moving_lines, "median"),
    ],
)
def test_the_frames_say_how_to_put_them_together(animate: Callable, expected: str, dark_paper: bool):
    if expected == "together":
        expected = "lightest" if dark_paper else "darkest"
    found = Counter(choose_frames(animate(Letters(text, 1, dark_paper))) for text in TEXTS)
    assert found.most_common(1) == [(expected, found[expected])]
    assert found[expected] >= 4


def test_frames_that_hardly_differ_need_no_more_than_the_first():
    still = np.asarray(Letters("k7xd").draw(), np.int16)
    noise = np.random.default_rng(0).integers(-9, 10, (4, *still.shape))
    assert choose_frames([Image.fromarray((still + one).clip(0, 255).astype(np.uint8)) for one in noise]) == "first"


def test_every_value_has_a_reason():
    assert REASONS.keys() == FRAMES.keys()
