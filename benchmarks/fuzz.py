"""Fuzz what strangers' bytes reach first: the image decoder, and the bodies of requests (Linux; pip install atheris).

    python -m benchmarks.fuzz images --seconds 600
    python -m benchmarks.fuzz bodies --seconds 600

Real images and bodies are mutated by libFuzzer, guided by the lines of Pillow and of Bearcat that they reach.
Anything but a typed error, or an answer below 500, is a find: shown once, its bytes kept in artefacts/fuzz.
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
    from bearcat.data.images import FORMATS, InputSpec, extract_pixels, open_image
    from bearcat.serving.app import make_app
    from bearcat.serving.protocol import FORM, JSON, MULTIPART

FINDS = Path("artefacts/fuzz")
SPEC = InputSpec(24, 48, 1)
MAX_BODY = 65_536  # bytes
SLOW = 10  # seconds for one input
MOST_MEMORY = 2048  # MB
KINDS = (JSON, FORM, f"{MULTIPART}; boundary=b", f"{MULTIPART}; boundary=", "text/plain", "")
PATHS = ("/", "/api/predict")


def image_seeds() -> Iterator[bytes]:
    """Yield a small image of every format and mode."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (8, 12, 4), np.uint8), "RGBA")
    for form in FORMATS:
        for mode in ("RGBA", "RGB", "LA", "L", "P", "1", "CMYK", "I;16"):
            buffer = io.BytesIO()
            try:
                noise.convert("L" if mode == "I;16" else mode).convert(mode).save(buffer, form)
            except (OSError, ValueError, KeyError):
                continue  # a format that does not have the mode
            yield buffer.getvalue()
    frames = io.BytesIO()
    noise.convert("P").save(frames, "GIF", save_all=True, append_images=[noise.convert("P")] * 2, transparency=3)
    yield frames.getvalue()
    turned, exif = io.BytesIO(), Image.Exif()
    exif[0x0112] = 6
    noise.convert("RGB").save(turned, "JPEG", exif=exif)
    yield turned.getvalue()
    chunks, told = io.BytesIO(), PngImagePlugin.PngInfo()
    told.add_text("a", "b", zip=True)
    noise.save(chunks, "PNG", pnginfo=told, exif=exif, icc_profile=b"x" * 20)
    yield chunks.getvalue()


def body_seeds() -> Iterator[bytes]:
    """Yield bodies after the byte that says which path and content type they go with."""
    image = next(image_seeds())
    text = base64.b64encode(image).decode()
    part = b'--b\r\nContent-Disposition: form-data; name="img"; filename="a.png"\r\n\r\n' + image + b"\r\n--b--\r\n"
    bodies = {
        0: json.dumps({"img": text, "model": "width", "grid": "1x1", "prompt": ["a"]}).encode(),
        1: f"img={text}&model=width&grid=1x1+0+0~1&name=a".encode(),
        2: part,
        3: part,
        len(KINDS): json.dumps({"data": [f"data:image/png;base64,{text}"]}).encode(),
    }
    for number, body in bodies.items():
        yield bytes([number]) + body
    yield b"\0" + json.dumps({"img": [text, text, "x"]}).encode()


def try_image(data: bytes) -> None:
    """Open bytes as an image; raise what is no ImageError."""
    try:
        pixels = extract_pixels(data, SPEC)
    except ImageError:
        return
    assert pixels.shape == SPEC.shape


def width_of(image: bytes, **options: object) -> dict:
    """Answer with the image's width, as a unit would with its text."""
    text = str(open_image(image).width)
    return {"result": text, "recognition_rate": [1.0], "overall_recognition_rate": 1.0, "time": 0}


class Service:
    """The service's app without a network: one request at a time."""

    def __init__(self):
        self.app = make_app({"width": width_of}, MAX_BODY)
        self.loop = asyncio.new_event_loop()

    def __call__(self, data: bytes) -> None:
        """Send a body; raise where the answer is none of ours, or says that the service failed."""
        number, body = data[0] if data else 0, data[1:]
        kind, path = KINDS[number % len(KINDS)], PATHS[number // len(KINDS) % len(PATHS)]
        status, answer = self.loop.run_until_complete(self._post(path, kind, body))
        assert status < 500, (status, answer)
        said = json.loads(answer)
        assert path != "/" or said["return_code"] == status, said

    async def _post(self, path: str, kind: str, body: bytes) -> tuple[int, bytes]:
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
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


TARGETS = {"pictures": (image_seeds, lambda: try_image), "bodies": (body_seeds, Service)}


def recorded(target: Callable[[bytes], None], name: str) -> Callable[[bytes], None]:
    """Return the target with its finds written down, each place once, in place of ending the run."""
    seen = set()

    def run(data: bytes) -> None:
        try:
            target(data)
        except Exception as error:  # noqa: BLE001  that is what is looked for
            last = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__} at {last.filename}:{last.lineno}"
            if place not in seen:
                seen.add(place)
                FINDS.mkdir(parents=True, exist_ok=True)
                file = FINDS / f"{name}-{hashlib.blake2b(data, digest_size=6).hexdigest()}"
                file.write_bytes(data)
                print(f"FOUND {place}: {error!s:.200} ({file})", flush=True)
                traceback.print_exc()

    return run


def main() -> None:
    """Fuzz one target for some seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--seconds", type=int, default=600)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # Pillow's, on damaged images
    logging.disable(logging.ERROR)
    seeds, make_target = TARGETS[arguments.target]
    corpus = FINDS / f"{arguments.target}-corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number:03d}").write_bytes(seed)
    options = [f"-max_total_time={arguments.seconds}", f"-timeout={SLOW}", f"-rss_limit_mb={MOST_MEMORY}"]
    options += [f"-artifact_prefix={FINDS}/{arguments.target}-", "-max_len=4096", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus)], recorded(make_target(), arguments.target))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
