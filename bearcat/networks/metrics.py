"""The metric shown during training: the fraction of captchas that are recognised without a mistake."""

import keras
from keras import ops

from bearcat.data.vocabulary import BLANK_INDEX


def decode_positions(logits):
    """The best class of each position, and which of them are characters, both (N, positions)."""
    indices = ops.cast(ops.argmax(logits, axis=-1), "int32")
    return indices, indices != BLANK_INDEX


def decode_ctc(logits):
    """The best class of each time step, and which steps begin a character (no blank, no repeat), both (N, steps)."""
    indices, is_character = decode_positions(logits)
    previous = ops.pad(indices[:, :-1], [[0, 0], [1, 0]], constant_values=BLANK_INDEX)
    return indices, ops.logical_and(is_character, indices != previous)


def decode_class(logits):
    """The best class (N, 1) of logits (N, 1, classes), never the blank, and a mask of ones."""
    indices = ops.cast(ops.argmax(logits[..., BLANK_INDEX + 1 :], axis=-1), "int32") + BLANK_INDEX + 1
    return indices, indices != BLANK_INDEX


# mode → greedy decoding of logits (N, positions or steps, classes) into indices, and a mask of those that count
DECODERS = {
    "ORDINARY": decode_positions,
    "NUM_CLASSES": decode_class,
    "CTC": decode_ctc,
    "CTC_TINY": decode_ctc,
}


def align_left(indices, mask):
    """Moves the masked entries of each row (N, width) to its front, in order, and fills up with blanks."""
    width = indices.shape[1]
    order = ops.argsort(ops.where(mask, 0, width) + ops.arange(width), axis=1)
    return ops.take_along_axis(ops.where(mask, indices, BLANK_INDEX), order, axis=1)


@keras.saving.register_keras_serializable("bearcat")
class ExactMatch(keras.metrics.Mean):
    """Fraction of captchas whose text or class is predicted exactly, by greedy decoding.

    Args:
        mode: The value of MODE; decoding equals that of the mode's codec, which a test verifies.
        name: Name of the metric in the logs.
    """

    def __init__(self, mode: str, name: str = "exact", **kwargs):
        super().__init__(name=name, **kwargs)
        self.mode = mode

    @classmethod
    def from_card(cls, card) -> "ExactMatch":
        """Creates the metric of the network that a card describes."""
        return cls(card.mode)

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Accumulates a batch.

        Args:
            y_true: Indices (N, width) of the labels' symbols, padded with blanks.
            y_pred: Logits (N, positions or steps, classes).
            sample_weight: Weights (N,).
        """
        predicted = align_left(*DECODERS[self.mode](y_pred))
        target = ops.cast(y_true, "int32")
        missing = predicted.shape[1] - target.shape[1]
        target = ops.pad(target, [[0, 0], [0, max(0, missing)]], constant_values=BLANK_INDEX)
        predicted = ops.pad(predicted, [[0, 0], [0, max(0, -missing)]], constant_values=BLANK_INDEX)
        correct = ops.all(predicted == target, axis=1)
        return super().update_state(ops.cast(correct, self.dtype), sample_weight)

    def get_config(self):
        return super().get_config() | {"mode": self.mode}
