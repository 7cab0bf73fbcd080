"""Exact decoding under a restriction: the best path of a network's output, and the probability of each of its classes.

A path is a class per time step or position. Dynamic programmes over the steps keep a value for each state of the
restriction's automaton and each class that was last on the path, since a repeat of that class is no new character
(CTC): its best score (Viterbi 1967), and the sums of the forward and backward algorithm (Graves et al. 2006).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bearcat.core.errors import RequestOptionError
from bearcat.data.decoding.automata import Automaton, compile_restriction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.vocabulary import BLANK_INDEX, Vocabulary

NOTHING = -1e300  # logarithm of a sum that is 0: of -inf the difference from itself would be no number
LEAST_SCORE = -300.0  # beside the best class of a step: products of a few such probabilities are not 0 yet
MAX_CELLS = 2**21  # of the table of a dynamic programme, for an image: about 0.15 s
MAX_BATCH_CELLS = 8 * MAX_CELLS  # for all images that are decoded together


@dataclass(frozen=True)
class Allowed:
    """What a restriction leaves of a network's output for an image.

    Args:
        classes: The best allowed path: a class per step.
        confidences: Probability of each of them among all allowed paths: the share of the paths that have this class
            at this step. Without a restriction that is the network's probability of the class.
        probability: Sum of the probabilities of all allowed paths.
    """

    classes: np.ndarray
    confidences: np.ndarray
    probability: float


class RestrictedDecoder:
    """Decodes the output of a network among the texts that a restriction allows.

    Args:
        restriction: The restriction.
        vocabulary: The vocabulary of the network.
        merges_repeats: Whether a class that is repeated is one character (CTC).

    Raises:
        RequestOptionError: See `compile_restriction`.
    """

    def __init__(self, restriction: Restriction, vocabulary: Vocabulary, merges_repeats: bool):
        self._restriction, self._merges = restriction, merges_repeats
        self._automaton = compile_restriction(restriction, vocabulary)
        self._classes = self._automaton.classes
        self._cells = max(len(self._automaton.ends), len(self._automaton.edges)) * len(self._classes)

    @cached_property
    def _table(self) -> "_Table":
        return _Table(self._automaton, self._classes, self._merges)

    def check_size(self, steps: int, images: int = 1) -> None:
        """Raises RequestOptionError if there is too much to compute for the outputs of some images."""
        cells = steps * self._cells
        if cells > MAX_CELLS or images * cells > MAX_BATCH_CELLS:
            raise RequestOptionError(
                f"{self._restriction}: this takes too long with the {len(self._classes) - 1:,} characters that it "
                f"leaves to this model{f' and {images} images or cells' if images > 1 else ''}. Name fewer "
                "characters, or a shorter length or pattern"
            )

    def decode(self, logits: np.ndarray) -> Allowed:
        """Decodes the logits (steps, classes) of an image.

        Raises:
            RequestOptionError: All allowed texts are too long for the network, or there is too much to compute.
        """
        steps = len(logits)
        self.check_size(steps)
        scores = log_softmax(logits)
        best, own = scores.argmax(axis=-1), scores[:, self._classes]
        # without a restriction it would be the best path, so it is among the allowed ones too
        path = np.searchsorted(self._classes, best) if self.accepts(best) else self._table.best_path(own)
        if path is None:
            raise RequestOptionError(
                f"{self._restriction}: even the shortest of these texts is longer than the {steps} "
                f"{'time steps' if self._merges else 'positions'} of this model have room for"
            )
        confidences, score = self._table.shares(own, path)
        return Allowed(self._classes[path], confidences, float(np.exp(min(score, 0))))

    def accepts(self, classes: np.ndarray) -> bool:
        """Whether the text of a path of classes is allowed."""
        starts = run_starts(classes, self._merges)
        return self._automaton.accepts(classes[starts & (classes != BLANK_INDEX)])


class _Table:
    """The steps of the dynamic programmes, on tables (states, classes); the first class is the blank."""

    def __init__(self, automaton: Automaton, classes: np.ndarray, merges: bool):
        self._merges, self._ends = merges, automaton.ends
        self._to, self._of = automaton.edges.T
        # the classes that lead from one state of an edge to the other
        self._edges = (automaton.following[self._of] == self._to[:, None])[:, automaton.columns[classes]]
        self._entered, self._enter = np.unique(self._to, return_index=True)
        self._by_source = np.argsort(self._of, kind="stable")
        self._left, self._leave = np.unique(self._of[self._by_source], return_index=True)
        self._shape = len(automaton.ends), len(classes)

    def best_path(self, scores: np.ndarray) -> np.ndarray | None:
        """Returns the allowed path, as columns of the scores, with the highest sum (Viterbi); None if there is none."""
        best = np.full((len(scores) + 1, *self._shape), -np.inf)
        best[0, 0, BLANK_INDEX] = 0
        refused = np.where(self._edges, 0, -np.inf)
        for step, score in enumerate(scores):
            before, after = best[step], best[step + 1]
            highest = before.max(axis=1)
            if self._merges:
                after[:] = before  # the same class again
            after[:, BLANK_INDEX] = highest
            others = _highest_without_each(before, highest) if self._merges else highest[:, None]
            entering = np.maximum.reduceat(others[self._of] + refused, self._enter, axis=0)
            after[self._entered] = np.maximum(after[self._entered], entering)
            after += score
        return self._trace(best)

    def _trace(self, best: np.ndarray) -> np.ndarray | None:
        path = np.zeros(len(best) - 1, int)
        last = np.where(self._ends[:, None], best[-1], -np.inf)
        if np.isneginf(last.max()):
            return None
        for step in reversed(range(len(path))):
            state, column = np.unravel_index(last.argmax(), last.shape)
            path[step], before, last = column, best[step], np.full(self._shape, -np.inf)
            if column == BLANK_INDEX:
                last[state] = before[state]
                continue
            sources = self._of[(self._to == state) & self._edges[:, column]]
            last[sources] = before[sources]
            if self._merges:
                last[:, column] = -np.inf
                last[state, column] = before[state, column]
        return path

    def shares(self, scores: np.ndarray, path: np.ndarray) -> tuple[np.ndarray, float]:
        """Returns the share of each class of a path in all allowed paths, and the logarithm of the sum of these."""
        highest = scores.max(axis=1)
        chances = np.exp(np.maximum(scores - highest[:, None], LEAST_SCORE))
        forward, forward_scales = self._forward(chances)
        backward, backward_scales = self._backward(chances)
        total = forward_scales[-1, self._ends].max()
        ends = np.exp(forward_scales[-1, self._ends] - total) * forward[-1, self._ends].sum(axis=1)
        total += np.log(max(ends.sum(), 1.0))
        steps = np.arange(len(path))
        joint = forward[1:][steps, :, path] * backward[1:][steps, :, path]
        with np.errstate(divide="ignore"):
            shares = np.exp(np.log(joint) + forward_scales[1:] + backward_scales[1:] - total).sum(axis=1)
        return np.minimum(shares, 1), total + highest.sum()

    def _forward(self, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns, before the first and after each step, the sums over all paths to each state and class.

        Returns:
            The sums, each state's divided by their highest, and the logarithms of these.
        """
        sums, scales = self._empty(len(chances))
        sums[0, 0, BLANK_INDEX], scales[0, 0] = 1, 0
        for step, chance in enumerate(chances):
            before, scale = sums[step], scales[step]
            top = scale.copy()
            top[self._entered] = np.maximum(top[self._entered], np.maximum.reduceat(scale[self._of], self._enter))
            stay, enter = np.exp(scale - top)[:, None], np.exp(scale[self._of] - top[self._to])[:, None]
            total = before.sum(axis=1, keepdims=True)
            others = _sums_without_each(before) if self._merges else total
            after = before * stay if self._merges else np.zeros(self._shape)
            after[:, [BLANK_INDEX]] = total * stay
            after[self._entered] += np.add.reduceat(others[self._of] * enter * self._edges, self._enter, axis=0)
            _store(after * chance, top, sums[step + 1], scales[step + 1])
        return sums, scales

    def _backward(self, chances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns, before the first and after each step, the sums over all paths from each state and class on."""
        sums, scales = self._empty(len(chances))
        sums[-1, self._ends], scales[-1, self._ends] = 1, 0
        to, of = self._to[self._by_source], self._of[self._by_source]
        edges = self._edges[self._by_source]
        for step in reversed(range(len(chances))):
            after, scale = sums[step + 1] * chances[step], scales[step + 1]
            top = scale.copy()
            top[self._left] = np.maximum(top[self._left], np.maximum.reduceat(scale[to], self._leave))
            stay, leave = np.exp(scale - top)[:, None], np.exp(scale[to] - top[of])[:, None]
            entered = after[to] * edges
            others = _sums_without_each(entered) if self._merges else entered.sum(axis=1, keepdims=True)
            before = np.repeat(after[:, [BLANK_INDEX]] * stay, self._shape[1], axis=1)
            if self._merges:
                before[:, BLANK_INDEX + 1 :] += after[:, BLANK_INDEX + 1 :] * stay
            before[self._left] += np.add.reduceat(others * leave, self._leave, axis=0)
            _store(before, top, sums[step], scales[step])
        return sums, scales

    def _empty(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        return np.zeros((steps + 1, *self._shape)), np.full((steps + 1, self._shape[0]), NOTHING)


def _store(values: np.ndarray, scale: np.ndarray, sums: np.ndarray, scales: np.ndarray) -> None:
    """Stores sums divided by the highest of each state, and the logarithms of these."""
    highest = values.max(axis=1)
    divisor = np.where(highest > 0, highest, 1)
    np.divide(values, divisor[:, None], out=sums)
    np.copyto(scales, np.where(highest > 0, scale + np.log(divisor), NOTHING))


def _highest_without_each(scores: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Returns, for each class, the highest score of all others in its row."""
    rows, best = np.arange(len(scores)), scores.argmax(axis=1)
    rest = scores.copy()
    rest[rows, best] = -np.inf
    result = np.repeat(highest[:, None], scores.shape[1], axis=1)
    result[rows, best] = rest.max(axis=1)
    return result


def _sums_without_each(values: np.ndarray) -> np.ndarray:
    """Returns, for each class, the sum of all others in its row; for the highest, subtracting would lose small ones."""
    rows, best = np.arange(len(values)), values.argmax(axis=1)
    rest = values.copy()
    rest[rows, best] = 0
    others = rest.sum(axis=1)
    result = (others + values[rows, best])[:, None] - values
    result[rows, best] = others
    return result


def run_starts(classes: np.ndarray, merges_repeats: bool) -> np.ndarray:
    """Returns whether each step of a path begins a character or blank: a repeat does not if it is merged (CTC)."""
    return np.append(True, classes[1:] != classes[:-1]) if merges_repeats else np.ones(len(classes), bool)


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithm of the softmax over the last axis, in float64; finite where the softmax would be 0."""
    shifted = np.asarray(logits, np.float64)
    shifted = shifted - shifted.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
