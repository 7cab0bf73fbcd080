"""The rounds of a training, with epochs that are only noted: when there is a second one, and what it starts with."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.artifacts.card import Card
from bearcat.core.workspace import Work
from bearcat.data.images import InputSpec
from bearcat.settings_rules import load_settings
from bearcat.training.distribution import SINGLE_REPLICA
from bearcat.training.schedules import ALL_EPOCHS, INTERRUPT, TIME_SPENT, TIME_UP
from bearcat.training.self_training.rounds import ROUND, Round
from bearcat.training.trainer import Trainer
from tests.helpers.steps import ROOT

CARD = Card("captcha", "CTC", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)


class NotingTrainer(Trainer):
    """Notes epochs in place of training; Ctrl-C ends the last epoch of a round."""

    interrupted_round = 0

    def start(self, device, build, source):
        return f"model of round {self.round.number}"

    def make_teacher(self, source):
        self.made_teacher_after = len(self.history)

    def train(self, model, source, device):
        while not self._end_reason():
            row = {"epoch": self.epochs_done + 1, "val_loss": 1.0, "val_exact": 0.5, TIME_SPENT: 10.0}
            self.history.append(row | {ROUND: self.round.number})
        return self.round.number == self.interrupted_round


def trainer(tmp_path: Path, unlabelled: int = 100, replicas=SINGLE_REPLICA, **settings: object) -> NotingTrainer:
    found = load_settings(ROOT / "settings.py", None, [f"{name}={value!r}" for name, value in settings.items()])
    return NotingTrainer(Work(tmp_path), found, CARD, replicas, labelled=50, unlabelled=unlabelled)


def run(training: NotingTrainer, unlabelled: int = 100) -> list[int]:
    """Runs the rounds; returns that of each epoch."""
    training.train_rounds(SimpleNamespace(unlabelled=unlabelled), None, None)
    return [int(row[ROUND]) for row in training.history]


@pytest.mark.parametrize(
    ("settings", "rounds", "reason"),
    [({"EPOCHS": 2}, [1, 1, 2, 2], ALL_EPOCHS), ({"TRAIN_SECONDS": 10}, [1, 2], TIME_UP)],
)
def test_each_round_is_as_long_as_the_settings_say(tmp_path: Path, settings, rounds, reason):
    training = trainer(tmp_path, **settings)
    assert run(training) == rounds
    assert training.stopped_by == reason
    assert training.made_teacher_after == len(rounds) // 2
    assert training._model == "model of round 2"
    assert training.round == Round(2, 1.0)


def test_the_second_round_trains_at_the_rate_of_many_images(tmp_path: Path):
    training = trainer(tmp_path, EPOCHS=1)
    assert training.images == 50
    run(training)
    assert training.images == 150
    training.set_origin("pretrained", is_familiar=True)
    assert training.peak_rate == training.settings.LR


def test_without_images_without_labels_there_is_one_round(tmp_path: Path):
    training = trainer(tmp_path, unlabelled=0, EPOCHS=2)
    assert run(training, unlabelled=0) == [1, 1]
    assert training.has_ended


def test_ctrl_c_in_the_last_epoch_of_the_first_round_stops(tmp_path: Path):
    training = trainer(tmp_path, EPOCHS=2)
    training.interrupted_round = 1
    assert run(training) == [1, 1]
    assert training.stopped_by == INTERRUPT
    assert not training.has_ended
    training.interrupted_round = 0
    assert run(training) == [1, 1, 2, 2]


@pytest.mark.parametrize(
    "replicas", [SINGLE_REPLICA, replace(SINGLE_REPLICA, strategy=SimpleNamespace(num_replicas_in_sync=2))]
)
def test_one_image_per_step_and_replicas_learn_labelled_images_only(tmp_path: Path, capsys, replicas):
    size = 1 if replicas is SINGLE_REPLICA else 32
    assert run(trainer(tmp_path, replicas=replicas, EPOCHS=2, BATCH_SIZE=size)) == [1, 1]
    assert "The 100 images without labels are not used" in capsys.readouterr().out
