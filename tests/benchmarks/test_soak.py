"""The long run of the service: wrong answers are counted, and a short run finds none."""

import asyncio
from types import SimpleNamespace

import pytest

from benchmarks import small_service, soak
from benchmarks.soak import Load, fits, has_text

ANSWER = b"HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b"
FULL = b'{"return_code": 503, "return_info": "130 images are waiting already: try again in 1 s"}'


def load_on(status: int, body: bytes, requests: int = 40) -> soak.Tally:
    """Returns what comes back from a server that answers every request alike."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(ANSWER % (status, len(body), body))
        await writer.drain()
        writer.close()

    async def run() -> soak.Tally:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            service = SimpleNamespace(port=server.sockets[0].getsockname()[1])
            return await Load(service, 0).run(requests)

    return asyncio.run(run())


def small_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(soak, "bad_kinds", lambda: [])
    monkeypatch.setattr(soak, "good_kinds", lambda: [soak.Kind("health", soak.send("GET", "/health"))])


def test_a_status_other_than_the_known_one_is_wrong(monkeypatch: pytest.MonkeyPatch):
    small_requests(monkeypatch)
    tally = load_on(404, b"{}")
    assert (tally.correct, tally.full) == (0, 0)
    assert len(tally.wrong) + tally.left == 40
    assert tally.statuses == {404: len(tally.wrong)}


def test_answers_of_a_full_queue_are_counted_apart(monkeypatch: pytest.MonkeyPatch):
    small_requests(monkeypatch)
    tally = load_on(503, FULL)
    assert (tally.correct, tally.wrong, tally.full) == (0, [], 40 - tally.left)


@pytest.mark.parametrize(
    ("body", "fit"),
    [
        (b'{"result": "a", "overall_recognition_rate": 1.0}', True),
        (b'{"result": "b", "overall_recognition_rate": 1.0}', False),
        (b'{"result": "a"}', False),
        (b"[]", False),
        (b"a", False),
    ],
)
def test_a_wrong_text_is_noticed(body: bytes, fit: bool):
    assert fits(has_text("a"), body) == fit


def test_a_service_is_soaked_for_a_moment(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture):
    monkeypatch.setattr(small_service, "LOOK_SECONDS", 0.2)
    assert soak.soak(300), capsys.readouterr().out
    assert " 0 wrong," in capsys.readouterr().out
