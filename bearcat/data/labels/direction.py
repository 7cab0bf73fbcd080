"""Visual order of labels: from left to right as in the image, which for Hebrew, Arabic and Persian is not as one types.

The Unicode Bidirectional Algorithm (UAX #9) says how a text is drawn: letters of these scripts run from right to left,
numbers and Latin letters in between from left to right. A label without Latin letters is drawn as a paragraph of its
own script; one that mixes both kinds of letters as the model's direction says, 'rtl' or 'ltr'. Brackets are symbols as
they are typed, not as they are mirrored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice, product
from unicodedata import bidirectional

from bidi import algorithm

from bearcat.data.labels.text import split_graphemes

RTL, LTR = "rtl", "ltr"
DIRECTIONS = ("", RTL, LTR)  # '': symbols are in the order in which they are typed
_BASE_LEVEL = {LTR: 0, RTL: 1}
_RIGHT_TO_LEFT = {"R", "AL"}
_NEUTRAL = "?"  # stands for symbols without a direction of their own
_CLASSES = {"L", "R", "AL", "EN", "ES", "ET", "AN", "CS", "NSM", "WS", "ON"}
# direction → bidi class → the embedding levels that its symbols may have, the preferred one first
_LEVELS: dict[str, dict[str, tuple[int, ...]]] = {
    RTL: {"L": (2,), "EN": (2,), "AN": (2,), "R": (1,), "AL": (1,)},
    LTR: {"L": (0,), "EN": (0, 2), "AN": (2,), "R": (1,), "AL": (1,)},
}
_NEUTRAL_LEVELS: dict[str, tuple[int, ...]] = {RTL: (2, 1), LTR: (0, 1, 2)}
_MAX_CANDIDATES = 1024
_CACHED = 8192  # labels

Order = tuple[int, ...]


def choose_direction(labels: Iterable[str]) -> str:
    """Returns the direction of a set's labels.

    Returns:
        '' if the symbols of every label are drawn in the order in which they are typed; otherwise the direction in
        which most labels that mix Latin with Hebrew or Arabic letters begin, or 'rtl'.
    """
    classes_of = {label: {bidirectional(one) for one in label} for label in set(labels) if not label.isascii()}
    mixed = [label for label, classes in classes_of.items() if "L" in classes and classes & _RIGHT_TO_LEFT]
    left_first = sum(next(bidirectional(one) for one in label if _is_letter(one)) == "L" for label in mixed)
    direction = LTR if 2 * left_first > len(mixed) else RTL
    candidates = (label for label, classes in classes_of.items() if classes & {*_RIGHT_TO_LEFT, "AN"})
    return direction if any(_is_reordered(split_graphemes(label), direction) for label in candidates) else ""


def _is_letter(character: str) -> bool:
    return bidirectional(character) in {"L", *_RIGHT_TO_LEFT}


def _is_reordered(symbols: tuple[str, ...], direction: str) -> bool:
    return visual_order(symbols, direction) != tuple(range(len(symbols)))


@lru_cache(_CACHED)
def visual_order(symbols: tuple[str, ...], direction: str) -> Order:
    """Returns the indices of a label's symbols from left to right.

    Args:
        symbols: Grapheme clusters in the order in which they are typed.
        direction: That of the model; '' keeps the order.
    """
    if not direction:
        return tuple(range(len(symbols)))
    return _display(_representatives(symbols), _base(symbols, direction))


@lru_cache(_CACHED)
def logical_order(symbols: tuple[str, ...], direction: str) -> Order:
    """Returns the indices of symbols in the order in which they are typed: the inverse of `visual_order`.

    Two labels may be drawn alike, such as א1+a and אa+1, whose letter, sign and digit could run either way; then the
    one that needs less reordering is returned.

    Args:
        symbols: Symbols from left to right; a combining mark may be a symbol of its own after its letter.
        direction: That of the model; '' keeps the order.
    """
    everything = tuple(range(len(symbols)))
    if not direction:
        return everything
    clusters = _cluster(symbols)
    texts = tuple("".join(symbols[index] for index in cluster) for cluster in clusters)
    order = _invert(_representatives(texts), _base(texts, direction))
    return tuple(index for number in order for index in clusters[number])


def _base(symbols: Sequence[str], direction: str) -> str:
    """Returns the direction of a label as a paragraph: 'ltr' unless it has letters from right to left."""
    classes = {bidirectional(one) for symbol in symbols for one in symbol}
    if not classes & _RIGHT_TO_LEFT:
        return LTR
    return direction if "L" in classes else RTL


def _representatives(symbols: Sequence[str]) -> str:
    """Returns a character for each symbol that has its direction."""
    return "".join(one[0] if bidirectional(one[0]) in _CLASSES else _NEUTRAL for one in symbols)


def _display(text: str, base: str) -> Order:
    """Applies the algorithm to characters of _CLASSES."""
    storage = algorithm.get_empty_storage()
    storage |= {"base_level": _BASE_LEVEL[base], "base_dir": base[0].upper()}
    algorithm.get_embedding_levels(text, storage)
    for index, character in enumerate(storage["chars"]):
        character["index"] = index
    for step in _STEPS:
        step(storage, False)
    return tuple(character["index"] for character in storage["chars"])


_STEPS: tuple[Callable, ...] = (
    algorithm.explicit_embed_and_overrides,
    algorithm.resolve_weak_types,
    algorithm.resolve_neutral_types,
    algorithm.resolve_implicit_levels,
    algorithm.reorder_resolved_levels,
)


def _invert(visual: str, base: str) -> Order:
    """Returns the first order of characters that is drawn like `visual`, or a likely one if too many are possible."""
    candidates = _candidates(visual, base)
    first = next(candidates)
    for order in (first, *islice(candidates, _MAX_CANDIDATES)):
        displayed = _display("".join(visual[index] for index in order), base)
        if all(order[index] == place for place, index in enumerate(displayed)):
            return order
    return first


def _candidates(visual: str, base: str) -> Iterator[Order]:
    """Yields the orders that result from every assignment of embedding levels."""
    levels_of = _LEVELS[base]
    choices = [levels_of.get(bidirectional(one), _NEUTRAL_LEVELS[base]) for one in visual]
    for levels in product(*choices):
        order = list(range(len(visual)))
        for level in (1, 2):
            _reverse_runs(order, levels, level)
        yield tuple(order)


def _reverse_runs(order: list[int], levels: Sequence[int], least: int) -> None:
    """Reverses the runs of an order whose levels are at least `least`."""
    start = 0
    while start < len(order):
        end = start
        while end < len(order) and levels[order[end]] >= least:
            end += 1
        order[start:end] = reversed(order[start:end])
        start = max(end, start + 1)


def _cluster(symbols: Sequence[str]) -> list[list[int]]:
    """Groups the indices of symbols into grapheme clusters."""
    ends, length = set(), 0
    for text in split_graphemes("".join(symbols)):
        length += len(text)
        ends.add(length)
    clusters: list[list[int]] = []
    length, is_open = 0, False
    for index, symbol in enumerate(symbols):
        length += len(symbol)
        if is_open:
            clusters[-1].append(index)
        else:
            clusters.append([index])
        is_open = length not in ends
    return clusters
