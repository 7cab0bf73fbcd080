"""The models being served: answers, views that follow changes, and the way of an image through extraction_image."""

import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from bearcat.artifacts.inference import load_recogniser
from bearcat.core.errors import ArtifactError
from bearcat.data.images import COLOURS, ImageKinds, InputSpec, Source, extract_pixels
from bearcat.serving import model_store
from bearcat.serving.app import make_app
from bearcat.serving.model_store import ModelStore
from bearcat.serving.protection.model_check import UncheckedError
from tests.helpers.services import DARK, make_work, png, running, to_base64, write_model


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


SMALL, WIDE = (40, 20), (90, 20)
OF_SIZE = {"small": {"kinds": ImageKinds((SMALL,), COLOURS)}, "wide": {"kinds": ImageKinds((WIDE,), ("grey",))}}


def automatic(work: Path) -> TestClient:
    """Returns a client of a service of the models of a work."""
    store = ModelStore(work / "App_model", load_recogniser)
    store.load_all()
    store.refresh()  # on a busy machine, the check of a model may have been postponed
    app = make_app(store, describe_models=store.describe, answer_fitting=store.answer_fitting)
    return TestClient(app, raise_server_exceptions=False)


def test_auto_chooses_the_model_that_an_image_fits_and_names_it(tmp_path: Path):
    client = automatic(make_work(tmp_path / "work", **OF_SIZE))
    for size, name in ((SMALL, "small"), (WIDE, "wide")):
        answer = client.post("/", data={"img": to_base64(png(0, size)), "model": "auto"}).json()
        named = client.post("/", data={"img": to_base64(png(0, size)), "model": name}).json()
        assert answer.pop("model") == name
        assert answer | {"time": 0} == named | {"time": 0}
    described = {one["name"]: one for one in client.get("/models").json()["models"]}
    assert described["small"]["image_sizes"] == [[40, 20]]
    assert described["wide"]["image_colours"] == ["grey"]


def test_auto_chooses_for_each_image_of_a_request(tmp_path: Path):
    client = automatic(make_work(tmp_path / "work", **OF_SIZE))
    images = [png(0, SMALL), png(0, WIDE), png(0, (50, 50)), b"no image"]
    answers = client.post("/", json={"img": [to_base64(image) for image in images], "model": "auto"}).json()["results"]
    assert [answer["return_code"] for answer in answers] == [200, 200, 400, 415]
    assert [answer.get("model") for answer in answers] == ["small", "wide", None, None]
    assert answers[2]["return_info"] == (
        "model is 'auto', but the image fits no model: it is 50×50 in grey. Name a model: small expects 40×20 in "
        "colour or grey; wide expects 90×20 in grey"
    )


def test_auto_with_several_fitting_models_is_400(tmp_path: Path):
    client = automatic(make_work(tmp_path / "work", first={}, second={}))  # models of an earlier version
    answer = client.post("/", data={"img": DARK, "model": "auto"})
    assert answer.status_code == 400
    assert "the image fits several models: it is 16×16 in grey" in answer.json()["return_info"]
    described = client.get("/models").json()["models"]
    assert [(one["image_sizes"], one["image_colours"]) for one in described] == [([[16, 16]], [*COLOURS])] * 2


def test_auto_uses_the_only_model_for_any_image_and_with_a_grid(tmp_path: Path):
    client = automatic(make_work(tmp_path / "work", small=OF_SIZE["small"]))
    for more in ({}, {"grid": "1x2"}):
        answer = client.post("/", data={"img": to_base64(png(0, (50, 50))), "model": "auto"} | more)
        assert (answer.status_code, answer.json()["model"]) == (200, "small")


def test_auto_refuses_a_grid_if_there_are_several_models(tmp_path: Path):
    client = automatic(make_work(tmp_path / "work", **OF_SIZE))
    answer = client.post("/", data={"img": to_base64(png(0, SMALL)), "model": "auto", "grid": "1x2"})
    assert (answer.status_code, answer.json()["return_info"]) == (
        400,
        "grid: model = 'auto' chooses by the size of whole images, not of cells. Name one of small, wide",
    )


def test_a_model_whose_name_is_auto_is_chosen_by_its_name(tmp_path: Path):
    client = automatic(make_work(tmp_path / "work", auto={"characters": "xy"}, other={}))
    answer = client.post("/", data={"img": DARK, "model": "auto"}).json()
    assert (answer["result"], answer.get("model")) == ("x", None)
    schema = client.get("/openapi.json").json()["paths"]["/"]["post"]["requestBody"]["content"]["application/json"]
    assert schema["schema"]["properties"]["model"]["enum"] == ["auto", "other"]


def test_auto_without_a_choice_is_an_unknown_model():
    client = TestClient(make_app({"captcha": lambda image: {}}))
    answer = client.post("/", data={"img": DARK, "model": "auto"})
    assert answer.status_code == 400
    assert "available models are captcha" in answer.json()["return_info"]
