"""Who predicts the labels on the page: a model of the work, the pretrained weights, or a training beside the page."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from bearcat.core.errors import RequestOptionError
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.detection.decoding import Detections
from bearcat.labelling.symbols import LabelSymbols

FEWEST_LABELS = 5  # from which guesses are restricted to texts like the labels
CHARACTER_KINDS = tuple(map(set, (string.digits, string.ascii_lowercase, string.ascii_uppercase)))
Predicted = Prediction | Detections
Predict = Callable[[Path], Predicted]
NOTHING = Prediction("", ())


class Kind(StrEnum):
    """What a prediction comes from."""

    MODEL = "model"  # a trained model of the work
    GUESS = "guess"  # the pretrained weights, which know no image of this kind
    TRAINED = "trained"  # a training in the background, on the labels so far


@dataclass(frozen=True, eq=False)
class Predictor:
    """Predicts the label of an image file.

    Args:
        predict: The prediction.
        name: The name of a trained model.
        kind: What it is.
        labels: The number of labels that a model of kind TRAINED was trained on.
    """

    predict: Predict
    name: str = ""
    kind: Kind = Kind.MODEL
    labels: int = 0

    def as_dict(self) -> dict[str, object]:
        """Returns what the page shows of it."""
        return {"kind": self.kind, "name": self.name, "labels": self.labels}


class Guesser:
    """The pretrained weights: their guesses are restricted to texts like the labels so far.

    On 100 images each of five sets of real captchas, 51 to 89 % of the guesses were correct, and 75 to 98 % under the
    right restriction (November 2026).

    Args:
        model: Their `Predict_Image`.
    """

    def __init__(self, model: Any):
        self._recogniser = model.recogniser
        self._restriction: Restriction | None = None

    def first(self) -> Predictor:
        """Returns the predictor without a restriction."""
        return Predictor(self._recogniser.predict, kind=Kind.GUESS)

    def after(self, symbols: LabelSymbols) -> Predictor | None:
        """Returns the predictor under another restriction; None if the labels ask for the same as before."""
        restriction = self._restriction_by(symbols)
        if restriction == self._restriction:
            return None
        self._restriction = restriction
        if restriction is None:
            return self.first()
        try:
            self._recogniser.check_allowed(restriction)
        except RequestOptionError:  # such as labels in a script that the weights do not know
            return Predictor(lambda path: NOTHING, kind=Kind.GUESS)
        return Predictor(lambda path: self._recogniser.predict(path, restriction), kind=Kind.GUESS)

    def _restriction_by(self, symbols: LabelSymbols) -> Restriction | None:
        if symbols.lengths.total() < FEWEST_LABELS:
            return None
        seen = {symbol for symbol, count in symbols.counts.items() if count}
        allowed = seen.union(*(kind for kind in CHARACTER_KINDS if kind & seen))
        lengths = [length for length, count in symbols.lengths.items() if count]
        known = allowed & set(self._recogniser.card.characters)
        return Restriction.of("".join(sorted(known or seen)), f"{min(lengths)}-{max(lengths)}")
