"""The gradio page over HTTP, without a browser: what it shows, in which language, and what it gives away to nobody."""

import io
import json
import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction
from bearcat.data.images import open_image
from bearcat.detection.decoding import Detections
from bearcat.serving.app import make_app
from bearcat.serving.page import mount as page
from bearcat.serving.page.translations import WORDS

NAMES = ("天", "<b>")
MARK = {"meta": {"_type": "gradio.FileData"}}
SECRET_WIDTH = 77


def png(width: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, 20), "white").save(buffer, "PNG")
    return buffer.getvalue()


def read_width(path: Path) -> Prediction:
    """Read an image as its width; a higher one fails as a bug would."""
    image = open_image(path)
    text = str(image.width // (image.height <= 20))
    return Prediction(text, tuple(np.linspace(0.999, 0.4, len(text))))


def find_two(path: Path) -> Detections:
    """Find the two names of NAMES, side by side."""
    return Detections(NAMES, np.array([[2.0, 2, 12, 12], [20, 2, 30, 12]]), np.diag([0.9, 0.8]))


def gone(path: Path) -> Prediction:
    raise ArtifactError("the unit 'gone' was taken away")


class Visit:
    """A browser's talk with the page: what it asks, and the HTML it gets."""

    def __init__(self, client: TestClient, language: str = "en-GB,en"):
        self.client = client
        self.headers = {"accept-language": language}
        self.config = client.get("/config").json()

    def call(self, number: int, data: list) -> dict:
        """Call one of the page's functions; return what it made, or why not."""
        asked = {"fn_index": number, "data": data, "session_hash": "visit"}
        self.client.post("/gradio_api/queue/join", json=asked, headers=self.headers)
        told = self.client.get("/gradio_api/queue/data", params={"session_hash": "visit"}, headers=self.headers).text
        messages = [json.loads(line[len("data: ") :]) for line in told.splitlines() if line.startswith("data: ")]
        (end,) = (message for message in messages if message["msg"] == "process_completed")
        return end["output"]

    def read(self, file: dict | None, unit: str = "width", prompt: str = "") -> str:
        """Return the answer to an image as HTML, or why there is none."""
        number = next(one["id"] for one in self.config["dependencies"] if len(one["inputs"]) == 4)
        output = self.call(number, [file, unit, prompt, None])
        return output["data"][0] if "data" in output else json.dumps(output)

    def upload(self, content: bytes, name: str = "a.png") -> dict:
        """Upload a file as the page does."""
        (path,) = self.client.post("/gradio_api/upload", files={"files": (name, content)}).json()
        return {"path": path} | MARK


@pytest.fixture(scope="module")
def mounted(tmp_path_factory: pytest.TempPathFactory):
    """The page, with an example; yields a client."""
    example = tmp_path_factory.mktemp("test_dataset") / "1234_a.png"
    example.write_bytes(png(33))
    units = {"width": read_width, "signs": find_two, "gone": gone}
    modes = {"width": "CTC", "signs": "EFFICIENTDET", "gone": "CTC"}
    app = page.mount_page(FastAPI(docs_url=None, redoc_url=None, openapi_url=None), units, [example], modes)
    with TestClient(app) as client:
        yield client


@pytest.fixture
def visit(mounted: TestClient) -> Visit:
    return Visit(mounted)


def test_a_image_is_read_and_each_character_has_its_confidence(visit: Visit):
    html = visit.read(visit.upload(png(123)))
    assert re.findall(r'<li class="(\S+)"><b>(.)</b>.*?<small>(.*?)</small>', html) == [
        ("bc-sure", "1", "99.9%"),
        ("bc-unsure", "2", "70.0%"),
        ("bc-unsure", "3", "40.0%"),
    ]
    assert WORDS["en"]["overall"].format(share="28.0%") in html
    assert "<code>123</code>" in html


def test_boxes_are_drawn_and_clicks_told_in_the_order_of_the_prompt(visit: Visit):
    image = visit.upload(png())
    html = visit.read(image, "signs", '["<b>", "天", "天"]')
    assert '<img class="bc-drawing" src="data:image/jpeg;base64,' in html
    clicks = re.findall(r"<li( class=bc-missing)?><b>(.*?)</b><small>(.*?)</small>", html)
    assert [(bool(missing), name) for missing, name, _ in clicks[:3]] == [
        (False, "&lt;b&gt;"),
        (False, "天"),
        (True, "天"),
    ]
    assert [place for *_, place in clicks[:3]] == ["25, 7", "7, 7", WORDS["en"]["not_found"]]
    assert WORDS["en"]["clicks"] not in visit.read(image, "signs")
    assert "<b><b>" not in html


def test_it_speaks_the_browsers_language(mounted: TestClient, visit: Visit):
    assert WORDS["en"]["waiting"] in visit.read(None)
    assert WORDS["zh"]["waiting"] in Visit(mounted, "zh-CN,zh;q=0.9,en;q=0.8").read(None)
    assert visit.config["i18n_translations"]["zh-CN"]["bearcat_tagline"] == WORDS["zh"]["tagline"]
    assert WORDS["en"].keys() == WORDS["zh"].keys()


@pytest.mark.parametrize(
    ("content", "unit", "prompt", "word"),
    [
        (b"<svg></svg>", "width", "", "format"),
        (png()[:60], "width", "", "damaged"),
        (png(), "gone", "", "no_unit"),
        (png(), "signs", "地", "unknown"),
        (png(), "signs", "[1", "bad_prompt"),
    ],
    ids=["no image", "cut image", "unit gone", "unknown name", "no JSON"],
)
def test_what_cannot_be_read_is_told_in_words(visit: Visit, content: bytes, unit: str, prompt: str, word: str):
    html = visit.read(visit.upload(content), unit, prompt)
    assert 'role="alert"' in html
    assert WORDS["en"][word].split("{")[0] in unescape(html)
    assert "/" not in re.sub(r"</?p[^>]*>", "", html)  # no path


def test_a_bug_is_told_without_its_traceback(visit: Visit, caplog: pytest.LogCaptureFixture):
    buffer = io.BytesIO()
    Image.new("L", (20, 30)).save(buffer, "PNG")
    assert WORDS["en"]["failed"].split(";")[0] in visit.read(visit.upload(buffer.getvalue()))
    assert "ZeroDivisionError" in caplog.text


def test_an_example_is_taken_from_a_copy(visit: Visit):
    (dataset,) = (one for one in visit.config["components"] if one["type"] == "dataset")
    number = next(one["id"] for one in visit.config["dependencies"] if one["inputs"] == [dataset["id"]])
    (example,) = visit.call(number, [0])["data"]
    assert Path(example["path"]).is_relative_to(Path(page.os.environ[page.TEMPORARY]))
    assert "<code>33</code>" in visit.read(example)


@pytest.mark.parametrize("mark", [{}, MARK], ids=["bare", "marked"])
def test_no_file_of_the_machine_is_read(visit: Visit, tmp_path: Path, mark: dict):
    assert f"<code>{SECRET_WIDTH}</code>" not in visit.read(secret(tmp_path) | mark)
    assert visit.client.get(f"/gradio_api/file={tmp_path / 'secret.png'}").status_code == 403


def test_without_its_guards_the_page_would_read_them(visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearcat.serving.page.handlers.Desk.uploaded", lambda desk, file: Path(file))
    assert f"<code>{SECRET_WIDTH}</code>" in visit.read(secret(tmp_path))
    monkeypatch.undo()
    monkeypatch.setattr(find_blocks(visit.client), "has_launched", False)
    assert f"<code>{SECRET_WIDTH}</code>" in visit.read(secret(tmp_path) | MARK)


def secret(folder: Path) -> dict:
    """Write an image that nobody uploaded, and return how the page would be asked for it."""
    (folder / "secret.png").write_bytes(png(SECRET_WIDTH))
    return {"path": str(folder / "secret.png")}


def find_blocks(client: TestClient):
    """Return gradio's blocks behind the fence."""
    return client.app.router.routes[-1].app.app.get_blocks()


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
def test_it_fetches_nothing_for_others_and_tells_nothing_of_itself(mounted: TestClient, path: str):
    for answer in (mounted.get(path), mounted.post(path, json={"data": []})):
        assert answer.status_code == answer.json()["return_code"] == 404


def test_uploads_lie_in_a_folder_of_this_user(mounted: TestClient, visit: Visit):
    folder = Path(page.os.environ[page.TEMPORARY])
    assert Path(visit.upload(png())["path"]).is_relative_to(folder)
    if page.os.name == "posix":
        assert folder.stat().st_mode & 0o077 == 0


def test_the_page_and_the_api_share_the_port():
    app = page.mount_page(make_app({"width": lambda image: {"result": "40"}}), {"width": read_width})
    with TestClient(app) as client:
        assert "gradio" in client.get("/").text
        assert client.post("/", data={"img": "AAAA"}).json()["result"] == "40"
