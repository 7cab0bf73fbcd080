"""Valid images and bodies to mutate."""

import base64
import io
import json
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin

from bearcat.data.images import SERVED_FORMATS
from bearcat.serving.protocol import FORM, JSON, MULTIPART

CONTENT_TYPES = (JSON, FORM, f"{MULTIPART}; boundary=b", f"{MULTIPART}; boundary=", "text/plain", "")


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
