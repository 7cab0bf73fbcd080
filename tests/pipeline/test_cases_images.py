"""Images in which nothing can be seen, and TIFF (cases 10, 10b and 12b); animated images from check to pack."""

import json
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from bearcat.data.tfrecord_index import load_index
from bearcat.data.tfrecords import read_records
from tests.helpers.animations import FONT, one_after_the_other, save_animations
from tests.helpers.layouts import draw_two_lines
from tests.helpers.steps import read_report, run_ok, run_refused

TEXTS = ("k7xd", "zt4a", "n6pb", "2mhe", "wq8r", "dk7x", "a4zt", "b6pn", "eh2m", "r8qw", "xd7k", "t4az")


def captcha(text: str, ink: object = (60, 20, 90), paper: object = (245, 245, 240), mode: str = "RGB") -> Image.Image:
    image = Image.new(mode, (120, 40), paper)
    ImageDraw.Draw(image).text((8, 4), text, ink, ImageFont.truetype(FONT, 26))
    return image


@pytest.fixture
def work(works: Path) -> Path:
    """An empty work."""
    run_ok("New_work.py", works, "images", BEARCAT_WORKS=str(works))
    run_ok("init_working_space.py", "--work", works / "images")
    return works / "images"


def kinds(work: Path) -> set[str]:
    """Returns the kinds of the warnings of cheak_file.py."""
    return {found["kind"] for found in read_report(work, "check")["findings"] if found["level"] == "warning"}


def packed(work: Path, split: str = "train") -> dict[str, object]:
    """Returns name → pixels of the images of a pack."""
    folder = work / f"{split}_pack_dataset"
    batches = read_records(folder, load_index(folder))
    return {name.decode(): pixels for one in batches for name, pixels in zip(one["file"], one["image"], strict=True)}


def test_white_ink_on_a_transparent_ground_is_packed_on_black(work: Path):  # case 10
    for split, texts in (("train", TEXTS[:8]), ("validation", TEXTS[8:])):
        for text in texts:
            image = captcha(text, (255, 255, 255, 255), (0, 0, 0, 0), "RGBA")
            image.save(work / f"{split}_dataset" / f"{text}_1.png")
    run_ok("cheak_file.py", "--work", work, "--apply")
    assert kinds(work) == {"empty"}  # there is no test_dataset
    run_ok("pack_dataset.py", "--work", work)
    images = packed(work)
    assert len(images) == 8
    for pixels in images.values():
        assert 0.05 < (pixels > 128).mean() < 0.5


def test_blank_images_are_named_and_left_out_and_their_labels_not_accused(work: Path):  # case 10b
    for split, texts in (("train", TEXTS), ("validation", ["9m3k", "h4cn", "p7ry", "d2wa", "3hsu", "v8jt"])):
        for number, text in enumerate(texts):
            image = captcha(text) if number % 3 else Image.new("RGB", (120, 40), "white")
            image.save(work / f"{split}_dataset" / f"{text}_{number}.png")
    printed = run_ok("cheak_file.py", "--work", work, "--apply")
    assert "Warning: train_dataset: 4 images of one colour, in which nothing can be seen" in printed
    assert "Warning: validation_dataset: 2 images of one colour" in printed
    assert not kinds(work) & {"contradiction", "leak"}
    assert read_report(work, "check")["doubles"] == []
    (found,) = (one for one in read_report(work, "check")["findings"] if "train_dataset: 4 images" in one["text"])
    assert {Path(file).name for file in found["files"]} == {f"{TEXTS[number]}_{number}.png" for number in (0, 3, 6, 9)}
    printed = run_ok("pack_dataset.py", "--work", work)
    assert printed.count("Left out: ") == 6
    assert f"{TEXTS[3]}_3.png is blank: all of its pixels have one colour" in printed
    assert "train_pack_dataset: 8 images" in printed
    assert not any(name.startswith(TEXTS[3]) for name in packed(work))
    for file in (work / "train_dataset").iterdir():
        Image.new("RGB", (120, 40), "white").save(file)
    assert "no image for" in run_refused("pack_dataset.py", "--work", work)


def test_a_class_of_empty_images_is_no_fault_but_an_empty_image_of_another_is(work: Path):
    for name in ("circle", "empty"):
        for number in range(6):
            image = Image.new("RGB", (48, 48), (220, 230, 240))
            if name == "circle" and number:
                ImageDraw.Draw(image).ellipse([9, 9 + number, 30, 30 + number], fill=(20, 60 + number, 90))
            for split in ("train", "validation", "test"):
                (work / f"{split}_dataset" / name).mkdir(exist_ok=True)
                image.save(work / f"{split}_dataset" / name / f"{number}{split}.png")
    run_ok("cheak_file.py", "--work", work, "--apply")
    blank = [found for found in read_report(work, "check")["findings"] if found["kind"] == "blank"]
    assert [[Path(file).name for file in found["files"]] for found in blank] == [
        ["0train.png"],
        ["0validation.png"],
        ["0test.png"],
    ]
    printed = run_ok("pack_dataset.py", "--work", work)
    assert "Blank, but packed, since a class may look like that: 14 images" in printed
    assert "train_pack_dataset: 12 images" in printed


def test_tiff_is_read_as_png_is(work: Path):  # case 12b
    for name, suffix in (("circle", "png"), ("square", "tiff"), ("triangle", "tif")):
        for split in ("train", "validation", "test"):
            (work / f"{split}_dataset" / name).mkdir()
            for number in range(3):
                image = Image.new("RGB", (48, 48), (200 + number, 230, 240))
                ImageDraw.Draw(image).regular_polygon((24, 20 + number, 15), 3 + len(name) % 4, fill=(20, 60, 90))
                image.save(work / f"{split}_dataset" / name / f"{number}.{suffix}")
    run_ok("cheak_file.py", "--work", work, "--apply")
    report = read_report(work, "check")
    assert report["all"]["formats"] == {"TIFF": 18, "PNG": 9}
    assert report["all"]["wrong_suffix"] == report["all"]["strays"] == []
    run_ok("pack_dataset.py", "--work", work)
    assert sorted(json.loads((work / "num_classes.json").read_text(encoding="utf-8")).values())[-3:] == [
        "circle",
        "square",
        "triangle",
    ]
    assert len(packed(work)) == 9


def test_letters_that_appear_one_after_the_other_are_packed_together(work: Path):
    for split, texts in (("train", TEXTS[:8]), ("validation", TEXTS[8:10]), ("test", TEXTS[10:])):
        save_animations(work / f"{split}_dataset", one_after_the_other, texts)
    printed = run_ok("cheak_file.py", "--work", work, "--apply")
    assert "FRAMES = 'darkest': in " in printed
    assert "FRAMES = 'darkest' (was 'first')" in printed
    assert not kinds(work)
    assert "FRAMES = 'darkest'" in run_ok("pack_dataset.py", "--work", work)
    for pixels in packed(work).values():
        assert ((pixels < 128).any(axis=(0, 2)).reshape(4, 30).sum(axis=1) > 5).all()  # ink in each quarter
    assert "FRAMES = 'darkest'), the settings ask for" in run_refused(
        "train.py", "--work", work, "--set", "FRAMES='first'"
    )


def test_two_lines_are_packed_as_one(work: Path):
    for split, texts in (("train", TEXTS[:8]), ("validation", TEXTS[8:10]), ("test", TEXTS[10:])):
        for number, text in enumerate(texts):
            draw_two_lines(text, number).save(work / f"{split}_dataset" / f"{text}_{number}.png")
    printed = run_ok("cheak_file.py", "--work", work, "--apply")
    assert "LAYOUT = 'two_lines': an empty band divides 12 of 12 images into an upper and a lower line" in printed
    assert "LAYOUT = 'two_lines' (was 'line')" in printed
    assert not kinds(work)
    assert "×200×3 (LAYOUT = 'two_lines')" in run_ok("pack_dataset.py", "--work", work)
    for pixels in packed(work).values():
        assert ((pixels < 128).any(axis=(0, 2)).reshape(4, 50).sum(axis=1) > 5).all()  # a character in each quarter
    message = run_refused("train.py", "--work", work, "--set", "LAYOUT='line'")
    assert "(LAYOUT = 'two_lines'), the settings ask for" in message


def test_boxes_take_no_frames_side_by_side(work: Path):
    message = run_refused("pack_dataset.py", "--work", work, "--set", "MODE='EFFICIENTDET'", "--set", "FRAMES='spread'")
    assert "FRAMES = 'spread' is not for MODE = 'EFFICIENTDET', whose boxes lie in one frame" in message
