"""Start TensorFlow: without its chatter, on the GPU or the CPU as asked, from a seed."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def start_tensorflow(use_gpu: bool, seed: int | None = None) -> str:
    """Import TensorFlow, hide the GPUs or let each take memory as it needs it; return in words what will compute.

    To be called once, before anything else imports TensorFlow.
    """
    with silence():
        import keras
        import tensorflow as tf

        gpus = tf.config.list_physical_devices("GPU")
        if not use_gpu:
            tf.config.set_visible_devices([], "GPU")
        for gpu in gpus if use_gpu else ():
            tf.config.experimental.set_memory_growth(gpu, True)
    if seed is not None:
        keras.utils.set_random_seed(seed)
    if not use_gpu:
        return "the CPU"
    return f"{len(gpus)} GPU" if gpus else "the CPU, since TensorFlow finds no GPU"


@contextmanager
def silence() -> Iterator[None]:
    """Send to nowhere what TensorFlow's libraries write to stderr while they are loaded.

    On a machine without a GPU that reads like failures, and no log level stops it. BEARCAT_DEBUG=1 shows it.
    """
    if os.environ.get("BEARCAT_DEBUG") == "1":
        yield
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
