"""Move a trained network some of the way back to the base that it started from: few labels teach too much."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bearcat.artifacts.card import Card

STEPS = 10  # on the way from the network to its base
MARGIN = 0.5  # of the way that costs no labelled image: unseen ones are lost before those it was trained on


@dataclass(frozen=True)
class Blend:
    """How much of the base a network got back, and how many of its labelled images it reads right with and without.

    A share of 0 says that any share would have cost an image.
    """

    share: float
    images: int
    right: int
    right_before: int


def blend(model, card: Card, base: Path, find_right: Callable[[], np.ndarray]) -> Blend | None:
    """Move a model's weights half of the way to its base's on which no labelled image is lost; return how far.

    What a network forgets of the base while it learns few labels, it gets back, and keeps what it learnt: the weights
    in between read unseen images better than either end (Wortsman et al. 2022, WiSE-FT, equation 1). Weights that
    the base has not, such as rows of characters unknown to it, stay. `find_right` tells of each labelled image
    whether the model reads it right. None, and nothing is changed, where the network is another than the base's.
    """
    from bearcat.artifacts.weight_transfer import HEAD, plain_name, take_over

    own, right_before = model.get_weights(), find_right()
    taken, _ = take_over(model, card.vocabulary, base)
    of_base = model.get_weights()

    def right_at(share: float) -> np.ndarray:
        model.set_weights([(1 - share) * one + share * other for one, other in zip(own, of_base, strict=True)])
        return find_right()

    def costs_nothing(right: np.ndarray) -> bool:
        return not (right_before & ~right).any()

    if not any(plain_name(name).startswith(f"{HEAD}/") for name in taken):
        model.set_weights(own)
        return None
    ways = (step / STEPS for step in range(1, STEPS + 1))
    costless = list(itertools.takewhile(lambda way: costs_nothing(right_at(way)), ways))
    share = MARGIN * costless[-1] if costless else 0.0
    right = right_at(share)
    if not costs_nothing(right):  # it may lie between two steps
        share, right = 0.0, right_at(0.0)
    return Blend(share, len(right_before), int(right.sum()), int(right_before.sum()))
