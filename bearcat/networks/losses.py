"""The losses with label smoothing, one a mode; without it they are those of Keras."""

import math

import keras
from keras import ops

from bearcat.data.vocabulary import BLANK_INDEX

NOTHING = -1e9  # a logit that is no share of anything
LEAST_LOG = -80.0  # of a probability: float32 has none much smaller, and a path of none would cost infinitely much


class SmoothedLoss(keras.losses.Loss):
    """What both losses share: a mixture of a loss of the labels and a pull towards the uniform distribution.

    A float16 network's logits are taken to float32 before anything is computed.
    Raises ValueError for a `label_smoothing` outside 0 … 1.
    """

    def __init__(self, label_smoothing: float = 0.0, name: str | None = None, reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction, dtype="float32")
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing must be at least 0 and below 1, not {label_smoothing}")
        self.label_smoothing = label_smoothing

    @classmethod
    def from_card(cls, card, label_smoothing: float) -> "SmoothedLoss":
        """Return the loss of the network that a card describes."""
        return cls(label_smoothing)

    def call(self, y_true, y_pred):
        """Return (1 − label_smoothing) · the labels' loss + label_smoothing · the pull, by the sample or position."""
        loss = self._loss_of_labels(y_true, y_pred)
        if not self.label_smoothing:
            return loss
        return (1 - self.label_smoothing) * loss + self.label_smoothing * self._pull(y_pred)

    def get_config(self):
        """Return what builds this loss again."""
        return super().get_config() | {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("bearcat")
class SmoothedCrossentropy(SmoothedLoss):
    """Cross entropy, in nats, against (1 − label_smoothing) · one-hot + label_smoothing / rows.

    Targets (N,) or (N, positions) of rows, logits (N, rows) or (N, positions, rows).
    Szegedy et al. 2016, section 7.
    """

    @staticmethod
    def _loss_of_labels(y_true, y_pred):
        return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)

    @staticmethod
    def _pull(y_pred):
        return uniform_crossentropy(y_pred)


@keras.saving.register_keras_serializable("bearcat")
class SmoothedCTC(SmoothedLoss):
    """(1 − label_smoothing) · CTC + label_smoothing · KL(uniform ‖ softmax) summed over the steps, in nats.

    Targets (N, width) of rows, padded with 0, the blank; logits (N, steps, rows). Kim et al. 2018, "Improved training
    for online end-to-end speech recognition systems", section on label smoothing; all steps count, as nothing pads
    them.
    """

    @staticmethod
    def _loss_of_labels(y_true, y_pred):
        return ctc(y_true, y_pred)

    @staticmethod
    def _pull(y_pred):
        return ops.sum(uniform_crossentropy(y_pred) - math.log(y_pred.shape[-1]), axis=-1)


def uniform_crossentropy(logits):
    """Return the cross entropy (...) of logits (..., rows) against the uniform distribution; log rows at the least."""
    return -ops.mean(ops.log_softmax(logits, axis=-1), axis=-1)


def ctc(targets, logits):
    """Return the CTC loss (N,) of logits (N, steps, rows) against targets (N, width) of rows, padded with the blank 0.

    On a CPU TensorFlow's own operation, four times as fast as what Keras calls; it refuses labels longer than the
    steps, which are refused long before. It sees of each label the blank and the label's own rows, since no path holds
    another one; of the others, thousands in Chinese, only the share is needed. With S the kept rows' share of a step,
    −log Σ Π p = −log Σ Π (p / S) − Σ log S, over all paths and their steps.
    """
    if keras.backend.backend() != "tensorflow":
        return keras.losses.ctc(targets, logits)
    import tensorflow as tf

    if tf.config.get_visible_devices("GPU"):
        return keras.losses.ctc(targets, logits)
    kept, labels = kept_rows(tf.cast(targets, tf.int32), logits)
    lengths = tf.fill([tf.shape(logits)[0]], tf.shape(logits)[1])
    scores = tf.maximum(tf.nn.log_softmax(kept), LEAST_LOG)
    losses = tf.nn.ctc_loss(labels, scores, None, lengths, logits_time_major=False, blank_index=BLANK_INDEX)
    shares = log_sum_exp(logits) - tf.reduce_logsumexp(kept, axis=-1)  # −log S
    return losses + tf.reduce_sum(shares, axis=-1)  # NaN where a logit is: the operation takes it for a number


def log_sum_exp(logits):
    """Return log Σ exp (...) of logits (..., rows) under TensorFlow, for thousands of rows quicker than its own.

    Softmax is one operation there, and all that the gradient needs.
    """
    import tensorflow as tf

    @tf.custom_gradient
    def of_rows(values):
        shares = tf.nn.softmax(values)
        # the largest share says how far the largest logit is from the sum
        sums = tf.reduce_max(values, axis=-1) - tf.math.log(tf.reduce_max(shares, axis=-1))
        return sums, lambda upstream: upstream[..., None] * shares

    return of_rows(logits)


def kept_rows(targets, logits):
    """Return the logits (N, steps, 1 + width) of the blank and of each label's rows, and the labels by these columns.

    Where a row comes again, its first column counts; the others, and those of the padding, hold next to nothing. The
    labels are a sparse tensor, as TensorFlow's CTC takes them.
    """
    import tensorflow as tf

    columns = tf.pad(targets, [[0, 0], [1, 0]], constant_values=BLANK_INDEX)
    first = tf.argmax(columns[:, :, None] == columns[:, None, :], axis=-1, output_type=tf.int32)
    is_first = first == tf.range(tf.shape(columns)[1])
    # a multiplication by ones and zeros, whose gradient is another one; that of tf.gather takes far longer
    chosen = tf.one_hot(columns, logits.shape[-1], dtype=logits.dtype)
    kept = tf.where(is_first[:, None, :], tf.matmul(logits, chosen, transpose_b=True), NOTHING)
    return kept, tf.sparse.from_dense(first[:, 1:])
