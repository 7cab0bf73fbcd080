"""train.py as one of several workers, watched: each step's figures and the last weights are written to a file.

python tests/helpers/worker.py FILE DIE TRAIN_ARGUMENTS …: DIE is the step, counted over all epochs of this run, after which
this process kills itself without a chance to clean up; 0: none; -n: after n steps it ends by an error of its own.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import train
from bearcat.cli import run
from bearcat.core.errors import DataError
from callback import CallBack
from tests.helpers.killed import KILL


class Watched(CallBack):
    """A CallBack with one more callback in the row."""

    def callbacks(self, *arguments) -> list:
        """Return the usual ones, and one that takes notes."""
        import keras
        import numpy as np

        class Notes(keras.callbacks.Callback):
            """Notes what each step says, and dies where it is told."""

            def on_train_begin(self, logs=None):
                self.steps = []

            def on_train_batch_end(self, batch, logs=None):
                self.steps.append(float(logs["loss"]))
                if len(self.steps) == DIE:
                    os.kill(os.getpid(), KILL)
                if len(self.steps) == -DIE:
                    raise DataError("this worker alone has met a mistake")

            def on_train_end(self, logs=None):
                np.savez(FILE.with_suffix(".npz"), *self.model.get_weights())
                FILE.write_text(json.dumps(self.steps), encoding="utf-8")

        return [*super().callbacks(*arguments), Notes()]


if __name__ == "__main__":
    FILE, DIE = Path(sys.argv[1]), int(sys.argv[2])
    train.CallBack = Watched
    sys.argv = ["train.py", *sys.argv[3:]]
    run(train.main)
