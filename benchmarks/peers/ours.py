"""Bearcat, walked as a person walks it: cheak_file.py --apply, pack, train, save; read by the unit that is served."""

import csv
import json
from itertools import accumulate

from bearcat.core.workspace import Work
from benchmarks.peers.readers import ENOUGH, Reader
from benchmarks.walking import walk

STEPS = ("pack_dataset.py", "train.py", "save_model.py")


def from_the_base(work: Work, seconds: int, limit: int) -> Reader:
    """Train as the defaults say, for so many seconds."""
    return _walk(work, seconds, "'base'")


def from_nothing(work: Work, seconds: int, limit: int) -> Reader:
    """Train without the base recogniser, for as long as the peers may, or until the plateau rule ends it."""
    return _walk(work, limit, "None")


def _walk(work: Work, seconds: int, weights: str) -> Reader:
    from utils import Predict_Image

    walk(work.path, "cheak_file.py", "--apply")
    for step in STEPS:
        walk(work.path, step, "--set", f"TRAIN_SECONDS={seconds}", "--set", f"WEIGHTS={weights}")
    report = json.loads(work.report_file("train").read_text(encoding="utf-8"))
    with (work.folder("CSVLogger") / "training.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ends = accumulate(float(row["seconds"]) for row in rows)
    enough = (end for row, end in zip(rows, ends, strict=True) if float(row["val_exact"]) >= ENOUGH)
    unit = Predict_Image(work.folder("App_model"))
    return Reader(lambda image: unit.predict(image).text, report["parameters"], report["seconds"], next(enough, None))
