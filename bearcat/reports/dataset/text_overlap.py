"""Texts that the sets share: how many images show a text of train_dataset, and how many would by chance."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

LEAST_SEEN = 0.3  # below this fraction of seen texts a score is hardly inflated
TIMES_CHANCE = 3
SIGNIFICANCE = 1e-4
LEAST_CHANCE = 1e-6
SAMPLE = 2000  # texts whose chance is computed


@dataclass(frozen=True)
class Overlap:
    """The texts of a set that train_dataset has too.

    Args:
        images: Number of images of the set.
        seen: Number of those whose text is in train_dataset.
        chance: Fraction expected of texts that are drawn at random.
        texts: Number of different texts in both.
    """

    images: int
    seen: int
    chance: float
    texts: int

    @property
    def is_leak(self) -> bool:
        """Whether far more texts are shared than by chance, so that a score is inflated by remembering them."""
        fraction = self.seen / self.images
        if fraction < max(LEAST_SEEN, TIMES_CHANCE * self.chance):
            return False
        return self.images * _log_tail(max(self.chance, LEAST_CHANCE), fraction) < log(SIGNIFICANCE)


class TextModel:
    """Probability of a text that is drawn at random: first its shape, then each character by its kind.

    The shape says where digits and letters stand; all other characters, as in sums, belong to the shape. Characters
    are not counted by position, so that a handful of texts does not pass for a small choice of possible texts.

    Args:
        texts: The texts to estimate it from.
    """

    def __init__(self, texts: Sequence[str]):
        self._shapes: Counter[str] = Counter()
        self._characters: dict[str, Counter[str]] = {}
        for text, count in Counter(texts).items():
            self._shapes[_shape(text)] += count
            for kind, character in zip(_shape(text), text, strict=True):
                self._characters.setdefault(kind, Counter())[character] += count
        self._totals = {kind: counts.total() for kind, counts in self._characters.items()}

    def probability(self, text: str) -> float:
        """Returns the probability of one of the texts."""
        result = self._shapes[_shape(text)] / self._shapes.total()
        for kind, character in zip(_shape(text), text, strict=True):
            result *= self._characters[kind][character] / self._totals[kind]
        return result


def _shape(text: str) -> str:
    return "".join("0" if one.isdigit() else "a" if one.isalpha() else one for one in text)


def measure_overlap(train: Sequence[str], other: Sequence[str]) -> Overlap:
    """Measures how many texts of another set train_dataset has too.

    Args:
        train: The text of each training image.
        other: The text of each image of the other set; at least one.
    """
    known = set(train)
    return _measure([*train, *other], other, [text in known for text in other], len(train))


def measure_repetition(texts: Sequence[str]) -> Overlap:
    """Measures how many images show a text that another image shows too.

    Args:
        texts: The text of each image; at least one.
    """
    counts = Counter(texts)
    return _measure(texts, texts, [counts[text] > 1 for text in texts], len(texts) - 1)


def _measure(texts: Sequence[str], measured: Sequence[str], seen: Sequence[bool], draws: int) -> Overlap:
    model = TextModel(texts)
    sample = measured[:: max(1, len(measured) // SAMPLE)]
    # 1 - (1 - p)^n, the probability that n draws hit a text
    chances = [1 - (1 - min(1.0, model.probability(text))) ** draws for text in sample]
    return Overlap(len(measured), sum(seen), sum(chances) / len(chances), len(set(texts)))


def group_by_text(texts: Mapping[str, str], fraction: float) -> list[list[str]]:
    """Groups images of the same text, which are to stay together in a split, if they are many for few texts.

    Args:
        texts: Image name → its text.
        fraction: The fraction of the images that a set receives.

    Returns:
        Groups of image names; none if texts repeat as by chance, or too often for a set of that size.
    """
    if not texts or not measure_repetition(list(texts.values())).is_leak:
        return []
    groups: dict[str, list[str]] = {}
    for name, text in texts.items():
        groups.setdefault(text, []).append(name)
    return list(groups.values()) if max(map(len, groups.values())) <= fraction * len(texts) else []


def _log_tail(p: float, fraction: float) -> float:
    """Chernoff's bound: the logarithm, per trial, of the probability of at least this fraction of hits above p."""
    hits = fraction * log(fraction / p)
    return -(hits + (1 - fraction) * log((1 - fraction) / (1 - p)) if fraction < 1 else hits)
