"""Several steps in one process: --through."""

from pathlib import Path

from tests.helpers.steps import read_report, run_ok, run_refused, run_script


def test_the_steps_up_to_the_named_one_run_with_the_same_settings(digits: Path):
    options = ["--work", digits]
    for setting in ("EPOCHS=1", "MODE='CTC'", "BACKBONE='tiny'", "QUANTIZE=False"):
        options += ["--set", setting]
    printed = run_ok("pack_dataset.py", *options, "--through", "train")
    assert started_and_next(printed) == (["train.py"], ["save_model.py"])
    # the training has ended: it is only loaded
    printed = run_ok("train.py", *options, "--through", "test")
    assert started_and_next(printed) == (["save_model.py", "test.py"], ["app.py"])
    train, save, test = (read_report(digits, step) for step in ("train", "save", "test"))
    assert (train["mode"], train["epochs_run"], save["quantization"], test["images"]) == ("CTC", 1, None, 12)


def started_and_next(printed: str) -> tuple[list[str], list[str]]:
    """Returns the scripts that a process has started, and those that it names as the next."""
    rows = [line.split() for line in printed.splitlines()]
    started = [line[2] for line in rows if line[:2] == ["$", "python"]]
    return started, [line[2] for line in rows if line[:1] == ["Next:"]]


def test_nothing_runs_after_a_step_that_fails(digits: Path):
    message = run_refused("train.py", "--work", digits, "--through", "test")
    assert "python pack_dataset.py" in message
    assert not (digits / "report" / "save.json").exists()


def test_steps_that_are_not_among_the_next_ones_are_refused(digits: Path):
    for script, step in (("save_model.py", "train"), ("pack_dataset.py", "app"), ("test.py", "test")):
        refused = run_script(script, "--work", digits, "--through", step)
        assert (refused.returncode, "--through" in refused.stderr) == (2, True)
    assert "leave out --through" in run_refused("train.py", "--work", digits, "--curve", "--through", "test")
