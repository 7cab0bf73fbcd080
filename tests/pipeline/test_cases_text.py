"""Text of people's labels: cases 08, 08b, 14 and 16, from the files to what a model would predict.

Blanks at the ends of labels, invisible characters, look-alikes of Latin letters and digits, and Hebrew letters.
"""

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.artifacts.card import Card
from bearcat.core.workspace import Work
from bearcat.data.tfrecord_index import INDEX
from bearcat.settings_rules import load_settings
from bearcat.training.sources import PackedImages
from tests.helpers.faults import make_work
from tests.helpers.packs import step
from tests.helpers.steps import ROOT, read_report

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
TWINS = str.maketrans("acepx0123", "асерх０１２３")
HEBREW = "אבגדהחטל"


def put(work: Path, labels: Sequence[str]) -> None:
    """Replaces the images of a work by one for each label, which stands in its name."""
    for old in work.glob("*_dataset/*.png"):
        old.unlink()
    draw = random.Random(0)
    for number, label in enumerate(labels):
        image = Image.new("L", (32, 16), 250)
        ImageDraw.Draw(image).line([(draw.randrange(32), draw.randrange(16)) for _ in range(4)], fill=0, width=2)
        split = "validation" if number % 5 == 4 else "train"
        image.save(work / f"{split}_dataset" / f"{label}_{number:03d}.png")


def random_labels(count: int, characters: str, length: int = 4) -> list[str]:
    draw = random.Random(1)
    return ["".join(draw.choice(characters) for _ in range(length)) for _ in range(count)]


def vocabulary_of(work: Path) -> set[str]:
    return set(json.loads((work / "num_classes.json").read_text(encoding="utf-8")).values())


def packed_texts(work: Path) -> dict[str, str]:
    """Returns the name of each packed image → what a model that is certain of the target predicts for it."""
    from bearcat.data.tfrecords import read_records

    settings = load_settings(ROOT / "settings.py", work / "settings.py", ())
    source = PackedImages(Work(work), settings)
    codec = Card.from_settings(settings, source.vocabulary).make_codec()
    found = {}
    for split in ("train", "validation"):
        folder = work / f"{split}_pack_dataset"
        for batch in read_records(folder, source._indices[split]):
            for file, target in zip(batch["file"], batch["target"], strict=True):
                classes = [index for symbol in target if symbol for index in (symbol, 0)]
                (prediction,) = codec.decode(np.eye(len(source.vocabulary))[classes][None] * 50)
                found[file.decode()] = prediction.text
    return found


@pytest.mark.parametrize("case", ["08", "08b"])
def test_labels_are_learnt_without_what_no_image_shows(tmp_path: Path, case: str):
    labels = random_labels(40, LETTERS)
    written = {
        "08": [label + " " * (number % 4 == 0) for number, label in enumerate(labels)],
        "08b": [[f"{label}\u200b", f"\u200e{label}", label][number % 3] for number, label in enumerate(labels)],
    }
    work = make_work(tmp_path / "work", MODE="CTC")
    put(work, written[case])
    step(work)
    assert vocabulary_of(work) <= set(LETTERS) | {"_"} | set("ilo01")
    assert sorted(packed_texts(work).values()) == sorted(labels)


def test_look_alikes_are_named_with_their_files(tmp_path: Path):
    labels = random_labels(60, "acepx0123456")
    work = make_work(tmp_path / "work", MODE="CTC")
    put(work, [label.translate(TWINS) if number % 5 == 0 else label for number, label in enumerate(labels)])
    step(work, script="cheak_file.py")
    named = json.dumps(read_report(work, "check")["findings"], ensure_ascii=False)
    for one in "асерх０１２３":
        assert one in named
    step(work)
    assert set("асерх０１２３") <= vocabulary_of(work)  # a set may really have them


def test_blanks_between_characters_are_one_symbol_and_named(tmp_path: Path):
    labels = random_labels(40, LETTERS)
    work = make_work(tmp_path / "work", MODE="CTC")
    put(work, [f"{one[:2]}\u00a0{one[2:]}" if number % 6 == 0 else one for number, one in enumerate(labels)])
    step(work, script="cheak_file.py")
    assert {"blanks", "cleaned"} <= {finding["kind"] for finding in read_report(work, "check")["findings"]}
    step(work)
    assert " " in vocabulary_of(work)
    assert "\u00a0" not in vocabulary_of(work)


def test_right_to_left_labels_are_learnt_in_the_order_of_the_image(tmp_path: Path):
    labels = [*random_labels(16, HEBREW, 5), "אבג12", "12אבג", "א1ב", "۱۲۳", "۱۲אב"]
    work = make_work(tmp_path / "work", MODE="CTC")
    put(work, labels)
    assert "Right-to-left letters" in step(work)
    index = json.loads((work / "train_pack_dataset" / INDEX).read_text(encoding="utf-8"))
    assert index["direction"] == "rtl"
    texts = packed_texts(work)
    assert sorted(texts.values()) == sorted(labels)
    (target,) = targets_of(work, "אבג12")
    assert target == "12גבא"


def test_packs_of_earlier_versions_are_trained_on_in_the_order_of_the_labels(tmp_path: Path):
    work = make_work(tmp_path / "work", MODE="CTC")
    put(work, ["אב", "גד"] * 5)
    step(work)
    for split in ("train", "validation"):
        file = work / f"{split}_pack_dataset" / INDEX
        index = json.loads(file.read_text(encoding="utf-8"))
        del index["direction"]
        file.write_text(json.dumps(index), encoding="utf-8")
    assert set(packed_texts(work).values()) == {"בא", "דג"}  # its targets were packed from left to right


def targets_of(work: Path, label: str) -> list[str]:
    """Returns the symbols of the packed targets with a label, in their order."""
    from bearcat.data.tfrecord_index import load_index
    from bearcat.data.tfrecords import read_records

    found = []
    for folder in work.glob("*_pack_dataset"):
        index = load_index(folder)
        for batch in read_records(folder, index):
            pairs = zip(batch["label"], batch["target"], strict=True)
            found += ["".join(index.characters[i - 1] for i in t if i) for one, t in pairs if one.decode() == label]
    return found


def test_a_set_without_right_to_left_letters_is_packed_as_before(tmp_path: Path):
    work = make_work(tmp_path / "work", MODE="CTC")
    put(work, random_labels(10, "0123"))
    assert "Right-to-left" not in step(work)
    assert "direction" not in json.loads((work / "train_pack_dataset" / INDEX).read_text(encoding="utf-8"))
