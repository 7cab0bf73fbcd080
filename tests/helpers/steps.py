"""Runs the scripts as their users do, and makes small works with them."""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.warm_runner import start_script

ROOT = Path(__file__).resolve().parent.parent.parent
SECONDS = 300


def run_script(script: str, *arguments: object, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """Runs a script and returns its exit code and output."""
    return run_together([(script, *arguments)], [environment], cwd)[0]


def run_ok(script: str, *arguments: object, **options) -> str:
    """Runs a script that must succeed, and returns what it printed."""
    done = run_script(script, *arguments, **options)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def run_refused(script: str, *arguments: object, **options) -> str:
    """Runs a script that must refuse with exit code 2 and one message without a traceback; returns the message."""
    done = run_script(script, *arguments, **options)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith(f"{Path(script).name}: "), done.stderr
    return done.stderr


def run_together(
    commands: list[tuple], environments: list[dict[str, str]] | None = None, cwd: Path = ROOT
) -> list[subprocess.CompletedProcess]:
    """Runs scripts at the same time, each with its own additions to the environment if given.

    Except on Windows they are forks of a process that has imported TensorFlow, which takes longer than most of what
    they do. `run_fresh` starts new interpreters.
    """
    environments = environments or [{}] * len(commands)
    with tempfile.TemporaryDirectory() as folder:
        outputs = [(Path(folder, f"{n}.out"), Path(folder, f"{n}.err")) for n in range(len(commands))]
        processes, deadline = [], time.monotonic() + SECONDS
        try:
            for (script, *arguments), files, added in zip(commands, outputs, environments, strict=True):
                options = [str(argument) for argument in arguments]
                processes.append(start_script(script, options, *files, cwd, os.environ | added))
            for process in processes:
                process.join(max(0.0, deadline - time.monotonic()))
            codes = [process.exitcode for process in processes]
        finally:
            for process in processes:
                process.kill()
                process.join()
        texts = [[path.read_text(encoding="utf-8") for path in files] for files in outputs]
    assert None not in codes, f"{commands} took more than {SECONDS} s and printed {texts}"
    return [
        subprocess.CompletedProcess(command, code, *output)
        for command, code, output in zip(commands, codes, texts, strict=True)
    ]


def run_fresh(
    commands: list[tuple], environments: list[dict[str, str]] | None = None, cwd: Path = ROOT
) -> list[subprocess.CompletedProcess]:
    """Runs scripts at the same time in new interpreters, which import and exit as a user's do."""
    environments = environments or [{}] * len(commands)
    processes = [
        subprocess.Popen(
            [sys.executable, str(ROOT / script), *map(str, arguments)],
            cwd=cwd,
            env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"} | added,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )
        for (script, *arguments), added in zip(commands, environments, strict=True)
    ]
    try:
        texts = [process.communicate(timeout=SECONDS) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [
        subprocess.CompletedProcess(process.args, process.returncode, *output)
        for process, output in zip(processes, texts, strict=True)
    ]


def build_work(works: Path, name: str = "digits", images: int = 60, **settings: object) -> Path:
    """Makes a work with generated digits in the folder `works`, with some settings changed."""
    run_ok("New_work.py", works, name, BEARCAT_WORKS=str(works))
    work = works / name
    config_file = work / "captcha_config.json"
    config = json.loads(config_file.read_text(encoding="utf-8"))
    config |= {"characters": "0123", "count": images, "char_count": [2, 3], "width": 48, "height": 24}
    config |= {"validation_count": 12, "test_count": 12}
    config_file.write_text(json.dumps(config), encoding="utf-8")
    small = {"IMAGE_HEIGHT": 24, "IMAGE_WIDTH": 48, "CAPTCHA_LENGTH": 3, "BATCH_SIZE": 8, "MIN_EPOCH_STEPS": 2}
    change_settings(work, **(small | settings))
    run_ok("init_working_space.py", "--work", work)
    run_ok("gen_sample_by_captcha.py", "--work", work)
    return work


def change_settings(work: Path, **settings: object) -> None:
    """Changes settings of a work, by lines at the end of its settings.py."""
    with (work / "settings.py").open("a", encoding="utf-8") as file:
        file.writelines(f"{setting} = {value!r}\n" for setting, value in settings.items())


@contextmanager
def serving(work: Path) -> Iterator[str]:
    """Serves a trained work in another process, without the page; yields the address."""
    command = [sys.executable, "-u", str(ROOT / "app.py"), "--work", str(work), "--port", "0", "--no-page"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            found = next(filter(None, (re.search(r"http://127\.0\.0\.1:\d+", line) for line in process.stdout)), None)
            assert found, "the service did not print its address"
            yield found[0]
        finally:
            process.terminate()
            process.wait(timeout=30)


def read_report(work: Path, step: str) -> dict:
    """Returns the report of a step."""
    return json.loads((work / "report" / f"{step}.json").read_text(encoding="utf-8"))
