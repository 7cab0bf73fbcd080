"""A load generator with several connections and little overhead of its own."""

import asyncio
import time
from urllib.parse import quote, urlsplit


def make_request(url: str, image: str) -> bytes:
    """Returns the bytes of a POST request with an image's base64 in a form."""
    address = urlsplit(url)
    body = f"img={quote(image, safe='')}".encode()
    head = f"POST {address.path or '/'} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body


def load(url: str, images: list[str], connections: int, requests: int) -> tuple[list[float], float]:
    """Sends requests, each connection one after the other.

    Args:
        url: The service.
        images: Images as base64, sent in turn.
        connections: Number of connections.
        requests: Number of requests of all connections together.

    Returns:
        The seconds of each request, in order of completion, and the seconds of the whole run.

    Raises:
        RuntimeError: An answer is not 200.
    """
    return asyncio.run(_load(url, [make_request(url, image) for image in images], connections, requests))


async def _load(url: str, bodies: list[bytes], connections: int, requests: int) -> tuple[list[float], float]:
    numbers, seconds = iter(range(requests)), []
    started = time.perf_counter()
    await asyncio.gather(*(_run_connection(url, bodies, numbers, seconds) for _ in range(connections)))
    return seconds, time.perf_counter() - started


async def _run_connection(url: str, bodies: list[bytes], numbers, seconds: list[float]) -> None:
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for number in numbers:
        started = time.perf_counter()
        writer.write(bodies[number % len(bodies)])
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        seconds.append(time.perf_counter() - started)
        if b" 200 " not in head[:16]:
            raise RuntimeError(f"{url} answered {head[:16]!r}: {body[:200]!r}")
    writer.close()
    await writer.wait_closed()
