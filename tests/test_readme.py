"""The READMEs and the docs are true: their commands run as they stand, and their tables match the program."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bearcat.core.settings_file import read_settings_file
from bearcat.data.labels.reading import list_images
from bearcat.modes import MODES
from docs import make_settings
from tests.helpers.steps import ROOT, run_ok, serving
from utils import Predict_Image

READMES = ["README.md", "README.zh-CN.md"]
API_PAGES = ["docs/http-api.md", "docs/zh-CN/http-api.md"]
MAX_README_BYTES, MAX_README_LINES = 12 * 1024, 200
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


def step_blocks() -> list[list[str]]:
    """Return the commands for one's own images, which stand in two blocks, and those of all steps."""
    lines = [block.splitlines() for block in blocks("README.md", "bash")]
    first = next(n for n, block in enumerate(lines) if block[0].startswith("python New_work.py works own"))
    return [lines[first] + lines[first + 1], next(block for block in lines if block[0].endswith("works mine"))]


def test_the_steps_for_own_images_are_all_steps_with_move_path():
    own, steps = step_blocks()
    left_out = {"python models.py", "python callback.py", "python spider_example.py"}
    expected = [
        "python move_path.py" if line == "python gen_sample_by_captcha.py" else line
        for line in steps
        if line not in left_out
    ]
    expected[0] = "python New_work.py works own --set TRAIN_SECONDS=60"
    assert own == expected


def test_the_steps_run_in_the_order_in_which_they_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    steps = step_blocks()[1]
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
        file.write("EPOCHS = 1\nMIN_EPOCH_STEPS = 2\nBACKBONE = 'tiny'\n")


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


@pytest.mark.parametrize("trained", ["CTC"], indirect=True)
@pytest.mark.parametrize("page", API_PAGES)
def test_the_javascript_lines_work_as_pasted(trained: Path, tmp_path: Path, page: str):
    node = shutil.which("node")
    if not node:
        pytest.skip("needs Node.js (Debian: apt-get install nodejs)")
    image = list_images(trained / "test_dataset")[0]
    shutil.copyfile(image, tmp_path / "captcha.png")
    (lines,) = blocks(page, "javascript")
    with serving(trained) as address:
        code = lines.replace("http://127.0.0.1:5006", address)
        command = [node, "--input-type=module", "--eval", code]
        printed = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=True).stdout
    prediction = Predict_Image(trained / "App_model").predict(image)
    assert printed.split(" ")[0] == prediction.text
    assert float(printed.split(" ")[1]) == pytest.approx(prediction.confidence, abs=1e-5)


def quoted(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/zh-CN/settings.md"])
def test_the_settings_pages_have_every_setting_with_its_default(page: str):
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", read(page), re.MULTILINE)]
    listed = {quoted(row[0])[0]: quoted(row[1])[0] for row in rows if row[0].startswith("`")}
    assert listed == {name: repr(value) for name, (value, _) in read_settings_file(ROOT / "settings.py").items()}


def test_the_settings_page_is_generated():
    assert read("docs/settings.md") == make_settings.page(), "run python -m docs.make_settings"


def test_every_mode_is_listed_and_no_other(readme: str):
    rows = re.findall(r"^\| `([A-Z_]+)` \|", read(readme), re.MULTILINE)
    assert sorted(set(rows) - {"MODE"}) == sorted(MODES)


def test_a_readme_is_short(readme: str):
    assert len(read(readme).encode()) <= MAX_README_BYTES
    assert read(readme).count("\n") <= MAX_README_LINES


PAGES = [*READMES, "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"]
PAGES += sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_its_heading(page: str):
    for link in re.findall(r"\]\(([^)]+)\)", read(page)):
        if "://" in link:
            continue
        target, _, anchor = link.partition("#")
        file = (ROOT / page).parent / target if target else ROOT / page
        assert file.exists(), link
        if anchor and file.suffix == ".md":
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}, link


@pytest.mark.parametrize("page", PAGES)
def test_every_script_and_option_of_the_pages_exists(page: str):
    """Long commands are not run here: the scripts and options that they name are checked."""
    for block in blocks(page, "bash"):
        for line in block.splitlines():
            found = re.match(r"(?:\S*python\S*) ([A-Za-z_]+\.py)((?: .*)?)$", line.partition("  #")[0].strip())
            if not found:
                continue
            script = ROOT / found[1]
            assert script.is_file(), line
            source = "".join(path.read_text(encoding="utf-8") for path in (script, ROOT / "bearcat" / "cli.py"))
            for option in re.findall(r"(?<= )--[a-z-]+", re.sub(r'"[^"]*"', "", found[2])):
                assert f'"{option}"' in source, line
