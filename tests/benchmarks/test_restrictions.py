"""The restrictions benchmark: its figures for a tiny model that tells dark images from light ones."""

from pathlib import Path

from bearcat.core.workspace import Work
from benchmarks.restrictions import predict_work
from tests.helpers.services import make_work, png


def test_figures_are_those_of_each_restriction(tmp_path: Path):
    work = make_work(tmp_path / "work", captcha={"characters": "ab"})
    (work / "test_dataset").mkdir()
    for name, light in {"a_1": 0, "a_2": 255}.items():
        (work / "test_dataset" / f"{name}.png").write_bytes(png(light))
    figures = predict_work(Work(work), "[b]")
    assert {name: figures[name] for name in ("images", "plain", "length", "characters", "both", "pattern")} == {
        "images": 2,
        "plain": 0.5,
        "length": 0.5,
        "characters": 1,
        "both": 1,
        "pattern": 0,
    }
    # the model predicts a character in halves too; a dark half beside white padding is as dark as light
    assert figures["half_plain"] == figures["half_length"] == 0.5
    assert figures["half_rate"] > 0.99
