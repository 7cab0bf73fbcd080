"""The data of a training: what the indices of the packs say of it."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.core.storage import save_json
from bearcat.core.workspace import ROOT, Work
from bearcat.data.codecs import Task
from bearcat.data.images import ImageKinds, InputSpec, extract_pixels
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.tfrecord_index import INDEX, TFRecordIndex
from bearcat.data.vocabulary import Vocabulary
from bearcat.settings_rules import load_settings
from bearcat.training.sources import BoxedImages, PackedImages
from tests.helpers.images import draw_bar

STEPS = {"ORDINARY": 6, "NUM_CLASSES": 1, "CTC": 9, "CTC_TINY": 9}
TRAIN = TFRecordIndex(InputSpec(16, 16, 1), ["a", "b"], Task.TEXT, 4, STEPS, 9, ["pack.tfrecord"], shortest_label=4)


@pytest.mark.parametrize(
    ("validation", "mode", "expected"),
    [
        ({}, "CTC", (4, 4)),
        ({"shortest_label": 3, "longest_label": 6}, "CTC", (3, 6)),
        ({"shortest_label": 0}, "CTC", ()),
        ({}, "NUM_CLASSES", ()),
    ],
)
def test_the_lengths_of_the_labels_are_those_of_both_packs(
    tmp_path: Path, validation: dict, mode: str, expected: tuple[int, ...]
):
    work = Work(tmp_path)
    work.settings_file.touch()
    for split, index in {"train": TRAIN, "validation": replace(TRAIN, **validation)}.items():
        folder = work.pack_folder(split)
        folder.mkdir(parents=True)
        (folder / "pack.tfrecord").touch()
        task = Task.CLASSIFICATION if mode == "NUM_CLASSES" else Task.TEXT
        save_json(folder / INDEX, replace(index, task=task).to_dict())
    Vocabulary(("a", "b")).save(work.vocabulary_file)
    changes = [f"MODE={mode}", "IMAGE_HEIGHT=16", "IMAGE_WIDTH=16", "IMAGE_CHANNALS=1"]
    settings = load_settings(ROOT / "settings.py", work.settings_file, changes)
    assert PackedImages(work, settings).label_lengths == expected


def test_images_with_boxes_say_their_sizes_and_colours(tmp_path: Path):
    for name, size in (("1.png", (40, 20)), ("2.png", (40, 20)), ("3.png", (60, 60))):
        draw_bar(tmp_path, name, size, ink=(200, 30, 30))
    data = {"train": [LabelledImage(path, None) for path in sorted(tmp_path.iterdir())], "validation": []}
    kinds = BoxedImages(data, Vocabulary(("a",)), SimpleNamespace(), extract_pixels).kinds
    assert kinds == ImageKinds(((40, 20), (60, 60)), ("colour",))
