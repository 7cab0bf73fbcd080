"""One row of the comparison: a work with the images of a set, a peer trained on it, and its predictions."""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from bearcat.core.workspace import Work, create_work
from bearcat.data.labels.text import have_both_cases
from bearcat.strength.readers.matching import count_correct
from bearcat.strength.readers.off_the_shelf import READERS
from benchmarks.peers import crnn, keras_example, own_steps
from benchmarks.peers.recogniser import Recogniser, labelled
from benchmarks.real_sets import make_work
from benchmarks.warm_runner import run_step

GENERATED = "4 digits"
DIGITS = {"characters": "0123456789", "char_count": [4], "width": 120, "height": 60, "count": 900}
OTHER_SPLITS = {"validation_count": 100, "test_count": 200}
TIMED = 200  # images
WARM_UP = 5


@dataclass(frozen=True)
class Peer:
    """How a peer is trained on a work (seconds for Bearcat, limit for the others), and whether it is installed."""

    train: Callable[[Work, int, int], Recogniser]
    is_installed: Callable[[], bool] = lambda: True


def load_reader(name: str, work: Work, seconds: int, limit: int) -> Recogniser:
    """Loads a reader of READERS, which learns nothing from the work."""
    return Recogniser(READERS[name].load())


PEERS = {
    "Bearcat": Peer(own_steps.from_pretrained),
    "Bearcat from scratch": Peer(own_steps.from_scratch),
    "Keras example": Peer(keras_example.train),
    "CRNN": Peer(crnn.train, crnn.is_installed),
    **{name: Peer(partial(load_reader, name), reader.is_installed) for name, reader in READERS.items()},
}


def measure_alone(task: dict, data: Path | None) -> dict:
    """Measures in a new process, since TensorFlow, PyTorch and onnxruntime compete for the cores."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, task, data).result()


def measure(task: dict, data: Path | None) -> dict:
    """Trains a peer, times its predictions, and compares those of all test images with their labels."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if task["set"] == GENERATED:
            work = draw_work(Path(folder))
        else:
            work = make_work(data / f"{task['set']}.zip", Path(folder), task["set"], task["labels"] or None, 0)
        recogniser = PEERS[task["peer"]].train(work, task["seconds"], task["limit"])
        items = labelled(work.data_folder("test"))
        images = [item.path.read_bytes() for item in items]
        times = time_prediction(recogniser.predict, images[:TIMED])
        texts = [recogniser.predict(image) for image in images]
    labels = [item.label for item in items]
    return times | {
        "right": count_correct(texts, labels, ignore_case=not have_both_cases(labels)),
        "images": len(items),
        "parameters": recogniser.parameters,
        "train_seconds": recogniser.train_seconds,
        "seconds_to_enough": recogniser.seconds_to_good,
    }


def draw_work(parent: Path) -> Work:
    """Makes a work of generated captchas."""
    work = create_work(parent, "digits", activate=False)
    work.make_folders()
    config = json.loads(work.captcha_config_file.read_text(encoding="utf-8")) | DIGITS | OTHER_SPLITS
    work.captcha_config_file.write_text(json.dumps(config), encoding="utf-8")
    run_step(work.path, "gen_sample_by_captcha.py")
    return work


def time_prediction(predict: Callable[[bytes], str], images: list[bytes]) -> dict[str, float]:
    """Returns the median time and the mean CPU time of a prediction."""
    for image in images[:WARM_UP]:
        predict(image)
    seconds, before = [], cpu_seconds()
    for image in images:
        started = time.perf_counter()
        predict(image)
        seconds.append(time.perf_counter() - started)
    spent = cpu_seconds() - before
    return {"milliseconds": 1e3 * statistics.median(seconds), "cpu_milliseconds": 1e3 * spent / len(images)}


def cpu_seconds() -> float:
    """Returns the CPU time of this process and its finished children."""
    return sum(os.times()[:4])
