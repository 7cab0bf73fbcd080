"""Long run of the service: a mix of good and bad requests, each with the one correct answer known beforehand.

Reads:  nothing; it makes two tiny models
Writes: a table on the screen: wrong answers, and what the process takes before and after
Next:   update docs/benchmarks.md if a figure differs
"""

import argparse
import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

from bearcat.serving.protocol import FORM, JSON, MAX_IMAGES, MULTIPART
from benchmarks.small_service import FOUND_NAMES, SIGNS, TEXT, left_over, settled_use, small_service
from tests.helpers.services import DARK, LIGHT, Running, png, to_base64

HOST = "127.0.0.1"
CONNECTIONS = 8
WARM_UP = 4000  # requests before the start is measured, at most as many as are measured
LEAVING = 0.02  # of the requests, whose client leaves before the answer
MAX_GROWTH = 20  # MB
ANSWER_SECONDS = 60
SHOWN = 5  # wrong answers that are printed
FULL_QUEUE = "images are waiting already"
Check = Callable[[dict], bool]


@dataclass(frozen=True)
class Kind:
    """A kind of request, and its only correct answer.

    Args:
        name: What it is.
        data: The request as it is sent.
        status: Status of the answer.
        check: Whether the fields of the answer are correct.
        weight: How often it is sent, relative to the others.
    """

    name: str
    data: bytes = field(repr=False)
    status: int = 200
    check: Check | None = None
    weight: int = 4


@dataclass
class Tally:
    """What came back."""

    correct: int = 0
    left: int = 0
    full: int = 0
    wrong: list[str] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)


def post(body: str | bytes, content_type: str = JSON, path: str = "/", *headers: str) -> bytes:
    """Returns a POST request."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"POST {path} HTTP/1.1", f"Host: {HOST}", f"Content-Type: {content_type}", f"Content-Length: {len(data)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + data


def send(method: str, path: str, *headers: str) -> bytes:
    """Returns a request without a body."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", *(headers or [f"Host: {HOST}"]), "", ""]).encode()


def image_json(**fields: object) -> bytes:
    return post(json.dumps(fields))


def multipart(image: bytes) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="img"; filename="a.png"\r\n\r\n'
    return post(head + image + b"\r\n--b--\r\n", f"{MULTIPART}; boundary=b")


def has_text(text: str) -> Check:
    return lambda answer: answer["result"] == text and answer["overall_recognition_rate"] > 0.9


def has_cells(count: int, text: str) -> Check:
    return lambda answer: [cell["label"] for cell in answer["result"]] == [text] * count


def has_results(*texts: str | None) -> Check:
    return lambda answer: [one["result"] for one in answer["results"]] == list(texts)


def has_points(names: int) -> Check:
    return lambda answer: (
        {found["label"] for found in answer["result"]} == FOUND_NAMES and len(answer["points"]) == names
    )


def good_kinds() -> Iterator[Kind]:
    """Yields requests that are answered with 200."""
    square = to_base64(png(0, (160, 160)))  # its cells are as large as the input of the model
    for name, image, text in (("dark", DARK, "a"), ("light", LIGHT, "b")):
        form, url = f"img={quote(image, safe='')}", f"data:image/png;base64,{image}"
        yield Kind(f"{name}, JSON", image_json(img=image), check=has_text(text), weight=20)
        yield Kind(f"{name}, data URL and model", image_json(image=url, model=TEXT), check=has_text(text))
        yield Kind(f"{name}, form", post(form, FORM), check=has_text(text), weight=20)
        yield Kind(f"{name}, gradio", post(json.dumps({"data": [url]}), path="/api/predict"), check=is_gradio(text))
    yield Kind("dark, upload", multipart(png(0)), check=has_text("a"), weight=10)
    yield Kind("list", image_json(img=[DARK, LIGHT, "x"]), check=has_results("a", "b", None))
    yield Kind("64 images", image_json(img=[LIGHT] * MAX_IMAGES), check=has_results(*"b" * MAX_IMAGES), weight=1)
    yield Kind("grid", image_json(img=square, grid="4x4"), check=has_cells(16, "a"))
    yield Kind("grid, other name", image_json(img=square, grid="4x4", name="b"), check=has_cells(0, "a"))
    yield Kind("grid of 100 cells", image_json(img=square, grid="10x10"), check=has_cells(100, "a"), weight=1)
    yield Kind("prompt", image_json(img=DARK, model=SIGNS, prompt="天好"), check=has_points(2), weight=10)
    objects = f"img={quote(DARK, safe='')}&model={SIGNS}&prompt=天"
    yield Kind("objects in a form", post(objects, FORM), check=has_points(1))
    for path in ("/health", "/models", "/metrics", "/openapi.json", "/docs"):
        yield Kind(path, send("GET", path), weight=2)


def is_gradio(text: str) -> Check:
    return lambda answer: answer["data"] == [text]


def bad_kinds() -> Iterator[Kind]:
    """Yields requests that are refused."""
    yield Kind("no image", image_json(model=TEXT), 400)
    yield Kind("empty image", image_json(img=""), 400)
    yield Kind("no base64", image_json(img="?" * 50), 400)
    yield Kind("no image file", image_json(img=to_base64(b"text" * 20)), 415)
    yield Kind("half an image", image_json(img=to_base64(png(0, (64, 64))[:60])), 400)
    yield Kind("too many pixels", image_json(img=to_base64(png(0, (5000, 5000)))), 413, weight=1)
    yield Kind("unknown model", image_json(img=DARK, model="x"), 400)
    yield Kind("prompt for a text", image_json(img=DARK, prompt="a"), 400)
    yield Kind("grid for objects", image_json(img=DARK, model=SIGNS, grid="2x2"), 400)
    yield Kind("invalid grid", image_json(img=DARK, grid="2by2"), 400)
    yield Kind("too many cells", image_json(img=DARK, grid="20x20"), 400)
    yield Kind("65 images", image_json(img=[DARK] * (MAX_IMAGES + 1)), 400)
    yield Kind("long prompt", image_json(img=DARK, model=SIGNS, prompt=["天"] * 65), 400)
    yield Kind("invalid JSON", post('{"img": '), 400)
    yield Kind("deep JSON", post('{"img":' + "[" * 900 + "]" * 900 + "}"), 400)
    yield Kind("a JSON list", post("[]"), 400)
    yield Kind("too many values", post(f'{{"img": [{"0," * 100_000}0]}}'), 413, weight=1)
    yield Kind("no form", post(DARK, "text/plain"), 415)
    yield Kind("charset", post(b"--b--", f"{MULTIPART}; boundary=b; charset=punycode"), 415)
    yield Kind("no boundary", post(b"--b--", MULTIPART), 400)
    yield Kind("no end", post(b"--b\r\n", f"{MULTIPART}; boundary=b"), 400)
    yield Kind("many fields", post("&".join(["a=b"] * 200), FORM), 400)
    yield Kind("too large", post(b"img=" + b"A" * 9_000_000, FORM), 413, weight=1)
    yield Kind("other site", post(f"img={DARK}", FORM, "/", "Sec-Fetch-Site: cross-site"), 403)
    yield Kind("other host", send("GET", "/health", "Host: example.org"), 403)
    yield Kind("wrong method", send("GET", "/api/predict"), 405)
    yield Kind("unknown path", send("GET", "/nowhere"), 404)
    yield Kind("large head", send("GET", "/health", f"Host: {HOST}", f"X: {'a' * 70_000}"), 431, weight=1)
    yield Kind("no HTTP", b"hello\r\n\r\n", 400)


class Load:
    """Clients that send requests in a random order, each on a connection of its own.

    Args:
        service: The service.
        seed: Seed of the order.
    """

    def __init__(self, service: Running, seed: int):
        self.tally = Tally()
        self._port = service.port
        self._random = random.Random(seed)
        self._kinds = [*good_kinds(), *bad_kinds()]
        self._cumulated = list(itertools.accumulate(kind.weight for kind in self._kinds))

    async def run(self, requests: int) -> Tally:
        """Sends a number of requests and returns what came back."""
        self.tally = Tally()
        chosen = self._random.choices(self._kinds, cum_weights=self._cumulated, k=requests)
        leaving = [self._random.random() < LEAVING for _ in chosen]
        await asyncio.gather(*map(self._send, [iter(zip(chosen, leaving, strict=True))] * CONNECTIONS))
        return self.tally

    async def _send(self, requests: Iterator[tuple[Kind, bool]]) -> None:
        """Sends one request after the other, on one connection as long as it stays open."""
        connection = None
        for kind, leaves in requests:
            reader, writer = connection = connection or await asyncio.open_connection(HOST, self._port)
            if leaves:
                writer.write(kind.data[: self._random.randrange(1, len(kind.data) + 1)])
                writer.transport.abort() if self._random.random() < 0.5 else writer.close()
                self.tally.left += 1
                connection = None
                continue
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    writer.write(kind.data)
                    status, head, body = await read_answer(reader)
            except (OSError, EOFError, TimeoutError) as error:
                self._add_wrong(kind, repr(error))
                status, head, body = 0, b"connection: close", b""
            else:
                self._check(kind, status, body)
            if b"connection: close" in head:
                writer.close()
                connection = None
        if connection:
            connection[1].close()

    def _check(self, kind: Kind, status: int, body: bytes) -> None:
        self.tally.statuses[status] += 1
        if status == 503 and FULL_QUEUE in json.loads(body)["return_info"]:
            self.tally.full += 1
        elif status != kind.status or (kind.check and not fits(kind.check, body)):
            self._add_wrong(kind, f"{status} {body[:200]!r}")
        else:
            self.tally.correct += 1

    def _add_wrong(self, kind: Kind, received: str) -> None:
        self.tally.wrong.append(kind.name)
        if len(self.tally.wrong) <= SHOWN:
            print(f"WRONG {kind.name}: expected {kind.status}, received {received}", flush=True)


def fits(check: Check, body: bytes) -> bool:
    """Whether the fields of an answer are there and correct."""
    try:
        return check(json.loads(body))
    except (LookupError, TypeError, ValueError):
        return False


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes, bytes]:
    """Returns the status, the head in lower case, and the body of an answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head.split(None, 2)[1]), head, await reader.readexactly(length)


def soak(requests: int, seed: int = 0, *, page: bool = False) -> bool:
    """Prints the figures of a long run; returns whether every answer was correct and nothing is left over."""
    with small_service(page) as service:
        load = Load(service, seed)
        asyncio.run(load.run(min(requests, WARM_UP)))
        before = settled_use(service)
        tally = asyncio.run(load.run(requests))
        after = settled_use(service, before)
    left, growth = left_over(before, after), after.megabytes - before.megabytes
    print(f"{requests:,} requests: {tally.correct:,} correct, {len(tally.wrong)} wrong, {tally.full} times the queue")
    print(f"was full, {tally.left} clients left; statuses {dict(sorted(tally.statuses.items()))}")
    print("| | memory | descriptors | threads |\n| --- | --- | --- | --- |")
    for name, use in (("before", before), ("after", after)):
        print(f"| {name} | {use.megabytes:.0f} MB | {use.descriptors} | {use.threads} |")
    return not tally.wrong and not left and growth <= MAX_GROWTH


def main() -> None:
    """Soaks a service and ends with 1 if something was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=30_000, metavar="N", help="number of requests (30000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes another order (0)")
    parser.add_argument("--page", action="store_true", help="serve the page as well")
    arguments = parser.parse_args()
    if not soak(arguments.requests, arguments.seed, page=arguments.page):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
