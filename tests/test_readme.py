"""The README is true: its steps, its curl line and its Python lines run as they stand, its tables match the program."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.core.settings_file import read_settings_file
from bearcat.data.labels import list_images
from bearcat.modes import MODES
from tests.helpers.steps import ROOT, run_ok, serving
from utils import Predict_Image

READMES = ["README.md", "README.zh-CN.md"]
SERVED = {"python app.py", "python spider_example.py"}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", read(name), re.DOTALL)


@pytest.fixture(params=READMES)
def readme(request: pytest.FixtureRequest) -> str:
    return request.param


def test_both_readmes_give_the_same_commands():
    for language in ("bash", "python", "javascript"):
        assert blocks(READMES[0], language) == blocks(READMES[1], language)


def roads() -> list[list[str]]:
    """Return the lines of the blocks that begin with a new work: that of all steps, and that of one's own images."""
    return [block.splitlines() for block in blocks("README.md", "bash") if block.startswith("python New_work.py")]


def test_the_road_of_own_images_is_that_of_the_steps_with_move_path():
    steps, own = roads()
    left_out = {"python models.py", "python callback.py", "python spider_example.py"}
    expected = [
        "python move_path.py" if line == "python gen_sample_by_captcha.py" else line
        for line in steps
        if line not in left_out
    ]
    expected[0] = "python New_work.py works own --set TRAIN_SECONDS=60"
    assert [line for line in own if not line.startswith("#")] == expected


def test_the_steps_run_in_the_order_in_which_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps = roads()[0]
    monkeypatch.setenv("BEARCAT_WORKS", str(tmp_path / "works"))
    for line in steps:
        python, script, *arguments = line.split()
        assert python == "python"
        if line not in SERVED:
            run_ok(script, *arguments, cwd=tmp_path)
        if script == "New_work.py":
            make_small(tmp_path / "works" / "mine")
    with serving(tmp_path / "works" / "mine") as address:
        run_ok("spider_example.py", "--port", address.rpartition(":")[2], cwd=tmp_path)
    assert set(steps) >= SERVED


def make_small(work: Path) -> None:
    """Let a work have few and small captchas, and one epoch."""
    config = json.loads((work / "captcha_config.json").read_text(encoding="utf-8"))
    config |= {"characters": "01", "char_count": [2], "count": 40, "width": 40, "height": 24}
    (work / "captcha_config.json").write_text(json.dumps(config), encoding="utf-8")
    with (work / "settings.py").open("a", encoding="utf-8") as file:
        file.write("EPOCHS = 1\nMIN_EPOCH_STEPS = 2\n")


def test_the_curl_line_and_the_python_lines_work_as_pasted(trained: Path, tmp_path: Path):
    shutil.copyfile(list_images(trained / "test_dataset")[0], tmp_path / "captcha.png")
    (curl,) = (block for block in blocks("README.md", "bash") if block.startswith("curl"))
    (python,) = blocks("README.md", "python")
    with serving(trained) as address:
        printed = subprocess.run(
            [sys.executable, "-c", python.replace("http://127.0.0.1:5006", address)],
            cwd=tmp_path,
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout
        assert re.fullmatch(r"\d*\n", printed)
        if shutil.which("curl") and os.name == "posix":
            answer = subprocess.check_output(curl.replace("http://127.0.0.1:5006", address), shell=True, cwd=tmp_path)
            assert json.loads(answer)["result"] == printed.strip()


def test_the_javascript_lines_work_as_pasted(trained: Path, tmp_path: Path, readme: str):
    node = shutil.which("node")
    if not node:
        pytest.skip("needs Node.js (Debian: apt-get install nodejs)")
    image = list_images(trained / "test_dataset")[0]
    shutil.copyfile(image, tmp_path / "captcha.png")
    (lines,) = blocks(readme, "javascript")
    with serving(trained) as address:
        code = lines.replace("http://127.0.0.1:5006", address)
        command = [node, "--input-type=module", "--eval", code]
        printed = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True).stdout
    prediction = Predict_Image(trained / "App_model").predict(image)
    assert printed.split(" ")[0] == prediction.text
    assert float(printed.split(" ")[1]) == pytest.approx(prediction.confidence, abs=1e-5)


def section(name: str, number: int) -> list[list[str]]:
    """Return the table rows of a README's section as cells; sections count from 0, the title's."""
    rows = re.findall(r"^\| (.*) \|$", read(name).split("\n## ")[number], re.MULTILINE)
    return [row.split(" | ") for row in rows]


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_the_settings_table_is_settings_py(readme: str):
    rows = [row for row in section(readme, 3) if row[0].startswith("`")]
    told = {name: value for row in rows for name, value in zip(quoted(row[0]), quoted(row[1]), strict=True)}
    assert told == {name: repr(value) for name, (value, _) in read_settings_file(ROOT / "settings.py").items()}


def test_every_mode_is_told_and_no_other(readme: str):
    assert {name for row in section(readme, 4)[2:] for name in quoted(row[0])} == set(MODES)


def test_no_link_is_dead_and_nothing_is_left_to_fill_in(readme: str):
    text = read(readme)
    assert "{{" not in text.replace('{"', "")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / link).is_file(), link
