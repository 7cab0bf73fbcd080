"""The work of a training beside the page: which images it has, and that nothing else changes."""

import shutil
from pathlib import Path

import pytest

from bearcat.core.workspace import Work
from bearcat.data.labels.listing import list_images, name_in
from bearcat.data.labels.tables import read_label_table, set_label
from bearcat.labelling.background.scratch import make_training_work
from tests.helpers.labelling import contents


def fill(folder: Path, names: list[str]) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def images(work: Work, split: str) -> list[str]:
    folder = work.data_folder(split)
    return [name_in(folder, path) for path in list_images(folder)]


def test_a_fifth_of_the_labels_is_for_validation_unless_the_work_has_a_validation_set(work: Work):
    names = [f"{label}_{number}.png" for label in "ab" for number in range(5)]
    fill(work.data_folder("train"), names)
    fill(work.data_folder("test"), ["c_1.png"])
    before = contents(work.path)
    part = make_training_work(work, work.folder("report") / "labelling" / "training")
    assert images(part, "validation") == ["a_0.png", "b_0.png"]
    assert images(part, "train") == [name for name in names if "_0" not in name]
    assert images(part, "test") == []
    assert {name: content for name, content in contents(work.path).items() if name in before} == before
    fill(work.data_folder("validation"), ["v_1.png"])
    part = make_training_work(work, part.path)
    assert (images(part, "train"), images(part, "validation")) == (names, ["v_1.png"])


def test_label_tables_folders_of_classes_and_weights_are_copied(work: Work):
    fill(work.data_folder("train"), ["cat/1.png", "dog/1.png", *(f"{number}.png" for number in range(4))])
    fill(work.folder("weight"), ["own.keras", "older/own.keras"])
    table = "".join(f"{name},x\n" for name in images(work, "train"))
    (work.data_folder("train") / "labels.csv").write_text(f"file,label\n{table}", encoding="utf-8")
    part = make_training_work(work, work.folder("report") / "labelling" / "training")
    assert images(part, "validation") == ["0.png", "dog/1.png"]
    for split in ("train", "validation"):
        assert (part.data_folder(split) / "labels.csv").read_text(encoding="utf-8").endswith(table)
    assert (part.folder("weight") / "own.keras").is_file()
    assert not (part.folder("weight") / "older").exists()


def test_a_label_that_is_undone_meanwhile_leaves_no_image_without_a_line(work: Work, monkeypatch: pytest.MonkeyPatch):
    names = [f"{number}.png" for number in range(5)]
    fill(work.data_folder("train"), names)
    table = work.data_folder("train") / "labels.csv"
    table.write_text("file,label\n" + "".join(f"{name},x\n" for name in names))
    copyfile = shutil.copyfile

    def undo_after(source: Path, target: Path) -> None:
        copyfile(source, target)
        if Path(source).parent == work.data_folder("train"):
            (work.data_folder("train") / "2.png").unlink(missing_ok=True)
            set_label(table, "2.png", None)

    monkeypatch.setattr(shutil, "copyfile", undo_after)
    part = make_training_work(work, work.folder("report") / "labelling" / "training")
    for split in ("train", "validation"):
        lines = read_label_table(part.data_folder(split) / "labels.csv")
        assert {*images(part, split)} <= {*lines}
    assert "2.png" not in images(part, "train")
