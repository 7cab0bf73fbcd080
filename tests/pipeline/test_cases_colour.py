"""Colour that grey loses (cases 01 and 01b): the check asks for 3 channels, and few labels suffice to train."""

import random
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from tests.helpers.animations import FONT
from tests.helpers.steps import read_report, run_ok

LETTERS = "abdefhkmnprtxyz234678"
RED, GREEN, BEIGE = (200, 30, 30), (10, 100, 20), (245, 245, 240)
ALIKE = (200, 40, 40), (60, 108, 60)  # ink and paper of one grey


def draw(text: str, inks: list[tuple[int, int, int]], paper: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (10 + 28 * len(text), 40), paper)
    for number, (letter, ink) in enumerate(zip(text, inks, strict=True)):
        ImageDraw.Draw(image).text((8 + 28 * number, 2), letter, ink, ImageFont.truetype(FONT, 28))
    return image


def draw_red_counts(folder: Path, count: int, rng: random.Random) -> None:
    """Case 01: of four letters the label has those in red."""
    for number in range(count):
        text, red = "".join(rng.choices(LETTERS, k=4)), sorted(rng.sample(range(4), 2))
        inks = [RED if place in red else GREEN for place in range(4)]
        draw(text, inks, BEIGE).save(folder / f"{''.join(text[place] for place in red)}_{number}.png")


def draw_some_alike(folder: Path, count: int, rng: random.Random) -> None:
    """Case 01b: in two fifths of the images ink and paper have one grey."""
    for number in range(count):
        text = "".join(rng.choices(LETTERS, k=4))
        ink, paper = ALIKE if number % 5 < 2 else ((20, 20, 20), BEIGE)
        draw(text, [ink] * 4, paper).save(folder / f"{text}_{number}.png")


@pytest.fixture
def work(works: Path) -> Path:
    """An empty work."""
    run_ok("New_work.py", works, "colours")
    run_ok("init_working_space.py", "--work", works / "colours")
    return works / "colours"


def test_where_only_hue_tells_which_letters_count_the_check_sets_three_channels(work: Path):
    draw_red_counts(work / "train_dataset", 10, random.Random(0))
    assert "IMAGE_CHANNALS = 3 (was 1)" in run_ok("cheak_file.py", "--apply", "--work", work)


def test_images_whose_ink_is_as_bright_as_the_paper_are_read_from_few_labels(work: Path):
    rng = random.Random(0)
    for split, count in (("train", 30), ("validation", 10), ("test", 20)):
        draw_some_alike(work / f"{split}_dataset", count, rng)
    assert "IMAGE_CHANNALS = 3 (was 1)" in run_ok("cheak_file.py", "--apply", "--work", work)
    run_ok("pack_dataset.py", "--work", work)
    options = ("--work", work, "--set", "EPOCHS=1", "--set", "MIN_EPOCH_STEPS=5", "--set", "MODE=CTC_TINY")
    assert "instead of luminance" in run_ok("train.py", *options)
    run_ok("save_model.py", *options, "--set", "QUANTIZE=False")
    run_ok("test.py", *options)
    assert read_report(work, "test")["exact"] >= 0.8
