"""Copies of images with boxes: what training reads of them, refusals, undo, kills."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bearcat.core.errors import WorkError
from bearcat.core.locks import hold_lock
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.labelling.boxes.copies import NamedBox
from bearcat.labelling.copies import MAX_LABEL
from bearcat.labelling.translations import LabellingError
from tests.helpers.box_labelling import BOXES, READ, SIZE, boxes_read, noise, open_boxes, write_odd_images
from tests.helpers.labelling import contents, train_set
from tests.helpers.steps import ROOT

CONFIRM_AND_DIE = "from tests.helpers.box_labelling import confirm_boxes_and_die; confirm_boxes_and_die()"


def files_without_locks(*folders: Path) -> dict[str, bytes]:
    found = [contents(folder) for folder in folders]
    return {name: content for of_one in found for name, content in of_one.items() if ".locks" not in name}


def test_training_reads_what_was_drawn_to_the_pixel(tmp_path: Path, work: Work):
    folder = tmp_path / "odd"
    write_odd_images(folder)
    before = contents(folder)
    session, names = open_boxes(folder, work), {}
    while image := session.current():
        copy = session.confirm(image.number, BOXES)
        names[copy.path.name] = image.path.name
        assert copy.path.read_bytes() == image.path.read_bytes()
    work.data_folder("validation").mkdir()
    for path in work.data_folder("train").iterdir():
        (work.data_folder("validation") / path.name).write_bytes(path.read_bytes())
    assert boxes_read(work) == dict.fromkeys(names, READ)
    assert sorted(names.values()) == sorted(before)
    suffixes = {original: Path(copy).suffix for copy, original in names.items()}
    assert suffixes["wrong suffix.png"] == ".tif"
    assert contents(folder) == before
    assert not [path for path in work.path.rglob("*") if ".part" in path.name]


def test_an_image_without_objects_is_a_background(folder: Path, work: Work):
    Image.new("RGB", SIZE, "white").save(folder / "blank.png")
    session = open_boxes(folder, work)
    with pytest.raises(LabellingError, match="one colour, so it can show no objects"):
        session.confirm(3, BOXES)
    session.confirm(3, [])
    session.confirm(0, BOXES)
    work.data_folder("train").rename(work.data_folder("validation"))
    session.confirm(1, [])
    session.confirm(2, BOXES)
    assert sorted(boxes_read(work).values()) == sorted([READ, ((), [])])


@pytest.mark.parametrize(
    ("typed", "name"),
    [(" a_b ", "a_b"), ("e\u0301\u200b", "\u00e9"), ("traffic\u00a0light", "traffic light"), ("<&>", "<&>")],
)
def test_a_name_is_cleaned_as_labels_are(folder: Path, work: Work, typed: str, name: str):
    assert open_boxes(folder, work).confirm(0, [NamedBox(typed, (1, 2, 3, 5))]).label.names == (name,)


@pytest.mark.parametrize(
    ("name", "corners", "message"),
    [
        ("", (1, 2, 3, 5), "A box has no name"),
        ("\u200b", (1, 2, 3, 5), "A box has no name"),
        ("_", (1, 2, 3, 5), "cannot be named _"),
        ("a\nb", (1, 2, 3, 5), "invisible character"),
        ("\ud800", (1, 2, 3, 5), "invisible character"),
        ("x" * (MAX_LABEL + 1), (1, 2, 3, 5), "A name is too long"),
        ("a", (1, 2, 61, 4), "A box was refused: box 2: .*it reaches beyond the image"),
        ("a", (1, 2, 1, 4), "it has no area"),
        ("a", (0, 0, 1, 1), "The box of a is too small: at least 2×2"),
        ("a", (5, 2, 7, 3), "too small"),
        ("a", (5, 2, 1, 4), "in the wrong order"),
        ("a", (-1, 2, 3, 4), "it reaches beyond the image"),
    ],
)
def test_a_box_that_cannot_be_learnt_is_refused_and_nothing_is_written(
    folder: Path, work: Work, name: str, corners: tuple, message: str
):
    session = open_boxes(folder, work)
    before = files_without_locks(work.data_folder("train"), folder)
    with pytest.raises(LabellingError, match=message):
        session.confirm(0, [BOXES[0], NamedBox(name, corners)])
    assert files_without_locks(work.data_folder("train"), folder) == before
    assert session.current().number == 0


def test_an_image_is_copied_once_and_nothing_is_overwritten(folder: Path, work: Work):
    session, other = open_boxes(folder, work), open_boxes(folder, work)
    copy = session.confirm(0, BOXES)
    with pytest.raises(LabellingError, match=f"already in the data sets, as train_dataset/{copy.path.name}"):
        other.confirm(0, [])
    assert [image.path.name for image in open_boxes(folder, work).queue.images] == ["2.png", "3.png"]
    taken = work.data_folder("train") / f"{digest_of((folder / '2.png').read_bytes())[:12]}.png"
    taken.write_bytes(b"another")
    with pytest.raises(LabellingError, match="not overwritten"):
        session.confirm(1, BOXES)
    assert taken.read_bytes() == b"another"
    assert len(train_set(work)) == 3


def test_undo_removes_the_copy_with_its_boxes(folder: Path, work: Work):
    session = open_boxes(folder, work)
    session.confirm(0, BOXES)
    session.undo()
    assert train_set(work) == {}
    session.confirm(0, BOXES[:1])
    assert len(train_set(work)) == 2


@pytest.mark.parametrize("change", ["boxes changed", "boxes damaged", "boxes gone", "copy changed", "source gone"])
def test_what_was_changed_since_is_not_removed(folder: Path, work: Work, change: str):
    session = open_boxes(folder, work)
    copy = session.confirm(0, BOXES)
    voc_file = copy.path.with_suffix(".xml")
    changes = {
        "boxes changed": lambda: voc_file.write_text(
            voc_file.read_text(encoding="utf-8").replace("<xmax>43<", "<xmax>44<"), encoding="utf-8"
        ),
        "boxes damaged": lambda: voc_file.write_text("<annotation>", encoding="utf-8"),
        "boxes gone": voc_file.unlink,
        "copy changed": lambda: copy.path.write_bytes(b"of somebody"),
        "source gone": copy.source.unlink,
    }
    changes[change]()
    before = files_without_locks(work.path, folder)
    with pytest.raises(LabellingError, match="moved or changed since"):
        session.undo()
    assert files_without_locks(work.path, folder) == before


def test_nothing_is_written_while_another_step_changes_the_data(folder: Path, work: Work):
    session = open_boxes(folder, work)
    with hold_lock(work.path, "move_path", "data"), pytest.raises(WorkError, match=r"move_path\.py"):
        session.confirm(0, BOXES)
    assert train_set(work) == {}


@pytest.mark.parametrize("moment", [2, 5, 6, 9, 11])
def test_a_kill_at_any_moment_leaves_no_image_without_its_boxes(folder: Path, work: Work, moment: int):
    before = contents(folder)
    command = [sys.executable, "-c", CONFIRM_AND_DIE, str(work.path), str(folder), str(moment)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode in (0, -9, 15), done.stderr
    short = digest_of((folder / "1.png").read_bytes())[:12]
    seen = {name for name in train_set(work) if not name.startswith(".")}
    assert seen in (set(), {f"{short}.xml"}, {f"{short}.xml", f"{short}.png"})
    session = open_boxes(folder, work)
    if f"{short}.png" not in seen:
        assert session.current().path.name == "1.png"
        session.confirm(0, BOXES[1:2])
    assert set(train_set(work)) == {f"{short}.xml", f"{short}.png"}  # the killed process' files are gone
    noise(9).save(folder / "9.png")
    again = open_boxes(folder, work)
    again.confirm(len(again.queue.images) - 1, BOXES)
    work.data_folder("train").rename(work.data_folder("validation"))
    session.confirm(1, BOXES)
    assert list(boxes_read(work).values()) == [READ]
    assert {name: content for name, content in contents(folder).items() if name != "9.png"} == before
