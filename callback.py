"""CallBack: checkpoints, resume, learning rate, early stop, TensorBoard, CSV and progress of a training.

Run by itself it prints the best checkpoint.

Reads:  checkpoint
Writes: nothing
Next:   python save_model.py
"""

import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

from bearcat.artifacts.card import Card
from bearcat.artifacts.checkpoints import best_checkpoint, list_checkpoints
from bearcat.artifacts.pretrained import origin_of
from bearcat.cli import echo, make_parser, open_step, run
from bearcat.core.workspace import Work
from bearcat.training.config import Recipe
from bearcat.training.distribution import SOLO, Team
from bearcat.training.schedules import (
    ALL_EPOCHS,
    EARLY_STOP,
    INTERRUPT,
    TIME_SPENT,
    TIME_UP,
    PlateauRule,
    rate_for,
    scaled_rate,
)


class CallBack:
    """All that accompanies the epochs of one work's training; `history` holds one row of figures for each of them."""

    def __init__(self, work: Work, settings: SimpleNamespace, card: Card, team: Team = SOLO, images: int | None = None):
        """Accompany a training on so many labelled images; not said: on many."""
        self.work, self.settings, self.card, self.team = work, settings, card, team
        self.images = sys.maxsize if images is None else images
        self.origin = ""  # the fingerprint of the base that the weights come from
        self.recipe = replace(Recipe.from_settings(settings), lr=self.peak)
        self.history: list[dict] = []
        self.rule = PlateauRule(settings.LR_PATIENCE, settings.EARLY_PATIENCE)
        self._signal = self._pace = None

    @property
    def fraction(self) -> float:
        """Return how much of LR is right: all, but for few images from the base."""
        return rate_for(1.0, self.images) if self.origin else 1.0

    @property
    def peak(self) -> float:
        """Return the highest learning rate of all replicas together."""
        return self.settings.LR * self.fraction * self.replicas_scale

    @property
    def replicas_scale(self) -> float:
        """Return how many times one replica's the learning rate of all together is."""
        return scaled_rate(1.0, self.settings.OPTIMIZER, self.team.replicas)

    def begin_from(self, weight_file: Path) -> None:
        """Note where the weights come from; what is right for the learning rate follows."""
        self.origin = origin_of(weight_file)
        self.recipe = replace(self.recipe, lr=self.peak)

    @property
    def csv_file(self) -> Path:
        """Return where the history stands as a table."""
        return self.work.folder("CSVLogger") / "training.csv"

    @property
    def epochs_done(self) -> int:
        """Return how many epochs lie behind, those of interrupted runs included."""
        return int(self.history[-1]["epoch"]) if self.history else 0

    @property
    def most_epochs(self) -> int:
        """Return after how many epochs the training ends at the latest; where a time is set, that ends it."""
        return sys.maxsize if self.settings.TRAIN_SECONDS else self.settings.EPOCHS

    @property
    def time_spent(self) -> float:
        """Return how many of TRAIN_SECONDS lie behind."""
        return self.history[-1].get(TIME_SPENT, 0.0) if self.history else 0.0

    def kept_recipe(self) -> dict[str, object]:
        """Return the recipe as checkpoints keep it: LR as it is set, what of it and for how many, and the origin."""
        of_rate = {"lr": self.settings.LR, "fraction": self.fraction, "replicas": self.team.replicas}
        return asdict(self.recipe) | of_rate | {"origin": self.origin}

    def resume(self):
        """Return the model of the newest checkpoint with its optimizer's state, or None where there is none."""
        from bearcat.training import callbacks as training
        from bearcat.training import resume as resuming

        found = resuming.load_newest(self.work.folder("checkpoint"), self.card, self.kept_recipe(), self.team)
        if found is None:
            return None
        self.card = replace(self.card, backbone=found.card.backbone)
        self.recipe = replace(self.recipe, precision=found.precision)
        self.history, self.origin = found.history, found.origin
        if self.team.worker.is_chief:  # a kill may have come between the last epoch and its row
            training.write_history(self.csv_file, self.history)
        for row in self.history:
            self.rule.observe(row["val_loss"], row["val_exact"])
        echo(f"Going on after epoch {found.checkpoint.epoch}: {found.checkpoint.path.name}")
        return found.model

    def callbacks(self, steps_per_epoch: int, validation_data, validated: int) -> list:
        """Return Keras' callbacks, in the order in which they must see an epoch's end."""
        from bearcat.training import callbacks as pacing
        from bearcat.training import callbacks as training

        settings, team = self.settings, self.team
        self._signal = training.StopOnSignal(team)
        rate = [pace] if (pace := self.pace(steps_per_epoch)) else []
        average = training.ValidateAverage(
            team.distribute(validation_data), team.validation_steps(validated, settings.BATCH_SIZE)
        )
        return [
            *rate,
            *[pacing.WarmUp(steps_per_epoch, self.peak)] * (team.replicas > 1 and not rate),
            training.Timekeeper(settings.BATCH_SIZE * team.replicas, validated),
            training.EvenOut(team),
            *[average] * settings.WEIGHT_AVERAGE,
            pacing.FollowPlateau(self.rule, not rate, not settings.TRAIN_SECONDS, self.peak / settings.LR),
            training.SaveCheckpoint(
                self.work.folder("checkpoint"),
                self.card,
                self.history,
                self.kept_recipe(),
                settings.KEEP_CHECKPOINTS,
                team.worker.is_chief,
            ),
            training.Bar("" if settings.TRAIN_SECONDS else f"/{settings.EPOCHS}", steps_per_epoch),
            *(self.writers(validation_data) if team.worker.is_chief else ()),
            self._signal,
        ]

    def pace(self, steps_per_epoch: int):
        """Return the callback that sets the learning rate by a schedule, always the same one; None where none does."""
        from bearcat.training import callbacks as pacing

        settings, team = self.settings, self.team
        if self._pace is None and settings.TRAIN_SECONDS:
            self._pace = pacing.FollowTime(settings.TRAIN_SECONDS, self.peak, self.time_spent, team)
        elif self._pace is None and settings.COSINE_SCHEDULER:
            steps, done = settings.EPOCHS * steps_per_epoch, self.epochs_done * steps_per_epoch
            self._pace = pacing.FollowCosine(steps, self.peak, done, team.here)
        return self._pace

    def strength(self, steps_per_epoch: int):
        """Return how strongly AUGMENT changes those of a batch of so many images, 1 … 0, by the batch's number."""
        from bearcat.training import callbacks as pacing

        pace = self.pace(steps_per_epoch)
        return pace.strength if pace and self.images >= pacing.FADING_IMAGES else pacing.full_strength

    def writers(self, validation_data) -> list:
        """Return what else writes into the work, for people to look at."""
        import keras

        from bearcat.training.callbacks import WriteCsv
        from bearcat.training.tensorboard import ShowPredictions

        logs = self.work.folder("logs")
        return [
            WriteCsv(self.csv_file, self.history),
            keras.callbacks.TensorBoard(str(logs), write_graph=False, update_freq=self.settings.UPDATE_FREQ),
            ShowPredictions(logs / "readings", self.card, validation_data),
        ]

    def fit(self, model, steps_per_epoch: int, batches, validation_batches, validated: int) -> None:
        """Run the epochs that are left on endless batches and so many images that validate; Ctrl-C stops softly."""
        callbacks = self.callbacks(steps_per_epoch, validation_batches, validated)
        with self._signal:
            model.fit(
                self.team.distribute(batches),
                validation_data=self.team.distribute(validation_batches),
                validation_steps=self.team.validation_steps(validated, self.settings.BATCH_SIZE),
                initial_epoch=self.epochs_done,
                epochs=self.most_epochs,
                steps_per_epoch=steps_per_epoch,
                callbacks=callbacks,
                verbose=0,
                shuffle=False,  # the data set shuffles
            )

    @property
    def has_ended(self) -> bool:
        """Tell whether no epoch is left to run."""
        return self._ended_by() is not None

    def stopped_by(self) -> str:
        """Say in words what ended the training."""
        return self._ended_by() or (INTERRUPT if self._signal else ALL_EPOCHS)

    def _ended_by(self) -> str | None:
        limit = self.settings.TRAIN_SECONDS
        if limit and self.time_spent >= limit:
            return TIME_UP
        if not limit and self.rule.stops:
            return EARLY_STOP
        return ALL_EPOCHS if self.epochs_done >= self.most_epochs else None


def main() -> None:
    """Print the best checkpoint."""
    step = open_step(make_parser(__doc__))
    folder = step.work.folder("checkpoint")
    best = best_checkpoint(folder)
    echo(f"{len(list_checkpoints(folder))} checkpoints; the best is\n{best.path}")
    echo(f"epoch {best.epoch}: validation loss {best.val_loss:.6f}, exact {best.val_exact:.2%}")
    step.next("python save_model.py", "save and export it")


if __name__ == "__main__":
    run(main)
