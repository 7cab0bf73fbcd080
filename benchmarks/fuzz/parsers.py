"""The targets of atheris: the image decoder and the parser of request bodies, in this process.

libFuzzer mutates valid images and bodies, guided by the coverage of Pillow and Bearcat. An untyped exception, or an
answer of 500 and above, is a finding.
"""

import asyncio
import hashlib
import json
import logging
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["PIL", "bearcat", "python_multipart", "starlette.formparsers"]):
    from bearcat.core.errors import ImageError
    from bearcat.data.images import InputSpec, extract_pixels, open_image
    from bearcat.serving.app import make_app
    from benchmarks.fuzz.seeds import CONTENT_TYPES, body_seeds, image_seeds

SPECS = (
    InputSpec(24, 48, 1),
    InputSpec(24, 48, 3, "median"),
    InputSpec(24, 48, 1, "spread"),
    InputSpec(24, 48, 1, layout="two_lines"),
    InputSpec(24, 48, 3, layout="vertical"),
)
MAX_BODY = 65_536  # bytes
TIMEOUT = 10  # seconds for one input
MAX_MEMORY = 2048  # MB
PATHS = ("/", "/api/predict")


def try_image(data: bytes) -> None:
    """Opens bytes as an image; raises any exception but ImageError."""
    for spec in SPECS:
        try:
            pixels = extract_pixels(data, spec)
        except ImageError:
            continue
        assert pixels.shape == spec.shape


def width_of(image: bytes, **options: object) -> dict:
    """Answers with the image's width, as a model would with its text."""
    text = str(open_image(image).width)
    return {"result": text, "recognition_rate": [1.0], "overall_recognition_rate": 1.0, "time": 0}


class Service:
    """The service's app without a server: one request at a time."""

    def __init__(self):
        self.app = make_app({"width": width_of}, MAX_BODY)
        self.loop = asyncio.new_event_loop()

    def __call__(self, data: bytes) -> None:
        """Sends a body; raises if the answer is a failure of the service or does not fit the contract."""
        choice, body = data[0] if data else 0, data[1:]
        content_type = CONTENT_TYPES[choice % len(CONTENT_TYPES)]
        path = PATHS[choice // len(CONTENT_TYPES) % len(PATHS)]
        status, answer = self.loop.run_until_complete(self._post(path, content_type, body))
        assert status < 500, (status, answer)
        payload = json.loads(answer)
        assert path != "/" or payload["return_code"] == status, payload

    async def _post(self, path: str, content_type: str, body: bytes) -> tuple[int, bytes]:
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http"}
        scope |= {"path": path, "raw_path": path.encode(), "query_string": b"", "headers": headers, "root_path": ""}
        scope |= {"client": ("127.0.0.1", 1), "server": ("127.0.0.1", 5006)}
        requests = [{"type": "http.request", "body": body, "more_body": False}]
        answers = []

        async def receive() -> dict:
            return requests.pop() if requests else await asyncio.Event().wait()

        async def send(message: dict) -> None:
            answers.append(message)

        await self.app(scope, receive, send)
        return answers[0]["status"], b"".join(message.get("body", b"") for message in answers[1:])


TARGETS = {"images": (image_seeds, lambda: try_image), "bodies": (body_seeds, Service)}


def recording(target: Callable[[bytes], None], name: str, findings: Path) -> Callable[[bytes], None]:
    """Wraps a target so that a finding is recorded, once per line of code, and does not end the run."""
    seen = set()

    def run(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:  # noqa: BLE001  any exception is a finding
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {last.filename}:{last.lineno}"
            if place not in seen:
                seen.add(place)
                findings.mkdir(parents=True, exist_ok=True)
                file = findings / f"{name}-{hashlib.blake2b(data, digest_size=6).hexdigest()}"
                file.write_bytes(data)
                print(f"FOUND {place}: {error!s:.200} ({file})", flush=True)
                traceback.print_exc()

    return run


def fuzz(name: str, seconds: int, findings: Path) -> None:
    """Fuzzes one target for a number of seconds; inputs that are findings are kept in a folder."""
    warnings.simplefilter("ignore")  # Pillow's, on damaged images
    logging.disable(logging.ERROR)
    seeds, make_target = TARGETS[name]
    corpus = findings / f"{name}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:03d}").write_bytes(seed)
    options = [f"-max_total_time={seconds}", f"-timeout={TIMEOUT}", f"-rss_limit_mb={MAX_MEMORY}"]
    options += [f"-artifact_prefix={findings}/{name}-", "-max_len=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], recording(make_target(), name, findings))
    atheris.Fuzz()
