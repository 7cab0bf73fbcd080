"""Move a trained network some of the way back to the base that it started from: few labels teach too much."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bearcat.artifact import Card

STEPS = 10  # on the way from the network to its base
MARGIN = 0.5  # of the way that costs no labelled picture: unseen ones are lost before those it was trained on


@dataclass(frozen=True)
class Blend:
    """How much of the base a network got back, and how many of its labelled pictures it reads right with and without.

    A share of 0 says that any share would have cost a picture.
    """

    share: float
    pictures: int
    right: int
    right_before: int


def blend(model, card: Card, base: Path, count_right: Callable[[], int], pictures: int) -> Blend:
    """Move a model's weights half of the way to its base's on which no labelled picture is lost; return how far.

    What a network forgets of the base while it learns few labels, it gets back, and keeps what it learnt: the weights
    in between read unseen pictures better than either end (Wortsman et al. 2022, WiSE-FT, equation 1). Weights that
    the base has not, such as rows of characters unknown to it, stay. `count_right` tells how many of so many
    `pictures` with labels the model reads right.
    """
    from bearcat.transfer import take_over  # imports Keras

    own, right_before = model.get_weights(), count_right()
    take_over(model, card.vocabulary, base)
    of_base = model.get_weights()

    def right_at(share: float) -> int:
        model.set_weights([(1 - share) * one + share * other for one, other in zip(own, of_base, strict=True)])
        return count_right()

    ways = (step / STEPS for step in range(1, STEPS + 1))
    costless = list(itertools.takewhile(lambda way: right_at(way) >= right_before, ways))
    share = MARGIN * costless[-1] if costless else 0.0
    return Blend(share, pictures, right_at(share), right_before)
