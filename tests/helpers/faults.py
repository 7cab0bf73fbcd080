"""Faults: bad inputs planted in small works, and steps that run in this process to meet them."""

import io
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.files import write_json, write_text
from tests.helpers.steps import ROOT

TOLERATED = ""  # the message of a fault that a step tolerates
SETTINGS = {"IMAGE_HEIGHT": 16, "IMAGE_WIDTH": 32, "CAPTCHA_LENGTH": 3, "BATCH_SIZE": 4, "MIN_EPOCH_STEPS": 2}
CONFIG = {"characters": "012", "char_count": [2], "count": 3, "width": 32, "height": 16, "image_suffix": "png"}
CONFIG |= {"train_dir": "train_dataset", "validation_dir": "validation_dataset", "test_dir": "test_dataset"}
OWN = ("report", ".locks")  # folders that a refusing step may write to


@dataclass(frozen=True)
class Fault:
    """A bad input.

    Args:
        name: What is bad.
        step: The script that meets it.
        plant: Plants it in a work.
        message: Part of the step's message; TOLERATED if the step succeeds.
        arguments: Further arguments of the script.
    """

    name: str
    step: str
    plant: Callable[[Path], object]
    message: str = TOLERATED
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """How a step ended, and what it printed."""

    code: int
    stdout: str
    stderr: str


def run_step(script: str, work: Path, *arguments: str) -> Outcome:
    """Runs a script in this process, with its own command line and streams; a bug in it raises here."""
    streams = {name: io.TextIOWrapper(io.BytesIO(), "utf-8") for name in ("stdout", "stderr")}
    named = () if script == "New_work.py" else ("--work", str(work))
    code = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [script, *named, *arguments])
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        try:
            runpy.run_path(str(ROOT / script), run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
    for stream in streams.values():
        stream.flush()
    return Outcome(code, *(stream.buffer.getvalue().decode() for stream in streams.values()))


def image(seed: int = 0, width: int = 32, height: int = 16, mode: str = "RGB") -> Image.Image:
    """Returns an image of random pixels."""
    pixels = np.random.default_rng(seed).integers(0, 200, (height, width, 3), np.uint8)
    return Image.fromarray(pixels).convert(mode)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    """Returns the file content of an image."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def make_work(path: Path, **settings: object) -> Path:
    """Makes a work with a few images, not packed."""
    for number, (split, count) in enumerate({"train": 6, "validation": 2, "test": 2}.items()):
        folder = path / f"{split}_dataset"
        folder.mkdir(parents=True)
        for item in range(count):
            image(100 * number + item).save(folder / f"{item % 3}{(item + number) % 3}_{split}{item}.png")
    lines = (f"{name} = {value!r}\n" for name, value in (SETTINGS | settings).items())
    write_text(path / "settings.py", "".join(lines))
    write_json(path / "captcha_config.json", CONFIG)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """Returns path → bytes of all files of a folder and below, without reports and locks."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.relative_to(folder).parts[0] not in OWN)
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def check(fault: Fault, work: Path) -> Outcome:
    """Plants a fault and runs its step, which must succeed or refuse with one message, and lose nothing."""
    fault.plant(work)
    before = contents(work)
    outcome = run_step(fault.step, work, *fault.arguments)
    after = contents(work)
    if fault.message == TOLERATED:
        assert outcome.code == 0, outcome
        lost = {name for name in before.keys() - after.keys() if "_dataset" in name and "pack" not in name}
        assert not lost
        return outcome
    assert outcome.code == 2, outcome
    assert fault.message in outcome.stderr, outcome.stderr
    assert outcome.stderr.startswith(f"{fault.step}: ")
    assert "Traceback" not in outcome.stderr
    assert after == before
    return outcome


def named(faults: list[Fault]) -> pytest.MarkDecorator:
    """Parametrizes a test with faults, by name."""
    return pytest.mark.parametrize("fault", faults, ids=lambda fault: f"{fault.step.removesuffix('.py')}: {fault.name}")


def write(name: str, content: bytes | str | object) -> Callable[[Path], object]:
    """Returns a function that writes a file of a work: bytes and text unchanged, all else as JSON."""

    def plant(work: Path) -> None:
        file = work / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str | bytes):
            file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
        else:
            write_json(file, content)

    return plant
