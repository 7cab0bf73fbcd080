"""The process of the trial without labels, for `python -m`: tests the pretrained weights.

Usage: python -m bearcat.strength.readers.untrained WORK CHARACTERS LENGTH BUILD LOAD [NAME=VALUE …]
"""

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bearcat.artifacts.card import ONNX_SUFFIX
from bearcat.artifacts.pretrained import pretrained_card, pretrained_characters
from bearcat.core.errors import DataError, ImageError
from bearcat.core.files import write_json
from bearcat.core.workspace import ROOT, Work
from bearcat.data.codecs import Prediction
from bearcat.data.labels.reading import LabelledImage, read_labels
from bearcat.data.labels.text import have_both_cases
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.background.child import end_with_parent
from bearcat.labelling.background.guess import import_named, write_guesser
from bearcat.labelling.background.steps import run_step
from bearcat.settings_rules import load_settings
from bearcat.strength.readers.matching import count_correct
from bearcat.strength.trials import REPORT

NAME = "untrained"
# the result if the weights know no character
NOTHING: dict[str, float] = {"correct": 0, "seconds": 0.0, "cpu_seconds": 0.0}


def main() -> None:
    """Makes the model that the command line describes, and counts what it reads."""
    end_with_parent()
    path, characters, length, build, load, *overrides = sys.argv[1:]
    work, started = Work(Path(path)), time.monotonic()
    run_step("cheak_file.py", path, overrides, ["--apply"])  # FRAMES and LAYOUT that fit, as in a trial with labels
    settings = load_settings(ROOT / "settings.py", work.settings_file, overrides)
    items = read_labels(work.data_folder("test"))[0]
    known = pretrained_characters(characters or None)
    if not known:
        return write_json(work.report_file(REPORT), NOTHING | {"images": len(items)})
    folder = work.folder("App_model")
    card = pretrained_card(NAME, [item.path for item in items], known, settings)
    write_guesser(card, folder / f"{NAME}{ONNX_SUFFIX}", build)
    taken = {"seconds": round(time.monotonic() - started, 3), "cpu_seconds": round(time.process_time(), 3)}
    predict = partial(import_named(load)(folder).predict, characters=characters, length=length)
    ignore_case = not have_both_cases(Vocabulary.load(work.vocabulary_file).characters)
    write_json(work.report_file(REPORT), count(items, predict, ignore_case) | taken)


def count(items: Sequence[LabelledImage], predict: Callable[[Path], Prediction], ignore_case: bool) -> dict[str, int]:
    """Counts the correct images, and those that can be opened: a trial with labels leaves out the others too."""
    texts, labels = [], []
    for item in items:
        try:
            texts.append(predict(item.path).text)
        except ImageError:
            continue
        labels.append(item.label)
    if not labels:
        raise DataError(f"not one image of {items[0].path.parent} can be read")
    return {"correct": count_correct(texts, labels, ignore_case), "images": len(labels)}


if __name__ == "__main__":
    main()
