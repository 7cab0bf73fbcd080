"""The number shown while training: the share of captchas that are read without a single mistake."""

import keras
from keras import ops

from bearcat.data.vocabulary import BLANK_INDEX


def positions_read(logits):
    """Return rows (N, positions) of the best class at each position, and which of them are characters."""
    rows = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return rows, rows != BLANK_INDEX


def steps_read(logits):
    """Return rows (N, steps) and which of them begin a character: no blank, no repeat (CTC's collapse)."""
    rows, is_character = positions_read(logits)
    before = ops.pad(rows[:, :-1], [[0, 0], [1, 0]], constant_values=BLANK_INDEX)
    return rows, ops.logical_and(is_character, rows != before)


def class_read(logits):
    """Return rows (N, 1) of the best class, the blank aside, and that each is one."""
    rows = ops.cast(ops.argmax(logits[..., BLANK_INDEX + 1 :], axis=-1), "int32") + BLANK_INDEX + 1
    return rows, rows != BLANK_INDEX


KEEPERS = {"ORDINARY": positions_read, "NUM_CLASSES": class_read, "CTC": steps_read, "CTC_TINY": steps_read}


def compact(rows, kept):
    """Move the kept entries of each row to its front, in order, and put blanks behind them."""
    length = rows.shape[1]
    order = ops.argsort(ops.where(kept, 0, length) + ops.arange(length), axis=1)
    return ops.take_along_axis(ops.where(kept, rows, BLANK_INDEX), order, axis=1)


@keras.saving.register_keras_serializable("bearcat")
class ExactMatch(keras.metrics.Mean):
    """The share of whole captchas read right, by the best class of each position or step.

    `mode` names how logits are read; a test holds it equal to the codecs' decoding.
    """

    def __init__(self, mode: str, name: str = "exact", **kwargs):
        super().__init__(name=name, **kwargs)
        self.mode = mode

    @classmethod
    def from_card(cls, card) -> "ExactMatch":
        """Return the metric of the network that a card describes."""
        return cls(card.mode)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Count targets (N, width), padded with blanks, against logits (N, positions or steps, rows)."""
        read = compact(*KEEPERS[self.mode](y_pred))
        target = ops.cast(y_true, "int32")
        lacking = read.shape[1] - target.shape[1]
        target = ops.pad(target, [[0, 0], [0, max(0, lacking)]], constant_values=BLANK_INDEX)
        read = ops.pad(read, [[0, 0], [0, max(0, -lacking)]], constant_values=BLANK_INDEX)
        right = ops.all(read == target, axis=1)
        return super().update_state(ops.cast(right, self.dtype), sample_weight)

    def get_config(self):
        """Return what builds this metric again."""
        return super().get_config() | {"mode": self.mode}
