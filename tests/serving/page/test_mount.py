"""The gradio page over HTTP, without a browser: what it shows, in which language, and what it does not reveal."""

import io
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from bearcat.core.errors import ArtifactError, PredictionTimeoutError
from bearcat.data.codecs import Prediction
from bearcat.detection.decoding import Detections
from bearcat.serving.app import make_app
from bearcat.serving.page import mount
from bearcat.serving.page.translations import TEXTS
from tests.helpers.page import MARK, Visit, png, predict_width

NAMES = ("天", "<b>")
SECRET_WIDTH = 77


def find_two(path: Path) -> Detections:
    """Finds the two names of NAMES, side by side."""
    return Detections(NAMES, np.array([[2.0, 2, 12, 12], [20, 2, 30, 12]]), np.diag([0.9, 0.8]))


def gone(path: Path) -> Prediction:
    raise ArtifactError("the model 'gone' has been removed")


def take_too_long(path: Path) -> Prediction:
    raise PredictionTimeoutError("the prediction took more than 60 s")


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory):
    """Yields a client of the page, which has one example."""
    example = tmp_path_factory.mktemp("test_dataset") / "1234_a.png"
    example.write_bytes(png(33))
    models = {"width": predict_width, "signs": find_two, "gone": gone, "slow": take_too_long}
    modes = {"width": "CTC", "signs": "EFFICIENTDET", "gone": "CTC", "slow": "CTC"}
    app = mount.mount_page(FastAPI(docs_url=None, redoc_url=None, openapi_url=None), models, [example], modes)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def visit(mounted: TestClient) -> Visit:
    return Visit(mounted)


def test_each_character_is_shown_with_its_confidence(visit: Visit):
    html = visit.predict(visit.upload(png(123)))
    assert re.findall(r'<li class="(\S+)"><b>(.)</b>.*?<small>(.*?)</small>', html) == [
        ("bc-high", "1", "99.9%"),
        ("bc-low", "2", "70.0%"),
        ("bc-low", "3", "40.0%"),
    ]
    assert TEXTS["en"]["overall"].format(confidence="28.0%") in html
    assert "<code>123</code>" in html


def test_boxes_are_drawn_and_clicks_listed_in_the_order_of_the_prompt(visit: Visit):
    image = visit.upload(png())
    html = visit.predict(image, "signs", '["<b>", "天", "天"]')
    assert '<img class="bc-drawing" src="data:image/jpeg;base64,' in html
    clicks = re.findall(r"<li( class=bc-missing)?><b>(.*?)</b><small>(.*?)</small>", html)
    assert [(bool(missing), name) for missing, name, _ in clicks[:3]] == [
        (False, "&lt;b&gt;"),
        (False, "天"),
        (True, "天"),
    ]
    assert [place for *_, place in clicks[:3]] == ["25, 7", "7, 7", TEXTS["en"]["not_found"]]
    assert TEXTS["en"]["clicks"] not in visit.predict(image, "signs")
    assert "<b><b>" not in html


def test_it_has_the_browsers_language(mounted: TestClient, visit: Visit):
    assert TEXTS["en"]["waiting"] in visit.predict(None)
    assert TEXTS["zh"]["waiting"] in Visit(mounted, "zh-CN,zh;q=0.9,en;q=0.8").predict(None)
    assert visit.config["i18n_translations"]["zh-CN"]["bearcat_tagline"] == TEXTS["zh"]["tagline"]
    assert TEXTS["en"].keys() == TEXTS["zh"].keys()


@pytest.mark.parametrize(
    ("content", "model", "prompt", "key"),
    [
        (b"<svg></svg>", "width", "", "format"),
        (png()[:60], "width", "", "damaged"),
        (png(), "gone", "", "no_model"),
        (png(), "slow", "", "too_slow"),
        (png(), "signs", "地", "unknown"),
        (png(), "signs", "[1", "bad_prompt"),
    ],
    ids=["no image", "cut image", "removed model", "slow model", "unknown name", "invalid JSON"],
)
def test_an_error_is_shown_as_a_message(visit: Visit, content: bytes, model: str, prompt: str, key: str):
    html = visit.predict(visit.upload(content), model, prompt)
    assert 'role="alert"' in html
    assert TEXTS["en"][key].split("{")[0] in unescape(html)
    assert "/" not in re.sub(r"</?p[^>]*>", "", html)  # no path


def test_a_bug_is_shown_without_its_traceback(visit: Visit, caplog: pytest.LogCaptureFixture):
    buffer = io.BytesIO()
    Image.new("L", (20, 30)).save(buffer, "PNG")
    assert TEXTS["en"]["failed"] in visit.predict(visit.upload(buffer.getvalue()))
    assert "ZeroDivisionError" in caplog.text


def test_an_example_is_copied_to_the_uploads(visit: Visit):
    (dataset,) = (one for one in visit.config["components"] if one["type"] == "dataset")
    number = next(one["id"] for one in visit.config["dependencies"] if one["inputs"] == [dataset["id"]])
    (example,) = visit.call(number, [0])["data"]
    assert Path(example["path"]).is_relative_to(Path(mount.os.environ[mount.UPLOAD_VARIABLE]))
    assert "<code>33</code>" in visit.predict(example)


@pytest.mark.parametrize("mark", [{}, MARK], ids=["bare", "marked"])
def test_other_files_of_the_machine_cannot_be_opened(visit: Visit, tmp_path: Path, mark: dict):
    assert f"<code>{SECRET_WIDTH}</code>" not in visit.predict(secret(tmp_path) | mark)
    assert visit.client.get(f"/gradio_api/file={tmp_path / 'secret.png'}").status_code == 403


def test_without_the_handlers_check_they_could_be_opened(visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearcat.serving.page.handlers.Handlers.check_upload", lambda handlers, file: Path(file))
    assert f"<code>{SECRET_WIDTH}</code>" in visit.predict(secret(tmp_path))


def secret(folder: Path) -> dict:
    """Writes an image that was not uploaded, and returns the value that asks the page for it."""
    (folder / "secret.png").write_bytes(png(SECRET_WIDTH))
    return {"path": str(folder / "secret.png")}


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/proxy=http://127.0.0.1:9/x",
        "/gradio_api/file=http://127.0.0.1:9/x",
        "/proxy=http://127.0.0.1:9/x",
        "/gradio_api/run/predict",
        "/monitoring",
    ],
)
def test_gradio_s_other_paths_are_not_reachable(mounted: TestClient, path: str):
    for answer in (mounted.get(path), mounted.post(path, json={"data": []})):
        assert answer.status_code == answer.json()["return_code"] == 404


def test_the_upload_folder_is_private(mounted: TestClient, visit: Visit):
    folder = Path(mount.os.environ[mount.UPLOAD_VARIABLE])
    assert Path(visit.upload(png())["path"]).is_relative_to(folder)
    if mount.os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0


def test_the_page_and_the_api_share_the_port():
    app = mount.mount_page(make_app({"width": lambda image: {"result": "40"}}), {"width": predict_width})
    with TestClient(app) as client:
        assert "gradio" in client.get("/").text
        assert client.post("/", data={"img": "AAAA"}).json()["result"] == "40"
