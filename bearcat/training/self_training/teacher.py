"""A training step in which a teacher's predictions are the targets of the images without labels. Imports TensorFlow."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import tensorflow as tf

from bearcat.data.vocabulary import BLANK_INDEX
from bearcat.networks.losses import ctc
from bearcat.networks.metrics import DECODERS, align_left, decode_ctc
from bearcat.training.self_training.rounds import CONFIDENCE, ROUND, USED, WEIGHT, Round

MOMENTUM = 0.99  # of a teacher that follows the network
MOMENTUM_WARM_UP = 10  # steps: the first averages are those of fewer steps
SHARPENING = 2  # power to which the teacher's probabilities are raised
MIN_CONFIDENCE = 0.5  # of the least sure character: other images are left out of the batch


class RoundNote(keras.callbacks.Callback):
    """Adds the round to an epoch's logs. It comes before the callbacks that write them."""

    def __init__(self, current: Round):
        super().__init__()
        self.round = current

    def figures(self) -> dict[str, float]:
        """Returns the fraction of images without labels that were learnt in the epoch, and the teacher's confidence."""
        return {USED: 0.0, CONFIDENCE: 0.0}

    def on_epoch_end(self, epoch, logs=None):
        logs |= {ROUND: self.round.number, WEIGHT: self.round.weight, **self.figures()}


class Teacher(RoundNote):
    """Predicts the targets of the images without labels, and notes how sure it is of them.

    Args:
        student: The compiled model that is trained.
        model: The network that predicts.
        mode: The value of MODE.
        current: The round.
        labelled: The number of labelled images at the front of each batch; see `text_pipeline.mixed_batches`.
    """

    def __init__(self, student: keras.Model, model: keras.Model, mode: str, current: Round, labelled: int):
        super().__init__(current)
        self.student, self.teacher, self.labelled = student, model, labelled
        self._lesson, self._decode = LESSONS[mode], DECODERS[mode]
        self._follows = current.number == 1
        self._steps = tf.Variable(0.0, trainable=False)
        self._used, self._confidence = keras.metrics.Mean(), keras.metrics.Mean()

    @contextmanager
    def teaching(self) -> Iterator[None]:
        """Replaces the training step of the student."""
        self.student.train_step = self._step
        self.student.train_function = None  # Keras keeps the function that it has traced
        try:
            yield
        finally:
            del self.student.train_step
            self.student.train_function = None

    def on_epoch_begin(self, epoch, logs=None):
        self._used.reset_state()
        self._confidence.reset_state()

    def figures(self) -> dict[str, float]:
        return {USED: float(self._used.result()), CONFIDENCE: float(self._confidence.result())}

    def _step(self, data):
        """Trains on a batch (images, targets), as Keras' own step does. Returns the metrics of its labelled images."""
        images, targets, _ = keras.utils.unpack_x_y_sample_weight(data)
        count, student = self.labelled, self.student
        unlabelled = (tf.shape(images)[0] - count) // 2
        images, originals = images[: count + unlabelled], images[count + unlabelled :]
        taught = tf.cast(self.teacher(originals, training=False), tf.float32)
        confidence = tf.reduce_min(tf.reduce_max(tf.nn.softmax(taught), axis=-1), axis=-1)
        has_text = tf.reduce_any(self._decode(taught)[1], axis=-1)
        is_used = tf.cast(has_text & (confidence >= MIN_CONFIDENCE), tf.float32)
        self._used.update_state(is_used)
        self._confidence.update_state(confidence, sample_weight=is_used)
        weights = self.round.weight * confidence * is_used
        with tf.GradientTape() as tape:
            logits = student(images, training=True)
            of_labels = mean_over_positions(student.loss.call(targets[:count], logits[:count]))
            of_teacher = self._lesson(taught, tf.cast(logits[count:], tf.float32))
            losses = tf.reduce_sum(of_labels) + tf.reduce_sum(weights * of_teacher)
            loss = losses / (count + tf.reduce_sum(weights))
            scaled = student.optimizer.scale_loss(loss)
        variables = student.trainable_weights
        student.optimizer.apply_gradients(zip(tape.gradient(scaled, variables), variables, strict=True))
        student._loss_tracker.update_state(loss)
        if self._follows:
            self._follow()
        return student.compute_metrics(images[:count], targets[:count], logits[:count])

    def _follow(self) -> None:
        """Moves the teacher's weights towards the student's."""
        self._steps.assign_add(1.0)
        momentum = tf.minimum(MOMENTUM, self._steps / (self._steps + MOMENTUM_WARM_UP))
        for average, value in zip(self.teacher.weights, self.student.weights, strict=True):
            average.assign(momentum * average + (1 - momentum) * value)


def soft_lesson(taught, logits):
    """Cross entropy (N,) of logits (N, positions, classes) against the teacher's probabilities, sharpened."""
    probabilities = tf.nn.softmax(SHARPENING * taught)
    return mean_over_positions(tf.nn.softmax_cross_entropy_with_logits(probabilities, logits))


def path_lesson(taught, logits):
    """CTC loss (N,) of logits (N, steps, classes) for the text that the teacher predicts; without meaning if none.

    Its probabilities of each time step would be wrong targets: the student sees the image shifted and turned a bit.
    """
    texts = align_left(*decode_ctc(taught))
    first = tf.maximum(texts[:, :1], BLANK_INDEX + 1)  # CTC takes no empty label
    return ctc(tf.concat([first, texts[:, 1:]], axis=1), logits)


def mean_over_positions(losses):
    """Returns one loss per image (N,) from losses (N,) or (N, positions)."""
    return tf.reduce_mean(losses, axis=-1) if len(losses.shape) > 1 else losses


# mode → loss of the images without labels, from the teacher's logits and the student's
LESSONS = {"ORDINARY": soft_lesson, "CTC": path_lesson, "CTC_TINY": path_lesson}
