"""The case of the letters from which the head of a network starts, chosen by labelled images.

Labels often have one case whatever the images show: drawn `A`, labelled `a`. The pretrained head has a column for each
case, and the one that fits the drawn letter is by far the better start.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from bearcat.artifacts.card import Card
from bearcat.artifacts.weight_transfer import HEAD, head_pairs, read_weights
from bearcat.data.codecs import pad_targets
from bearcat.data.vocabulary import Vocabulary

# start of a letter → weights of the columns of its own case and of the other one
STARTS: dict[str, tuple[float, float]] = {"own": (1, 0), "other": (0, 1), "both": (0.5, 0.5)}
OWN = "own"
NAMES = {"other": "the other case", "both": "the mean of both cases"}
BATCH_SIZE = 64
IMAGES = 256  # on which the starts are compared, at most
MARGIN = 0.05  # of the loss, by which another start must be better


@dataclass(frozen=True)
class CaseChoice:
    """Result of a comparison of starts.

    Args:
        starts: Start → the letters of the labels that begin with it.
        images: Number of images on which they were compared.
    """

    starts: dict[str, str]
    images: int

    @property
    def is_as_labelled(self) -> bool:
        """Whether every letter starts from its own case."""
        return set(self.starts) <= {OWN}

    def describe(self) -> str:
        """Lists the letters that do not start from their own case."""
        return "; ".join(f"{letters} start from {NAMES[name]}" for name, letters in self.starts.items() if name != OWN)


class CaseColumns:
    """The columns of a head for the letters that the labels have in one case and a file of weights in both.

    Args:
        model: The model.
        vocabulary: Its vocabulary.
        path: The file of weights.
    """

    def __init__(self, model: keras.Model, vocabulary: Vocabulary, path: Path):
        weights, known = read_weights(path)
        index_of = known.index_of if known else {}
        head = head_pairs(model, weights)
        self.letters = "".join(
            letter
            for letter in (vocabulary.characters if head else ())
            if letter in index_of and letter.swapcase() in index_of.keys() - {letter} - vocabulary.index_of.keys()
        )
        self._indices = np.array([vocabulary.index_of[letter] for letter in self.letters], int)
        pairs = [(letter, letter.swapcase()) for letter in self.letters]
        columns = np.array([[index_of[letter] for letter in pair] for pair in pairs], int).reshape(-1, 2)
        # each weight of the head with its values (…, letters, cases)
        self._head = [(variable, source[..., columns]) for variable, source in head]

    def apply(self, starts: dict[str, str]) -> None:
        """Sets the columns of letters to their starts; of the others to their own case."""
        mix = np.array([STARTS[starts.get(letter, OWN)] for letter in self.letters], np.float32)
        for variable, values in self._head:
            changed = np.array(variable)
            changed[..., self._indices] = (values * mix).sum(axis=-1)
            variable.assign(changed)

    def nearest(self, head: list[np.ndarray]) -> dict[str, str]:
        """Returns the start of each letter that comes nearest to the columns of a trained head."""
        trained = np.concatenate([np.atleast_2d(values[..., self._indices]) for values in head])
        cases = np.concatenate([values.reshape(-1, *values.shape[-2:]) for _, values in self._head])
        names = list(STARTS)
        distances = [((cases @ np.array(STARTS[name], np.float32) - trained) ** 2).sum(axis=0) for name in names]
        return {
            letter: names[number]
            for letter, number in zip(self.letters, np.argmin(distances, axis=0).tolist(), strict=True)
        }


def choose_letter_case(
    model: keras.Model, card: Card, path: Path, pixels: np.ndarray, labels: list[str]
) -> CaseChoice | None:
    """Starts each letter from the case of the pretrained head with which labelled images have the lowest loss.

    First all letters are compared together. Then those that the labels contain one by one, since fonts draw some
    letters alike in both cases, and sites may mix cases.

    Args:
        model: The compiled model of a text mode, whose head is changed in place. Its weights are those of `path`.
        card: Its card.
        path: The file of pretrained weights.
        pixels: Images (n, H, W, C).
        labels: Their labels.

    Returns:
        What was chosen; None, with the model unchanged, if no letter has two columns, or without images.
    """
    columns = CaseColumns(model, card.vocabulary, path)
    codec, steps = card.make_codec(), model.output_shape[1]
    most = codec.captcha_length if codec.uses_captcha_length else steps
    # labels without room are refused later, with a message
    usable = [n for n, label in enumerate(labels) if len(label) <= most and codec.steps_needed(label) <= steps][:IMAGES]
    if not columns.letters or not usable:
        return None
    losses = _losses(model, codec, pixels[usable], [labels[number] for number in usable])

    def losses_with(starts: dict[str, str], images: np.ndarray) -> np.ndarray:
        columns.apply(starts)
        return losses(images)

    everywhere = np.ones(len(usable), bool)
    alike = {name: losses_with(dict.fromkeys(columns.letters, name), everywhere) for name in STARTS}
    common = _lowest({name: values.mean() for name, values in alike.items()}, OWN)
    starts, current = dict.fromkeys(columns.letters, common), alike[common]
    for letter in columns.letters:
        images = np.array([letter in labels[number] for number in usable])
        if not images.any():
            continue
        tried = {name: losses_with(starts | {letter: name}, images) for name in STARTS if name != common}
        best = _lowest({name: values.mean() for name, values in (tried | {common: current[images]}).items()}, common)
        if best != common:
            starts[letter], current[images] = best, tried[best]
    columns.apply(starts)
    chosen = {name: "".join(letter for letter in columns.letters if starts[letter] == name) for name in STARTS}
    return CaseChoice({name: letters for name, letters in chosen.items() if letters}, len(usable))


def see_nearest_case(model: keras.Model, card: Card, path: Path, trained_head: list[np.ndarray]) -> None:
    """Starts each letter from the case of the pretrained head that comes nearest to a trained head.

    Args:
        model: The model, whose head is changed in place. Its weights are those of `path`.
        card: Its card.
        path: The file of pretrained weights.
        trained_head: The weights of the head of the same network after training.
    """
    columns = CaseColumns(model, card.vocabulary, path)
    if columns.letters:
        columns.apply(columns.nearest(trained_head))


def _losses(model: keras.Model, codec, pixels: np.ndarray, labels: list[str]) -> Callable[[np.ndarray], np.ndarray]:
    """Returns a function from a mask of images to the loss of each; the features before the head are computed once."""
    head = model.get_layer(HEAD)
    extract = keras.Model(model.input, head.input)
    starts = range(0, len(pixels), BATCH_SIZE)
    batches = [extract(pixels[start : start + BATCH_SIZE].astype(np.float32), training=False) for start in starts]
    features = np.concatenate([np.asarray(keras.ops.convert_to_numpy(batch)) for batch in batches])
    targets = pad_targets([codec.encode(label) for label in labels], codec.target_width(max(map(len, labels))))

    def compute(images: np.ndarray) -> np.ndarray:
        values = model.loss.call(targets[images], head(features[images]))
        return np.asarray(keras.ops.convert_to_numpy(values), np.float64).reshape(int(images.sum()), -1).mean(axis=1)

    return compute


def _lowest(losses: dict[str, float], default: str) -> str:
    """Returns the name with the lowest loss, if it is clearly lower than that of the default."""
    best = min(losses, key=lambda name: losses[name])
    return best if losses[best] < (1 - MARGIN) * losses[default] else default
