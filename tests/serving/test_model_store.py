"""The models being served: answers, views that follow changes, and the way of an image through extraction_image."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from bearcat.artifacts.inference import load_recogniser
from bearcat.data.images import InputSpec, Source, extract_pixels
from bearcat.serving.model_store import ModelStore
from tests.helpers.services import make_work, png, write_model


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
