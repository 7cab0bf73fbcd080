"""Fuzzes what receives untrusted bytes: the image decoder and the request parser (Linux; pip install atheris).

    python -m benchmarks.fuzz images --seconds 600
    python -m benchmarks.fuzz bodies --seconds 600

libFuzzer mutates valid images and bodies, guided by the coverage of Pillow and Bearcat. An untyped exception, or an
answer of 500 and above, is a finding: it is printed once, and its input is kept in artefacts/fuzz.
"""

import argparse
import asyncio
import base64
import hashlib
import io
import json
import logging
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import atheris
import numpy as np

with atheris.instrument_imports(include=["PIL", "bearcat", "python_multipart", "starlette.formparsers"]):
    from PIL import Image, PngImagePlugin

    from bearcat.core.errors import ImageError
    from bearcat.data.images import SERVED_FORMATS, InputSpec, extract_pixels, open_image
    from bearcat.serving.app import make_app
    from bearcat.serving.protocol import FORM, JSON, MULTIPART

FINDINGS = Path("artefacts/fuzz")
SPECS = InputSpec(24, 48, 1), InputSpec(24, 48, 3, "median"), InputSpec(24, 48, 1, "spread")
MAX_BODY = 65_536  # bytes
TIMEOUT = 10  # seconds for one input
MAX_MEMORY = 2048  # MB
CONTENT_TYPES = (JSON, FORM, f"{MULTIPART}; boundary=b", f"{MULTIPART}; boundary=", "text/plain", "")
PATHS = ("/", "/api/predict")


def image_seeds() -> Iterator[bytes]:
    """Yields a small image of every format and mode."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 12, 4), np.uint8), "RGBA")
    for format_name in SERVED_FORMATS:
        for mode in ("RGBA", "RGB", "LA", "L", "P", "1", "CMYK", "I;16"):
            buffer = io.BytesIO()
            try:
                noise.convert("L" if mode == "I;16" else mode).convert(mode).save(buffer, format_name)
            except (OSError, ValueError, KeyError):
                continue  # the format does not support the mode
            yield buffer.getvalue()
    frames = io.BytesIO()
    noise.convert("P").save(frames, "GIF", save_all=True, append_images=[noise.convert("P")] * 2, transparency=3)
    yield frames.getvalue()
    rotated, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    noise.convert("RGB").save(rotated, "JPEG", exif=exif)
    yield rotated.getvalue()
    chunks, text = io.BytesIO(), PngImagePlugin.PngInfo()
    text.add_text("a", "b", zip=True)
    noise.save(chunks, "PNG", pnginfo=text, exif=exif, icc_profile=b"x" * 20)
    yield chunks.getvalue()


def body_seeds() -> Iterator[bytes]:
    """Yields bodies, each after a byte that chooses its path and content type."""
    image = next(image_seeds())
    text = base64.b64encode(image).decode()
    part = b'--b\r\nContent-Disposition: form-data; name="img"; filename="a.png"\r\n\r\n' + image + b"\r\n--b--\r\n"
    bodies = {
        0: json.dumps({"img": text, "model": "width", "grid": "1x1", "prompt": ["a"]}).encode(),
        1: f"img={text}&model=width&grid=1x1+0+0~1&name=a".encode(),
        2: part,
        3: part,
        len(CONTENT_TYPES): json.dumps({"data": [f"data:image/png;base64,{text}"]}).encode(),
    }
    for number, body in bodies.items():
        yield bytes([number]) + body
    yield b"\0" + json.dumps({"img": [text, text, "x"]}).encode()


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


def recording(target: Callable[[bytes], None], name: str) -> Callable[[bytes], None]:
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
                FINDINGS.mkdir(parents=True, exist_ok=True)
                file = FINDINGS / f"{name}-{hashlib.blake2b(data, digest_size=6).hexdigest()}"
                file.write_bytes(data)
                print(f"FOUND {place}: {error!s:.200} ({file})", flush=True)
                traceback.print_exc()

    return run


def main() -> None:
    """Fuzzes one target for a number of seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # Pillow's, on damaged images
    logging.disable(logging.ERROR)
    seeds, make_target = TARGETS[arguments.target]
    corpus = FINDINGS / f"{arguments.target}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:03d}").write_bytes(seed)
    options = [f"-max_total_time={arguments.seconds}", f"-timeout={TIMEOUT}", f"-rss_limit_mb={MAX_MEMORY}"]
    options += [f"-artifact_prefix={FINDINGS}/{arguments.target}-", "-max_len=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], recording(make_target(), arguments.target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
