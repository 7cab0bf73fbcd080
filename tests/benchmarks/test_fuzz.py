"""The fuzzing of the service: its cases, what it takes for a finding, and a short run."""

import json
from pathlib import Path

import pytest

from bearcat.serving.protocol import error_payload
from benchmarks import small_service
from benchmarks.fuzz import service
from benchmarks.fuzz.cases import Case, make_case, make_seeds
from benchmarks.fuzz.contract import Answer, AnswerParser, problem_of
from benchmarks.fuzz.service import Findings, check_left, find_tracebacks, fuzz_service
from benchmarks.small_service import Use

HEADERS = {b"content-type": b"application/json", b"x-content-type-options": b"nosniff"}


def test_a_case_is_given_by_its_seed_and_number():
    seeds = make_seeds("/uploads/a.png")

    def cases(seed: int) -> list[Case]:
        return [make_case(seeds, seed, number) for number in range(100)]

    assert cases(0) == cases(0)
    assert cases(0) != cases(1)
    assert len({case.data for case in cases(0)}) > 80
    assert max(case.requests for case in cases(0)) > 1  # sent ahead of their answers
    assert any(len(case.pieces) > 1 for case in cases(0))


def answer(status: int, payload: object, **headers: bytes) -> Answer:
    changed = {name.encode(): value for name, value in headers.items()}
    return Answer(status, HEADERS | changed, json.dumps(payload).encode())


FINE = [
    answer(200, {"return_code": 200, "result": "a"}),
    answer(200, {"models": []}),
    answer(200, None, **{"content-type": b"text/html"}),
    answer(400, error_payload(400, "the body is not valid JSON")),
    answer(503, error_payload(503, "the queue is full")),
]
WRONG = {
    "status 500": answer(500, error_payload(500, "the service failed")),
    "status 200 with return_code 400": answer(200, error_payload(400, "bad")),
    "status 400 in another form": answer(400, error_payload(413, "too large")),
    "status 404 in another form": answer(404, {"detail": "Not Found"}),
    "status 415 in another form": answer(415, None, **{"content-type": b"text/html"}),
    "status 405 without nosniff": answer(405, error_payload(405, "no"), **{"x-content-type-options": b""}),
}


def test_answers_in_the_form_of_the_contract_are_no_findings():
    assert [problem_of(one, of_page=False) for one in FINE] == [""] * len(FINE)


@pytest.mark.parametrize("problem", WRONG)
def test_other_answers_are_findings(problem: str):
    assert problem_of(WRONG[problem], of_page=False) == problem


def test_errors_of_gradio_have_another_form():
    assert not problem_of(WRONG["status 404 in another form"], of_page=True)
    assert problem_of(WRONG["status 400 in another form"], of_page=True)


def test_the_answers_of_a_connection_are_told_apart():
    parser = AnswerParser(heads_only=False)
    for part in (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Le", b"ngth: 2\r\n\r\nabHTTP/1.1 404 No"):
        parser.feed(part)
    parser.feed(b"t Found\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nc\r\n0\r\n\r\n")
    assert [(one.status, one.body) for one in parser.answers] == [(200, b"ab"), (404, b"c")]


def test_tracebacks_are_found_in_the_log_once_they_are_complete():
    start = ["2026-11-28 12:00:00,000 ERROR / failed\n", "Traceback (most recent call last):\n"]
    rest = ['  File "a.py", line 3, in f\n', "ValueError: no\n"]
    found, kept = find_tracebacks(start + rest)
    assert (found, kept) == ([], start + rest)
    end = "2026-11-28 12:00:00,001 INFO GET / 200\n"
    finding = ("traceback ValueError at a.py:3", "ValueError: no", "".join(kept))
    assert find_tracebacks([*kept, end]) == ([finding], [end])


def test_a_finding_is_kept_once(tmp_path: Path, capsys: pytest.CaptureFixture):
    findings = Findings(tmp_path)
    for data in (b"first", b"second"):
        findings.add("status 500", "failed", data)
    (file,) = tmp_path.iterdir()
    assert (findings.kinds, file.read_bytes()) == ({"status 500": 2}, b"first")
    assert capsys.readouterr().out.count("FOUND status 500") == 1


@pytest.mark.parametrize(
    ("after", "kinds"),
    [
        (Use(110, 7, 12), []),
        (Use(500, 7, 9), ["memory that is left"]),
        (Use(100, 8, 9), ["descriptors that are left"]),
        (Use(100, 7, 90), ["threads that are left"]),
    ],
)
def test_what_a_service_holds_at_the_end_is_a_finding(after: Use, kinds: list[str], tmp_path: Path):
    findings = Findings(tmp_path)
    check_left(findings, Use(100, 7, 9), after)
    assert list(findings.kinds) == kinds


def test_a_service_is_fuzzed_for_a_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(small_service, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(service, "WATCH_SECONDS", 0.2)
    assert not fuzz_service(0.5, tmp_path, page=False)
    assert "findings: none" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())
