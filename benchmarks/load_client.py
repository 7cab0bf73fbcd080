"""A client that loads a service from some connections at once, and costs little itself."""

import asyncio
import time
from urllib.parse import quote, urlsplit


def make_request(url: str, image: str) -> bytes:
    """Return the bytes of a POST with an image's base64 in a form."""
    address = urlsplit(url)
    body = f"img={quote(image, safe='')}".encode()
    head = f"POST {address.path or '/'} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Content-Type: application/x-www-form-urlencoded\r\n\r\n".encode() + body


def load(url: str, images: list[str], connections: int, requests: int) -> tuple[list[float], float]:
    """Ask so many times from so many connections; return the seconds of each answer in order, and of all together.

    Raises RuntimeError for an answer that is not 200.
    """
    return asyncio.run(_load(url, [make_request(url, image) for image in images], connections, requests))


async def _load(url: str, bodies: list[bytes], connections: int, requests: int) -> tuple[list[float], float]:
    numbers, seconds = iter(range(requests)), []
    started = time.perf_counter()
    await asyncio.gather(*(_ask_on(url, bodies, numbers, seconds) for _ in range(connections)))
    return seconds, time.perf_counter() - started


async def _ask_on(url: str, bodies: list[bytes], numbers, seconds: list[float]) -> None:
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
