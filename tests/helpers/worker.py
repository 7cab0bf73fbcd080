"""train.py with a toy network as one of several workers; each step's loss and the final weights are written to files.

python tests/helpers/worker.py FILE DIE TRAIN_ARGUMENTS …: DIE is the step, counted over all epochs of this run, after
which this process kills itself without a chance to clean up; 0: never; -n: after n steps it raises an error.
"""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

import train
from bearcat.cli import run
from bearcat.core.errors import DataError
from callback import CallBack
from tests.helpers.killed import KILL
from tests.helpers.toy_networks import shrink_networks


class RecordingCallBack(CallBack):
    """A CallBack with a network that is traced soon, and with one more Keras callback."""

    def run(self, *arguments) -> None:
        """Runs the training with a toy network."""
        shrink_networks(pytest.MonkeyPatch())
        super().run(*arguments)

    def callbacks(self, *arguments) -> list:
        """Returns the usual ones, and one that records the steps."""
        import keras
        import numpy as np

        class Recorder(keras.callbacks.Callback):
            """Records the loss of each step, and dies after step DIE."""

            def on_train_begin(self, logs=None):
                self.steps = []

            def on_train_batch_end(self, batch, logs=None):
                self.steps.append(float(logs["loss"]))
                FILE.write_text(json.dumps(self.steps), encoding="utf-8")
                if len(self.steps) == DIE:
                    os.kill(os.getpid(), KILL)
                if len(self.steps) == -DIE:
                    raise DataError("an error of this worker alone")

            def on_train_end(self, logs=None):
                np.savez(FILE.with_suffix(".npz"), *self.model.get_weights())

        return [*super().callbacks(*arguments), Recorder()]


if __name__ == "__main__":
    FILE, DIE = Path(sys.argv[1]), int(sys.argv[2])
    train.CallBack = RecordingCallBack
    sys.argv = ["train.py", *sys.argv[3:]]
    run(train.main)
