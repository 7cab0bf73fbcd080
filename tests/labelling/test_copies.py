"""Copies in the training set: their names and bytes, label tables, refusals, kills."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from bearcat.core.errors import WorkError
from bearcat.core.locks import hold_lock
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.data.labels.reading import read_labels
from bearcat.data.labels.tables import read_label_table
from bearcat.labelling.copies import MAX_LABEL
from bearcat.labelling.translations import LabellingError
from tests.helpers.labelling import contents, open_session, train_set
from tests.helpers.services import png
from tests.helpers.steps import ROOT

CONFIRM_AND_DIE = "from tests.helpers.labelling import confirm_and_die; confirm_and_die()"


def test_a_confirmed_image_is_copied_byte_for_byte_and_the_folder_is_unchanged(folder: Path, work: Work):
    before = contents(folder)
    session = open_session(folder, work)
    copy = session.confirm(session.current().number, " 5206 ")
    digest = digest_of(png(10))
    assert copy.path == work.data_folder("train") / f"5206_{digest[:12]}.png"
    assert train_set(work) == {copy.path.name: png(10)}
    for label in ("x", "y"):
        session.confirm(session.current().number, label)
    assert contents(folder) == before
    assert not [path for path in work.path.rglob("*") if ".part" in path.name]
    labels = {item.label for item in read_labels(work.data_folder("train"))[0]}
    assert labels == {"5206", "x", "y"}


@pytest.mark.parametrize(("form", "name", "suffix"), [("JPEG", "a.png", ".jpg"), ("JPEG", "a.JPEG", ".jpeg"),
    ("GIF", "a", ".gif"), ("WEBP", "a.php", ".webp"), ("BMP", "a.jpg", ".bmp")])  # fmt: skip
def test_a_copy_has_the_suffix_of_its_format(tmp_path: Path, work: Work, form: str, name: str, suffix: str):
    (tmp_path / "new").mkdir()
    Image.new("RGB", (20, 10), "red").save(tmp_path / "new" / name, form)
    session = open_session(tmp_path / "new", work)
    assert session.confirm(0, "ab").path.suffix == suffix


@pytest.mark.parametrize(
    ("typed", "label"),
    [("\u200eab\u00a0", "ab"), ("a\x00b", "ab"), ("e\u0301", "\u00e9"), ("می\u200cشود", "می\u200cشود")],
)
def test_a_typed_label_is_cleaned_as_labels_are(folder: Path, work: Work, typed: str, label: str):
    copy = open_session(folder, work).confirm(0, typed)
    assert copy.label == label
    assert copy.path.name.startswith(f"{label}_")


@pytest.mark.parametrize("change", ["copy changed", "copy moved", "source changed", "source gone"])
def test_a_copy_that_differs_from_its_original_is_not_removed(folder: Path, work: Work, change: str):
    session = open_session(folder, work)
    copy = session.confirm(0, "one")
    changed = copy.path if change.startswith("copy") else copy.source
    if change.endswith("changed"):
        changed.write_bytes(b"of somebody")
    else:
        changed.rename(changed.with_name("elsewhere.png"))
    before = contents(work.path) | contents(folder)
    with pytest.raises(LabellingError, match="moved or changed since"):
        session.undo()
    assert contents(work.path) | contents(folder) == before
    assert not session.can_undo


@pytest.mark.parametrize(("label", "message"), [
    ("", "empty"), (" \t", "empty"), ("a_b", "cannot contain _"), ("a\nb", "invisible character"),
    ("\ud800", "invisible character"), ("x" * (MAX_LABEL + 1), "too long"),
    ("𠀀" * 60, "too long"), ("3/4", "labels.csv"),
    ("../../x", "labels.csv"), ("..", "labels.csv"), (".hidden", "labels.csv"), ("a\\b", "labels.csv"),
    ("1*2=?", r"\* \?"), ("C:x", "labels.csv"),
])  # fmt: skip
def test_a_label_that_is_unfit_for_a_file_name_is_refused_and_nothing_is_written(
    folder: Path, work: Work, label: str, message: str
):
    session = open_session(folder, work)
    before = contents(work.path) | contents(folder)
    with pytest.raises(LabellingError, match=message):
        session.confirm(0, label)
    assert {name for name in contents(work.path) | contents(folder) if ".locks" not in name} == {
        name for name in before if ".locks" not in name
    }
    assert session.current().number == 0


def test_a_changed_extraction_label_is_noticed(folder: Path, work: Work):
    session = open_session(folder, work, label_of=lambda path: path.stem)
    with pytest.raises(LabellingError, match=r"extraction_label in utils\.py"):
        session.confirm(0, "ab")
    assert train_set(work) == {}


TABLES = [
    ("labels.csv", "file,label\nold.png,a\n", "1/2,3"),
    ("labels.csv", '\ufefffile,label\r\n"old.png","a"', 'say "x" / ?'),
    ("labels.tsv", "old.png\ta\n", "1/2 = ?"),
    ("labels.txt", "old.png a\n", "1/2=?"),
    ("labels.txt", "old.png,a\n", "1/2, 3"),
    ("labels.csv", "", "plain"),
]


@pytest.mark.parametrize(("name", "text", "label"), TABLES)
def test_a_label_table_gets_a_line_and_loses_none(folder: Path, work: Work, name: str, text: str, label: str):
    table = work.data_folder("train") / name
    table.parent.mkdir()
    table.write_bytes(text.encode())
    session = open_session(folder, work)
    copy = session.confirm(0, label)
    assert table.read_bytes().startswith(text.encode())
    assert read_label_table(table)[copy.path.name] == label
    assert ("old.png" in text) == ("old.png" in read_label_table(table))
    assert [item.label for item in read_labels(table.parent)[0]] == [label]
    before = table.read_bytes()
    session.undo()
    assert "".join(table.read_bytes().decode().split()) == "".join(text.split())
    session.confirm(0, label)
    assert table.read_bytes() == before


def test_a_label_table_that_cannot_hold_a_label_is_unchanged(folder: Path, work: Work):
    table = work.data_folder("train") / "labels.txt"
    table.parent.mkdir()
    table.write_text("old.png a\n", encoding="utf-8")
    session = open_session(folder, work)
    with pytest.raises(LabellingError, match="cannot hold the label"):
        session.confirm(0, "two words")
    table.write_text("three words here\n", encoding="utf-8")
    with pytest.raises(LabellingError, match="line 1"):
        session.confirm(0, "word")
    assert train_set(work) == {"labels.txt": b"three words here\n"}
    assert session.current().number == 0


def test_an_existing_file_is_not_overwritten(folder: Path, work: Work):
    session = open_session(folder, work)
    taken = work.data_folder("train") / f"ab_{digest_of(png(10))[:12]}.png"
    taken.parent.mkdir()
    taken.write_bytes(b"another")
    with pytest.raises(LabellingError, match="not overwritten"):
        session.confirm(0, "ab")
    assert taken.read_bytes() == b"another"


def test_nothing_is_written_or_removed_while_another_step_changes_the_data(folder: Path, work: Work):
    session = open_session(folder, work)
    copy = session.confirm(0, "ab")
    with hold_lock(work.path, "move_path", "data"):
        for act in (lambda: session.confirm(1, "cd"), session.undo):
            with pytest.raises(WorkError, match=r"move_path\.py \(process \d+\) is changing the data of"):
                act()
        with pytest.raises(WorkError):
            open_session(folder, work)
    with hold_lock(work.path, "train", "checkpoints"):
        assert session.undo() == [copy]  # forgotten by no refusal, and kept from by no training


@pytest.mark.parametrize("moment", [1, 2, 3, 4, 5, 6, 7])
def test_a_kill_at_any_moment_leaves_a_complete_copy_or_none(folder: Path, work: Work, moment: int):
    before = contents(folder)
    command = [sys.executable, "-c", CONFIRM_AND_DIE, str(work.path), str(folder), str(moment), "one"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode in (0, -9, 15), done.stderr
    complete = f"one_{digest_of(png(10))[:12]}.png"
    seen = {name: content for name, content in train_set(work).items() if not name.startswith(".")}
    assert seen in ({}, {complete: png(10)})
    session = open_session(folder, work)
    assert (session.current().path.name == "a.png") == (not seen)
    if not seen:
        session.confirm(0, "two")
        assert list(train_set(work)) == [complete.replace("one", "two")]  # the killed process' files are gone
    assert contents(folder) == before
