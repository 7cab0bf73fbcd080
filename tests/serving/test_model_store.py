"""The models being served: answers, views that follow changes, and the way of an image through extraction_image."""

import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bearcat.artifacts.inference import load_recogniser
from bearcat.core.errors import ArtifactError
from bearcat.data.images import InputSpec, Source, extract_pixels
from bearcat.serving import model_store
from bearcat.serving.model_store import ModelStore
from bearcat.serving.protection.model_check import UncheckedError
from tests.helpers.services import DARK, make_work, png, running, write_model


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_work(tmp_path / "work", first={}, second={"characters": "xy"}) / "App_model"


def test_an_image_passes_extraction_image_once(folder: Path):
    extracted = []

    def extract(image: Source, spec: InputSpec) -> np.ndarray:
        extracted.append(image)
        return extract_pixels(image, spec)

    store = ModelStore(folder, partial(load_recogniser, extract=extract))
    store.load_all()
    assert list(store) == ["first", "second"]
    assert store["second"](png(0))["result"] == "x"
    assert extracted == [png(0)]


def test_a_view_follows_changes_of_the_store(folder: Path):
    store = ModelStore(folder, load_recogniser)
    store.load_all()
    vocabularies = store.view(lambda recogniser: "".join(recogniser.card.characters))
    assert dict(vocabularies) == {"first": "ab", "second": "xy"}
    (folder / "second.onnx").unlink()
    write_model(folder / "third.onnx", characters="pq")
    store.refresh()
    assert dict(vocabularies) == {"first": "ab"}  # a new file must stay the same for two polls
    store.refresh()
    assert dict(vocabularies) == {"first": "ab", "third": "pq"}
    assert vocabularies.get("second") is None


@pytest.mark.parametrize("others", [True, False])
def test_a_model_whose_check_takes_long_is_served_later_or_waited_for_if_there_is_no_other(
    folder: Path, others: bool, monkeypatch: pytest.MonkeyPatch
):
    def check(paths: list[Path], seconds: float, stopped: object) -> dict[Path, ArtifactError | None]:
        in_time = seconds > model_store.START_SECONDS
        return {path: None if in_time or (others and path.stem == "first") else UncheckedError() for path in paths}

    monkeypatch.setattr(model_store, "check_files", check)
    store = ModelStore(folder, load_recogniser)
    store.load_all()
    assert (list(store), store.rejected()) == ((["first"], ["second"]) if others else (["first", "second"], []))
    store.refresh()
    assert (list(store), store.rejected()) == (["first", "second"], [])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such file names")
def test_names_with_control_characters_and_other_bytes_are_shown_everywhere_and_can_be_chosen(tmp_path: Path):
    work, model = make_work(tmp_path / "work"), write_model(tmp_path / "captcha.onnx")
    shown = {
        b"caf\xe9": r"caf\xe9",
        b"\x1b[31mred": r"\x1b[31mred",
        b"two\nlines": r"two\nlines",
        "\u202edetrever".encode(): r"\u202edetrever",
        "验证码".encode(): "验证码",
        b"<b>&": "<b>&",
    }
    for name in shown:
        shutil.copyfile(model, work / "App_model" / os.fsdecode(name + b".onnx"))
    (work / "App_model" / os.fsdecode(b"bad\xff\n.onnx")).write_bytes(b"no model")
    with running(work, "--no-page") as service:
        health = service.get("/health").json()
        assert (set(health["units"]), health["rejected"]) == (set(shown.values()), [r"bad\xff\n"])
        assert {model["name"] for model in service.get("/models").json()["models"]} == set(shown.values())
        for path in ("/openapi.json", "/docs", "/metrics"):
            assert service.get(path).status_code == 200
        for name in shown.values():
            assert service.post(json={"img": DARK, "model": name}).json()["result"] == "a"
        refused = service.post(data={"img": DARK, "model": "another\u202e\n"})
        assert refused.status_code == 400
        assert all(name in refused.json()["return_info"] for name in shown.values())
        service.wait_for_log("POST / 400")
        lines = service.log().splitlines()
        assert service.log().replace("\n", "").isprintable()
        assert all(re.match(r"\d{4}-\d\d-\d\d ", line) for line in lines), lines
        assert any(r"model bad\xff\n rejected: " in line for line in lines)
        assert any("two\\nlines" in line for line in lines)
