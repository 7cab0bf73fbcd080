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

from bearcat.artifact import Card
from bearcat.checkpoints import best_checkpoint, list_checkpoints
from bearcat.command_line import make_parser, open_step, run, tell
from bearcat.recipe import Recipe
from bearcat.schedule import ALL_EPOCHS, EARLY_STOP, INTERRUPT, TIME_SPENT, TIME_UP, PlateauRule
from bearcat.workspace import Work


class CallBack:
    """All that accompanies the epochs of one work's training; `history` holds one row of figures for each of them."""

    def __init__(self, work: Work, settings: SimpleNamespace, card: Card):
        self.work, self.settings, self.card = work, settings, card
        self.recipe = Recipe.from_settings(settings)
        self.history: list[dict] = []
        self.rule = PlateauRule(settings.LR_PATIENCE, settings.EARLY_PATIENCE)
        self._signal = None

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

    def resume(self):
        """Return the model of the newest checkpoint with its optimizer's state, or None where there is none."""
        from bearcat import training  # imports Keras

        found = training.load_newest(self.work.folder("checkpoint"), self.card, asdict(self.recipe))
        if found is None:
            return None
        self.card = replace(self.card, backbone=found.card.backbone)
        self.recipe = replace(self.recipe, precision=found.precision)
        self.history = found.history
        training.write_history(self.csv_file, self.history)  # a kill may have come between the last epoch and its row
        for row in self.history:
            self.rule.observe(row["val_loss"], row["val_exact"])
        tell(f"Going on after epoch {found.checkpoint.epoch}: {found.checkpoint.path.name}")
        return found.model

    def callbacks(self, steps_per_epoch: int, validation_data, validated: int) -> list:
        """Return Keras' callbacks, in the order in which they must see an epoch's end."""
        import keras

        from bearcat import pacing, training
        from bearcat.shown_readings import ShowReadings

        work, settings = self.work, self.settings
        self._signal = training.StopOnSignal()
        if settings.TRAIN_SECONDS:
            rate = [pacing.FollowTime(settings.TRAIN_SECONDS, settings.LR, self.time_spent)]
        else:
            cosine = pacing.FollowCosine(settings.EPOCHS * steps_per_epoch, settings.LR)
            rate = [cosine] * settings.COSINE_SCHEDULER
        return [
            *rate,
            training.Timekeeper(settings.BATCH_SIZE, validated),
            *[training.ValidateAverage(validation_data)] * settings.WEIGHT_AVERAGE,
            pacing.FollowPlateau(self.rule, lowers=not rate, stops=not settings.TRAIN_SECONDS),
            training.SaveCheckpoint(
                work.folder("checkpoint"), self.card, self.history, asdict(self.recipe), settings.KEEP_CHECKPOINTS
            ),
            training.WriteCsv(self.csv_file, self.history),
            training.Bar("" if settings.TRAIN_SECONDS else f"/{settings.EPOCHS}", steps_per_epoch),
            keras.callbacks.TensorBoard(str(work.folder("logs")), write_graph=False, update_freq=settings.UPDATE_FREQ),
            ShowReadings(work.folder("logs") / "readings", self.card, validation_data),
            self._signal,
        ]

    def fit(self, model, steps_per_epoch: int, batches, validation_batches, validated: int) -> None:
        """Run the epochs that are left on endless batches and so many pictures that validate; Ctrl-C stops softly."""
        callbacks = self.callbacks(steps_per_epoch, validation_batches, validated)
        with self._signal:
            model.fit(
                batches,
                validation_data=validation_batches,
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
    tell(f"{len(list_checkpoints(folder))} checkpoints; the best is\n{best.path}")
    tell(f"epoch {best.epoch}: validation loss {best.val_loss:.6f}, exact {best.val_exact:.2%}")
    step.next("python save_model.py", "save and export it")


if __name__ == "__main__":
    run(main)
