"""Label tables as people bring them, through checking, splitting and packing: cases 02, 04, 08c and 20."""

import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

import cheak_file
from tests.helpers.steps import ROOT, read_report, run_ok, run_refused

IMAGES = 40
SPLITS = ("train", "validation", "test")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A new work without images, for short texts."""
    run_ok(
        "New_work.py",
        tmp_path,
        "own",
        "--set",
        "IMAGE_HEIGHT=24",
        "--set",
        "IMAGE_WIDTH=48",
        BEARCAT_WORKS=str(tmp_path),
    )
    run_ok("init_working_space.py", "--work", tmp_path / "own")
    return tmp_path / "own"


def draw(work: Path, characters: str = "abcdefghkmnp2345", count: int = IMAGES) -> dict[str, str]:
    """Draws images named captcha_000.png …; returns name → text."""
    texts = {}
    for number in range(count):
        random.seed(number)
        text = "".join(random.choices(characters, k=4))
        image = Image.new("RGB", (48, 24), "white")
        ImageDraw.Draw(image).text((4, 4), text, fill="black")
        image.save(work / "train_dataset" / f"captcha_{number:03}.png")
        texts[f"captcha_{number:03}.png"] = text
    return texts


def write_table(work: Path, line: Callable[[str, str], str], texts: dict[str, str]) -> Path:
    table = work / "train_dataset" / "labels.csv"
    table.write_text("".join(f"{line(name, text)}\n" for name, text in texts.items()))
    return table


def findings(work: Path) -> dict[str, dict]:
    return {finding["kind"]: finding for finding in read_report(work, "check")["findings"]}


def split_and_pack(work: Path) -> dict:
    run_ok("move_path.py", "--work", work)
    run_ok("cheak_file.py", "--work", work)
    run_ok("pack_dataset.py", "--work", work)
    return read_report(work, "pack")


def test_02_labels_in_json_are_learnt_and_not_the_first_word_of_the_names(work: Path):
    texts = draw(work)
    (work / "train_dataset" / "labels.json").write_text(json.dumps(texts))
    packed = split_and_pack(work)
    assert sum(packed["pictures"].values()) == IMAGES - 4
    assert set("".join(texts.values())) <= set(packed["characters"])
    assert "t" not in packed["characters"]  # of captcha_000.png
    assert all((work / f"{split}_dataset" / "labels.json").is_file() for split in SPLITS)
    assert not {"strays", "unread_table", "rows_without_image"} & findings(work).keys()
    run_ok("move_path.py", "--work", work, "--undo")
    assert [split for split in SPLITS if (work / f"{split}_dataset" / "labels.json").is_file()] == ["train"]


def test_02_a_table_that_cannot_be_read_is_named(work: Path):
    texts = draw(work)
    (work / "train_dataset" / "answers.csv").write_text("".join(f"{name},{text}\n" for name, text in texts.items()))
    message = run_refused("cheak_file.py", "--work", work)
    assert "all 40 images have the label 'captcha'" in message
    assert findings(work)["unread_table"]["todo"].endswith("rename it to labels.csv")


def fix_zeros(work: Path, answer: str) -> str:
    """Runs cheak_file.py --fix-zeros with an answer on stdin; returns what it printed."""
    command = [sys.executable, str(ROOT / "cheak_file.py"), "--work", str(work), "--fix-zeros"]
    done = subprocess.run(command, input=answer, capture_output=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_04_lost_zeros_are_said_before_packing_and_written_back_if_asked(work: Path):
    texts = draw(work, "0123456789", 120)
    table = write_table(work, lambda name, text: f"{name},{int(text)}", texts)
    before, damaged = table.read_bytes(), sorted(name for name, text in texts.items() if text[0] == "0")
    packing = "pack_dataset.py", "--work", work, "--renew"
    run_ok("move_path.py", "--work", work)
    assert "a spreadsheet has probably removed leading zeros" in run_ok(*packing)
    printed = fix_zeros(work, "n\n")
    assert f": {len(damaged)} of 120 labels get their zeros back" in printed
    assert f"{damaged[0]}: {int(texts[damaged[0]])} → {texts[damaged[0]]}" in printed
    assert "Nothing was changed." in printed
    assert table.read_bytes() == before
    finding = findings(work)["lost_zeros"]
    assert len(finding["files"]) == len(damaged)
    assert any(damaged[0] in line and "(labels.csv, line " in line for line in finding["files"])
    assert "labels.csv.bak" in fix_zeros(work, "y\n")
    assert table.read_text() == "".join(f"{name},{text}\n" for name, text in texts.items())
    for split in SPLITS:
        assert (work / f"{split}_dataset" / "labels.csv.bak").read_bytes() == before
        assert (work / f"{split}_dataset" / "labels.csv").read_bytes() == table.read_bytes()
    assert not {"lost_zeros", "strays"} & findings(work).keys()
    assert "spreadsheet" not in run_ok(*packing)


@pytest.mark.parametrize(("answer", "is_yes"), [("y", True), ("Yes ", True), ("", False), ("n", False), ("j", False)])
def test_04_only_yes_means_yes(monkeypatch: pytest.MonkeyPatch, answer: str, is_yes: bool):
    monkeypatch.setattr("builtins.input", lambda question: answer)
    assert cheak_file.is_confirmed() == is_yes


def test_04_without_a_terminal_nothing_is_changed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert not cheak_file.is_confirmed()
    assert "There is no terminal" in capsys.readouterr().out


@pytest.mark.parametrize("inside", ["\n", "\t"])
def test_08c_a_line_break_or_tab_in_a_label_is_refused_with_its_line(work: Path, inside: str):
    texts = draw(work)
    write_table(
        work, lambda name, text: f'{name},"{text[:2]}{inside if name.endswith("3.png") else ""}{text[2:]}"', texts
    )
    for script in ("cheak_file.py", "move_path.py"):
        message = run_refused(script, "--work", work)
        assert f"{work / 'train_dataset' / 'labels.csv'}, line 4: the label " in message
        assert ("contains a line break" if inside == "\n" else "contains a tab") in message


def test_20_names_with_folders_and_backslashes_are_read_and_lines_without_image_counted(work: Path):
    texts = draw(work)
    write_table(work, lambda name, text: rf"images\{name};{text}", texts | {"gone.png": "abcd"})
    packed = split_and_pack(work)
    assert sum(packed["pictures"].values()) == IMAGES - 4
    assert set("".join(texts.values())) <= set(packed["characters"])
    assert findings(work)["rows_without_image"]["files"] == [r"train_dataset/labels.csv, line 41: images\gone.png"]
    assert "1 line of labels.csv names no image" in run_ok("pack_dataset.py", "--work", work)


def test_20_a_malformed_line_is_quoted(work: Path):
    texts = draw(work)
    write_table(work, lambda name, text: f"{name};{text}" if text != texts["captcha_003.png"] else name, texts)
    message = run_refused("cheak_file.py", "--work", work)
    assert "labels.csv, line 4: file and label are expected, separated by a semicolon, got 'captcha_003.png'" in message
