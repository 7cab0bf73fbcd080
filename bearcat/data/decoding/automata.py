"""Restrictions as deterministic automata over the classes of a network."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from bearcat.core.errors import RequestOptionError
from bearcat.data.decoding.patterns import Item, upper_case
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.labels.text import fold_case
from bearcat.data.vocabulary import BLANK_INDEX, Vocabulary

MAX_STATES = 128
KEPT = 16  # compiled restrictions, for the next images of a request and the next requests
SHOWN = 80  # characters of a vocabulary in a message
NONE = -1  # no following state

Configuration = tuple[int, int]  # an item of a pattern, and the number of its repeats so far
State = tuple[frozenset[Configuration], int]  # where in the pattern a text may be, and its length


@dataclass(frozen=True, eq=False)
class Automaton:
    """The allowed texts. It is deterministic, so that each of them is counted once; its first state is the start.

    Classes that lead to the same states share a column: a large vocabulary needs no more memory than a small one.

    Args:
        following: State (S) × column → the next state, NONE if the classes of the column are not allowed there.
        columns: The column of each class of the network.
        ends: The states (S) in which a text may end.
    """

    following: np.ndarray
    columns: np.ndarray
    ends: np.ndarray

    @property
    def classes(self) -> np.ndarray:
        """The classes of the network that an allowed text can have, and the blank before them."""
        is_used = (self.following != NONE).any(axis=0)[self.columns]
        is_used[BLANK_INDEX] = True
        return np.flatnonzero(is_used)

    @property
    def edges(self) -> np.ndarray:
        """The pairs (next state, state) between which a class leads, in order."""
        states, columns = np.nonzero(self.following != NONE)
        return np.unique(np.stack([self.following[states, columns], states], axis=1), axis=0)

    def accepts(self, classes: Iterable[int]) -> bool:
        """Whether the text of these classes, without blanks, is allowed."""
        state = 0
        for index in classes:
            state = self.following[state, self.columns[index]]
            if state == NONE:
                return False
        return bool(self.ends[state])


def compile_restriction(restriction: Restriction, vocabulary: Vocabulary) -> Automaton:
    """Returns the automaton of a restriction for the texts of a vocabulary.

    Raises:
        RequestOptionError: No text of the vocabulary is allowed, the pattern is too ambiguous, or it has several parts
            and the order in which the text is typed is not that in which the network predicts it.
    """
    compiled = _compile_or_refuse(restriction, vocabulary)
    if isinstance(compiled, str):
        raise RequestOptionError(compiled)
    return compiled


@lru_cache(maxsize=KEPT)
def _compile_or_refuse(restriction: Restriction, vocabulary: Vocabulary) -> Automaton | str:
    """Returns the automaton, or why there is none: each image of a request would find that out anew."""
    try:
        return _compile(restriction, vocabulary)
    except RequestOptionError as error:
        return str(error)


def _compile(restriction: Restriction, vocabulary: Vocabulary) -> Automaton:
    items = restriction.items
    if vocabulary.direction and len(items) > 1:
        raise RequestOptionError(
            f"pattern {restriction.pattern!r}: the texts of this model run from right to left, where a pattern can "
            "only have one part, such as [0-9]{4}. Use characters and length"
        )
    columns: dict[bytes, int] = {}  # which items its classes match → its number
    class_columns = [columns.setdefault(one.tobytes(), len(columns)) for one in _matches(restriction, vocabulary).T]
    states: dict[State, int] = {(_closure([(0, 0)], items), 0): 0}
    moves: list[list[int]] = []
    for state in _growing(states):
        nexts = [_advance(state, column, restriction) for column in columns]
        moves.append([NONE if one is None else states.setdefault(one, len(states)) for one in nexts])
        if len(states) > MAX_STATES:
            raise RequestOptionError(f"{restriction}: this has more than {MAX_STATES} states. Write a simpler pattern")
    least, _ = restriction.lengths
    ends = np.array([(len(items), 0) in where and length >= least for where, length in states])
    following = _without_dead_ends(np.array(moves), ends)
    if (following[0] == NONE).all():
        raise RequestOptionError(f"{restriction}: no text that is not empty satisfies all of this")
    following, ends = _only_reachable(following, ends)
    return Automaton(following.astype(np.int16), np.array(class_columns, np.int16), ends)


def _growing(states: dict[State, int]) -> Iterator[State]:
    """Yields the states in the order in which they are added, those added meanwhile too."""
    number = 0
    while number < len(states):
        yield list(states)[number]
        number += 1


def _matches(restriction: Restriction, vocabulary: Vocabulary) -> np.ndarray:
    """Returns whether each class (columns, the blank first) matches each item of the pattern (rows)."""
    symbols, ignore_case = vocabulary.characters, vocabulary.ignore_case
    listed = set(fold_case(restriction.characters) if ignore_case else restriction.characters)
    allowed = np.array([not listed or symbol in listed for symbol in symbols])
    shown = "".join(symbols)
    known = f"the model knows {shown if len(shown) <= SHOWN else shown[: SHOWN - 1] + '…'}"
    if not allowed.any():
        raise RequestOptionError(f"characters {restriction.characters[:SHOWN]!r}: none of them is known, {known}")
    each = np.array(symbols, str)
    upper = upper_case(each) if ignore_case else None
    rows = np.zeros((len(restriction.items), len(vocabulary)), bool)
    for item, row in zip(restriction.items, rows, strict=True):
        row[BLANK_INDEX + 1 :] = allowed & item.matches(each, upper)
        if item.least and not row.any():
            among = " among the allowed characters" if restriction.characters else ""
            raise RequestOptionError(f"pattern {restriction.pattern!r}: nothing matches {item.text!r}{among}, {known}")
    return rows


def _closure(configurations: Iterable[Configuration], items: Sequence[Item]) -> frozenset[Configuration]:
    """Adds the configurations that need no further character."""
    found: set[Configuration] = set()
    waiting = list(configurations)
    while waiting:
        number, repeats = one = waiting.pop()
        if one not in found:
            found.add(one)
            if number < len(items) and repeats >= items[number].least:
                waiting.append((number + 1, 0))
    return frozenset(found)


def _advance(state: State, column: bytes, restriction: Restriction) -> State | None:
    """Returns the state after a character that matches the items in a column of `_matches`; None if there is none."""
    (where, length), items, (least, most) = state, restriction.items, restriction.lengths
    if most is not None and length == most:
        return None
    reached = [
        # without a limit, repeats need not be counted beyond the smallest number
        (number, repeats + 1 if items[number].most is not None else min(repeats + 1, items[number].least))
        for number, repeats in where
        if number < len(items) and column[number] and repeats != items[number].most
    ]
    counted = length + 1 if most is not None else min(length + 1, least)
    return (_closure(reached, items), counted) if reached else None


def _without_dead_ends(following: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Removes the moves to states from which no end can be reached."""
    alive = ends.copy()
    while True:
        more = alive | ((following != NONE) & alive[following]).any(axis=1)
        if (more == alive).all():
            return np.where((following != NONE) & alive[following], following, NONE)
        alive = more


def _only_reachable(following: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers the states that can be reached from the start anew, and leaves out the others."""
    reached = np.zeros(len(ends), bool)
    reached[0] = True
    while True:
        more = reached.copy()
        more[following[reached][following[reached] != NONE]] = True
        if (more == reached).all():
            break
        reached = more
    numbers = np.append(np.cumsum(reached) - 1, NONE)  # the last for NONE
    return numbers[following[reached]], ends[reached]
