"""cheak_file.py counts the images of unlabelled_dataset, and finds what is wrong with them."""

import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

import cheak_file
from bearcat.core.workspace import UNLABELLED, Work, create_work
from tests.helpers.animations import save_animation
from tests.helpers.faults import image
from tests.helpers.steps import read_report


@pytest.fixture
def work(works: Path) -> Work:
    """A work with labelled images of one size, and three without labels."""
    work = create_work(works, "own")
    work.make_folders()
    for start, (name, count) in zip((0, 100, 200), {"train": 4, "validation": 2, "test": 2}.items(), strict=True):
        for number in range(start, start + count):
            image(number).save(work.data_folder(name) / f"ab{number % 2}_{number}.png")
    for number in range(300, 303):
        image(number).save(work.folder(UNLABELLED) / f"{number}.png")
    return work


@pytest.fixture
def check(work: Work, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Runs the step in this process; returns its output, check.json, and its findings about unlabelled_dataset."""

    def run(*arguments: str) -> tuple[str, dict, list[tuple[str, str]]]:
        monkeypatch.setattr(sys, "argv", ["cheak_file.py", *arguments])
        cheak_file.main()
        report = read_report(work.path, "check")
        found = [(one["kind"], one["text"]) for one in report["findings"] if UNLABELLED in one["text"]]
        return capsys.readouterr().out, report, found

    return run


def page_of(work: Work) -> str:
    return (work.path / "report" / "check.html").read_text(encoding="utf-8")


def test_images_without_labels_are_counted_and_shown_apart_from_the_sets(work: Work, check):
    printed, report, found = check()
    assert found == []
    assert "unlabelled_dataset: 3 images, 32 wide, 16 high\n" in printed
    assert report["unlabelled"]["pictures"] == 3
    assert (report["unlabelled"]["width"]["max"], report["unlabelled"]["formats"]) == (32, {"PNG": 3})
    assert report["all"]["pictures"] == 8
    assert report["sets"].keys() == {"train", "validation", "test"}
    page = page_of(work)
    assert "8 images in three sets, 3 without labels. " in page
    assert "unlabelled_dataset: 3 of 3 images" in page
    assert page.count('src="data:image/png') == 11


def test_without_them_nothing_is_said(work: Work, check):
    shutil.rmtree(work.folder(UNLABELLED))
    printed, report, _ = check()
    assert UNLABELLED not in printed + page_of(work)
    assert report["unlabelled"] == {
        "pictures": 0,
        "damaged": [],
        "blank": [],
        "formats": {},
        "modes": {},
        "width": None,
        "height": None,
    }


def test_damaged_blank_and_deeper_images_are_found(work: Work, check):
    folder = work.folder(UNLABELLED)
    (folder / "cut.png").write_bytes((folder / "300.png").read_bytes()[:60])
    Image.new("RGB", (32, 16), "#eee").save(folder / "empty.png")
    (folder / "more").mkdir()
    image(7).save(folder / "more" / "1.png")
    for number in range(400, 402):
        image(number).save(folder / f"{number}.png")
    printed, report, found = check()
    assert [kind for kind, _ in found] == ["left_out", "damaged", "blank"]
    assert "1 image in sub-folders is left out" in found[0][1]
    assert "unlabelled_dataset: 6 images, 32 wide, 16 high\n  damaged: 1\n" in printed
    assert len(report["unlabelled"]["damaged"]) == len(report["unlabelled"]["blank"]) == 1


def test_images_of_another_kind_than_the_labelled_ones_are_found(work: Work, check):
    folder = work.folder(UNLABELLED)
    for name in ("train", "validation", "test"):
        for path in work.data_folder(name).iterdir():
            Image.open(path).convert("L").save(path)
    image(7, width=40).save(folder / "wider.png")
    save_animation(folder / "two.gif", [image(8), image(9)])
    _, report, found = check()
    assert found == [
        ("unlabelled_kind", "unlabelled_dataset: 1 image of another size than the labelled ones (32 wide, 16 high)"),
        ("unlabelled_kind", "unlabelled_dataset: 100% of the images are in colour, but hardly any labelled one is"),
        ("unlabelled_kind", "unlabelled_dataset: 20% of the images are animated, but hardly any labelled one is"),
    ]
    (finding,) = (one for one in report["findings"] if "another size" in one["text"])
    assert (finding["level"], finding["files"]) == ("warning", ["unlabelled_dataset/wider.png"])


def test_sizes_may_vary_as_those_of_the_labelled_images_do_and_grey_ones_among_colour_are_found(work: Work, check):
    image(7, width=40, height=20).save(work.data_folder("train") / "ab0_larger.png")
    image(8, width=44, height=22).save(work.folder(UNLABELLED) / "larger.png")
    image(9, width=45).convert("L").save(work.folder(UNLABELLED) / "grey.png")
    image(10).convert("L").save(work.folder(UNLABELLED) / "grey2.png")
    _, report, found = check()
    assert found == [
        (
            "unlabelled_kind",
            "unlabelled_dataset: 1 image of another size than the labelled ones (32–40 wide, 16–20 high)",
        ),
        ("unlabelled_kind", "unlabelled_dataset: 33% of the images are in grey, but hardly any labelled one is"),
    ]
    assert "unlabelled_dataset/grey.png" in str(report["findings"])


def test_copies_of_labelled_images_are_found_by_bytes_and_by_pixels(work: Work, check):
    folder = work.folder(UNLABELLED)
    shutil.copyfile(work.data_folder("train") / "ab0_0.png", folder / "a.png")
    shutil.copyfile(folder / "300.png", folder / "again.png")
    Image.open(work.data_folder("test") / "ab1_201.png").save(folder / "b.bmp")
    printed, report, found = check()
    assert found == [
        (
            "unlabelled_leak",
            "unlabelled_dataset has copies of 1 image of validation_dataset or test_dataset, in other bytes: the model "
            "would train on them, so the score may be too high",
        ),
        (
            "unlabelled_copies",
            "unlabelled_dataset: 2 images with the bytes of a labelled one or of another one there",
        ),
    ]
    files = {one["kind"]: one["files"] for one in report["findings"]}
    assert files["unlabelled_leak"] == ["test_dataset/ab1_201.png = unlabelled_dataset/b.bmp"]
    assert files["unlabelled_copies"] == ["unlabelled_dataset/a.png", "unlabelled_dataset/again.png"]
    assert "What to do: delete the copies in unlabelled_dataset" in printed
    assert report["doubles"] == []


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("SELF_TRAIN=False", "SELF_TRAIN = False"),
        ("MODE=EFFICIENTDET", "MODE = 'EFFICIENTDET' learns from labelled images only"),
    ],
)
def test_images_that_are_not_used_are_only_counted(work: Work, check, change: str, reason: str):
    if "MODE" in change:
        for name in ("train", "validation", "test"):
            for path in work.data_folder(name).glob("*.png"):
                path.with_suffix(".txt").write_text("0 0.5 0.5 0.4 0.4\n", encoding="utf-8")
            (work.data_folder(name) / "classes.txt").write_text("bar\n", encoding="utf-8")
    image(7, width=40).save(work.folder(UNLABELLED) / "wider.png")
    printed, _, found = check("--set", change)
    assert found == [("unlabelled_unused", f"unlabelled_dataset: 4 images not used: {reason}")]
    assert f"Note: unlabelled_dataset: 4 images not used: {reason}" in printed
