"""Labels that are wrong in kind, from check to pack: cases 02 (without its table), 08, 14, 21 and 22, and cached texts.

Nothing is trained: what is wrong has to be said before.
"""

import random
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.helpers.steps import read_report, run_ok, run_refused

TWINS = str.maketrans("acepx0123", "асерх０１２３")


def draw(path: Path, text: str) -> None:
    """Writes an image of a text, different each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.effect_noise((72, 24), 40).convert("RGB")
    ImageDraw.Draw(image).text((6, 2), text, "black", font_size=16)
    image.save(path)


def texts(count: int, characters: str = "abcdefghjkmnpqrstuvwxyz23456789") -> list[str]:
    drawn = random.Random(1)
    return ["".join(drawn.choices(characters, k=4)) for _ in range(count)]


@pytest.fixture
def make_work(works: Path) -> Callable[[Iterable[tuple[str, str]]], Path]:
    """A function that makes a work with images in train_dataset and every tenth in validation_dataset."""

    def make(images: Iterable[tuple[str, str]]) -> Path:
        run_ok("New_work.py", works, "own", BEARCAT_WORKS=str(works))
        for number, (name, text) in enumerate(images):
            draw(works / "own" / ("validation_dataset" if number % 10 == 0 else "train_dataset") / name, text)
        return works / "own"

    return make


def findings(work: Path) -> dict[str, dict]:
    """Returns the findings of report/check.json by kind, except those on empty sets."""
    return {one["kind"]: one for one in read_report(work, "check")["findings"] if one["kind"] != "empty"}


def test_02_one_word_before_every_number_is_refused(make_work: Callable):
    work = make_work((f"captcha_{n:04}.png", text) for n, text in enumerate(texts(40)))
    for script in ("cheak_file.py", "pack_dataset.py"):
        message = run_refused(script, "--work", work)
        assert "all 40 images have the label 'captcha'" in message
        assert "from the part before the first '_'" in message
        assert "train_dataset/captcha_0001.png: 'captcha'" in message
        assert "… and 37 more" in message
        assert "labels.csv" in message
    assert findings(work)["one_label"]["level"] == "warning"
    assert not (work / "num_classes.json").exists()


def test_08_blanks_at_the_ends_are_counted_and_not_learnt(make_work: Callable):
    work = make_work((f"{t}{' ' * (n % 4 == 0)}_{n:04}.png", t) for n, t in enumerate(texts(60)))
    run_ok("cheak_file.py", "--apply", "--work", work)
    assert "15 labels with characters that no image shows" in findings(work)["cleaned"]["text"]
    assert "blanks at the ends (15)" in run_ok("pack_dataset.py", "--work", work)
    assert " " not in read_report(work, "pack")["characters"]


def test_14_full_width_and_cyrillic_look_alikes_are_named(make_work: Callable):
    drawn = texts(60, "acepx0123456")
    work = make_work((f"{t if n % 5 else t.translate(TWINS)}_{n:04}.png", t) for n, t in enumerate(drawn))
    run_ok("cheak_file.py", "--apply", "--work", work)
    kinds = [one["text"] for one in read_report(work, "check")["findings"] if one["kind"] == "twins"]
    assert len(kinds) == 2
    assert any("Cyrillic look-alikes" in text and "е for e" in text for text in kinds)
    assert any("full-width look-alikes" in text and "０ for 0" in text for text in kinds)
    printed = run_ok("pack_dataset.py", "--work", work)
    assert "Cyrillic look-alikes" in printed
    assert "What to do: type these labels again" in printed


def test_21_underscores_in_labels_are_named_with_the_table_as_the_way_out(make_work: Callable):
    work = make_work((f"{t[:2]}_{t[2:]}_{n:03}.png", f"{t[:2]}_{t[2:]}") for n, t in enumerate(texts(60)))
    run_ok("cheak_file.py", "--apply", "--work", work)
    assert "it is learnt as" in findings(work)["underscores"]["text"]
    assert "labels.csv" in run_ok("pack_dataset.py", "--work", work)
    for split in ("train", "validation"):  # the way out that the finding gives
        folder = work / f"{split}_dataset"
        rows = [f"{path.name},{path.name[:5].replace('_', '-')}\n" for path in folder.glob("*.png")]
        (folder / "labels.csv").write_text("".join(rows), encoding="utf-8")
    run_ok("cheak_file.py", "--apply", "--work", work)
    assert "underscores" not in findings(work)
    printed = run_ok("pack_dataset.py", "--renew", "--work", work)
    assert "Warning" not in printed
    assert "-" in read_report(work, "pack")["characters"]


def test_22_one_class_alone_is_refused(make_work: Callable):
    work = make_work((f"circle/{n:04}.png", "o") for n in range(30))
    assert "all 30 images are of one class, 'circle'" in run_refused("cheak_file.py", "--apply", "--work", work)
    assert "of at least one other class" in run_refused("pack_dataset.py", "--set", "MODE=NUM_CLASSES", "--work", work)


def test_cached_texts_stay_texts_and_no_text_is_in_two_sets(make_work: Callable):
    pool = texts(30)
    images = [(f"{text}_{n}.png", text) for n in range(8) for text in pool]
    work = make_work(random.Random(2).sample(images, len(images)))
    printed = run_ok("cheak_file.py", "--work", work)
    leak = findings(work)["text_leak"]
    assert "24 of 24 images in validation_dataset (by chance under 1%)" in leak["text"]
    assert "Suggested: MODE" not in printed
    for path in (work / "validation_dataset").iterdir():
        path.rename(work / "train_dataset" / path.name)
    printed = run_ok("move_path.py", "--work", work)
    assert "240 images show only 30 texts; the images of a text stay together" in printed
    seen = [{path.name[:4] for path in (work / f"{s}_dataset").glob("*.png")} for s in ("train", "validation", "test")]
    assert sum(map(len, seen)) == 30
    assert len(seen[1]) == len(seen[2]) == 3
    run_ok("cheak_file.py", "--work", work)
    assert {"text_leak", "few_texts"} & findings(work).keys() == {"few_texts"}
