"""Take over what another network has learnt, wherever its weights fit."""

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import keras
import numpy as np

from bearcat.artifacts.card import read_card
from bearcat.artifacts.keras_files import load_validated
from bearcat.core.errors import ArtifactError
from bearcat.data.vocabulary import BLANK_INDEX, Vocabulary

HEAD, POSITIONS = "logits", "positions"
GREY_OF_RGB = np.array([0.299, 0.587, 0.114], np.float32)  # as Pillow turns colours into grey (ITU-R 601)


@dataclass(frozen=True)
class Weight:
    """A weight by its place in the network, its counters left out, and its values."""

    name: str
    values: np.ndarray

    @property
    def key(self) -> tuple:
        return self.name, self.values.shape

    def is_of(self, layer: str) -> bool:
        """Tell whether the weight belongs to a layer of this name."""
        return self.name.startswith(f"{layer}/")


def take_over(model: keras.Model, vocabulary: Vocabulary, path: Path) -> tuple[list[str], list[str]]:
    """Put a file's weights into a model where they fit; return the names of what was taken and of what was not.

    Weights are matched in order, by name and shape. The head's rows follow their symbols: a row whose symbol the file
    does not know keeps what it has; so do positions beyond those that the file has. A network that looked at grey
    images looks at the grey of coloured ones. Raises ArtifactError where the file holds no weights.
    """
    weights, old_vocabulary = read_weights(path)
    if model.input_shape[-1] == len(GREY_OF_RGB):
        weights = [in_colour(weight) for weight in weights]
    targets = [Weight(plain_name(variable.path), np.asarray(variable)) for variable in model.weights]
    matcher = difflib.SequenceMatcher(
        None, [weight.key for weight in weights], [target.key for target in targets], autojunk=False
    )
    taken = set()
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            number = block.b + offset
            if not targets[number].is_of(HEAD):
                model.weights[number].assign(weights[block.a + offset].values)
                taken.add(number)
    taken |= set(take_over_head(model, targets, weights, vocabulary, old_vocabulary))
    taken |= set(take_over_positions(model, targets, weights))
    names = [variable.path for variable in model.weights]
    return [names[n] for n in sorted(taken)], [name for n, name in enumerate(names) if n not in taken]


def take_over_head(model, targets, weights, vocabulary: Vocabulary, old: Vocabulary | None) -> Iterator[int]:
    """Copy the rows of the head whose symbols both vocabularies have; yield the numbers of the weights touched."""
    if old is None:
        return
    pairs = [(row, known_row(symbol, old)) for symbol, row in vocabulary.index_of.items()]
    pairs = [(BLANK_INDEX, BLANK_INDEX), *((row, old_row) for row, old_row in pairs if old_row is not None)]
    rows, old_rows = np.array(pairs).T
    sources = {weight.name: weight.values for weight in weights if weight.is_of(HEAD)}
    heads = {number: target for number, target in enumerate(targets) if target.is_of(HEAD)}
    if any(sources[head.name].shape[:-1] != head.values.shape[:-1] for head in heads.values()):
        return  # a head that looks at other features
    for number, head in heads.items():
        values = head.values.copy()
        values[..., rows] = sources[head.name][..., old_rows]
        model.weights[number].assign(values)
        yield number


def known_row(symbol: str, vocabulary: Vocabulary) -> int | None:
    """Return a vocabulary's row of a symbol, or of the same letter in the other case; None where it has neither."""
    return vocabulary.index_of.get(symbol, vocabulary.index_of.get(symbol.swapcase()))


def take_over_positions(model, targets, weights) -> Iterator[int]:
    """Copy where ORDINARY's first positions look, for labels of another length; yield the numbers touched."""
    sources = {weight.name: weight.values for weight in weights if weight.is_of(POSITIONS)}
    for number, target in enumerate(targets):
        source = sources.get(target.name)
        if source is not None and source.shape[:-1] == target.values.shape[:-1]:
            values, shared = target.values.copy(), min(source.shape[-1], target.values.shape[-1])
            values[..., :shared] = source[..., :shared]
            model.weights[number].assign(values)
            yield number


def in_colour(weight: Weight) -> Weight:
    """Return the kernel that sees in RGB what a weight sees in grey, where that is a kernel for grey images."""
    if weight.values.ndim != 4 or weight.values.shape[2] != 1:
        return weight
    return Weight(weight.name, weight.values * GREY_OF_RGB[:, None])


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
