"""Guesses of the pretrained weights: which texts the labels so far restrict them to."""

from pathlib import Path
from types import SimpleNamespace

from bearcat.core.errors import RequestOptionError
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.labelling.predictors import Guesser, Kind
from bearcat.labelling.symbols import LabelSymbols

CHARACTERS = tuple("+0123456789=ABCabc")


class Recogniser:
    """Predicts the restriction that it is called with; refuses characters that it does not know."""

    card = SimpleNamespace(characters=CHARACTERS)

    def check_allowed(self, allowed: Restriction) -> None:
        if not set(allowed.characters) & set(CHARACTERS):
            raise RequestOptionError("unknown")

    def predict(self, path: Path, allowed: Restriction | None = None) -> Prediction:
        text = f"{allowed.characters} {allowed.length}" if allowed else "anything"
        return Prediction(text, (1.0,) * len(text))


def guess(guesser: Guesser, symbols: LabelSymbols) -> str | None:
    """Returns the text under the restriction by the labels, None if it has not changed."""
    predictor = guesser.after(symbols)
    assert predictor is None or predictor.kind is Kind.GUESS
    return predictor and predictor.predict(Path("1.png")).text


def test_five_labels_restrict_the_guesses_to_their_kinds_of_characters_and_lengths():
    guesser, symbols = Guesser(SimpleNamespace(recogniser=Recogniser())), LabelSymbols("CTC")
    assert guesser.first().predict(Path("1.png")).text == "anything"
    for label in ("12", "345", "67", "8+"):
        symbols.add(label)
        assert guess(guesser, symbols) is None
    symbols.add("00")
    assert guess(guesser, symbols) == "+0123456789 2-3"
    symbols.add("11")
    assert guess(guesser, symbols) is None
    symbols.add("Aa11")
    assert guess(guesser, symbols) == "+0123456789ABCabc 2-4"
    symbols.remove("Aa11")
    assert guess(guesser, symbols) == "+0123456789 2-3"
    for label in ("345", "11"):
        symbols.remove(label)
    assert guess(guesser, symbols) == "anything"


def test_labels_that_the_weights_cannot_read_are_not_guessed():
    guesser, symbols = Guesser(SimpleNamespace(recogniser=Recogniser())), LabelSymbols("CTC")
    symbols.count(["牌坊"] * 5)
    assert guess(guesser, symbols) == ""
