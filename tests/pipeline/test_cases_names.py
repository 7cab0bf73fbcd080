"""Names, folders and sizes of people's images: cases 07, 12, 12b, 13 and 21, and screenshots of a page.

Each set goes through the steps up to packing, as it comes.
"""

import os
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bearcat.core.workspace import create_work
from tests.data.test_comparison import draw_page
from tests.helpers.steps import read_report, run_ok, run_refused

CLASSES = ("circle", "square")


def draw_text(folder: Path, text: str, name: str) -> None:
    """Writes a captcha of text."""
    folder.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", (64, 24), "white")
    ImageDraw.Draw(image).text((4, 2), text, fill="black", font_size=16)
    image.save(folder / name)


def draw_shape(path: Path, number: int) -> None:
    """Writes a shape, by the last letter of its folder's name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image, box = (
        Image.new("RGB", (32, 32), "white"),
        [number % 9, number // 3 % 9, 20 + number % 9, 20 + number // 3 % 9],
    )
    draw = ImageDraw.Draw(image)
    (draw.ellipse if path.parent.name == "circle" else draw.rectangle)(box, fill=(7 * number % 200, 40, 160))
    image.save(path)


@pytest.fixture
def make_work(works: Path) -> Callable:
    """A function that makes a work; returns its folder."""

    def make(**settings: object) -> Path:
        work = create_work(works, "images")
        work.make_folders()
        with work.settings_file.open("a", encoding="utf-8") as file:
            file.writelines(f"{name} = {value!r}\n" for name, value in settings.items())
        return work.path

    return make


def findings(work: Path, kind: str) -> list[dict]:
    return [one for one in read_report(work, "check")["findings"] if one["kind"] == kind]


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 on Windows")
def test_case_07_names_in_gbk_are_refused_in_one_message_by_every_step(make_work: Callable):
    work, rng = make_work(), random.Random(1)
    folder = work / "train_dataset"
    for number in range(20):
        draw_text(folder, f"{number:02}", "x.png")
        name = f"{rng.choice('天地')}{rng.choice('人和')}_{number:03}.png".encode("gbk")
        os.rename(folder / "x.png", os.fsencode(folder) + b"/" + name)
    for script in ("move_path.py", "cheak_file.py", "pack_dataset.py"):
        message = run_refused(script, "--work", work)
        assert "the names of 20 of 20 images are not UTF-8" in message
        assert re.search(r"^  gbk: [天地][人和]_\d+\.png$", message, re.MULTILINE)
        assert f"convmv -f gbk -t utf-8 -r --notest {folder}" in message
    for name in os.listdir(os.fsencode(folder)):  # as docs/data.md says
        os.rename(os.path.join(os.fsencode(folder), name), folder / name.decode("gbk"))
    run_ok("move_path.py", "--work", work)
    assert "天" in read_report_after_check(work)["all"]["symbols"]


def read_report_after_check(work: Path) -> dict:
    run_ok("cheak_file.py", "--work", work)
    return read_report(work, "check")


@pytest.mark.skipif(os.name == "nt", reason="names are UTF-16 on Windows")
def test_names_that_are_not_utf_8_behind_the_label_go_through_the_steps(make_work: Callable):
    work = make_work(IMAGE_WIDTH=64, IMAGE_HEIGHT=24, CAPTCHA_LENGTH=2)
    folder = work / "train_dataset"
    for number in range(20):
        draw_text(folder, f"{number:02}", "x.png")
        os.rename(folder / "x.png", os.fsencode(folder) + f"/{number:02}_天\x1b[31m{number}.png".encode("gbk"))
    (folder / "broken_1.png").write_bytes(b"no image")
    os.rename(folder / "broken_1.png", os.fsencode(folder) + b"/00_\xcc\xec\n.png")
    for script in ("move_path.py", "cheak_file.py", "pack_dataset.py"):
        printed = run_ok(script, "--work", work)
        assert "\x1b" not in printed
        assert "�" not in printed
        assert (r"00_\xcc\xec\n.png is not in a supported format" in printed) == (script != "move_path.py")
    assert (work / "report" / "check.html").read_text(encoding="utf-8")
    assert "2 moved back now" in run_ok("move_path.py", "--undo", "--work", work)
    assert len(os.listdir(folder)) == 21


def test_case_12_images_that_lie_deeper_are_counted_by_every_step(make_work: Callable):
    work = make_work()
    for kind in ("circle", "triangle", "shapes/square", "shapes/circle"):
        for number in range(12):
            draw_shape(work / "train_dataset" / kind / f"{number:04}.png", number)
    said = "train_dataset: 24 images more than one folder deep are left out: shapes/circle/0000.png,"
    assert f"Warning: {said}" in run_ok("move_path.py", "--work", work)
    run_ok("cheak_file.py", "--apply", "--work", work)
    (found,) = findings(work, "left_out")
    assert found["level"] == "warning"
    assert "train_dataset: 24 images more than one folder deep are left out" in found["text"]
    assert len(found["files"]) == 24
    assert "train_dataset/shapes/square/0003.png" in found["files"]
    assert f"Warning: {said}" in run_ok("pack_dataset.py", "--work", work)


def test_case_12b_tiff_is_read_and_other_formats_are_named(make_work: Callable):
    work = make_work()
    folder = work / "train_dataset"
    for kind, suffix in (("circle", "png"), ("square", "tif")):
        for number in range(12):
            draw_shape(folder / kind / f"{number:03}.{suffix}", number)
    (folder / "circle" / "logo.svg").write_text("<svg/>")
    (folder / "circle" / "photo.heic").write_bytes(b"\0")
    assert "2 images in a format that is not read are left out" in run_ok("move_path.py", "--work", work)
    report = read_report_after_check(work)
    assert set(report["all"]["symbols"]) == {"circle", "square"}
    (found,) = findings(work, "left_out")
    assert found["files"] == ["train_dataset/circle/logo.svg", "train_dataset/circle/photo.heic"]


def test_all_images_too_deep_is_said_where_there_seem_to_be_none(make_work: Callable):
    work = make_work()
    for number in range(4):
        draw_shape(work / "train_dataset" / "data" / "circle" / f"{number}.png", number)
    message = run_refused("move_path.py", "--work", work)
    assert "holds no images" in message
    assert "4 images more than one folder deep are left out: data/circle/0.png" in message


def test_case_13_labels_that_begin_with_a_point_are_read(make_work: Callable):
    work, rng = make_work(), random.Random(1)
    for number in range(24):
        digits = f"{rng.randrange(10_000):04}"
        text = f"{digits[0]}.{digits[1:]}" if number % 2 else f".{digits}"
        draw_text(work / "train_dataset", text, f"{text}_{number:03}.png")
    draw_text(work / "train_dataset", "1", ".1_000.part.png")  # a killed write
    draw_text(work / "train_dataset", "1", "._1_000.png")
    run_ok("move_path.py", "--work", work)
    report = read_report_after_check(work)
    assert report["all"]["pictures"] == 24
    assert report["all"]["symbols"]["."] == 24
    assert report["suggested"]["CAPTCHA_LENGTH"] == 5
    (found,) = findings(work, "left_out")
    assert found["files"] == ["train_dataset/._1_000.png"]


def test_case_21_a_second_label_behind_an_underscore_is_said(make_work: Callable):
    work, rng = make_work(), random.Random(1)
    for number in range(30):
        first, second = ("".join(rng.choices("abcdefghjkmnpqrstuvwxyz23456789", k=2)) for _ in range(2))
        draw_text(work / "train_dataset", f"{first}_{second}", f"{first}_{second}_{number:03}.png")
    run_ok("move_path.py", "--work", work)
    printed = run_ok("cheak_file.py", "--work", work)
    assert "labels.csv" in printed
    assert any(one["level"] == "warning" and "_" in one["text"] for one in read_report(work, "check")["findings"])


def test_screenshots_are_compared_quickly_and_the_captcha_is_shown(make_work: Callable):
    work = make_work()
    for number in range(1000, 3000, 100):
        draw_page(work / "train_dataset" / f"{number}_1.png", str(number))
    printed = run_ok("move_path.py", "--work", work)
    assert "Warning: images of 720×440 pixels differ only in a part of" in printed
    assert "crop them to the captcha" in printed
    run_ok("cheak_file.py", "--work", work)
    assert findings(work, "oversize")[0]["level"] == "warning"
