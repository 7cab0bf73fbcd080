"""Moving a split and putting it back: what goes along, what is refused, and that a kill at any moment loses nothing."""

import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from bearcat.core.errors import DataError
from bearcat.data.split_journal import companions, load_journal, movable_back, undo_split
from tests.helpers.splits import Pile


class Kill(BaseException):
    """What stops a run in the middle."""


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> Callable:
    """Run something and kill it at its kth move; return whether it came so far."""

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


def labelled_pile(root: Path, images: int = 20) -> Pile:
    """Return a pile whose images have a VOC file, a prompt or a YOLO file beside them, and its shared files."""
    pile = Pile(root, images)
    for number in range(images):
        suffix = (".xml", ".json", ".txt")[number % 3]
        (pile.folder / f"ab_{number:03}{suffix}").write_text(f"of {number}")
    (pile.folder / "classes.txt").write_text("cat\ndog\n")
    return pile


def test_a_file_that_is_there_is_never_overwritten_and_nothing_is_moved(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    split = pile.plan()
    name = split.moves["test"][0]
    there = pile.targets["test"] / name
    there.parent.mkdir()
    there.write_text("999")
    with pytest.raises(DataError, match="both exist") as error:
        pile.run(split)
    assert str(there) in str(error.value) and str(pile.folder / name) in str(error.value)
    assert there.read_text() == "999"
    assert pile.contents() == [*range(20), 999]
    assert not pile.names(pile.targets["validation"])
    assert not pile.sets.journal.exists()


def test_of_many_names_that_are_taken_one_is_named_and_the_rest_counted(tmp_path: Path):
    pile = Pile(tmp_path, 40)
    split = pile.plan()
    for name in split.moves["test"]:
        (pile.targets["test"] / name).parent.mkdir(exist_ok=True)
        (pile.targets["test"] / name).write_text("999")
    with pytest.raises(DataError, match="and 3 more such pairs"):
        pile.run(split)


@pytest.mark.parametrize("k", range(1, 7))
def test_a_split_that_was_killed_at_its_kth_move_is_finished_as_planned(tmp_path: Path, killed: Callable, k: int):
    pile = Pile(tmp_path, 30)
    split = pile.plan()
    assert killed(lambda: pile.run(split), k)
    assert pile.contents() == list(range(30))
    assert sum(len(pile.names(folder)) for folder in pile.targets.values()) == k - 1
    assert pile.finish() == split
    assert pile.contents() == list(range(30))
    assert {name: pile.names(folder) for name, folder in pile.targets.items()} == split.moves
    assert pile.finish() is None


def test_a_kill_after_the_last_move_is_finished_too(tmp_path: Path):
    pile = Pile(tmp_path, 30)
    split = pile.plan()
    pile.run(split)
    journal = json.loads(pile.sets.journal.read_text(encoding="utf-8"))
    journal["under_way"], journal["moved"] = journal["moved"], {}
    pile.sets.journal.write_text(json.dumps(journal), encoding="utf-8")
    assert pile.finish() == split
    assert pile.contents() == list(range(30))
    assert load_journal(pile.sets.journal).moved == split.moves


def test_the_files_beside_a_image_go_along_and_come_back(tmp_path: Path):
    pile = labelled_pile(tmp_path)
    before = pile.files()
    split = pile.plan(0.2)
    pile.run(split)
    for name, folder in pile.targets.items():
        for image in split.moves[name]:
            (beside,) = companions(folder / image)
            assert beside.read_text() == f"of {int((folder / image).read_text())}"
        assert (folder / "classes.txt").read_text() == "cat\ndog\n"
    assert len(list(pile.folder.glob("ab_*.*"))) == 24
    assert undo_split(pile.sets).counts == split.counts
    assert pile.files() == before


def test_a_shared_file_is_nobody_s_companion(tmp_path: Path):
    for name in ("classes.png", "classes.txt", "labels.png", "labels.txt"):
        (tmp_path / name).write_text("")
    assert companions(tmp_path / "classes.png") == companions(tmp_path / "labels.png") == []


def test_sub_folders_are_kept_on_the_way_and_back(tmp_path: Path):
    pile = Pile(tmp_path, classes={"cat": 10, "dog": 10})
    before = pile.files()
    split = pile.plan(0.2, class_of=pile.class_of)
    pile.run(split)
    assert {name: pile.names(folder) for name, folder in pile.targets.items()} == split.moves
    assert pile.contents() == list(range(20))
    undo_split(pile.sets)
    assert pile.files() == before


def test_two_splits_are_undone_together(tmp_path: Path):
    pile = Pile(tmp_path, 30)
    before = pile.files()
    own, pile.targets = pile.targets, {"test": pile.targets["test"]}
    first = pile.plan()
    pile.run(first)
    pile.targets = own
    second = pile.plan()
    assert (first.counts, second.counts) == ({"test": 3}, {"validation": 3})
    pile.run(second)
    assert undo_split(pile.sets).counts == {"test": 3, "validation": 3}
    assert pile.files() == before
    assert not pile.sets.journal.exists()


@pytest.mark.parametrize("k", range(1, 12))
def test_an_undo_that_was_killed_at_its_kth_move_is_finished(tmp_path: Path, killed: Callable, k: int):
    pile = labelled_pile(tmp_path)
    before = pile.files()
    pile.run(pile.plan(0.15))
    assert killed(lambda: undo_split(pile.sets), k)
    assert pile.contents() == list(range(20))
    assert load_journal(pile.sets.journal).undoing
    undo_split(pile.sets)
    assert pile.files() == before


@pytest.mark.parametrize("k", range(1, 12))
def test_a_split_that_was_killed_can_be_undone(tmp_path: Path, killed: Callable, k: int):
    pile = labelled_pile(tmp_path)
    before = pile.files()
    assert killed(lambda: pile.run(pile.plan(0.15)), k)
    undo_split(pile.sets)
    assert pile.files() == before


def test_what_was_put_into_a_set_later_stays(tmp_path: Path):
    pile = labelled_pile(tmp_path)
    before = pile.files()
    pile.run(pile.plan())
    own = pile.targets["test"] / "own_1.png"
    own.write_text("999")
    (left,) = undo_split(pile.sets).left
    assert left == f"{own.with_name('classes.txt')} stays for the images that lie there"
    assert pile.files() == before | {"test_dataset/own_1.png": b"999", "test_dataset/classes.txt": b"cat\ndog\n"}


def test_a_label_written_after_the_split_comes_back_with_its_image(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    split = pile.plan()
    pile.run(split)
    image = pile.targets["test"] / split.moves["test"][0]
    image.with_suffix(".xml").write_text("new")
    undo_split(pile.sets)
    assert (pile.folder / image.with_suffix(".xml").name).read_text() == "new"


def test_an_undo_into_a_name_that_is_taken_is_refused_and_moves_nothing(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    split = pile.plan()
    pile.run(split)
    taken = pile.folder / split.moves["test"][0]
    taken.write_text("999")
    after = pile.files()
    for action in (movable_back, undo_split):
        with pytest.raises(DataError, match="both exist") as error:
            action(pile.sets)
        assert str(taken) in str(error.value)
    assert pile.files() == after
    taken.unlink()
    assert undo_split(pile.sets).counts == split.counts


def test_what_is_gone_is_named_and_all_else_is_put_back(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    split = pile.plan()
    pile.run(split)
    gone = pile.targets["test"] / split.moves["test"][0]
    gone.unlink()
    undone = undo_split(pile.sets)
    assert undone.left == [f"{gone} is not there any more"]
    assert undone.counts == {"validation": 2, "test": 1}
    assert len(pile.names(pile.folder)) == 19


def test_without_a_split_there_is_nothing_to_undo(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    with pytest.raises(DataError, match="nothing to put back"):
        undo_split(pile.sets)
    pile.run(pile.plan())
    undo_split(pile.sets)
    with pytest.raises(DataError, match="nothing to put back"):
        undo_split(pile.sets)


@pytest.mark.parametrize("text", ["{", "[]", '{"moves": {}}'])
def test_a_damaged_journal_is_named(tmp_path: Path, text: str):
    pile = Pile(tmp_path, 20)
    pile.sets.journal.parent.mkdir()
    pile.sets.journal.write_text(text)
    for action in (pile.finish, lambda: undo_split(pile.sets), lambda: pile.run(pile.plan())):
        with pytest.raises(DataError, match="is damaged") as error:
            action()
        assert str(pile.sets.journal) in str(error.value)
    assert pile.contents() == list(range(20))


@pytest.mark.parametrize("table", ["labels.csv", "labels.tsv", "labels.txt", "classes.txt", "data.yaml"])
def test_every_set_gets_the_whole_label_table_and_the_pile_keeps_it(tmp_path: Path, table: str):
    pile = Pile(tmp_path, 20)
    (pile.folder / table).write_bytes(b"\xef\xbb\xbfab_000.png,x\r\n")
    pile.run(pile.plan())
    for folder in pile.folders:
        assert (folder / table).read_bytes() == b"\xef\xbb\xbfab_000.png,x\r\n"


def test_a_sets_own_label_table_is_left_as_it_is_both_ways(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    (pile.folder / "labels.csv").write_text("ab_000.png,x\n")
    pile.targets["test"].mkdir()
    (pile.targets["test"] / "labels.csv").write_text("own.png,y\n")
    before = pile.files()
    pile.run(pile.plan())
    assert (pile.targets["test"] / "labels.csv").read_text() == "own.png,y\n"
    undo_split(pile.sets)
    assert pile.files() == before


def test_a_copied_table_that_was_changed_stays_after_an_undo(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    (pile.folder / "labels.csv").write_text("ab_000.png,x\n")
    pile.run(pile.plan())
    (pile.targets["test"] / "labels.csv").write_text("ab_000.png,y\n")
    (left,) = undo_split(pile.sets).left
    assert left == f"{pile.targets['test'] / 'labels.csv'} was changed since and stays"
    assert not (pile.targets["validation"] / "labels.csv").exists()


def test_a_kill_while_the_label_table_is_copied_loses_no_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    pile = Pile(tmp_path, 20)
    content = "".join(f"ab_{number:03}.png,x{number}\n" for number in range(20))
    (pile.folder / "labels.csv").write_text(content)

    def copy_half(source: Path, destination: Path) -> None:
        Path(destination).write_bytes(Path(source).read_bytes()[:30])
        raise Kill

    split = pile.plan()
    with monkeypatch.context() as patch, suppress(Kill):
        patch.setattr(shutil, "copyfile", copy_half)
        pile.run(split)
    pile.finish()
    for folder in pile.targets.values():
        assert (folder / "labels.csv").read_text() == content
