"""Epochs and callbacks: resuming with the optimizer's state, learning rate and early stopping, losses of NaN."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from bearcat.artifacts.card import Card, read_card, write_card
from bearcat.artifacts.checkpoints import checkpoint_name, list_checkpoints
from bearcat.artifacts.keras_files import load_evaluated
from bearcat.artifacts.pretrained import origin_of, pretrained_file
from bearcat.core.devices import precision_scope, set_precision
from bearcat.core.errors import CheckpointError, DataError
from bearcat.core.workspace import Work
from bearcat.data.codecs import pad_targets
from bearcat.data.images import InputSpec
from bearcat.modes import Task
from bearcat.networks.optimizers import swap_average
from bearcat.training import callbacks
from bearcat.training.callbacks import TimedCosineSchedule
from bearcat.training.config import TrainingConfig
from bearcat.training.schedules import cosine_rate
from callback import CallBack
from models import build_model
from tests.helpers.toy_networks import shrink_networks

CARD = Card("captcha", "CTC", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)


def settings(**changes: object) -> SimpleNamespace:
    base = {
        "TRAIN_SECONDS": 0,
        "LR": 1e-3,
        "COSINE_SCHEDULER": False,
        "LR_PATIENCE": 1,
        "EARLY_PATIENCE": 3,
        "EPOCHS": 9,
        "BATCH_SIZE": 4,
    }
    base |= {
        "TRAIN_SECONDS": 0,
        "UPDATE_FREQ": "epoch",
        "KEEP_CHECKPOINTS": 5,
        "OPTIMIZER": "AdamW",
        "LABEL_SMOOTHING": 0,
        "RECTIFY": False,
    }
    return SimpleNamespace(**base | {"WEIGHT_AVERAGE": False, "PRECISION": "float32"} | changes)


def fresh_model(config: TrainingConfig = TrainingConfig()) -> keras.Model:  # noqa: B008  frozen
    keras.utils.set_random_seed(0)
    return build_model(CARD, config)


def tick_at_each_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets a second pass between any two looks of TimedCosineSchedule at the clock."""
    clock = itertools.count(1)
    monkeypatch.setattr(TimedCosineSchedule, "_elapsed", lambda self: next(clock))


def fit(work: Work, model: keras.Model, epochs: int, call_back: CallBack | None = None, scale: float = 1.0) -> CallBack:
    """Trains on four fixed images, as train.py would, up to an epoch."""
    call_back = call_back or CallBack(work, settings(), CARD)
    model.run_eagerly = True  # a few steps are faster without tracing
    call_back.settings.EPOCHS = epochs
    images = np.random.default_rng(0).uniform(0, 255, (4, 24, 48, 1)).astype(np.float32) * scale
    targets = pad_targets([[1], [2], [1, 2], [2, 1, 2]], 3)
    batch = tf.data.Dataset.from_tensors((images, targets))
    call_back.fit(model, 1, batch.repeat(), batch, 4)
    return call_back


@pytest.fixture(scope="module", autouse=True)
def toy_network() -> Iterator[None]:
    """Makes the network small, which these tests say nothing about."""
    with pytest.MonkeyPatch.context() as patch:
        shrink_networks(patch)
        yield


@pytest.fixture(scope="module")
def one_epoch(toy_network: None, tmp_path_factory: pytest.TempPathFactory) -> Work:
    """A work after one epoch; tests must not change it."""
    work = Work(tmp_path_factory.mktemp("one_epoch"))
    work.make_folders()
    fit(work, fresh_model(), 1)
    return work


@pytest.fixture
def work(tmp_path: Path) -> Work:
    work = Work(tmp_path)
    work.make_folders()
    return work


def test_a_resumed_model_has_weights_optimizer_and_history(work: Work):
    model = fresh_model()
    first = fit(work, model, 2)
    again = CallBack(work, settings(), CARD)
    resumed = again.resume()
    assert again.history == first.history
    assert again.epochs_done == 2
    assert vars(again.plateau) == vars(first.plateau)
    assert int(resumed.optimizer.iterations) == 2
    for one, other in zip(model.weights, resumed.weights, strict=True):
        assert np.array_equal(one, other), one.path
    for one, other in zip(model.optimizer.variables, resumed.optimizer.variables, strict=True):
        assert np.array_equal(one, other), one.path


def test_training_in_two_runs_equals_training_in_one(work: Work, tmp_path: Path):
    whole = Work(tmp_path / "whole")
    straight = fit(whole, fresh_model(), 3)
    model = fresh_model()
    fit(work, model, 2)
    call_back = CallBack(work, settings(), CARD)
    resumed = call_back.resume()
    # Keras saves everything except the state of dropout's random numbers
    for layer, other in zip(model.layers, resumed.layers, strict=True):
        if isinstance(layer, keras.layers.Dropout):
            other.seed_generator.state.assign(layer.seed_generator.state)
    fit(work, resumed, 3, call_back)
    assert [row["epoch"] for row in call_back.history] == [row["epoch"] for row in straight.history] == [1, 2, 3]
    assert call_back.history[:2] == read_card(list_checkpoints(work.folder("checkpoint"))[1].path)[1]["history"]
    assert call_back.history[-1]["loss"] == pytest.approx(straight.history[-1]["loss"], rel=1e-4)


def test_a_plateau_reduces_the_learning_rate_and_stops(work: Work):
    call_back = CallBack(work, settings(), CARD)
    call_back.plateau.observe(-1.0, 0.5)  # a loss that no epoch will reach
    fit(work, fresh_model(), 9, call_back)
    rates = [row["learning_rate"] for row in call_back.history]
    assert rates == pytest.approx([1e-3, 5e-4, 2.5e-4])
    assert call_back.stopped_by == "early stop"


def test_with_train_seconds_neither_plateau_nor_epochs_end_the_training(work: Work, monkeypatch: pytest.MonkeyPatch):
    tick_at_each_look(monkeypatch)
    call_back = CallBack(work, settings(TRAIN_SECONDS=8), CARD)
    call_back.plateau.observe(-1.0, 0.5)  # a loss that no epoch will reach
    fit(work, fresh_model(), 2, call_back)
    rates = [row["learning_rate"] for row in call_back.history]
    assert rates == pytest.approx(
        [cosine_rate(1000 + 2000 * epoch, 8000, 1e-3) for epoch in range(4)] + [0.0], rel=1e-4
    )
    assert (call_back.stopped_by, call_back.has_ended) == ("time is up", True)
    again = CallBack(work, settings(TRAIN_SECONDS=8), CARD)
    again.resume()
    assert again.has_ended


def test_the_time_spent_includes_that_of_an_earlier_run(monkeypatch: pytest.MonkeyPatch):
    clock = iter([100.0, 105.0])
    monkeypatch.setattr(callbacks, "time", SimpleNamespace(monotonic=clock.__next__))
    schedule, logs = TimedCosineSchedule(1000, peak=1e-3, spent=60), {}
    schedule.on_train_begin()
    schedule.on_epoch_end(0, logs)
    assert logs == {"time_spent": 65.0}


def test_a_resumed_training_has_the_rest_of_its_time(work: Work):
    call_back = CallBack(work, settings(TRAIN_SECONDS=1000), CARD)
    call_back.history = [{"epoch": 1, "time_spent": 600.0}, {"epoch": 2, "time_spent": 750.0}]
    (schedule,) = [one for one in call_back.callbacks(1, None, 4) if isinstance(one, TimedCosineSchedule)]
    assert schedule.spent == 750
    assert not call_back.has_ended


def test_the_cosine_schedule_continues_after_a_resume(work: Work):
    first = fit(work, fresh_model(), 2, CallBack(work, settings(COSINE_SCHEDULER=True), CARD))
    rates = [row["learning_rate"] for row in first.history]
    assert rates == pytest.approx([cosine_rate(step, 2, 1e-3) for step in range(2)])
    again = CallBack(work, settings(COSINE_SCHEDULER=True), CARD)
    model = again.resume()
    fit(work, model, 4, again)
    rates = [row["learning_rate"] for row in again.history[2:]]
    assert rates == pytest.approx([cosine_rate(step, 4, 1e-3) for step in (2, 3)])


def test_augmentation_of_many_images_fades_towards_a_known_end(work: Work):
    by_time = CallBack(work, settings(TRAIN_SECONDS=100), CARD)
    by_time.history = [{"epoch": 1, "time_spent": 75.0}]
    assert float(by_time.augmentation_strength(10)(0)) == pytest.approx(0.25)
    by_steps = CallBack(work, settings(COSINE_SCHEDULER=True, EPOCHS=4), CARD)
    by_steps.history = [{"epoch": 1}]
    strengths = [float(by_steps.augmentation_strength(10)(number)) for number in (0, 10, 29, 30, 99)]
    assert strengths == pytest.approx([0.75, 0.5, 0.025, 0.0, 0.0], abs=1e-6)
    assert CallBack(work, settings(), CARD).augmentation_strength(10)(99) == 1.0
    by_time.labelled = by_steps.labelled = 499  # few
    assert by_time.augmentation_strength(10)(0) == by_steps.augmentation_strength(10)(99) == 1.0


def test_augmentation_has_faded_when_the_time_is_up(work: Work, monkeypatch: pytest.MonkeyPatch):
    tick_at_each_look(monkeypatch)
    call_back, seen = CallBack(work, settings(TRAIN_SECONDS=8), CARD), []
    model = fresh_model()
    call_back.schedule(1).on_epoch_end = lambda epoch, logs=None: seen.append(
        float(call_back.augmentation_strength(1)(epoch))
    )
    fit(work, model, 2, call_back)
    assert seen == [1 - second / 8 for second in range(1, 9)]


def test_a_changed_lr_is_used_after_a_resume(one_epoch: Work):
    assert float(CallBack(one_epoch, settings(), CARD).resume().optimizer.learning_rate) == pytest.approx(1e-3)
    assert float(CallBack(one_epoch, settings(LR=1e-4), CARD).resume().optimizer.learning_rate) == pytest.approx(1e-4)


def test_the_learning_rate_for_few_images_is_kept_until_lr_changes(work: Work):
    few = CallBack(work, settings(), CARD, labelled=100)
    assert few.peak_rate == few.config.lr == pytest.approx(1e-3)  # without pretrained weights it is not scaled
    few.set_origin(origin_of(pretrained_file("tiny", Task.TEXT)), is_familiar=True)
    assert few.peak_rate == few.config.lr == pytest.approx(5e-4)
    fit(work, fresh_model(), 1, few)
    again = CallBack(work, settings(), CARD, labelled=196)
    assert float(again.resume().optimizer.learning_rate) == pytest.approx(1e-3)  # the checkpoint's
    assert again.peak_rate == pytest.approx(7e-4)
    again = CallBack(work, settings(LR=1e-4), CARD, labelled=100)
    assert float(again.resume().optimizer.learning_rate) == pytest.approx(5e-5)


def test_a_broken_newest_checkpoint_is_set_aside_and_the_previous_one_loaded(work: Work):
    fit(work, fresh_model(), 2)
    newest = list_checkpoints(work.folder("checkpoint"))[-1].path
    newest.write_bytes(newest.read_bytes()[:5000])
    (work.folder("checkpoint") / ".epoch_0003.part.keras").write_bytes(b"half")
    call_back = CallBack(work, settings(), CARD)
    assert call_back.resume() is not None
    assert call_back.epochs_done == 1
    names = [path.name for path in work.folder("checkpoint").iterdir()]
    assert f"broken-{newest.name}" in names
    assert not any(name.startswith(".") for name in names)


def test_a_checkpoint_of_another_vocabulary_is_refused_with_the_difference(one_epoch: Work):
    other = Card("captcha", "CTC", "tiny", ("a", "c"), InputSpec(24, 48, 1), 3)
    with pytest.raises(CheckpointError, match="new: c; missing: b"):
        CallBack(one_epoch, settings(), other).resume()


def test_a_loss_of_nan_stops_with_what_to_set_and_without_a_checkpoint(work: Work):
    with pytest.raises(DataError, match="--set LR="):
        fit(work, fresh_model(), 2, scale=np.nan)
    assert not list_checkpoints(work.folder("checkpoint"))


def test_a_changed_optimizer_is_refused_by_its_setting_s_name(one_epoch: Work):
    with pytest.raises(CheckpointError, match="OPTIMIZER: 'AdamW' in the checkpoint, 'SGD' now"):
        CallBack(one_epoch, settings(OPTIMIZER="SGD"), CARD).resume()


def test_a_checkpoint_of_the_first_version_is_refused_with_what_to_do(work: Work):
    path = work.folder("checkpoint") / checkpoint_name(1, 1.0, 1.0, 0.0)
    fresh_model().save(path)
    write_card(path, CARD, history=[], lr=1e-3)
    with pytest.raises(CheckpointError, match="--go-on"):
        CallBack(work, settings(), CARD).resume()


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_a_training_in_low_precision_resumes_with_its_optimizer_and_average(work: Work, precision: str, tmp_path: Path):
    asked = settings(WEIGHT_AVERAGE=True, PRECISION=precision)
    with precision_scope(precision):
        first = CallBack(work, asked, CARD)
        model = fresh_model(first.config)
        # float16 spends its first steps on finding a scale for the loss
        fit(work, model, 6 if precision == "float16" else 2, first)
    call_back = CallBack(work, settings(WEIGHT_AVERAGE=True, PRECISION="auto"), replace(CARD, backbone="auto"))
    try:
        resumed = call_back.resume()
    finally:
        set_precision("float32")
    assert (call_back.config.precision, call_back.card.backbone) == (precision, "tiny")
    pairs = zip(model.optimizer.variables, resumed.optimizer.variables, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    # the file holds both, and the one with the better metrics is published
    checkpoint = list_checkpoints(work.folder("checkpoint"))[-1]
    swapped = load_evaluated(checkpoint.path)
    averaged = read_card(checkpoint.path)[0].metrics["averaged"]
    same = [np.array_equal(*pair) for pair in zip(resumed.trainable_weights, swapped.trainable_weights, strict=True)]
    assert np.mean(same) < 0.5 if averaged else np.all(same)


def test_the_average_is_used_if_it_validates_better_and_the_weights_are_restored(work: Work):
    call_back = CallBack(work, settings(WEIGHT_AVERAGE=True), CARD)
    fit(work, fresh_model(call_back.config), 2, call_back)
    model = call_back.resume()
    kernel = np.array(model.trainable_weights[0])
    swap_average(model)
    assert not np.array_equal(kernel, model.trainable_weights[0])
    swap_average(model)
    assert np.array_equal(kernel, model.trainable_weights[0])
    assert {row["averaged"] for row in call_back.history} <= {0.0, 1.0}


def test_an_average_of_no_steps_is_never_used():
    with pytest.raises(AssertionError):
        swap_average(fresh_model(TrainingConfig(weight_average=True)))
