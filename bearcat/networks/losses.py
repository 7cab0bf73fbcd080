"""Losses with label smoothing: cross entropy for positions and classes, CTC for text of any length."""

import math

import keras
from keras import ops

from bearcat.data.vocabulary import BLANK_INDEX

MASKED_LOGIT = -1e9
MIN_LOG_PROBABILITY = -80.0  # near the least of float32: a path of probability 0 would cost infinity


class SmoothedLoss(keras.losses.Loss):
    """Base class: (1 − label_smoothing) · loss of the labels + label_smoothing · loss against the uniform distribution.

    Logits are converted to float32 first, also those of a float16 network.

    Args:
        label_smoothing: Weight of the uniform distribution, 0 ≤ label_smoothing < 1.
        name: Name of the loss.
        reduction: As in keras.losses.Loss.

    Raises:
        ValueError: If `label_smoothing` is out of range.
    """

    def __init__(self, label_smoothing: float = 0.0, name: str | None = None, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be at least 0 and below 1, not {label_smoothing}")
        self.label_smoothing = label_smoothing

    @classmethod
    def from_card(cls, card, label_smoothing: float) -> "SmoothedLoss":
        """Creates the loss of the network that a card describes."""
        return cls(label_smoothing)

    def call(self, y_true, y_pred):
        loss = self._label_loss(y_true, y_pred)
        if not self.label_smoothing:
            return loss
        return (1 - self.label_smoothing) * loss + self.label_smoothing * self._uniform_loss(y_pred)

    def get_config(self):
        return super().get_config() | {"label_smoothing": self.label_smoothing}

    @staticmethod
    def _label_loss(y_true, y_pred):
        """The loss of the labels alone."""
        raise NotImplementedError

    @staticmethod
    def _uniform_loss(y_pred):
        """The loss against the uniform distribution."""
        raise NotImplementedError


@keras.saving.register_keras_serializable("bearcat")
class SmoothedCrossentropy(SmoothedLoss):
    """Cross entropy, in nats, against smoothed one-hot targets (Szegedy et al. 2016, section 7).

    Targets are indices (N,) or (N, positions), predictions are logits (N, classes) or (N, positions, classes).
    """

    @staticmethod
    def _label_loss(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

    @staticmethod
    def _uniform_loss(y_pred):
        return uniform_crossentropy(y_pred)


@keras.saving.register_keras_serializable("bearcat")
class SmoothedCTC(SmoothedLoss):
    """CTC loss, in nats, with KL(uniform ‖ softmax) summed over the time steps as label smoothing.

    Kim et al. 2018, "Improved training for online end-to-end speech recognition systems", section on label smoothing.
    All steps count, as there is no padding in time. Targets are indices (N, width) padded with 0, the blank;
    predictions are logits (N, steps, classes).
    """

    @staticmethod
    def _label_loss(y_true, y_pred):
        return ctc(y_true, y_pred)

    @staticmethod
    def _uniform_loss(y_pred):
        return ops.sum(uniform_crossentropy(y_pred) - math.log(y_pred.shape[-1]), axis=-1)


def uniform_crossentropy(logits):
    """Cross entropy (...) of logits (..., classes) against the uniform distribution; at least log(classes)."""
    return -ops.mean(ops.log_softmax(logits, axis=-1), axis=-1)


def ctc(targets, logits):
    """CTC loss (Graves et al. 2006).

    On a CPU this calls TensorFlow's own operation, four times as fast as the one Keras calls. The operation sees only
    the blank and the classes of each label, since no path contains another one; of the others, thousands in Chinese,
    only the total probability matters. With S the probability of the gathered classes at a step,
    −log Σ Π p = −log Σ Π (p / S) − Σ log S, over all paths and their steps.

    Args:
        targets: Indices (N, width), padded with 0, the blank. A label must not need more than the available steps.
        logits: Logits (N, steps, classes).

    Returns:
        Losses (N,) in nats.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.losses.ctc(targets, logits)
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU"):
        return keras.losses.ctc(targets, logits)
    gathered, labels = gather_label_logits(tf.cast(targets, tf.int32), logits)
    lengths = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    scores = tf.maximum(tf.nn.log_softmax(gathered), MIN_LOG_PROBABILITY)
    losses = tf.nn.ctc_loss(labels, scores, None, lengths, logits_time_major=False, blank_index=BLANK_INDEX)
    negative_log_s = log_sum_exp(logits) - tf.reduce_logsumexp(gathered, axis=-1)
    # also makes the loss NaN if a logit is NaN, which TensorFlow's operation does not
    return losses + tf.reduce_sum(negative_log_s, axis=-1)


def log_sum_exp(logits):
    """Log-sum-exp (...) of logits (..., classes) under TensorFlow, faster than its own for thousands of classes.

    It needs a single softmax operation, which also gives the gradient.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def compute(values):
        probabilities = tf.nn.softmax(values)
        # the largest logit minus its own log probability
        sums = tf.reduce_max(values, axis=-1) - tf.math.log(tf.reduce_max(probabilities, axis=-1))
        return sums, lambda upstream: upstream[..., None] * probabilities

    return compute(logits)


def gather_label_logits(targets, logits):
    """Gathers the logits of the blank and of each label's own classes.

    Args:
        targets: Indices int32 (N, width), padded with the blank.
        logits: Logits (N, steps, classes).

    Returns:
        Logits (N, steps, 1 + width), and the labels as a sparse tensor of positions on their last axis. A class that
        occurs repeatedly is represented by its first position; its others, and the padding, are masked.
    """
    import tensorflow as tf

    columns = tf.pad(targets, [[0, 0], [1, 0]], constant_values=BLANK_INDEX)
    first = tf.argmax(columns[:, :, None] == columns[:, None, :], axis=-1, output_type=tf.int32)
    is_first = first == tf.range(tf.shape(columns)[1])
    # the gradient of a multiplication by one-hot vectors is another one; that of tf.gather takes far longer
    one_hot = tf.one_hot(columns, logits.shape[-1], dtype=logits.dtype)
    gathered = tf.where(is_first[:, None, :], tf.matmul(logits, one_hot, transpose_b=True), MASKED_LOGIT)
    return gathered, tf.sparse.from_dense(first[:, 1:])
