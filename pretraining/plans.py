"""What to draw on each training image: its kind, its script and its text, decided by its number alone."""

import random
from typing import NamedTuple

from pretraining import kinds, texts
from pretraining.scripts import TAUGHT

AS_BEFORE = "as before"  # two of five images are like those that the first weights learnt from
LATIN, LATIN_SHARE = "Latin", 0.5  # of the other images
# number of characters → weight
LENGTHS = {1: 1, 2: 2, 3: 3, 4: 7, 5: 6, 6: 6, 7: 3, 8: 4, 9: 3, 10: 3, 11: 1, 12: 1}
LOOK_ALIKE_TURNED = frozenset("6nbdMZ5NzwWmqpu9IlHoOsSxX")  # each looks like another one upside down or on its side


class Plan(NamedTuple):
    """What an image shows.

    Args:
        kind: AS_BEFORE, or a name in KINDS.
        script: LATIN, or a name in TAUGHT.
        text: The text as it is drawn, from left to right.
    """

    kind: str
    script: str
    text: str


def plan_of(number: int) -> tuple[Plan, random.Random]:
    """The plan of an image, and the source of randomness that draws it."""
    # the seed is part of the training data: with another one, cached images would not match their texts
    rng = random.Random(f"wider/{number}")
    if number % 5 < 2:
        return Plan(AS_BEFORE, LATIN, texts.choose_text(rng)), rng
    (name,) = rng.choices(list(kinds.KINDS), [kind.weight for kind in kinds.KINDS.values()])
    script = LATIN
    if rng.random() >= LATIN_SHARE:
        (script,) = rng.choices(list(TAUGHT), [one.weight for one in TAUGHT.values()])
    return Plan(name, script, _choose_text(kinds.KINDS[name], script, rng)), rng


def _choose_text(kind: kinds.Kind, script: str, rng: random.Random) -> str:
    if script == LATIN and not kind.turned and rng.random() < texts.SUMS / 2:
        return texts.choose_sum(rng)
    (alphabet,) = (
        rng.choices(list(texts.ALPHABETS), list(texts.ALPHABETS.values()))
        if script == LATIN
        else rng.choices(TAUGHT[script].alphabets)
    )
    if kind.turned:
        alphabet = "".join(character for character in alphabet if character not in LOOK_ALIKE_TURNED)
    lengths = [length for length in LENGTHS if length <= kind.longest]
    (length,) = rng.choices(lengths, [LENGTHS[one] for one in lengths])
    return "".join(rng.choices(alphabet, k=length))
