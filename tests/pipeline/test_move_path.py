"""move_path.py as its users run it: what it says, and images that are all there after any kill (see --many-kills)."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import move_path
from bearcat.cli import run
from bearcat.core.workspace import create_work
from bearcat.data.labels import list_images, name_in
from tests.helpers.steps import ROOT, read_report

SETS = ("train", "validation", "test")
DIVIDED = 0.3  # the share of each set: there are many moves to be killed in


def draw_images(folder: Path, names: list[str]) -> None:
    """Write small images of noise, each its own."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (12, 24), np.uint8)
        Image.fromarray(pixels).save(folder / name)


@pytest.fixture
def make_pile(works: Path) -> Callable:
    """Return what makes a work with images in train_dataset."""

    def make(names: list[str], **settings: object) -> Path:
        work = create_work(works, "pile")
        work.make_folders()
        draw_images(work.data_folder("train"), names)
        with work.settings_file.open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())
        return work.path

    return make


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable:
    """Return what runs move_path.py in this process: its exit code, and what it printed."""
    monkeypatch.setattr(sys.stdout, "reconfigure", lambda **_: None, raising=False)
    monkeypatch.setattr(sys.stderr, "reconfigure", lambda **_: None, raising=False)

    def run_here(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["move_path.py", *arguments])
        with pytest.raises(SystemExit) as ended:
            run(move_path.main)
        printed = capsys.readouterr()
        return ended.value.code or 0, printed.out + printed.err

    return run_here


def contents(work: Path) -> dict[str, bytes]:
    """Return every file of the three sets with its content."""
    files = [path for name in SETS for path in (work / f"{name}_dataset").rglob("*") if path.is_file()]
    return {path.relative_to(work).as_posix(): path.read_bytes() for path in files}


def counts(work: Path) -> tuple[int, ...]:
    return tuple(len(list_images(work / f"{name}_dataset")) for name in SETS)


def numbered(count: int) -> list[str]:
    return [f"ab_{number:04}.png" for number in range(count)]


def test_a_pile_is_split_once_and_put_back(make_pile: Callable, move: Callable):
    work = make_pile(numbered(20))
    before = contents(work)
    code, printed = move()
    assert code == 0
    assert "validation_dataset: 2 images, 2 of them moved there now" in printed
    assert "--undo" in printed
    assert counts(work) == (16, 2, 2)
    code, printed = move()
    assert (code, counts(work)) == (2, (16, 2, 2))
    assert "nothing to split, images lie already in" in printed
    code, printed = move("--undo")
    assert code == 0
    assert "test_dataset: 0 images, 2 put back from there now" in printed
    assert read_report(work, "split")["put_back"] == {"validation": 2, "test": 2}
    assert contents(work) == before
    code, printed = move("--undo")
    assert code == 2
    assert "nothing to put back" in printed


def test_without_divide_only_the_test_set_is_split_off(make_pile: Callable, move: Callable):
    work = make_pile(numbered(20), DIVIDE=False, DIVIDE_RATO=0.25)
    assert move()[0] == 0
    assert counts(work) == (15, 0, 5)


def test_a_dry_run_says_the_counts_and_changes_nothing(make_pile: Callable, move: Callable):
    work = make_pile(numbered(20))
    before = contents(work)
    code, printed = move("--dry-run")
    assert code == 0
    assert "validation_dataset: 2 images would be moved there" in printed
    assert contents(work) == before
    assert not list((work / "report").iterdir())
    assert move()[0] == 0
    after, reports = contents(work), sorted((work / "report").iterdir())
    code, printed = move("--undo", "--dry-run")
    assert code == 0
    assert "test_dataset: 2 images would be put back" in printed
    assert contents(work) == after
    assert sorted((work / "report").iterdir()) == reports


@pytest.mark.parametrize("mode", ["NUM_CLASSES", "ORDINARY"])  # the default, until step 4 looks at the images
def test_sub_folders_are_classes_that_keep_their_shares(make_pile: Callable, move: Callable, mode: str):
    names = [
        f"{kind}/{number}.png" for kind, count in (("cat", 20), ("dog", 10), ("owl", 1)) for number in range(count)
    ]
    work = make_pile(names, MODE=mode)
    code, printed = move("--set", "DIVIDE_RATO=0.2")
    assert code == 0
    assert "test_dataset: 1 classes have too few images to be in it: owl" in printed
    for name in SETS[1:]:
        folder = work / f"{name}_dataset"
        assert {path.parent.name for path in list_images(folder)} == {"cat", "dog"}
        assert len(list_images(folder)) == 6
    assert sorted(
        name_in(work / f"{name}_dataset", p) for name in SETS for p in list_images(work / f"{name}_dataset")
    ) == sorted(names)


@pytest.mark.parametrize("with_boxes", [False, True])
def test_sub_folders_beside_a_table_or_of_boxes_are_no_classes(make_pile: Callable, move: Callable, with_boxes: bool):
    names = [f"batch{number}/{number}.png" for number in range(20)]
    work = make_pile(names)
    pile = work / "train_dataset"
    if with_boxes:
        for name in names:
            (pile / name).with_suffix(".xml").touch()
    else:
        lines = "".join(f"{name},ab{number}\n" for number, name in enumerate(names))
        (pile / "labels.csv").write_text(lines, encoding="utf-8")
    code, printed = move()
    assert (code, counts(work)) == (0, (16, 2, 2)), printed
    assert "classes" not in printed


def test_duplicates_are_told_and_stay_together(make_pile: Callable, move: Callable):
    work = make_pile(numbered(20))
    for path in list_images(work / "train_dataset"):
        path.with_name(f"again_{path.name}").write_bytes(path.read_bytes())
    code, printed = move()
    assert code == 0
    assert "40 images show the same as others, in 20 groups" in printed
    assert counts(work) == (32, 4, 4)
    for name in SETS:
        held = [path.read_bytes() for path in list_images(work / f"{name}_dataset")]
        assert all(held.count(content) == 2 for content in held)


def test_an_interrupted_split_and_an_interrupted_undo_are_finished_whatever_is_asked(
    make_pile: Callable, move: Callable, monkeypatch: pytest.MonkeyPatch
):
    work = make_pile(numbered(40))
    before = contents(work)

    def interrupt(*arguments: str, after: int) -> None:
        moves, rename = iter(range(after)), Path.rename

        def rename_until_interrupted(self: Path, target: Path) -> Path:
            if next(moves, None) is None:
                raise KeyboardInterrupt
            return rename(self, target)

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", rename_until_interrupted)
            assert move(*arguments)[0] == 130

    interrupt(after=5)
    assert counts(work) == (35, 4, 1)
    assert "test_dataset: 4 images would be moved there" in move("--dry-run")[1]
    code, printed = move()
    assert code == 0
    assert "Finished the split that was interrupted" in printed
    assert counts(work) == (32, 4, 4)
    interrupt("--undo", after=5)
    assert counts(work) == (37, 0, 3)
    code, printed = move()
    assert code == 0
    assert "Finishing the undo that was interrupted" in printed
    assert contents(work) == before
    assert move()[0] == 0


def test_what_cannot_be_put_back_is_named(make_pile: Callable, move: Callable):
    work = make_pile(numbered(120))
    assert move()[0] == 0
    gone = list_images(work / "test_dataset")
    taken = work / "train_dataset" / gone[0].name
    taken.write_bytes(b"another")
    after = contents(work)
    code, printed = move("--undo")
    assert code == 2
    assert f"{gone[0]} and {taken} both exist" in printed
    assert contents(work) == after
    taken.unlink()
    for path in gone:
        path.unlink()
    code, printed = move("--undo")
    assert code == 0
    assert f"Not put back: {gone[0]} is not there any more" in printed
    assert "… 2 more in report/split.json" in printed
    assert len(read_report(work, "split")["left"]) == 12


def killed_at(arguments: list[str], reached: Callable[[], bool]) -> bool:
    """Run move_path.py in a process, kill it when something is reached; return whether it was killed at work."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "move_path.py"), *arguments], stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not reached():
            time.sleep(0.0005)
        process.kill()
        return process.wait() != 0


def names_of(folder: Path) -> int:
    return sum(1 for name in os.listdir(folder) if name.endswith(".png"))


def test_a_killed_split_and_a_killed_undo_lose_nothing(
    make_pile: Callable, move: Callable, request: pytest.FixtureRequest
):
    images, kills = (5_000, 20) if request.config.getoption("--many-kills") else (600, 2)
    chance, work = random.Random(0), make_pile(numbered(images), DIVIDE_RATO=DIVIDED)
    before, moved = contents(work), round(DIVIDED * images) * 2
    whole, folders = sorted(before.values()), [work / f"{name}_dataset" for name in SETS]
    half_way = {"split": 0, "undo": 0}
    for _ in range(kills):
        for what, arguments in (("split", []), ("undo", ["--undo"])):
            start, k = names_of(folders[0]), chance.randrange(1, moved)
            died = killed_at(arguments, lambda start=start, k=k: abs(names_of(folders[0]) - start) >= k)
            left = names_of(folders[0])
            half_way[what] += died and images - moved < left < images
            assert sorted(contents(work).values()) == whole
            if died:  # maybe after the last move: then there is nothing left to do
                code, printed = move(*arguments)
                assert code == 0 or "nothing to" in printed, printed
            assert sorted(contents(work).values()) == whole
            assert names_of(folders[0]) == (images - moved if what == "split" else images)
    assert contents(work) == before
    print(f"{kills} kills each on {images} images, half-way: {half_way}")
