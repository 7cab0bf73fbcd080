"""Valid requests to the service and its page, and ways to damage them; each case is made from a seed and its number."""

import base64
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from bearcat.serving.protocol import FORM, JSON, MULTIPART
from benchmarks.fuzz.seeds import body_seeds, image_seeds
from benchmarks.small_service import SIGNS, TEXT

BOUNDARY = b"----b"
VISIT = "fuzzed"
PAGE_PATHS = """/ /config /theme.css /robots.txt /manifest.json /gradio_api/info /gradio_api/startup-events
/gradio_api/app_id /gradio_api/heartbeat/fuzzed /gradio_api/file=/etc/hostname /assets/index.js
/gradio_api/queue/data?session_hash=fuzzed /gradio_api/upload_progress?upload_id=a /proxy=http://127.0.0.1:9/""".split()
API_PATHS = ("/health", "/models", "/metrics", "/docs", "/openapi.json", "/nowhere")
LARGE = 9_000_000  # bytes, beyond the bound of bodies
TOKENS = rb"""\r\n|\n|\r\n\r\n|\0|%00|%|%2|%ff|../|/|?|#|:|;|,|=|&|+|"|'|{|}|[|]|\xff|\xc3\x28|\xe2\x80\xae|\x1b[2J|-|
--|0|-1|1|9999999999999999999|1e999|NaN|null|true|charset=punycode|charset=utf-7|boundary=|
Expect: 100-continue\r\n|Host: evil\r\n|Content-Length: 5\r\n|Content-Length: -1\r\n|
Transfer-Encoding: chunked\r\n|Transfer-Encoding: gzip, chunked\r\n|Connection: close\r\n|
Connection: Upgrade\r\nUpgrade: websocket\r\n|Upgrade: h2c\r\n|Content-Encoding: gzip\r\n|
Sec-Fetch-Site: cross-site\r\n|Origin: null\r\n|Range: bytes=0-\r\n|Authorization: Bearer x\r\n|
Cookie: bearcat_token=x\r\n|X-Forwarded-For: ::1\r\n|HTTP/1.0|HTTP/2.0|PRI * HTTP/2.0|HEAD |GET |PUT |
POST |OPTIONS |CONNECT |TRACE |img|model|grid|prompt|data:image/png;base64,|b'|file=|
http://127.0.0.1:9/|session_hash|fn_index|1x1|9x9|40x40|1000x1000|2x2+1+1~1"""
DICTIONARY = [token.strip(b"\n").decode("unicode_escape").encode("latin-1") for token in TOKENS.split(b"|")]
VALUES: list[object] = [
    *(None, True, -1, 0, 2**63, 1.5, float("nan"), float("inf"), "", " ", "\0", "\ud800", "‮a", "a" * 90, "a" * 2000),
    *("1x1", "9x9", "16x16", "40x40", "0x0", "2x2+3+3~1", "1000000x1000000", TEXT, SIGNS, "天好", '["天"]', "[" * 900),
    *("data:", "data:image/png;base64,", "b'AAAA'", "%", "%2", "////", "=", "AAAA", "http://127.0.0.1:9/a", "../../a"),
    *([], {}, [[]], [None], ["天"] * 65, ["a"] * 64, {"path": "http://127.0.0.1:9/a"}, {"path": "/etc/hostname"}),
]
NESTED = '"[nested]"'  # replaced in the text by what json.dumps cannot write
UNUSUAL = ("[" * 60 + "]" * 60, "[" * 3000 + "]" * 3000, "9" * 5000, "1e400", "-0", '"\\ud800"', "nul", '"\t"')


@dataclass(frozen=True)
class Request:
    """A request in parts."""

    line: bytes
    headers: tuple[bytes, ...] = ()
    body: bytes = b""

    @property
    def has_body(self) -> bool:
        return b"POST" in self.line

    @property
    def encoded(self) -> bytes:
        """The request as it is sent, with the length of its body."""
        length = (b"Content-Length: %d" % len(self.body),) if self.has_body else ()
        return joined(self.line, (*self.headers, *length), self.body)


@dataclass(frozen=True)
class Case:
    """What one connection sends, in pieces, and whether it then leaves without reading."""

    pieces: tuple[bytes, ...]
    requests: int
    leaves: bool

    @property
    def data(self) -> bytes:
        return b"".join(self.pieces)


def get(path: str, *headers: bytes) -> Request:
    return Request(f"GET {path} HTTP/1.1".encode(), (b"Host: 127.0.0.1", *headers))


def post(path: str, content_type: str, body: bytes) -> Request:
    headers = (b"Host: 127.0.0.1", f"Content-Type: {content_type}".encode())
    return Request(f"POST {path} HTTP/1.1".encode(), headers, body)


def form_body(image: bytes, field: str = "img") -> bytes:
    """Returns a multipart form with an upload and two more fields."""
    parts = [b'name="%b"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n%b' % (field.encode(), image)]
    parts += [b'name="model"\r\n\r\n%b' % TEXT.encode(), b'name="other"\r\n\r\nx']
    body = b"".join(b"--%b\r\nContent-Disposition: form-data; %b\r\n" % (BOUNDARY, part) for part in parts)
    return body + b"--%b--\r\n" % BOUNDARY


def make_seeds(upload: str | None) -> list[Request]:
    """Returns valid requests.

    Args:
        upload: Path of an image that was uploaded to the page; None if the page is not served.
    """
    image = next(image_seeds())
    text = base64.b64encode(image).decode()
    objects: list[dict] = [
        *({"img": text}, {"img": text, "model": TEXT, "grid": "2x2", "name": "a"}, {"img": [text, text, "x"]}),
        *({"img": text, "model": SIGNS, "prompt": ["天", "好"]}, {"image": text, "model": SIGNS, "prompt": "天好"}),
    ]
    seeds = [post("/", JSON, json.dumps(fields).encode()) for fields in objects]
    seeds += [post("/api/predict", JSON, json.dumps({"data": [f"data:image/png;base64,{text}"]}).encode())]
    seeds += [post("/", FORM, body[1:]) for body in body_seeds() if body[0] == 1]
    seeds += [post("/", FORM, f"img_base64=b'{text}'&model={SIGNS}&prompt=%5B%22%E5%A4%A9%22%5D".encode())]
    seeds += [post("/", f"{MULTIPART}; boundary={BOUNDARY.decode()}; charset=utf-8", form_body(image))] * 2
    seeds += [get(path) for path in API_PATHS]
    if upload is None:
        return seeds
    seeds += [get(path) for path in PAGE_PATHS] + [get(f"/gradio_api/file={upload}")]
    file = {"path": upload, "meta": {"_type": "gradio.FileData"}, "orig_name": "a.png"}
    for number in range(4):
        event = {"data": [file, TEXT, "天"][: number + 1], "fn_index": number, "session_hash": VISIT}
        seeds.append(post("/gradio_api/queue/join", JSON, json.dumps(event | {"trigger_id": 1}).encode()))
    ended = json.dumps({"session_hash": VISIT, "fn_index": 0, "event_id": "a"}).encode()
    seeds += [post(f"/gradio_api/{path}", JSON, ended) for path in ("reset", "cancel")]
    seeds += [post("/gradio_api/upload", f"{MULTIPART}; boundary={BOUNDARY.decode()}", form_body(image, "files"))]
    return seeds


def make_case(seeds: list[Request], seed: int, number: int) -> Case:
    """Returns a case: the same for the same seeds, seed and number."""
    choose = random.Random(f"{seed} {number}")
    requests = choose.choices((1, 2, 5, 20), (80, 12, 6, 2))[0]
    data = b"".join(damaged(choose.choice(seeds), choose) for _ in range(requests))
    if choose.random() < 0.1:
        data = mutate(data, choose)
    leaves = choose.random() < 0.05
    if leaves or choose.random() < 0.03:
        data = data[: choose.randrange(len(data) + 1)]
    cuts = sorted(choose.randrange(len(data) + 1) for _ in range(choose.choice((0, 0, 1, 3))))
    pieces = [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    return Case(tuple(pieces), requests, leaves)


def damaged(request: Request, choose: random.Random) -> bytes:
    """Returns a request with damage to some of its parts, as it is sent."""
    for damage in choose.sample(DAMAGES, choose.choice((0, 1, 1, 1, 2, 3))):
        request = damage(request, choose)
    frame = choose.choices((None, chunked, badly_framed), (70, 20, 10))[0]
    return frame(request, choose) if frame and request.body else request.encoded


def damage_line(request: Request, choose: random.Random) -> Request:
    return replace(request, line=mutate(request.line, choose))


def damage_headers(request: Request, choose: random.Random) -> Request:
    """Damages, repeats, removes or adds a header."""
    headers = list(request.headers) or [b"Host: 127.0.0.1"]
    index = choose.randrange(len(headers))
    match choose.randrange(4):
        case 0:
            headers[index] = mutate(headers[index], choose)
        case 1:
            headers += [headers[index]] * choose.choice((1, 3, 200))
        case 2:
            del headers[index]
        case _:
            headers.insert(index, choose.choice(DICTIONARY).strip() * choose.choice((1, 1, 50, 5000)))
    return replace(request, headers=tuple(headers))


def damage_body(request: Request, choose: random.Random) -> Request:
    if choose.random() < 0.005:
        return replace(request, body=request.body + choose.choice((b"A", b"\0", b"&", b"[", b"%")) * LARGE)
    return replace(request, body=mutate(request.body, choose))


def damage_json(request: Request, choose: random.Random) -> Request:
    """Replaces a value of a JSON body, or adds one."""
    try:
        payload = json.loads(request.body)
    except (ValueError, RecursionError):  # it is not JSON, or no longer
        payload = None
    if not isinstance(payload, dict):
        return damage_body(request, choose)
    value = choose.choice([*VALUES, "[nested]"])
    holders = [payload, *(inner for inner in payload.values() if isinstance(inner, list | dict) and inner)]
    holder = choose.choice(holders)
    if isinstance(holder, dict):
        holder[choose.choice([*holder, "grid", "prompt", "name", "model", "img", "x" * 200])] = value
    else:
        holder[choose.randrange(len(holder))] = value
    text = json.dumps(payload, ensure_ascii=choose.random() < 0.5).replace(NESTED, choose.choice(UNUSUAL))
    return replace(request, body=text.encode("utf-8", choose.choice(("replace", "surrogatepass"))))


def damage_image(request: Request, choose: random.Random) -> Request:
    """Puts a damaged image in the place of the first one of a JSON body."""
    image = base64.b64encode(mutate(choose.choice(IMAGES), choose)).decode()
    if not request.body.startswith((b'{"img": "', b'{"data": [')):
        return damage_body(request, choose)
    return replace(request, body=json.dumps({"img": image, "model": choose.choice((TEXT, SIGNS))}).encode())


def mutate(data: bytes, choose: random.Random) -> bytes:
    """Changes some bytes in one to four places."""
    for _ in range(choose.choice((1, 1, 2, 4))):
        start = choose.randrange(len(data) + 1)
        end = min(len(data), start + choose.choice((0, 1, 2, 8, 100)))
        replacement = choose.choice(REPLACEMENTS)(data, start, end, choose)
        data = data[:start] + replacement + data[end:]
    return data


def joined(line: bytes, headers: tuple[bytes, ...], body: bytes = b"") -> bytes:
    return b"\r\n".join((line, *headers, b"", body))


def badly_framed(request: Request, choose: random.Random) -> bytes:
    """Returns a request with a wrong length of its body, several, or none."""
    lengths = (0, 1, len(request.body) - 1, len(request.body) + 1, 10**7, 10**12, 10**30, -1)
    headers = [b"Content-Length: %d" % choose.choice(lengths) for _ in range(choose.choice((0, 1, 1, 2)))]
    return joined(request.line, (*request.headers, *headers), request.body)


def chunked(request: Request, choose: random.Random) -> bytes:
    """Returns a request in chunks, which may be damaged."""
    size = choose.choice((1, 7, 100, 70_000)) if len(request.body) < 10_000 else 70_000
    chunks = [request.body[start : start + size] for start in range(0, len(request.body), size)]
    extension = choose.choice((b"", b"", b";a=b", b";" + b"a" * 5000))
    encoded = b"".join(b"%x%b\r\n%b\r\n" % (len(chunk), extension, chunk) for chunk in chunks)
    trailers = choose.choice((b"", b"", b"A: b\r\n", b"Content-Length: 3\r\n", b"A: b\r\n" * 20_000))
    encoded += b"0\r\n%b\r\n" % trailers
    if choose.random() < 0.3:
        encoded = mutate(encoded, choose)
    return joined(request.line, (*request.headers, b"Transfer-Encoding: chunked"), encoded)


Damage = Callable[[Request, random.Random], Request]
DAMAGES: tuple[Damage, ...] = (
    *(damage_line, damage_headers, damage_headers, damage_body, damage_body, damage_json, damage_json, damage_image),
)
Replacement = Callable[[bytes, int, int, random.Random], bytes]
REPLACEMENTS: tuple[Replacement, ...] = (
    lambda data, start, end, choose: b"",
    lambda data, start, end, choose: choose.randbytes(max(1, end - start)),
    lambda data, start, end, choose: data[start:end] * choose.choice((2, 3, 50)),
    lambda data, start, end, choose: bytes(byte ^ 1 << choose.randrange(8) for byte in data[start:end]),
    lambda data, start, end, choose: choose.choice(DICTIONARY),
    lambda data, start, end, choose: data[start:end] + choose.choice(DICTIONARY),
)
IMAGES = tuple(image_seeds())
