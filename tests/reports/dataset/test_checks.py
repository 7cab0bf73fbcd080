"""cheak_file.py finds each planted fault, lists its files, and shows it on a self-contained page."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageDraw

import cheak_file
from bearcat.core.errors import DataError, LabelError
from bearcat.core.settings_file import change_settings_file
from bearcat.core.workspace import ROOT, Work, create_work
from bearcat.settings_rules import load_settings
from tests.helpers.steps import read_report

LABELS = {
    "train": ("ab3d", "c0de", "xyz4", "b2dc"),
    "validation": ("ab4e", "c0zy"),
    "test": ("e3bd", "xy2d"),
}


def draw(folder: Path, label: str, number: int = 0, suffix: str = ".png", **options) -> Path:
    """Writes an image of a text on grey, the same each time, and returns its file."""
    image = Image.new("RGB", (90, 30), "#ddd")
    ImageDraw.Draw(image).text((9, 4), label, fill="black", font_size=20)
    path = folder / f"{label}_{number}{suffix}"
    image.save(path, **options)
    return path


@pytest.fixture
def work(works: Path) -> Work:
    """A work with a few clean images, for a test to plant its fault in."""
    work = create_work(works, "planted")
    work.make_folders()
    for split, labels in LABELS.items():
        for label in labels:
            draw(work.data_folder(split), label)
    return work


@pytest.fixture
def check(work: Work, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    """Runs the step in this process; returns its output and check.json."""

    def run(*arguments: str) -> tuple[str, dict]:
        monkeypatch.setattr(sys, "argv", ["cheak_file.py", *arguments])
        cheak_file.main()
        return capsys.readouterr().out, read_report(work.path, "check")

    return run


def findings(report: dict, kind: str) -> list[dict]:
    return [finding for finding in report["findings"] if finding["kind"] == kind]


def page_of(work: Work) -> str:
    return (work.path / "report" / "check.html").read_text(encoding="utf-8")


def test_clean_data_raises_no_warning(work: Work, check):
    printed, report = check()
    assert "Warning" not in printed
    assert {finding["kind"] for finding in report["findings"]} <= {"look_alikes"}
    assert report["all"]["pictures"] == 8
    assert "No problems found." in page_of(work)


def test_the_page_is_self_contained_and_shows_images_with_labels(work: Work, check):
    check()
    page = page_of(work)
    assert not re.search(r"""(src|href)=["'](?!data:)""", page)
    assert page.count('src="data:image/png') == 8
    for label in sum(LABELS.values(), ()):
        assert label in page


def test_a_damaged_file_is_listed(work: Work, check):
    broken = work.data_folder("train") / "ab3d_0.png"
    broken.write_bytes(broken.read_bytes()[:60])
    printed, report = check()
    (finding,) = findings(report, "damaged")
    assert finding["level"] == "warning"
    assert str(broken) in finding["files"][0]
    assert "damaged: 1" in printed
    assert "ab3d_0.png" in page_of(work)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_duplicate_across_train_and_test_is_a_leak(work: Work, check, suffix: str):
    draw(work.data_folder("test"), "ab3d", 7, suffix)
    printed, report = check()
    (finding,) = findings(report, "leak")
    assert finding["level"] == "warning"
    assert finding["files"] == [f"test_dataset/ab3d_7{suffix} = train_dataset/ab3d_0.png"]
    assert report["doubles"][0]["exact"] == (suffix == ".png")
    assert "Warning: 1 image leaked" in printed
    assert "ab3d_7" in page_of(work)


def test_duplicates_with_different_labels_are_a_contradiction(work: Work, check):
    shutil.copyfile(work.data_folder("train") / "ab3d_0.png", work.data_folder("train") / "ab3c_1.png")
    _, report = check()
    (finding,) = findings(report, "contradiction")
    assert finding["files"] == ["train_dataset/ab3c_1.png = train_dataset/ab3d_0.png"]
    assert not findings(report, "leak")


def test_duplicates_within_a_set_are_a_note(work: Work, check):
    draw(work.data_folder("train"), "ab3d", 1)
    _, report = check()
    (finding,) = findings(report, "double")
    assert finding["level"] == "note"


def test_an_image_without_a_label_is_refused_after_the_reports_are_written(work: Work, check):
    stray = (work.data_folder("train") / "ab3d_0.png").rename(work.data_folder("train") / "holiday.png")
    with pytest.raises(LabelError, match="without a label: 1 image"):
        check()
    (finding,) = findings(read_report(work.path, "check"), "without_label")
    assert str(stray) in finding["files"][0]
    assert "train_dataset/holiday.png" in page_of(work)


def test_files_that_no_step_reads_are_listed_without_label_tables(work: Work, check):
    (work.data_folder("train") / "notes.doc").write_text("hello", encoding="utf-8")
    (work.data_folder("test") / "labels.csv").write_text("file,label\ne3bd_0.png,e3bd\nxy2d_0.png,xy2d\n", "utf-8")
    _, report = check()
    (finding,) = findings(report, "strays")
    assert [Path(name).name for name in finding["files"]] == ["notes.doc"]


def test_a_character_that_train_lacks_is_listed(work: Work, check):
    draw(work.data_folder("test"), "ab9d")
    _, report = check()
    assert report["unseen"] == {"validation": {}, "test": {"9": 1}}
    (finding,) = findings(report, "unseen")
    assert "'9' (1)" in finding["text"]


def test_look_alikes_and_mixed_case_are_notes(work: Work, check):
    draw(work.data_folder("train"), "lO1B")
    draw(work.data_folder("train"), "QI5o")
    _, report = check()
    assert {"0": 2, "O": 1, "o": 1} in report["look_alikes"]
    assert {"1": 1, "l": 1, "I": 1} in report["look_alikes"]
    (finding,) = findings(report, "mixed_case")
    assert "2 letters" in finding["text"]
    assert "2 labels mix" in finding["text"]


def test_a_wrong_extension_is_listed(work: Work, check):
    wrong = draw(work.data_folder("train"), "ab3c", 1)
    wrong = wrong.rename(wrong.with_suffix(".jpg"))
    _, report = check()
    (finding,) = findings(report, "wrong_suffix")
    assert finding["files"] == [f"{wrong} is PNG"]


def test_an_image_rotated_by_exif_is_counted_upright(work: Work, check):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    draw(work.data_folder("train"), "ab3c", 1, ".jpg", exif=exif)
    _, report = check()
    assert [Path(name).name for name in report["sets"]["train"]["turned"]] == ["ab3c_1.jpg"]
    assert report["sets"]["train"]["height"]["max"] == 90


def test_an_empty_set_is_a_warning(work: Work, check):
    shutil.rmtree(work.data_folder("validation"))
    printed, report = check()
    (finding,) = findings(report, "empty")
    assert "validation_dataset holds no images" in finding["text"]
    assert "move_path.py" in finding["todo"]
    assert "Warning: validation_dataset" in printed


def test_three_empty_sets_are_refused_with_a_report(work: Work, check):
    for split in LABELS:
        shutil.rmtree(work.data_folder(split))
    with pytest.raises(DataError, match="no images yet"):
        check()
    assert len(findings(read_report(work.path, "check"), "empty")) == 3
    assert "Nothing can be suggested" in page_of(work)


def test_ten_thousand_files_in_one_folder(work: Work, check):
    folder, noise = work.data_folder("train"), np.random.default_rng(0).integers(0, 256, (10_000, 64), np.uint8)
    Image.new("L", (8, 8)).save(folder / "0000_x.bmp")
    head = (folder / "0000_x.bmp").read_bytes()[:-64]  # the 64 pixels follow
    for number, pixels in enumerate(noise):
        (folder / f"{number:04}_x.bmp").write_bytes(head + pixels.tobytes())
    _, report = check()
    assert report["sets"]["train"]["pictures"] == 10_004
    assert report["sets"]["train"]["formats"] == {"BMP": 10_000, "PNG": 4}
    assert report["doubles"] == []
    assert len(page_of(work)) < 1_000_000


def settings(work: Work) -> dict:
    return vars(load_settings(ROOT / "settings.py", work.settings_file))


def test_apply_writes_the_suggested_settings_and_no_other_line(work: Work, check):
    draw(work.data_folder("train"), "abcde")
    before = work.settings_file.read_text(encoding="utf-8").splitlines()
    _, report = check("--apply")
    after = work.settings_file.read_text(encoding="utf-8").splitlines()
    changed = {new.partition(" ")[0] for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {"IMAGE_HEIGHT", "IMAGE_WIDTH", "CAPTCHA_LENGTH"}  # mode and grey were set already
    expected = {"MODE": "ORDINARY", "IMAGE_HEIGHT": 30, "IMAGE_WIDTH": 90, "IMAGE_CHANNALS": 1, "CAPTCHA_LENGTH": 5}
    assert report["suggested"] == expected
    assert expected.items() <= settings(work).items()


def test_apply_keeps_a_mode_that_was_chosen(work: Work, check):
    change_settings_file(work.settings_file, {"MODE": "CTC_TINY"})
    printed, report = check("--apply")
    assert settings(work)["MODE"] == "CTC_TINY"
    assert report["suggested"]["MODE"] == "ORDINARY"
    assert "it stays" in printed
    assert "it stays" in page_of(work)


def test_a_mode_named_on_the_command_line_was_chosen(work: Work, check):
    draw(work.data_folder("train"), "abcdefghi")  # too long for ORDINARY to be the best
    printed, _ = check("--set", "MODE=ORDINARY")
    assert "set on purpose" in printed
    assert "Suggested: MODE" not in printed


def test_labels_that_repeat_are_classes(work: Work, check):
    for split in LABELS:
        shutil.rmtree(work.data_folder(split))
        work.data_folder(split).mkdir()
        for number in range(6):
            for label in ("牌坊", "茶几"):  # images of a thing are about as high as wide
                Image.effect_noise((40, 40), 64).save(work.data_folder(split) / f"{label}_{number}.png")
    _, report = check("--apply")
    assert settings(work)["MODE"] == "NUM_CLASSES"
    assert report["all"]["symbols"] == {"牌坊": 18, "茶几": 18}
