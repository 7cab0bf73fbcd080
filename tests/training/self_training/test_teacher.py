"""The training step with a teacher: what it learns from, whom the teacher follows, and what is left afterwards."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.artifacts.card import Card
from bearcat.data.codecs import pad_targets
from bearcat.data.images import InputSpec
from bearcat.networks.losses import ctc
from bearcat.training.config import TrainingConfig
from bearcat.training.self_training.rounds import CONFIDENCE, ROUND, USED, WEIGHT, Round
from bearcat.training.self_training.teacher import Teacher, path_lesson, soft_lesson
from models import build_model

SPEC = InputSpec(24, 48, 1)
LABELLED, OTHERS = 2, 3


def network(mode: str, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return build_model(Card("captcha", mode, "tiny", ("a", "b"), SPEC, 3), TrainingConfig(lr=1e-2))


def batch() -> tuple[tf.Tensor, tf.Tensor]:
    """Two labelled images, three without labels, and the latter once more."""
    pixels = np.random.default_rng(0).uniform(0, 255, (LABELLED + OTHERS, *SPEC.shape)).astype(np.float32)
    targets = pad_targets([[1, 2], [2], [], [], []], 3)
    others = slice(LABELLED, None)
    return tf.concat([pixels, pixels[others]], 0), tf.concat([targets, targets[others]], 0)


def loss_of(teacher: Teacher, model: keras.Model) -> float:
    """Trains one step with frozen weights and returns the loss."""
    model.optimizer.learning_rate = 0.0
    with teacher.teaching():
        return model.train_on_batch(*batch(), return_dict=True)["loss"]


def sure_network(mode: str, favourite: int = 1) -> keras.Model:
    """A network that predicts the same class at every position or time step with a probability near 1."""
    model = network(mode)
    kernel, _ = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 0, 9 * np.eye(3, dtype=np.float32)[favourite]])
    return model


@pytest.mark.parametrize(("weight", "differs"), [(0.0, False), (1.0, True)])
@pytest.mark.parametrize("mode", ["ORDINARY", "CTC"])
def test_the_weight_decides_whether_the_teacher_counts(mode: str, weight: float, differs: bool):
    losses = []
    for favourite in (1, 2):
        model = network(mode)
        losses.append(loss_of(Teacher(model, sure_network(mode, favourite), mode, Round(2, weight), LABELLED), model))
    assert (abs(losses[0] - losses[1]) > 1e-3) == differs


@pytest.mark.parametrize("mode", ["ORDINARY", "CTC"])
def test_the_student_learns_what_a_sure_teacher_predicts(mode: str):
    model = network(mode)
    teacher = Teacher(model, sure_network(mode), mode, Round(2, 1.0), LABELLED)
    before = teacher.teacher.get_weights()
    images, targets = batch()
    with teacher.teaching():
        losses = [model.train_on_batch(images, targets, return_dict=True)["loss"] for _ in range(30)]
    assert losses[-1] < losses[0]
    predicted = np.argmax(model.predict_on_batch(images[LABELLED:]), axis=-1)
    assert (predicted == 1).mean() > 0.6
    for one, other in zip(before, teacher.teacher.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)  # in the second round it stays as it is


def test_an_unsure_teacher_teaches_nothing():
    model = network("ORDINARY")
    unsure = network("ORDINARY")
    kernel, bias = unsure.get_layer("logits").get_weights()
    unsure.get_layer("logits").set_weights([kernel * 0, bias * 0])  # a third for each class
    teacher = Teacher(model, unsure, "ORDINARY", Round(2, 1.0), LABELLED)
    loss_of(teacher, model)
    logs: dict[str, float] = {}
    teacher.on_epoch_end(0, logs)
    assert logs == {ROUND: 2, WEIGHT: 1.0, USED: 0.0, CONFIDENCE: 0.0}


def test_an_epoch_is_told_how_many_images_the_teacher_is_sure_of():
    model = network("ORDINARY")
    teacher = Teacher(model, sure_network("ORDINARY"), "ORDINARY", Round(2, 1.0), LABELLED)
    loss_of(teacher, model)
    assert teacher.figures()[USED] == 1.0
    assert teacher.figures()[CONFIDENCE] == pytest.approx(np.exp(9) / (np.exp(9) + 2), rel=1e-5)
    teacher.on_epoch_begin(1)
    assert teacher.figures() == {USED: 0.0, CONFIDENCE: 0.0}


def test_in_the_first_round_the_teacher_is_the_average_of_the_student():
    model = network("ORDINARY")
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    start = [np.array(value) for value in model.get_weights()]
    teacher = Teacher(model, copy, "ORDINARY", Round(1, 1.0), LABELLED)
    with teacher.teaching():
        model.train_on_batch(*batch())
    # after the first step the average is 1/11 of the start and 10/11 of the step
    for average, first, value in zip(copy.get_weights(), start, model.get_weights(), strict=True):
        np.testing.assert_allclose(average, first / 11 + value * 10 / 11, rtol=1e-4, atol=1e-5)


def test_afterwards_the_model_trains_as_keras_does():
    model = network("ORDINARY")
    with Teacher(model, sure_network("ORDINARY"), "ORDINARY", Round(2, 1.0), LABELLED).teaching():
        model.train_on_batch(*batch())
        assert "train_step" in vars(model)
    assert "train_step" not in vars(model)
    assert model.train_function is None


def test_the_metrics_are_those_of_the_labelled_images():
    model = network("ORDINARY")
    kernel, _ = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 0, np.array([9.0, 0.0, 0.0], np.float32)])  # reads nothing
    teacher = Teacher(model, sure_network("ORDINARY"), "ORDINARY", Round(2, 1.0), LABELLED)
    model.optimizer.learning_rate = 0.0
    with teacher.teaching():
        # the images without labels have empty targets, which this network would match
        assert model.train_on_batch(*batch(), return_dict=True)["exact"] == 0.0


def test_a_soft_lesson_is_learnt_by_the_sharpened_probabilities():
    probabilities = np.array([[[0.6, 0.3, 0.1]]], np.float32)
    sharp = np.array([0.36, 0.09, 0.01]) / 0.46
    logits = np.array([[[1.0, 2.0, 3.0]]], np.float32)
    expected = -(sharp * (logits[0, 0] - np.log(np.exp(logits[0, 0]).sum()))).sum()
    np.testing.assert_allclose(soft_lesson(np.log(probabilities), logits), [expected], rtol=1e-5)


def test_a_path_lesson_is_the_ctc_loss_of_the_text_that_the_teacher_predicts():
    taught = 9 * np.eye(3, dtype=np.float32)[[[1, 1, 0, 1, 2, 2]]]  # aab with repeats and a blank
    logits = np.random.default_rng(0).normal(size=(1, 6, 3)).astype(np.float32)
    np.testing.assert_allclose(path_lesson(taught, logits), ctc(np.array([[1, 1, 2]]), logits), rtol=1e-5)


@pytest.mark.parametrize("mode", ["ORDINARY", "CTC"])
def test_no_text_is_no_lesson(mode: str):
    model = network(mode)
    teacher = Teacher(model, sure_network(mode, favourite=0), mode, Round(2, 1.0), LABELLED)  # sure of the blank
    assert np.isfinite(loss_of(teacher, model))
    assert teacher.figures() == {USED: 0.0, CONFIDENCE: 0.0}
