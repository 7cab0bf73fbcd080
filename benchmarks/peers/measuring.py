"""One row of the comparison: a work with the set's images, a peer that trains on it, and what it then reads."""

import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from bearcat.core.workspace import Work, create_work
from benchmarks.peers import as_they_come, crnn, keras_example, ours
from benchmarks.peers.readers import Reader, labelled
from benchmarks.real_sets import make_work
from benchmarks.walking import walk

GENERATED = "4 digits"
DIGITS = {"characters": "0123456789", "char_count": [4], "width": 120, "height": 60, "count": 900}
OTHER_SPLITS = {"validation_count": 100, "test_count": 200}
TIMED = 200  # images
WARM_UP = 5


@dataclass(frozen=True)
class Peer:
    """How a peer gets ready on a work within so many seconds (ours) and a limit (the others'), and whether it can."""

    prepare: Callable[[Work, int, int], Reader]
    is_here: Callable[[], bool] = lambda: True


PEERS = {
    "Bearcat": Peer(ours.from_the_base),
    "Bearcat from nothing": Peer(ours.from_nothing),
    "Keras example": Peer(keras_example.train),
    "CRNN": Peer(crnn.train, crnn.is_here),
    "ddddocr": Peer(as_they_come.ddddocr_first, as_they_come.has_ddddocr),
    "ddddocr beta": Peer(as_they_come.ddddocr_beta, as_they_come.has_ddddocr),
    "tesseract": Peer(as_they_come.tesseract, as_they_come.has_tesseract),
}


def measure_alone(task: dict, data: Path | None) -> dict:
    """Measure in a process of its own: TensorFlow, PyTorch and onnxruntime would take each other's cores."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure, task, data).result()


def measure(task: dict, data: Path | None) -> dict:
    """Train a peer, let it read all test images, the first of them one by one against the clock."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if task["set"] == GENERATED:
            work = draw_work(Path(folder))
        else:
            work = make_work(data / f"{task['set']}.zip", Path(folder), task["set"], task["labels"] or None, 0)
        reader = PEERS[task["peer"]].prepare(work, task["seconds"], task["limit"])
        items = labelled(work.data_folder("test"))
        images = [item.path.read_bytes() for item in items]
        times = time_prediction(reader.read, images[:TIMED])
        texts = [reader.read(image) for image in images]
    return times | {
        "right": count_right(texts, [item.label for item in items]),
        "images": len(items),
        "parameters": reader.parameters,
        "train_seconds": reader.train_seconds,
        "seconds_to_enough": reader.seconds_to_enough,
    }


def draw_work(parent: Path) -> Work:
    """Return a work of captchas that the toolkit draws."""
    work = create_work(parent, "digits", activate=False)
    work.make_folders()
    config = json.loads(work.captcha_config_file.read_text(encoding="utf-8")) | DIGITS | OTHER_SPLITS
    work.captcha_config_file.write_text(json.dumps(config), encoding="utf-8")
    walk(work.path, "gen_sample_by_captcha.py")
    return work


def time_prediction(read: Callable[[bytes], str], images: list[bytes]) -> dict[str, float]:
    """Return the median time, and the mean time of the processor, from an image's bytes to its text."""
    for image in images[:WARM_UP]:
        read(image)
    seconds, before = [], cpu_seconds()
    for image in images:
        started = time.perf_counter()
        read(image)
        seconds.append(time.perf_counter() - started)
    spent = cpu_seconds() - before
    return {"milliseconds": 1e3 * statistics.median(seconds), "cpu_milliseconds": 1e3 * spent / len(images)}


def cpu_seconds() -> float:
    """Return the processor's time that this process and its finished children have used."""
    return sum(os.times()[:4])


def count_right(texts: list[str], labels: list[str]) -> int:
    """Return how many texts are their labels, without regard to spaces, and to case where all labels are in one."""
    one_case = any(labels == [change(label) for label in labels] for change in (str.lower, str.upper))
    pairs = zip((comparable(text, one_case) for text in texts), (comparable(t, one_case) for t in labels), strict=True)
    return sum(text == label for text, label in pairs)


def comparable(text: str, one_case: bool) -> str:
    """Return a text as it is compared."""
    text = "".join(text.split())
    return text.lower() if one_case else text
