"""CallBack: what accompanies the epochs of a training. Run by itself it prints the best checkpoint.

Reads:  checkpoint
Writes: nothing
Next:   python save_model.py
"""

from bearcat.artifacts.checkpoints import best_checkpoint, describe_best, list_checkpoints
from bearcat.cli import echo, make_parser, open_step, run
from bearcat.training.trainer import Trainer


class CallBack(Trainer):
    """The training of a work with its Keras callbacks. Add your own to the list."""

    def callbacks(self, steps_per_epoch: int, validation_batches, validated: int) -> list:
        """Returns the Keras callbacks in the order in which they see the end of an epoch.

        Those that change an epoch's metrics come before those that use them.

        Args:
            steps_per_epoch: Training steps per epoch.
            validation_batches: The validation batches.
            validated: The number of validation images.
        """
        import keras

        from bearcat.training import callbacks as ours
        from bearcat.training.tensorboard import ShowPredictions

        settings, replicas = self.settings, self.replicas
        checkpoints, logs = self.work.folder("checkpoint"), self.work.folder("logs")
        is_chief, scheduled = replicas.worker.is_chief, bool(self.schedule(steps_per_epoch))
        callbacks = [
            *self.rate_callbacks(steps_per_epoch),
            ours.EpochMetrics(settings.BATCH_SIZE * replicas.count, validated),
            ours.SyncBatchNorm(replicas),
        ]
        if settings.WEIGHT_AVERAGE:
            steps = replicas.validation_steps(validated, settings.BATCH_SIZE)
            callbacks.append(ours.ValidateAverage(replicas.distribute(validation_batches), steps))
        callbacks += [
            ours.PlateauSchedule(
                self.plateau,
                reduces_rate=not scheduled,
                stops=not settings.TRAIN_SECONDS,
                scale=self.peak_rate / settings.LR,
            ),
            ours.SaveCheckpoint(
                checkpoints, self.card, self.history, self.checkpoint_config(), settings.KEEP_CHECKPOINTS, is_chief
            ),
            ours.ProgressBar("" if settings.TRAIN_SECONDS else f"/{self.max_epochs}", steps_per_epoch),
        ]
        if is_chief:
            callbacks += [
                ours.WriteCsv(self.csv_file, self.history),
                keras.callbacks.TensorBoard(str(logs), write_graph=False, update_freq=settings.UPDATE_FREQ),
                ShowPredictions(logs / "readings", self.card, validation_batches),
            ]
        return callbacks


def main() -> None:
    """Prints the best checkpoint."""
    step = open_step(make_parser(__doc__))
    folder = step.work.folder("checkpoint")
    echo(f"Best of {len(list_checkpoints(folder))} checkpoints: {best_checkpoint(folder).path}")
    echo(describe_best(folder))
    step.next("python save_model.py", "save and export it")


if __name__ == "__main__":
    run(main)
