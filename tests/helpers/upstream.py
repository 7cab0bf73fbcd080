"""Whether Keras' own fit runs under MultiWorkerMirroredStrategy, as JSON; test_distribution.py runs it as two workers.

Each of the two patches of MultiWorkerFit is left out in turn.
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from bearcat.core.devices import start_tensorflow
from bearcat.training.cluster import worker_for
from bearcat.training.distribution import start_replicas


def main() -> None:
    """Prints for each patched part of fit whether it runs without the patch."""
    device = start_tensorflow(use_gpu=False, seed=0)
    replicas = start_replicas("multi_worker", worker_for("multi_worker"), device)
    import keras
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensors((np.ones((2, 3), np.float32), np.ones((2, 1), np.float32))).repeat()

    def fits(builds: bool) -> bool:
        with replicas.scope():
            model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
            model.compile("sgd", "mse")
        if not builds:
            replicas.prepare(model, batches)
            model.train_function = None  # Keras' own
        try:
            model.fit(replicas.distribute(batches), steps_per_epoch=2, verbose=0, shuffle=False)
        except Exception:  # noqa: BLE001  the error may change with the version
            return False
        return True

    print(json.dumps({"builds from a PerReplica batch": fits(builds=True), "reduces its logs": fits(builds=False)}))


if __name__ == "__main__":
    main()
