"""Transfer of weights from a file into a network, wherever they fit."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import h5py
import keras
import numpy as np

from bearcat.artifacts.card import read_card
from bearcat.artifacts.keras_files import load_evaluated
from bearcat.core.errors import ArtifactError
from bearcat.data.vocabulary import BLANK_INDEX, Vocabulary
from bearcat.networks.layers import AppendGreyness

HEAD, POSITIONS = "logits", "positions"  # names of layers
RGB = 3  # channels
NEW_BIAS = -1.0  # of a new symbol, added to the mean
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # of R, G, B, as Pillow converts to grey (ITU-R 601)


@dataclass(frozen=True)
class Weight:
    """A weight's values, and its path in the network without the counters of layer names."""

    name: str
    values: np.ndarray

    @property
    def key(self) -> tuple:
        return self.name, self.values.shape

    def is_of(self, layer: str) -> bool:
        """Whether it belongs to a layer."""
        return self.name.startswith(f"{layer}/")


def transfer_weights(model: keras.Model, vocabulary: Vocabulary, path: Path) -> tuple[list[str], list[str]]:
    """Copies a file's weights into a model wherever they fit.

    Weights are matched in order, by name and shape. In the head the columns of each symbol are copied; symbols that
    the file does not know keep their values. So do positions beyond the file's CAPTCHA_LENGTH. The first kernel of a
    network for grey images is expanded for one that takes colour, so that it sees the luminance; see also
    `colour_mix.choose_mix`.

    Args:
        model: The model, changed in place.
        vocabulary: Its vocabulary.
        path: A .keras file of Bearcat, or an .h5 file in the format of keras.applications.

    Returns:
        Paths of the weights that were transferred, and of those that were not.

    Raises:
        ArtifactError: The file holds no weights.
    """
    weights, old_vocabulary = read_weights(path)
    targets = [Weight(plain_name(variable.path), np.asarray(variable)) for variable in model.weights]
    if model.input_shape[-1] == RGB:
        further_channels = int(takes_greyness(model))
        weights = [_for_colour(weight, further_channels) for weight in weights]
    matcher = difflib.SequenceMatcher(
        None, [weight.key for weight in weights], [target.key for target in targets], autojunk=False
    )
    transferred = set()
    for block in matcher.get_matching_blocks():
        for offset in range(block.size):
            number = block.b + offset
            if not targets[number].is_of(HEAD):
                model.weights[number].assign(weights[block.a + offset].values)
                transferred.add(number)
    transferred |= set(_transfer_head(model, targets, weights, vocabulary, old_vocabulary))
    transferred |= set(_transfer_positions(model, targets, weights))
    paths = [variable.path for variable in model.weights]
    return [paths[n] for n in sorted(transferred)], [path for n, path in enumerate(paths) if n not in transferred]


def _transfer_head(
    model: keras.Model,
    targets: Sequence[Weight],
    weights: Sequence[Weight],
    vocabulary: Vocabulary,
    old: Vocabulary | None,
) -> Iterator[int]:
    """Copies the columns of the head for symbols that both vocabularies have; yields the numbers of its weights."""
    if old is None:
        return
    pairs = [(BLANK_INDEX, BLANK_INDEX), *_known_symbols(vocabulary, old)]
    indices, old_indices = np.array(pairs).T
    heads = [number for number, target in enumerate(targets) if target.is_of(HEAD)]
    for number, (variable, source) in zip(heads, head_pairs(model, weights), strict=False):
        values = np.array(variable)
        values[..., indices] = source[..., old_indices]
        variable.assign(values)
        yield number


def _known_symbols(vocabulary: Vocabulary, old: Vocabulary) -> Iterator[tuple[int, int]]:
    """Yields the indices in both vocabularies of the symbols that the old one knows, if only in the other case."""
    for symbol, index in vocabulary.index_of.items():
        old_index = old.index_of.get(symbol, old.index_of.get(symbol.swapcase()))
        if old_index is not None:
            yield index, old_index


def start_new_symbols(model: keras.Model, vocabulary: Vocabulary, path: Path, bias: float = NEW_BIAS) -> None:
    """Starts the columns of the head for symbols that a file does not know near the mean of those that it knows.

    What the known ones have in common tells a character from the blank. Half of the random start tells the new ones
    from each other.

    Args:
        model: The model, changed in place. Its weights are those of `path`.
        vocabulary: Its vocabulary.
        path: The file.
        bias: Added to the mean bias. A negative one leaves the known classes their probability.
    """
    weights, old = read_weights(path)
    if old is None:
        return
    known = {BLANK_INDEX, *(index for index, _ in _known_symbols(vocabulary, old))}
    new = [index for index in range(len(vocabulary)) if index not in known]
    for variable, source in head_pairs(model, weights) if new else ():
        values, mean = np.array(variable), source[..., BLANK_INDEX + 1 :].mean(axis=-1, keepdims=True)
        values[..., new] = mean + (values[..., new] / 2 if values.ndim > 1 else bias)
        variable.assign(values)


def is_of_head(path: str) -> bool:
    """Whether the path of a weight is that of one of the output layer."""
    return plain_name(path).startswith(f"{HEAD}/")


def head_weights(model: keras.Model) -> list[keras.Variable]:
    """The weights of a model's output layer."""
    return [variable for variable in model.weights if is_of_head(variable.path)]


def head_pairs(model: keras.Model, weights: Sequence[Weight]) -> list[tuple[keras.Variable, np.ndarray]]:
    """Pairs the weights of a model's output layer with those of a file, whose classes (last axis) may be others.

    There are none if the features before the layer are others.
    """
    sources = {weight.name: weight.values for weight in weights if weight.is_of(HEAD)}
    pairs = [(variable, sources.get(plain_name(variable.path))) for variable in head_weights(model)]
    found = [(variable, source) for variable, source in pairs if source is not None]
    fits = all(source.shape[:-1] == tuple(variable.shape[:-1]) for variable, source in found)
    return found if fits and len(found) == len(pairs) else []


def _transfer_positions(model: keras.Model, targets: Sequence[Weight], weights: Sequence[Weight]) -> Iterator[int]:
    """Copies ORDINARY's attention for the positions that both networks have; yields the numbers of its weights."""
    sources = {weight.name: weight.values for weight in weights if weight.is_of(POSITIONS)}
    for number, target in enumerate(targets):
        source = sources.get(target.name)
        if source is not None and source.shape[:-1] == target.values.shape[:-1]:
            values, shared = target.values.copy(), min(source.shape[-1], target.values.shape[-1])
            values[..., :shared] = source[..., :shared]
            model.weights[number].assign(values)
            yield number


def takes_greyness(model: keras.Model) -> bool:
    """Whether a model computes the greyness of its RGB images as a fourth channel."""
    return any(isinstance(layer, AppendGreyness) for layer in model.layers)


def first_kernel(model: keras.Model) -> keras.Variable:
    """The kernel (height, width, channels, filters) of a model's first convolution."""
    return next(variable for variable in model.weights if len(variable.shape) == 4)


def _for_colour(weight: Weight, further_channels: int) -> Weight:
    """Expands a kernel for grey images, or for RGB alone, to RGB and further channels, which have no effect at first.

    Other weights stay as they are.
    """
    if weight.values.ndim != 4 or weight.values.shape[2] not in (1, RGB):
        return weight
    values = weight.values * LUMINANCE[:, None] if weight.values.shape[2] == 1 else weight.values
    return Weight(weight.name, np.pad(values, ((0, 0), (0, 0), (0, further_channels), (0, 0))))


def plain_name(path: str) -> str:
    """Removes the counters by which Keras tells layers of the same name apart: conv2d_12/kernel → conv2d/kernel."""
    return re.sub(r"_\d+(?=/|$)", "", path.removesuffix(":0"))


def read_weights(path: Path) -> tuple[list[Weight], Vocabulary | None]:
    """Reads the weights of a .keras file with its vocabulary, or those of an .h5 file, which has none.

    Raises:
        ArtifactError: The file holds no weights.
    """
    return _read_weights(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=1)
def _read_weights(path: Path, modified: int) -> tuple[list[Weight], Vocabulary | None]:
    """Reads a file for `read_weights`, which is called several times in a row; `modified` is its time stamp."""
    try:
        if path.suffix == ".h5":
            return list(_legacy_weights(path)), None
        model = load_evaluated(path)
        weights = [Weight(plain_name(variable.path), np.asarray(variable)) for variable in model.weights]
        return weights, read_card(path)[0].vocabulary
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise ArtifactError(f"{path} holds no weights that can be read: {error}") from None


def _legacy_weights(path: Path) -> Iterator[Weight]:
    """Yields the weights of an .h5 file as keras.applications publishes them."""
    with h5py.File(path) as file:
        group = file.get("model_weights", file)
        for layer in group.attrs["layer_names"]:
            members = group[layer]
            for name in members.attrs["weight_names"]:
                # under the layer's own name, since the weight's may have further prefixes
                weight = np.asarray(members[name])
                yield Weight(plain_name(f"{_text(layer)}/{_text(name).rpartition('/')[2]}"), weight)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else value
