"""The symbols of the labels: characters of texts, or whole labels if they are classes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from bearcat.modes import MODES, Task


@dataclass
class LabelSymbols:
    """Symbols of the labels.

    Args:
        mode: The value of MODE.
        known: Those of the model, the data and this session; None if unknown: text without a model.
        used: Those of this session's labels.
        counts: Symbol → number of labels that have it, in the data sets and in this session.
        lengths: Number of symbols → number of labels, likewise.
    """

    mode: str
    known: set[str] | None = None
    used: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)
    lengths: Counter[int] = field(default_factory=Counter)

    @property
    def are_classes(self) -> bool:
        """Whether a whole label is one symbol."""
        return MODES[self.mode].task is Task.CLASSIFICATION

    @property
    def labels(self) -> int:
        """The number of labels, in the data sets and in this session."""
        return self.lengths.total()

    def count(self, labels: Iterable[str], sign: int = 1) -> None:
        """Counts labels, or with a sign of −1 no longer counts them."""
        for label in labels:
            symbols = MODES[self.mode].symbols(label)
            self.lengths[len(symbols)] += sign
            for symbol in set(symbols):
                self.counts[symbol] += sign

    def add(self, label: str) -> None:
        """Adds the symbols of a confirmed label."""
        self.count([label])
        symbols = MODES[self.mode].symbols(label)
        self.used.update(symbols)
        if self.known is not None:
            self.known.update(symbols)

    def remove(self, label: str) -> None:
        """No longer counts a label that was undone; its symbols stay known."""
        self.count([label], sign=-1)
