"""Zip files of the measuring sets, in the form that benchmarks/real_sets.py reads."""

import io
import zipfile
from pathlib import Path

import numpy as np

from benchmarks.unseen_kinds.kinds import SETS, MeasuringSet

TRAIN, TEST = 400, 400  # images of a set


def draw_archive(path: Path, name: str, fonts: list[Path], train: int = TRAIN, test: int = TEST) -> None:
    """Draws a set into a zip file with train/ and test/ inside, files <label>_<number>.png."""
    measuring_set = SETS[name]
    with zipfile.ZipFile(path, "w") as archive:
        for split, count, offset in (("train", train, 0), ("test", test, train)):
            for number in range(offset, offset + count):
                label, content = draw_one(measuring_set, fonts, number)
                archive.writestr(f"{split}/{label}_{number:05d}.png", content)


def draw_one(measuring_set: MeasuringSet, fonts: list[Path], number: int) -> tuple[str, bytes]:
    """The label and the PNG file of an image, by its number."""
    rng = np.random.default_rng((2027, number))
    low, high = measuring_set.lengths
    text = "".join(rng.choice(list(measuring_set.characters), rng.integers(low, high + 1)))
    memory = io.BytesIO()
    measuring_set.draw(text, fonts, rng).save(memory, "PNG")
    return measuring_set.label(text), memory.getvalue()
