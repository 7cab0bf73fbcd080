"""What the service must answer: valid HTTP in the form of the contract."""

import json
import re
from dataclasses import dataclass, field

import httptools

from bearcat.serving.protocol import ANSWER_FIELDS

DOCUMENTED_FAILURE = 503
ERROR_FIELDS = {"return_code", "return_info", *ANSWER_FIELDS}
MAX_MESSAGE = 2000  # characters of an error
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")


@dataclass
class Answer:
    """One answer of the service."""

    status: int = 0
    headers: dict[bytes, bytes] = field(default_factory=dict)
    body: bytes = b""


class AnswerParser:
    """The answers of one connection, as they arrive.

    Args:
        heads_only: Whether answers to HEAD may be among them, after which no parser knows where the next one begins.
    """

    def __init__(self, heads_only: bool):
        self.answers: list[Answer] = []
        self._heads_only = heads_only
        self._received = b""
        self._parser = httptools.HttpResponseParser(self)
        self._answer = Answer()

    def feed(self, data: bytes) -> None:
        """Parses the next bytes; raises httptools.HttpParserError if they are not valid HTTP."""
        if self._heads_only:
            self._received += data
            self.answers = [Answer(int(status)) for status in STATUS.findall(self._received)]
        else:
            self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        """Begins an answer."""
        self._answer = Answer()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keeps a header."""
        self._answer.headers[name.lower()] = value

    def on_body(self, body: bytes) -> None:
        """Keeps a part of the body."""
        self._answer.body += body

    def on_message_complete(self) -> None:
        """Keeps an answer, unless it only asks for the body."""
        self._answer.status = self._parser.get_status_code()
        if self._answer.status >= 200:
            self.answers.append(self._answer)


def problem_of(answer: Answer, of_page: bool) -> str:
    """Returns what is wrong with an answer, or an empty text.

    Args:
        answer: The answer.
        of_page: Whether gradio may have answered, whose errors have forms of their own.
    """
    if answer.status >= 500 and answer.status != DOCUMENTED_FAILURE:
        return f"status {answer.status}"
    if not answer.headers:
        return ""  # an answer to HEAD
    if answer.headers.get(b"x-content-type-options") != b"nosniff":
        return f"status {answer.status} without nosniff"
    try:
        payload = json.loads(answer.body) if answer.headers.get(b"content-type") == b"application/json" else None
    except ValueError:
        return f"status {answer.status} with invalid JSON"
    if answer.status >= 400:
        fits = is_error(payload, answer.status) or (of_page and is_error_of_gradio(payload, answer))
        return "" if fits else f"status {answer.status} in another form"
    code = payload.get("return_code", answer.status) if isinstance(payload, dict) else answer.status
    return "" if code == answer.status else f"status {answer.status} with return_code {code}"


def is_error(payload: object, status: int) -> bool:
    """Whether a payload is an error in the one form of the contract, and short enough."""
    return (
        isinstance(payload, dict)
        and payload.keys() == ERROR_FIELDS
        and payload["return_code"] == status
        and isinstance(payload["return_info"], str)
        and 0 < len(payload["return_info"]) <= MAX_MESSAGE
        and all(payload[name] is None for name in ANSWER_FIELDS)
    )


def is_error_of_gradio(payload: object, answer: Answer) -> bool:
    """Whether an error may be gradio's: FastAPI's form, or the text of its parser of uploads."""
    in_form = isinstance(payload, dict) and payload.keys() == {"detail"}
    return in_form or answer.headers.get(b"content-type", b"").startswith(b"text/plain")
