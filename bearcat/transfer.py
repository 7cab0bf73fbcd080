"""Take over what another network has learnt, wherever its weights fit."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from bearcat.artifact import read_card
from bearcat.errors import ArtifactError
from bearcat.layers import load_validated
from bearcat.vocabulary import BLANK_INDEX, Vocabulary

HEAD = "logits"


@dataclass(frozen=True)
class Weight:
    """A weight by its place in the network, its counters left out, and its values."""

    name: str
    values: np.ndarray

    @property
    def key(self) -> tuple:
        return self.name, self.values.shape


def take_over(model: keras.Model, vocabulary: Vocabulary, path: Path) -> tuple[list[str], list[str]]:
    """Put a file's weights into a model where they fit; return the names of what was taken and of what was not.

    Weights are matched in order, by name and shape. The head's rows follow their symbols: a row whose symbol the file
    does not know keeps what it has. Raises ArtifactError where the file holds no weights.
    """
    weights, old_vocabulary = read_weights(path)
    targets = [Weight(plain_name(variable.path), np.asarray(variable)) for variable in model.weights]
    matcher = difflib.SequenceMatcher(
        None, [weight.key for weight in weights], [target.key for target in targets], autojunk=False
    )
    taken = set()
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            number = block.b + offset
            if not is_head(targets[number]):
                model.weights[number].assign(weights[block.a + offset].values)
                taken.add(number)
    taken |= set(take_over_head(model, targets, weights, vocabulary, old_vocabulary))
    names = [variable.path for variable in model.weights]
    return [names[n] for n in sorted(taken)], [name for n, name in enumerate(names) if n not in taken]


def take_over_head(model, targets, weights, vocabulary: Vocabulary, old: Vocabulary | None) -> Iterator[int]:
    """Copy the rows of the head whose symbols both vocabularies have; yield the numbers of the weights touched."""
    if old is None:
        return
    pairs = [(old.index_of[symbol], row) for symbol, row in vocabulary.index_of.items() if symbol in old.index_of]
    old_rows, rows = np.array([(BLANK_INDEX, BLANK_INDEX), *pairs]).T
    sources = {weight.name: weight.values for weight in weights if is_head(weight)}
    heads = {number: target for number, target in enumerate(targets) if is_head(target)}
    if any(sources[head.name].shape[:-1] != head.values.shape[:-1] for head in heads.values()):
        return  # a head that looks at other features
    for number, head in heads.items():
        values = head.values.copy()
        values[..., rows] = sources[head.name][..., old_rows]
        model.weights[number].assign(values)
        yield number


def is_head(weight: Weight) -> bool:
    """Tell whether a weight belongs to the layer that says which symbol."""
    return weight.name.startswith(f"{HEAD}/")


def plain_name(path: str) -> str:
    """Return a weight's name without the numbers by which Keras tells layers of one kind apart."""
    return re.sub(r"_\d+(?=/|$)", "", path.removesuffix(":0"))


def read_weights(path: Path) -> tuple[list[Weight], Vocabulary | None]:
    """Return the weights of a .keras file, or of an .h5 file as keras.applications has them; a vocabulary if any."""
    try:
        if path.suffix == ".h5":
            return list(_legacy_weights(path)), None
        model = load_validated(path)
        weights = [Weight(plain_name(variable.path), np.asarray(variable)) for variable in model.weights]
        return weights, read_card(path)[0].vocabulary
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ArtifactError(f"{path} holds no weights that can be read: {error}") from None


def _legacy_weights(path: Path) -> Iterator[Weight]:
    with h5py.File(path) as file:
        group = file.get("model_weights", file)
        for layer in group.attrs["layer_names"]:
            members = group[layer]
            for name in members.attrs["weight_names"]:
                # a weight's own name, under its layer's: a saved one may say more of where it lay
                weight = np.asarray(members[name])
                yield Weight(plain_name(f"{_text(layer)}/{_text(name).rpartition('/')[2]}"), weight)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value
