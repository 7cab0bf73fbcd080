"""Bearcat, trained by its own steps: cheak_file.py --apply, pack, train, save; the served model predicts."""

import csv
import json
from itertools import accumulate

from bearcat.core.workspace import Work
from benchmarks.peers.recogniser import GOOD_EXACT, Recogniser
from benchmarks.warm_runner import run_step

STEPS = ("pack_dataset.py", "train.py", "save_model.py")


def from_pretrained(work: Work, seconds: int, limit: int) -> Recogniser:
    """Trains with the default settings for `seconds`."""
    return _train(work, seconds, "'pretrained'")


def from_scratch(work: Work, seconds: int, limit: int) -> Recogniser:
    """Trains without pretrained weights, for as long as the peers may or until the plateau rule ends it."""
    return _train(work, limit, "None")


def _train(work: Work, seconds: int, weights: str) -> Recogniser:
    from utils import Predict_Image

    run_step(work.path, "cheak_file.py", "--apply")
    for step in STEPS:
        run_step(work.path, step, "--set", f"TRAIN_SECONDS={seconds}", "--set", f"WEIGHTS={weights}")
    report = json.loads(work.report_file("train").read_text(encoding="utf-8"))
    with (work.folder("CSVLogger") / "training.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    ends = accumulate(float(row["seconds"]) for row in rows)
    good = (end for row, end in zip(rows, ends, strict=True) if float(row["val_exact"]) >= GOOD_EXACT)
    model = Predict_Image(work.folder("App_model"))
    return Recogniser(
        lambda image: model.predict(image).text, report["parameters"], report["seconds"], next(good, None)
    )
