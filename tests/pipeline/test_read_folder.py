"""read_folder.py: what it writes, prints and refuses."""

from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.faults import run_step
from tests.helpers.services import SIDE, make_work


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return make_work(tmp_path / "work", captcha={}, other={"characters": "xy"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "images"
    folder.mkdir()
    for name, level in {"1": 0, "2": 255, "3": 127}.items():
        Image.new("L", (SIDE, SIDE), level).save(folder / f"{name}.png")
    return folder


def test_a_folder_is_predicted_into_the_report(work: Path, folder: Path):
    outcome = run_step("read_folder.py", work, str(folder))
    assert outcome.code == 0
    table = work / "report" / "predictions.csv"
    assert f"Predicted: 3 images, in {table}" in outcome.stdout
    assert f"{folder.resolve().as_posix()}/1.png,captcha-" in table.read_text(encoding="utf-8-sig")
    assert "--copy-doubtful DIR" in outcome.stdout
    again = run_step("read_folder.py", work, str(folder))
    assert f"3 images were in {table} already, predicted by the same model" in again.stdout


def test_doubtful_and_damaged_images_are_told(work: Path, folder: Path, tmp_path: Path):
    for number in range(7):
        (folder / f"damaged{number}.png").write_bytes(b"damaged")
    aside, table = tmp_path / "aside", tmp_path / "new" / "found.jsonl"
    options = ("--model", "other", "--out", str(table), "--copy-doubtful", str(aside), "--below", "1")
    outcome = run_step("read_folder.py", work, str(folder), *options)
    assert outcome.code == 0
    assert outcome.stdout.count("Damaged: ") == 5
    assert "… and 2 more damaged images" in outcome.stdout
    copied = sorted(path.name for path in aside.iterdir())
    assert f"Confidence below 1.0: {len(copied)} image" in outcome.stdout
    assert "3.png" in copied
    assert f"python app.py --label {aside}" in outcome.stdout
    assert '"text": "x"' in table.read_text(encoding="utf-8")
    assert len(list(folder.iterdir())) == 10


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nowhere",), "nowhere is not a folder"),
        ((".", "--below", "2"), "--below 2.0: a confidence lies between 0 and 1"),
        ((".", "--out", "found.txt"), "are written to a .csv or .jsonl file"),
        ((".", "--model", "third"), "third"),
    ],
)
def test_mistakes_are_refused(
    work: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], message: str
):
    monkeypatch.chdir(folder)
    outcome = run_step("read_folder.py", work, *arguments)
    assert outcome.code == 2
    assert message in outcome.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["1.png", "2.png", "3.png"]
