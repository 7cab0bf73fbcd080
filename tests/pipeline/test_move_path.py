"""move_path.py as users run it: its messages, and that no kill loses an image (more kills: --many-kills)."""

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
from bearcat.core.workspace import Work, create_work
from bearcat.data.duplicates import digest_of
from bearcat.data.labels.reading import list_images, name_in
from bearcat.labelling.offers import Offer, record_offer
from tests.helpers.steps import ROOT, read_report

SETS = ("train", "validation", "test")
FRACTION = 0.3  # of each set, for the kills: enough moves to be killed in


def draw_images(folder: Path, names: list[str]) -> None:
    """Writes small images of noise, all different."""
    for number, name in enumerate(names):
        (folder / name).parent.mkdir(exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 256, (12, 24), np.uint8)
        Image.fromarray(pixels).save(folder / name)


@pytest.fixture
def make_work(works: Path) -> Callable:
    """A function that makes a work with images in train_dataset."""

    def make(names: list[str], **settings: object) -> Path:
        work = create_work(works, "images")
        work.make_folders()
        draw_images(work.data_folder("train"), names)
        with work.settings_file.open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())
        return work.path

    return make


@pytest.fixture
def move(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable:
    """A function that runs move_path.py in this process and returns its exit code and output."""
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
    """Returns path → bytes of all files of the three sets."""
    files = [path for name in SETS for path in (work / f"{name}_dataset").rglob("*") if path.is_file()]
    return {path.relative_to(work).as_posix(): path.read_bytes() for path in files}


def counts(work: Path) -> tuple[int, ...]:
    return tuple(len(list_images(work / f"{name}_dataset")) for name in SETS)


def numbered(count: int) -> list[str]:
    return [f"ab_{number:04}.png" for number in range(count)]


def test_a_folder_is_split_once_and_the_split_is_undone(make_work: Callable, move: Callable):
    work = make_work(numbered(20))
    before = contents(work)
    code, printed = move()
    assert code == 0
    assert "validation_dataset: 2 images, 2 of them moved there now" in printed
    assert "--undo" in printed
    assert counts(work) == (16, 2, 2)
    code, printed = move()
    assert (code, counts(work)) == (2, (16, 2, 2))
    assert "nothing to split: there are images already in" in printed
    code, printed = move("--undo")
    assert code == 0
    assert "test_dataset: 0 images, 2 moved back now" in printed
    assert read_report(work, "split")["put_back"] == {"validation": 2, "test": 2}
    assert contents(work) == before
    code, printed = move("--undo")
    assert code == 2
    assert "nothing to undo" in printed


def test_without_divide_only_the_test_set_is_split_off(make_work: Callable, move: Callable):
    work = make_work(numbered(20), DIVIDE=False, DIVIDE_RATO=0.25)
    assert move()[0] == 0
    assert counts(work) == (15, 0, 5)


def test_images_that_the_labelling_page_chose_are_not_tested_on(make_work: Callable, move: Callable):
    work = make_work(numbered(20))
    paths = list_images(work / "train_dataset")
    for path in paths[1:]:
        record_offer(Work(work), digest_of(path.read_bytes()), Offer.CHOSEN)
    record_offer(Work(work), digest_of(paths[0].read_bytes()), Offer.RANDOM)
    code, printed = move()
    assert code == 0
    assert "19 images stay out of test_dataset, since the labelling page chose them" in printed
    assert "Warning: test_dataset gets 1 images fewer for that reason" in printed
    assert counts(work) == (17, 2, 1)
    assert [path.name for path in list_images(work / "test_dataset")] == [paths[0].name]


def test_a_dry_run_prints_the_counts_and_changes_nothing(make_work: Callable, move: Callable):
    work = make_work(numbered(20))
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
    assert "test_dataset: 2 images would be moved back" in printed
    assert contents(work) == after
    assert sorted((work / "report").iterdir()) == reports


@pytest.mark.parametrize("mode", ["NUM_CLASSES", "ORDINARY"])  # the default, until step 4 suggests another
def test_sub_folders_are_classes_that_keep_their_fractions(make_work: Callable, move: Callable, mode: str):
    names = [
        f"{kind}/{number}.png" for kind, count in (("cat", 20), ("dog", 10), ("owl", 1)) for number in range(count)
    ]
    work = make_work(names, MODE=mode)
    code, printed = move("--set", "DIVIDE_RATO=0.2")
    assert code == 0
    assert "test_dataset lacks 1 classes that have too few images: owl" in printed
    for name in SETS[1:]:
        folder = work / f"{name}_dataset"
        assert {path.parent.name for path in list_images(folder)} == {"cat", "dog"}
        assert len(list_images(folder)) == 6
    assert sorted(
        name_in(work / f"{name}_dataset", p) for name in SETS for p in list_images(work / f"{name}_dataset")
    ) == sorted(names)


@pytest.mark.parametrize("with_boxes", [False, True])
def test_sub_folders_beside_a_table_or_of_boxes_are_not_classes(make_work: Callable, move: Callable, with_boxes: bool):
    names = [f"batch{number}/{number}.png" for number in range(20)]
    work = make_work(names)
    folder = work / "train_dataset"
    if with_boxes:
        for name in names:
            (folder / name).with_suffix(".xml").touch()
    else:
        lines = "".join(f"{name},ab{number}\n" for number, name in enumerate(names))
        (folder / "labels.csv").write_text(lines, encoding="utf-8")
    code, printed = move()
    assert (code, counts(work)) == (0, (16, 2, 2)), printed
    assert "classes" not in printed


def test_duplicates_are_reported_and_stay_together(make_work: Callable, move: Callable):
    work = make_work(numbered(20))
    for path in list_images(work / "train_dataset"):
        path.with_name(f"again_{path.name}").write_bytes(path.read_bytes())
    code, printed = move()
    assert code == 0
    assert "40 images are duplicates, in 20 groups" in printed
    assert counts(work) == (32, 4, 4)
    for name in SETS:
        held = [path.read_bytes() for path in list_images(work / f"{name}_dataset")]
        assert all(held.count(content) == 2 for content in held)


def test_an_interrupted_split_or_undo_is_finished_whatever_the_arguments(
    make_work: Callable, move: Callable, monkeypatch: pytest.MonkeyPatch
):
    work = make_work(numbered(40))
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
    assert "Finished the interrupted split" in printed
    assert counts(work) == (32, 4, 4)
    interrupt("--undo", after=5)
    assert counts(work) == (37, 0, 3)
    code, printed = move()
    assert code == 0
    assert "Finishing the interrupted undo" in printed
    assert contents(work) == before
    assert move()[0] == 0


def test_images_that_cannot_be_moved_back_are_named(make_work: Callable, move: Callable):
    work = make_work(numbered(120))
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
    assert f"Not undone: {gone[0]} does not exist any more" in printed
    assert "… 2 more in report/split.json" in printed
    assert len(read_report(work, "split")["left"]) == 12


def killed_at(arguments: list[str], reached: Callable[[], bool]) -> bool:
    """Runs move_path.py in a process and kills it when `reached` is true; returns whether it was still running."""
    with subprocess.Popen(
        [sys.executable, str(ROOT / "move_path.py"), *arguments], stdout=subprocess.DEVNULL
    ) as process:
        while process.poll() is None and not reached():
            time.sleep(0.0005)
        process.kill()
        return process.wait() != 0


def count_images(folder: Path) -> int:
    return sum(1 for name in os.listdir(folder) if name.endswith(".png"))


def test_a_killed_split_and_a_killed_undo_lose_nothing(
    make_work: Callable, move: Callable, request: pytest.FixtureRequest
):
    images, kills = (5_000, 20) if request.config.getoption("--many-kills") else (600, 2)
    rng, work = random.Random(0), make_work(numbered(images), DIVIDE_RATO=FRACTION)
    before, moved = contents(work), round(FRACTION * images) * 2
    all_files, folders = sorted(before.values()), [work / f"{name}_dataset" for name in SETS]
    half_way = {"split": 0, "undo": 0}
    for _ in range(kills):
        for what, arguments in (("split", []), ("undo", ["--undo"])):
            start, k = count_images(folders[0]), rng.randrange(1, moved)
            died = killed_at(arguments, lambda start=start, k=k: abs(count_images(folders[0]) - start) >= k)
            left = count_images(folders[0])
            half_way[what] += died and images - moved < left < images
            assert sorted(contents(work).values()) == all_files
            if died:  # possibly after the last move: then nothing is left to do
                code, printed = move(*arguments)
                assert code == 0 or "nothing to" in printed, printed
            assert sorted(contents(work).values()) == all_files
            assert count_images(folders[0]) == (images - moved if what == "split" else images)
    assert contents(work) == before
    print(f"{kills} kills each on {images} images, of which half-way: {half_way}")
