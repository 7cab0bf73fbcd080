"""The trainings of a learning curve: what each learns from, and that an interrupted curve goes on where it stopped."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bearcat.core.errors import NoImagesError, SettingsError
from bearcat.core.files import write_json
from bearcat.core.workspace import UNLABELLED_PACK, Work
from bearcat.data.images import InputSpec
from bearcat.data.tfrecord_index import INDEX, TFRecordIndex, load_index
from bearcat.data.tfrecords import Record, read_records, write_pack
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import Task
from bearcat.settings_rules import load_settings
from bearcat.training.learning_curve import trainings
from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.learning_curve.trainings import (
    Others,
    Part,
    check_curve_settings,
    choose_parts,
    curve_folder,
    curve_point,
    has_ended,
    in_subset,
    make_curve_work,
    train_parts,
)
from bearcat.training.schedules import ALL_EPOCHS, INTERRUPT
from bearcat.training.sources import PackedImages
from tests.helpers.steps import ROOT

NAMES = [f"ab_{n}.png" for n in range(40)]
REST, OWN = Part(1 / 4, Others.REST), Part(1, Others.OWN)
INDEX_OF_ALL = TFRecordIndex(
    InputSpec(16, 16, 1), ["a", "b"], Task.TEXT, longest_label=2, steps_needed={"CTC": 2, "ORDINARY": 2}
)


def test_parts_are_nested_and_copies_stay_with_their_image():
    names = [f"a{n}_x.jpg" for n in range(4000)]
    parts = [{name for name in names if in_subset(name, fraction, 7)} for fraction in (1 / 8, 1 / 4, 1 / 2, 1)]
    assert parts[0] < parts[1] < parts[2] < parts[3] == set(names)
    assert [len(part) / 4000 for part in parts] == pytest.approx([0.125, 0.25, 0.5, 1], abs=0.03)
    copies = {name.replace(".jpg", "-jpg-enhanced-2.png") for name in parts[0]}
    assert all(in_subset(name, 1 / 8, 7) for name in copies)
    assert parts[0] != {name for name in names if in_subset(name, 1 / 8, 8)}


def fill_pack(folder: Path, names: list[str], label: str = "ab") -> None:
    """Packs tiny images; each has its number everywhere."""
    target = [1, 2] if label else []
    records = [Record(np.full((16, 16, 1), n, np.uint8), label, name, target) for n, name in enumerate(names)]
    write_pack(folder, records, len(names), INDEX_OF_ALL if label else replace(INDEX_OF_ALL, longest_label=0))


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work with packs of 40 and 5 tiny images."""
    work = Work(tmp_path / "work")
    work.make_folders()
    for name in ("settings.py", "captcha_config.json"):
        (work.path / name).write_text("{}", encoding="utf-8")
    Vocabulary(("a", "b")).save(work.vocabulary_file)
    for split, count in (("train", 40), ("validation", 5)):
        fill_pack(work.pack_folder(split), NAMES[:count])
    return work


@pytest.fixture
def settings() -> SimpleNamespace:
    """Settings that fit the packs."""
    return settings_of()


def settings_of(*overrides: str) -> SimpleNamespace:
    fitting = ("MODE=CTC", "IMAGE_HEIGHT=16", "IMAGE_WIDTH=16", "IMAGE_CHANNALS=1")
    return load_settings(ROOT / "settings.py", None, [*fitting, *overrides])


def packed(folder: Path) -> dict[str, tuple[str, int]]:
    """Returns file name → label and grey level of a pack's images."""
    batches = read_records(folder, load_index(folder))
    rows = (row for one in batches for row in zip(one["file"], one["label"], one["image"], strict=True))
    return {name.decode(): (label.decode(), int(image[0, 0, 0])) for name, label, image in rows}


def test_a_curve_s_work_holds_a_part_of_the_pack_and_is_kept(work: Work, tmp_path: Path):
    made = make_curve_work(work, tmp_path / "part", Part(0.5), 0)
    part, whole = (load_index(one.pack_folder("train")) for one in (made, work))
    assert 10 < part.count < 30
    assert {**asdict(part), "count": 40} == asdict(whole)
    assert not (made.folder(UNLABELLED_PACK) / INDEX).exists()
    (batch,) = read_records(made.pack_folder("train"), part)
    assert all(int(name[3:-4]) == image[0, 0, 0] for name, image in zip(batch["file"], batch["image"], strict=True))
    assert batch["target"].tolist() == [[1, 2]] * part.count
    assert load_index(made.pack_folder("validation")).count == 5
    before = (made.pack_folder("train") / "pack.json").stat().st_mtime_ns
    assert make_curve_work(work, tmp_path / "part", Part(0.5), 0) == made
    assert (made.pack_folder("train") / "pack.json").stat().st_mtime_ns == before
    write_json(made.report_file("train"), {"best": {"val_exact": 0.8}, "stopped_by": "all epochs"})
    assert curve_point(made) == CurvePoint(part.count, 4, 5)
    assert has_ended(made)
    write_json(made.report_file("train"), {"stopped_by": "interrupt"})
    assert not has_ended(made)


def test_the_rest_of_the_images_serve_as_images_without_labels(work: Work, settings: SimpleNamespace, tmp_path: Path):
    fill_pack(work.pack_folder("train"), [*NAMES, *(f"ab_{n}-png-enhanced-1.png" for n in range(40))])
    whole = packed(work.pack_folder("train"))
    made = make_curve_work(work, tmp_path / "part", REST, 0)
    labelled, others = packed(made.pack_folder("train")), packed(made.folder(UNLABELLED_PACK))
    assert labelled.items() < whole.items()
    originals = labelled.keys() & set(NAMES)
    assert 0 < len(originals) < 20
    assert others == {name: ("", whole[name][1]) for name in set(NAMES) - originals}
    source = PackedImages(made, settings)
    assert (source.count, source.validated, source.unlabelled) == (len(labelled), 5, len(others))
    assert load_index(made.folder(UNLABELLED_PACK)).longest_label == 0
    (batch,) = read_records(made.folder(UNLABELLED_PACK), load_index(made.folder(UNLABELLED_PACK)))
    assert not batch["target"].any()


def test_a_fraction_that_leaves_no_image_out_is_refused(work: Work, tmp_path: Path):
    with pytest.raises(NoImagesError):
        make_curve_work(work, tmp_path / "part", Part(1, Others.REST), 0)


def test_a_work_whose_making_was_killed_is_completed(work: Work, tmp_path: Path):
    fill_pack(work.folder(UNLABELLED_PACK), ["x.png", "y.png"], label="")
    for part in (REST, OWN):
        made = make_curve_work(work, tmp_path / part.others, part, 0)
        packs = [made.pack_folder("train"), made.folder(UNLABELLED_PACK)]
        complete = [packed(pack) for pack in packs]
        (packs[0] / INDEX).unlink()
        next(packs[1].glob("*.tfrecord")).write_bytes(b"half")
        make_curve_work(work, made.path, part, 0)
        assert [packed(pack) for pack in packs] == complete


def test_the_images_of_the_work_without_labels_are_added_to_all_labels(work: Work, settings: SimpleNamespace):
    fill_pack(work.folder(UNLABELLED_PACK), ["x.png", "y.png"], label="")
    made = make_curve_work(work, work.path / "part", OWN, 0)
    for pack in ("train_pack_dataset", UNLABELLED_PACK):
        assert packed(made.folder(pack)) == packed(work.folder(pack))
    assert PackedImages(made, settings).unlabelled == 2
    alone = make_curve_work(work, work.path / "alone", Part(1), 0)
    assert PackedImages(alone, settings).unlabelled == 0


@pytest.mark.parametrize(
    ("overrides", "has_pack", "further"),
    [
        ((), False, [REST]),
        ((), True, [REST, OWN]),
        (("MODE=ORDINARY",), True, [REST, OWN]),
        (("SELF_TRAIN=False",), True, []),
        (("MODE=NUM_CLASSES",), True, []),
        (("STRATEGY=mirrored",), True, []),
    ],
)
def test_the_trainings_of_a_curve(work: Work, overrides: tuple[str, ...], has_pack: bool, further: list[Part]):
    if has_pack:
        fill_pack(work.folder(UNLABELLED_PACK), ["x.png"], label="")
    parts = choose_parts(work, settings_of(*overrides))
    assert parts == [*map(Part, (1 / 8, 1 / 4, 1 / 2, 1)), *further]


class Trainings:
    """Stands for the processes that train: it notes the works and writes their reports.

    Args:
        interrupted: The number of the training that is interrupted when it is run for the first time; 0 for none.
        uses_others: Whether trainings learn from images without labels.
    """

    def __init__(self, interrupted: int = 0, uses_others: bool = True):
        self.interrupted, self.uses_others = interrupted, uses_others
        self.run: list[str] = []

    def __call__(self, command: Sequence[str]) -> int:
        work = Work(Path(command[-1]))
        self.run.append(work.path.name)
        report = {"best": {"val_exact": len(self.run) / 10}, "stopped_by": ALL_EPOCHS}
        others = PackedImages(work, settings_of()).unlabelled
        if others and self.uses_others:
            report["self_training"] = {"pictures": others}
        if len(self.run) == self.interrupted:
            report["stopped_by"] = INTERRUPT
        write_json(work.report_file("train"), report)
        return 130 if report["stopped_by"] == INTERRUPT else 0


@pytest.mark.parametrize("interrupted", [2, 5, 6])
def test_an_interrupted_curve_goes_on_where_it_stopped(
    work: Work,
    settings: SimpleNamespace,
    interrupted: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
):
    fill_pack(work.folder(UNLABELLED_PACK), ["x.png", "y.png"], label="")
    started = Trainings(interrupted)
    monkeypatch.setattr(trainings, "run_training", started)
    code, points = train_parts(work, settings, ["train"])
    assert (code, len(points)) == (130, interrupted - 1)
    code, points = train_parts(work, settings, ["train"])
    assert code == 0
    names = [f"{number}-of-6" for number in range(1, 7)]
    assert started.run == names[:interrupted] + names[interrupted - 1 :]
    quarter = points[1].images
    assert 0 < points[0].images < quarter < points[2].images < 40
    assert [(point.images, point.unlabelled) for point in points[3:]] == [(40, 0), (quarter, 40 - quarter), (40, 2)]
    assert not any(point.unlabelled for point in points[:3])
    printed = capsys.readouterr().out.splitlines()
    assert printed[-6:] == [
        "Training 1 of 6: 12.5% of the images",
        "Training 2 of 6: 25.0% of the images",
        "Training 3 of 6: 50.0% of the images",
        "Training 4 of 6: 100.0% of the images",
        "Training 5 of 6: 25.0% of the images, and the rest without labels",
        "Training 6 of 6: 100.0% of the images, and those of unlabelled_dataset",
    ]


def test_a_training_that_did_not_use_the_images_without_labels_is_no_point(
    work: Work, settings: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(trainings, "run_training", Trainings(uses_others=False))
    code, points = train_parts(work, settings, ["train"])
    assert (code, len(points)) == (0, 4)
    assert "as several replicas do, and shows nothing about the others" in capsys.readouterr().out


def test_trainings_of_other_settings_are_deleted(work: Work):
    first = curve_folder(work, {"LR": 1})
    first.mkdir(parents=True)
    assert curve_folder(work, {"LR": 1}) == first
    assert first.is_dir()
    assert curve_folder(work, {"LR": 2}) != first
    assert not first.exists()


def test_trainings_of_other_packs_are_deleted(work: Work):
    folders = [curve_folder(work, {})]
    fill_pack(work.folder(UNLABELLED_PACK), ["x.png", "y.png"], label="")
    folders.append(curve_folder(work, {}))
    fill_pack(work.folder(UNLABELLED_PACK), ["x.png", "z.png"], label="")
    folders.append(curve_folder(work, {}))
    fill_pack(work.pack_folder("train"), NAMES, label="ba")
    folders.append(curve_folder(work, {}))
    assert len(set(folders)) == 4
    folders[-1].mkdir(parents=True)
    fill_pack(work.pack_folder("train"), NAMES, label="ba")
    assert curve_folder(work, {}) == folders[-1]
    assert folders[-1].is_dir()


def test_detection_has_no_learning_curve():
    with pytest.raises(SettingsError, match="--curve trains on parts of packed images"):
        check_curve_settings(SimpleNamespace(MODE="EFFICIENTDET", STRATEGY="auto"))
