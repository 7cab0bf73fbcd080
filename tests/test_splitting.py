"""Splitting a pile: who goes where, and that a kill at any moment loses nothing."""

import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from bearcat import splitting
from bearcat.errors import DataError
from bearcat.files import write_json
from bearcat.splitting import Split, finish_split, plan_split, run_split


class Kill(BaseException):
    """What stops a run in the middle."""


class Pile:
    """A pile of pictures, each with its own content, and the folders that it is split into."""

    def __init__(self, root: Path, pictures: int):
        self.root, self.folder, self.journal = root, root / "train_dataset", root / "split.journal"
        self.targets = {split: root / f"{split}_dataset" for split in ("validation", "test")}
        self.folder.mkdir(parents=True)
        for number in range(pictures):
            (self.folder / f"ab_{number:03}.png").write_text(str(number))

    def plan(self, share: float = 0.1, seed: int = 0) -> Split:
        return plan_split(self.folder, self.targets, share, seed)

    def run(self, split: Split) -> None:
        run_split(split, self.folder, self.targets, self.journal)

    def finish(self) -> Split | None:
        return finish_split(self.folder, self.targets, self.journal)

    def names(self, folder: Path) -> list[str]:
        return sorted(path.name for path in folder.glob("*.png"))

    def contents(self) -> list[int]:
        return sorted(int(path.read_text()) for path in self.root.rglob("*.png"))


@pytest.mark.parametrize(("pictures", "share", "each"), [(50, 0.1, 5), (100, 0.25, 25), (4, 0.1, 1), (3, 0.01, 1)])
def test_each_set_gets_its_share_of_all_pictures_and_at_least_one(
    tmp_path: Path, pictures: int, share: float, each: int
):
    pile = Pile(tmp_path, pictures)
    split = pile.plan(share)
    assert split.counts == {"validation": each, "test": each}
    pile.run(split)
    assert len(pile.names(pile.folder)) == pictures - 2 * each
    for name, folder in pile.targets.items():
        assert pile.names(folder) == split.moves[name]
    assert pile.contents() == list(range(pictures))
    assert not pile.journal.exists()


def test_the_same_seed_chooses_the_same_and_another_seed_others(tmp_path: Path):
    pile = Pile(tmp_path, 60)
    assert pile.plan(seed=3) == pile.plan(seed=3)
    assert pile.plan(seed=3) != pile.plan(seed=4)


def test_the_choice_does_not_hang_on_the_order_in_which_pictures_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pile = Pile(tmp_path, 30)
    expected = pile.plan()
    in_order = splitting.list_images
    monkeypatch.setattr(splitting, "list_images", lambda folder: in_order(folder)[::-1])
    assert pile.plan() == expected


def test_the_choice_is_spread_over_the_pile(tmp_path: Path):
    moves = Pile(tmp_path, 100).plan(0.2).moves
    numbers = sorted(int(name[3:6]) for name in moves["validation"])
    assert numbers[0] < 34 and numbers[-1] > 66
    assert not set(moves["validation"]) & set(moves["test"])


def test_planning_moves_nothing(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    pile.plan()
    assert len(pile.names(pile.folder)) == 20
    assert not pile.journal.exists()


def test_a_set_that_has_pictures_is_left_alone(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    pile.targets["test"].mkdir()
    (pile.targets["test"] / "own_1.png").write_text("999")
    split = pile.plan()
    assert split.counts == {"validation": 2}
    pile.run(split)
    assert pile.names(pile.targets["test"]) == ["own_1.png"]
    with pytest.raises(DataError, match="nothing to split"):
        pile.plan()


@pytest.mark.parametrize("pictures", [0, 1, 2])
def test_too_few_pictures_are_refused(tmp_path: Path, pictures: int):
    pile = Pile(tmp_path, pictures)
    with pytest.raises(DataError) as error:
        pile.plan()
    assert str(pile.folder) in str(error.value)


def test_a_file_that_is_there_is_never_overwritten(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    split = pile.plan()
    name = split.moves["validation"][0]
    source, there = pile.folder / name, pile.targets["validation"] / name
    there.parent.mkdir()
    there.write_text("999")
    with pytest.raises(DataError, match="both exist"):
        pile.run(split)
    assert there.read_text() == "999"
    assert source.exists()
    assert pile.contents() == [*range(20), 999]


@pytest.mark.parametrize("k", range(1, 7))
def test_a_split_that_was_killed_at_its_kth_move_is_finished_as_planned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, k: int
):
    pile = Pile(tmp_path, 30)
    split = pile.plan()
    moves = iter(range(1, 100))
    rename = Path.rename

    def rename_until_killed(self: Path, target: Path) -> Path:
        if next(moves) == k:
            raise Kill
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename_until_killed)
        with pytest.raises(Kill):
            pile.run(split)
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
    write_json(pile.journal, split.moves)
    assert pile.finish() == split
    assert pile.contents() == list(range(30))
    assert not pile.journal.exists()


@pytest.mark.parametrize("table", ["labels.csv", "labels.tsv"])
def test_every_set_gets_the_whole_label_table_and_the_pile_keeps_it(tmp_path: Path, table: str):
    pile = Pile(tmp_path, 20)
    (pile.folder / table).write_bytes(b"\xef\xbb\xbfab_000.png,x\r\n")
    pile.run(pile.plan())
    for folder in (pile.folder, *pile.targets.values()):
        assert (folder / table).read_bytes() == b"\xef\xbb\xbfab_000.png,x\r\n"


def test_a_sets_own_label_table_is_left_as_it_is(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    (pile.folder / "labels.csv").write_text("ab_000.png,x\n")
    pile.targets["test"].mkdir()
    (pile.targets["test"] / "labels.csv").write_text("own.png,y\n")
    pile.run(pile.plan())
    assert (pile.targets["test"] / "labels.csv").read_text() == "own.png,y\n"


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
