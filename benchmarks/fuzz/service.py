"""The running service as a target: mutated requests over sockets, while it is watched.

A finding is a status of 500 and above but 503, an answer that is not valid HTTP or does not fit the contract, a
/health that does not answer, a traceback in the log, too much memory, and descriptors or threads that are left over.
"""

import asyncio
import hashlib
import itertools
import re
import time
from pathlib import Path

import httptools
import requests

from benchmarks.fuzz.cases import Case, make_case, make_seeds
from benchmarks.fuzz.contract import AnswerParser, problem_of
from benchmarks.fuzz.seeds import image_seeds
from benchmarks.small_service import Use, left_over, settled_use, small_service, use_of
from tests.helpers.services import Running

HOST = "127.0.0.1"
CONNECTIONS = 12  # at a time
SEND_SECONDS = 5  # after which a connection gives up sending
QUIET_SECONDS = 0.4  # without an answer after which a connection gives up: its request may not be complete
READ_SECONDS = 3  # for all answers of a connection: some of the page never end
READ_BYTES = 2**16
HEALTH_SECONDS = 10  # in which /health must answer, on a machine that is busy with the fuzzing
WATCH_SECONDS = 1
PEAK_MEGABYTES = 1000  # beyond the start: what bodies, uploads and images may take at a time
LEFT_MEGABYTES = 200  # beyond the start that may remain: the histories of the page's visits
LOG_LINES = 60  # before and with a traceback, that are kept
TRACEBACK = "Traceback (most recent call last)"
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\d ")
ERROR = re.compile(r"[ |]*([\w.]*(?:Error|Exception|Disconnect|Group)\b.*)")  # the last line of a traceback


class Findings:
    """What was found, each kind once.

    Args:
        folder: Where what caused it is kept.
        name: First part of the names of the files.
    """

    def __init__(self, folder: Path, name: str = "service"):
        self.kinds: dict[str, int] = {}
        self._folder = folder
        self._name = name

    def add(self, kind: str, detail: object, data: bytes) -> None:
        """Counts a finding; prints and keeps the first one of its kind."""
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        if self.kinds[kind] == 1:
            self._folder.mkdir(parents=True, exist_ok=True)
            file = self._folder / f"{self._name}-{hashlib.blake2b(data, digest_size=6).hexdigest()}"
            file.write_bytes(data)
            print(f"FOUND {kind}: {detail!s:.300} ({file})", flush=True)


class ServiceFuzzer:
    """Sends cases to a service, several connections at a time.

    Args:
        service: The service.
        findings: Where findings are added.
        seed: Seed of the cases.
        first: Number of the first case.
    """

    def __init__(self, service: Running, findings: Findings, seed: int, first: int, page: bool):
        self.cases = self.answered = 0
        self.statuses: dict[int, int] = {}
        self.peak = 0.0  # MB
        self._service = service
        self._findings = findings
        self._numbers = itertools.count(first)
        self._seed = seed
        self._page = page
        self._seeds = make_seeds(_upload(service) if page else None)
        self._deadline = 0.0

    async def warm_up(self) -> None:
        """Sends each valid request several times, so that threads and caches are there when the start is measured."""
        for seed in self._seeds:
            case = Case((seed.encoded,), 1, leaves=False)
            await asyncio.gather(*(self._send(case, "warm-up") for _ in range(CONNECTIONS)))

    async def run(self, seconds: float) -> None:
        """Sends cases for a number of seconds."""
        self._deadline = time.monotonic() + seconds
        before = use_of(self._service).megabytes
        await asyncio.gather(self._watch(before), *(self._send_cases() for _ in range(CONNECTIONS)))

    async def _send_cases(self) -> None:
        while time.monotonic() < self._deadline:
            number = next(self._numbers)
            await self._send(make_case(self._seeds, self._seed, number), f"case {number} of seed {self._seed}")
            self.cases += 1

    async def _send(self, case: Case, name: str) -> None:
        """Sends a case on a connection of its own, and checks the answers."""
        parser = AnswerParser(b"HEAD" in case.data.upper())
        try:
            reader, writer = await asyncio.open_connection(HOST, self._service.port)
        except OSError as error:
            return self._findings.add(f"no connection: {type(error).__name__}", f"{error}, {name}", case.data)
        try:
            async with asyncio.timeout(SEND_SECONDS):
                for piece in case.pieces:
                    writer.write(piece)
                    await writer.drain()
            if not case.leaves:
                await self._read(reader, parser, case.requests)
        except httptools.HttpParserError as error:
            self._findings.add("invalid HTTP", f"{error}, {name}", case.data)
        except (OSError, TimeoutError):
            pass  # it closed the connection, or waits for the rest of a request
        finally:
            writer.transport.abort()
        self._check(parser, case, name)

    async def _read(self, reader: asyncio.StreamReader, parser: AnswerParser, count: int) -> None:
        async with asyncio.timeout(READ_SECONDS):
            while len(parser.answers) < count:
                async with asyncio.timeout(QUIET_SECONDS):
                    data = await reader.read(READ_BYTES)
                if not data:
                    return
                parser.feed(data)

    def _check(self, parser: AnswerParser, case: Case, name: str) -> None:
        for answer in parser.answers:
            self.answered += 1
            self.statuses[answer.status] = self.statuses.get(answer.status, 0) + 1
            if problem := problem_of(answer, of_page=self._page):
                self._findings.add(problem, f"{answer.body[:200]!r}, {name}", case.data)

    async def _watch(self, before: float) -> None:
        """Looks at the service's health, log and memory until the end."""
        with self._service.log_file.open(encoding="utf-8", errors="replace") as log:
            lines: list[str] = []
            while time.monotonic() < self._deadline:
                await asyncio.sleep(WATCH_SECONDS)
                recent = f"cases up to {self.cases} of seed {self._seed}"
                tracebacks, lines = find_tracebacks(lines + log.readlines())
                for kind, errors, kept in tracebacks:
                    self._findings.add(kind, f"{errors}, {recent}", f"{recent}\n{kept}".encode())
                await self._check_health(recent)
                if self._service.process.poll() is not None:
                    self._deadline = 0.0
                    return self._findings.add("the service ended", recent, "".join(lines).encode())
                self.peak = max(self.peak, use_of(self._service).megabytes)
                if self.peak > before + PEAK_MEGABYTES:
                    self._findings.add("memory", f"{self.peak:.0f} MB, {recent}", recent.encode())

    async def _check_health(self, recent: str) -> None:
        try:  # in a thread: this event loop may be late itself
            url = f"{self._service.address}/health"
            received = str((await asyncio.to_thread(requests.get, url, timeout=HEALTH_SECONDS)).status_code)
        except requests.RequestException as error:
            received = repr(error)
        if received != "200":
            self._findings.add("/health", f"{received}, {recent}", recent.encode())


def find_tracebacks(lines: list[str]) -> tuple[list[tuple[str, str, str]], list[str]]:
    """Finds the tracebacks in some lines of the log.

    Returns:
        Kind, errors and lines of each, and the lines to put before the next ones.
    """
    found = []
    while (start := next((n for n, line in enumerate(lines) if TRACEBACK in line), None)) is not None:
        end = next((n for n in range(start + 1, len(lines)) if LOG_LINE.match(lines[n])), None)
        if end is None:
            return found, lines  # the rest has not been written yet
        kept = "".join(lines[max(0, start - LOG_LINES) : end])
        places = re.findall(r'File "(.*?)", line (\d+)', "".join(lines[start:end]))
        errors = [match[1] for line in lines[start:end] if (match := ERROR.match(line))]
        error, place = (errors or ["?"])[-1].partition(":")[0], ":".join((places or ["?"])[-1])
        found.append((f"traceback {error} at {place}", "; ".join(errors), kept))
        lines = lines[end:]
    return found, lines[-LOG_LINES:]


def fuzz_service(seconds: float, folder: Path, *, page: bool = True, seed: int = 0, first: int = 0) -> dict[str, int]:
    """Fuzzes a service of its own for a number of seconds.

    Args:
        seconds: Time for the requests.
        folder: Where what caused findings is kept.
        page: Whether to serve the page, and to send its requests.
        seed: Seed of the requests.
        first: Number of the first case.

    Returns:
        How often each kind of finding occurred.
    """
    findings = Findings(folder)
    with small_service(page) as service:
        fuzzer = ServiceFuzzer(service, findings, seed, first, page)
        asyncio.run(fuzzer.warm_up())
        before = settled_use(service)
        asyncio.run(fuzzer.run(seconds))
        if service.process.poll() is None:
            after = settled_use(service, before)
            check_left(findings, before, after)
            print(f"{fuzzer.cases} connections, {fuzzer.answered} answers: {dict(sorted(fuzzer.statuses.items()))}")
            print(f"before: {before}; after: {after}; at most {fuzzer.peak:.0f} MB")
    print(f"findings: {findings.kinds or 'none'}")
    return findings.kinds


def check_left(findings: Findings, before: Use, after: Use) -> None:
    """Adds what a service still holds after all clients have left."""
    detail = f"{before} before, {after} after"
    if after.megabytes > before.megabytes + LEFT_MEGABYTES:
        findings.add("memory that is left", detail, detail.encode())
    for what in left_over(before, after):
        findings.add(f"{what} that are left", detail, detail.encode())


def _upload(service: Running) -> str:
    """Uploads an image to the page; returns its path."""
    files = {"files": ("a.png", next(image_seeds()), "image/png")}
    answer = requests.post(f"{service.address}/gradio_api/upload", files=files, timeout=60)
    answer.raise_for_status()
    return answer.json()[0]
