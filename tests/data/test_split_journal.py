"""Carrying out and undoing a split: what is moved, what is refused, and that a kill at any moment loses nothing."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bearcat.core.errors import DataError
from bearcat.data.split_journal import companions, load_journal, undo_split, undoable_moves
from tests.helpers.splits import ImageFolder


class Kill(BaseException):
    """Stops a run in the middle."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """A function that kills an action at its kth move; returns False if the action ended before that."""

    def run(action: Callable, k: int) -> bool:
        moves, rename = iter(range(1, 10_000)), Path.rename

        def rename_until_killed(self: Path, target: Path) -> Path:
            if next(moves) == k:
                raise Kill
            return rename(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename_until_killed)
            try:
                action()
            except Kill:
                return True
        return False

    return run


def labelled_folder(root: Path, images: int = 20) -> ImageFolder:
    """Returns a folder of images, each with a VOC, prompt or YOLO file, and with the shared file classes.txt."""
    data = ImageFolder(root, images)
    for number in range(images):
        suffix = (".xml", ".json", ".txt")[number % 3]
        (data.folder / f"ab_{number:03}{suffix}").write_text(f"of {number}")
    (data.folder / "classes.txt").write_text("cat\ndog\n")
    return data


def test_an_existing_file_is_never_overwritten_and_nothing_is_moved(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    split = data.plan()
    name = split.moves["test"][0]
    existing = data.targets["test"] / name
    existing.parent.mkdir()
    existing.write_text("999")
    with pytest.raises(DataError, match="both exist") as error:
        data.run(split)
    assert str(existing) in str(error.value) and str(data.folder / name) in str(error.value)
    assert existing.read_text() == "999"
    assert data.contents() == [*range(20), 999]
    assert not data.names(data.targets["validation"])
    assert not data.sets.journal.exists()


def test_of_many_name_conflicts_one_is_named_and_the_rest_counted(tmp_path: Path):
    data = ImageFolder(tmp_path, 40)
    split = data.plan()
    for name in split.moves["test"]:
        (data.targets["test"] / name).parent.mkdir(exist_ok=True)
        (data.targets["test"] / name).write_text("999")
    with pytest.raises(DataError, match="and 3 more such pairs"):
        data.run(split)


@pytest.mark.parametrize("k", range(1, 7))
def test_a_split_killed_at_its_kth_move_is_finished_as_planned(tmp_path: Path, killed: Callable, k: int):
    data = ImageFolder(tmp_path, 30)
    split = data.plan()
    assert killed(lambda: data.run(split), k)
    assert data.contents() == list(range(30))
    assert sum(len(data.names(folder)) for folder in data.targets.values()) == k - 1
    assert data.finish() == split
    assert data.contents() == list(range(30))
    assert {name: data.names(folder) for name, folder in data.targets.items()} == split.moves
    assert data.finish() is None


def test_a_kill_after_the_last_move_is_finished_too(tmp_path: Path):
    data = ImageFolder(tmp_path, 30)
    split = data.plan()
    data.run(split)
    journal = json.loads(data.sets.journal.read_text(encoding="utf-8"))
    journal["under_way"], journal["moved"] = journal["moved"], {}
    data.sets.journal.write_text(json.dumps(journal), encoding="utf-8")
    assert data.finish() == split
    assert data.contents() == list(range(30))
    assert load_journal(data.sets.journal).moved == split.moves


def test_label_files_are_moved_and_moved_back_with_their_image(tmp_path: Path):
    data = labelled_folder(tmp_path)
    before = data.files()
    split = data.plan(0.2)
    data.run(split)
    for name, folder in data.targets.items():
        for image in split.moves[name]:
            (label_file,) = companions(folder / image)
            assert label_file.read_text() == f"of {int((folder / image).read_text())}"
        assert (folder / "classes.txt").read_text() == "cat\ndog\n"
    assert len(list(data.folder.glob("ab_*.*"))) == 24
    assert undo_split(data.sets).counts == split.counts
    assert data.files() == before


def test_a_shared_file_belongs_to_no_image(tmp_path: Path):
    for name in ("classes.png", "classes.txt", "labels.png", "labels.txt"):
        (tmp_path / name).write_text("")
    assert companions(tmp_path / "classes.png") == companions(tmp_path / "labels.png") == []


def test_sub_folders_are_kept_by_a_split_and_its_undo(tmp_path: Path):
    data = ImageFolder(tmp_path, classes={"cat": 10, "dog": 10})
    before = data.files()
    split = data.plan(0.2, class_of=data.class_of)
    data.run(split)
    assert {name: data.names(folder) for name, folder in data.targets.items()} == split.moves
    assert data.contents() == list(range(20))
    undo_split(data.sets)
    assert data.files() == before


def test_two_splits_are_undone_together(tmp_path: Path):
    data = ImageFolder(tmp_path, 30)
    before = data.files()
    own, data.targets = data.targets, {"test": data.targets["test"]}
    first = data.plan()
    data.run(first)
    data.targets = own
    second = data.plan()
    assert (first.counts, second.counts) == ({"test": 3}, {"validation": 3})
    data.run(second)
    assert undo_split(data.sets).counts == {"test": 3, "validation": 3}
    assert data.files() == before
    assert not data.sets.journal.exists()


@pytest.mark.parametrize("k", range(1, 12))
def test_an_undo_killed_at_its_kth_move_is_finished(tmp_path: Path, killed: Callable, k: int):
    data = labelled_folder(tmp_path)
    before = data.files()
    data.run(data.plan(0.15))
    assert killed(lambda: undo_split(data.sets), k)
    assert data.contents() == list(range(20))
    assert load_journal(data.sets.journal).undoing
    undo_split(data.sets)
    assert data.files() == before


@pytest.mark.parametrize("k", range(1, 12))
def test_a_killed_split_can_be_undone(tmp_path: Path, killed: Callable, k: int):
    data = labelled_folder(tmp_path)
    before = data.files()
    assert killed(lambda: data.run(data.plan(0.15)), k)
    undo_split(data.sets)
    assert data.files() == before


def test_an_image_added_to_a_set_later_stays_there(tmp_path: Path):
    data = labelled_folder(tmp_path)
    before = data.files()
    data.run(data.plan())
    own = data.targets["test"] / "own_1.png"
    own.write_text("999")
    (left,) = undo_split(data.sets).left
    assert left == f"{own.with_name('classes.txt')} stays, since there are images beside it"
    assert data.files() == before | {"test_dataset/own_1.png": b"999", "test_dataset/classes.txt": b"cat\ndog\n"}


def test_a_label_file_written_after_the_split_is_moved_back_with_its_image(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    split = data.plan()
    data.run(split)
    image = data.targets["test"] / split.moves["test"][0]
    image.with_suffix(".xml").write_text("new")
    undo_split(data.sets)
    assert (data.folder / image.with_suffix(".xml").name).read_text() == "new"


def test_an_undo_with_a_name_conflict_is_refused_and_moves_nothing(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    split = data.plan()
    data.run(split)
    existing = data.folder / split.moves["test"][0]
    existing.write_text("999")
    after = data.files()
    for action in (undoable_moves, undo_split):
        with pytest.raises(DataError, match="both exist") as error:
            action(data.sets)
        assert str(existing) in str(error.value)
    assert data.files() == after
    existing.unlink()
    assert undo_split(data.sets).counts == split.counts


def test_a_missing_image_is_named_and_all_others_are_moved_back(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    split = data.plan()
    data.run(split)
    gone = data.targets["test"] / split.moves["test"][0]
    gone.unlink()
    undone = undo_split(data.sets)
    assert undone.left == [f"{gone} does not exist any more"]
    assert undone.counts == {"validation": 2, "test": 1}
    assert len(data.names(data.folder)) == 19


def test_without_a_split_there_is_nothing_to_undo(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    with pytest.raises(DataError, match="nothing to undo"):
        undo_split(data.sets)
    data.run(data.plan())
    undo_split(data.sets)
    with pytest.raises(DataError, match="nothing to undo"):
        undo_split(data.sets)


@pytest.mark.parametrize("text", ["{", "[]", '{"moves": {}}'])
def test_a_damaged_journal_is_named(tmp_path: Path, text: str):
    data = ImageFolder(tmp_path, 20)
    data.sets.journal.parent.mkdir()
    data.sets.journal.write_text(text)
    for action in (data.finish, lambda: undo_split(data.sets), lambda: data.run(data.plan())):
        with pytest.raises(DataError, match="is damaged") as error:
            action()
        assert str(data.sets.journal) in str(error.value)
    assert data.contents() == list(range(20))


@pytest.mark.parametrize("table", ["labels.csv", "labels.tsv", "labels.txt", "classes.txt", "data.yaml"])
def test_every_set_gets_the_whole_label_table_and_the_source_keeps_it(tmp_path: Path, table: str):
    data = ImageFolder(tmp_path, 20)
    (data.folder / table).write_bytes(b"\xef\xbb\xbfab_000.png,x\r\n")
    data.run(data.plan())
    for folder in data.folders:
        assert (folder / table).read_bytes() == b"\xef\xbb\xbfab_000.png,x\r\n"


def test_a_sets_own_label_table_stays_unchanged(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    (data.folder / "labels.csv").write_text("ab_000.png,x\n")
    data.targets["test"].mkdir()
    (data.targets["test"] / "labels.csv").write_text("own.png,y\n")
    before = data.files()
    data.run(data.plan())
    assert (data.targets["test"] / "labels.csv").read_text() == "own.png,y\n"
    undo_split(data.sets)
    assert data.files() == before


def test_an_undo_keeps_a_copied_table_that_was_changed(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    (data.folder / "labels.csv").write_text("ab_000.png,x\n")
    data.run(data.plan())
    (data.targets["test"] / "labels.csv").write_text("ab_000.png,y\n")
    (left,) = undo_split(data.sets).left
    assert left == f"{data.targets['test'] / 'labels.csv'} was changed and stays"
    assert not (data.targets["validation"] / "labels.csv").exists()


def test_a_kill_while_the_label_table_is_copied_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = ImageFolder(tmp_path, 20)
    content = "".join(f"ab_{number:03}.png,x{number}\n" for number in range(20))
    (data.folder / "labels.csv").write_text(content)

    def copy_half(source: Path, destination: Path) -> None:
        Path(destination).write_bytes(Path(source).read_bytes()[:30])
        raise Kill

    split = data.plan()
    with monkeypatch.context() as patch, suppress(Kill):
        patch.setattr(shutil, "copyfile", copy_half)
        data.run(split)
    data.finish()
    for folder in data.targets.values():
        assert (folder / "labels.csv").read_text() == content
