"""Several steps in one process: --through."""

import json
from pathlib import Path

from tests.helpers.steps import run_ok, run_refused, run_script


def test_the_steps_up_to_the_named_one_run_with_the_same_settings(digits: Path):
    options = ("--work", digits, "--set", "EPOCHS=1", "--set", "MODE='CTC'", "--set", "BACKBONE='tiny'")
    printed = run_ok("pack_dataset.py", *options, "--through", "test")
    started = [line.split()[2] for line in printed.splitlines() if line.startswith("$ python")]
    assert started == ["train.py", "save_model.py", "test.py"]
    assert [line for line in printed.splitlines() if line.startswith("Next:")] == [
        "Next: python app.py  (serve the model)"
    ]
    train, test = (json.loads((digits / "report" / f"{name}.json").read_text("utf-8")) for name in ("train", "test"))
    assert (train["mode"], train["epochs_run"], test["images"]) == ("CTC", 1, 12)

    printed = run_ok("save_model.py", *options, "--through", "test")
    assert "$ python test.py" in printed and "$ python train.py" not in printed


def test_nothing_runs_after_a_step_that_fails(digits: Path):
    message = run_refused("train.py", "--work", digits, "--through", "test")
    assert "python pack_dataset.py" in message
    assert not (digits / "report" / "save.json").exists()


def test_steps_that_are_not_among_the_next_ones_are_refused(digits: Path):
    for script, step in (("save_model.py", "train"), ("pack_dataset.py", "app"), ("test.py", "test")):
        refused = run_script(script, "--work", digits, "--through", step)
        assert (refused.returncode, "--through" in refused.stderr) == (2, True)
    assert "leave out --through" in run_refused("train.py", "--work", digits, "--curve", "--through", "test")
