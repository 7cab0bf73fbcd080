"""Visits to the gradio page without a browser, and an image and a model for them."""

import io
import json
from pathlib import Path

import numpy as np
from fastapi.testclient import TestClient
from httpx import Response
from PIL import Image

from bearcat.data.codecs import Prediction
from bearcat.data.images import open_image

MARK = {"meta": {"_type": "gradio.FileData"}}


def png(width: int = 40) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, 20), "white").save(buffer, "PNG")
    return buffer.getvalue()


def predict_width(path: Path) -> Prediction:
    """Predicts the width of an image; fails like a bug for one higher than 20 pixels."""
    image = open_image(path)
    text = str(image.width // (image.height <= 20))
    return Prediction(text, tuple(np.linspace(0.999, 0.4, len(text))))


class Visit:
    """A visit to the page: sends the browser's requests and returns the HTML of the answers."""

    def __init__(self, client: TestClient, language: str = "en-GB,en"):
        self.client = client
        self.headers = {"accept-language": language}
        self.config = client.get("/config").json()

    def join(self, number: int, data: list, session: str = "visit") -> Response:
        """Sends an event to a handler of the page."""
        event = {"fn_index": number, "data": data, "session_hash": session}
        return self.client.post("/gradio_api/queue/join", json=event, headers=self.headers)

    def read(self, session: str = "visit") -> dict:
        """Returns the output of the one event that was sent, or its error."""
        stream = self.client.get("/gradio_api/queue/data", params={"session_hash": session}, headers=self.headers).text
        messages = [json.loads(line[len("data: ") :]) for line in stream.splitlines() if line.startswith("data: ")]
        (end,) = (message for message in messages if message["msg"] == "process_completed")
        return end["output"]

    def call(self, number: int, data: list) -> dict:
        """Calls an event handler of the page and returns its output, or its error."""
        self.join(number, data)
        return self.read()

    @property
    def predict_number(self) -> int:
        """The number of the event that predicts an image."""
        return next(one["id"] for one in self.config["dependencies"] if len(one["inputs"]) == 4)

    def predict(self, file: dict | None, model: str = "width", prompt: str = "") -> str:
        """Returns the answer to an image as HTML, or the error."""
        output = self.call(self.predict_number, [file, model, prompt, None])
        return output["data"][0] if "data" in output else json.dumps(output)

    def upload(self, content: bytes, name: str = "a.png") -> dict:
        """Uploads a file as the page does."""
        (path,) = self.client.post("/gradio_api/upload", files={"files": (name, content)}).json()
        return {"path": path} | MARK


def find_blocks(client: TestClient):
    """Returns gradio's blocks behind the filter."""
    return client.app.router.routes[-1].app.app.get_blocks()
