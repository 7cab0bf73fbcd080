"""The one form of every answer of the service, right or wrong."""

from starlette.responses import JSONResponse

SUCCESS = "处理成功"  # the words that existing clients compare with
ANSWER_FIELDS = ("result", "recognition_rate", "overall_recognition_rate", "time")


class RequestError(Exception):
    """What a client did wrong, or what the service cannot do now, with the HTTP status that says so."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None):
        super().__init__(message)
        self.status = status
        self.headers = headers


def success_of(answer: dict) -> dict:
    """Return a unit's answer in the form of the contract."""
    return {"return_code": 200, "return_info": SUCCESS, **answer}


def failure_of(status: int, message: str) -> dict:
    """Return a mistake in the form of the contract."""
    return {"return_code": status, "return_info": message, **dict.fromkeys(ANSWER_FIELDS)}


def failure(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return the response that tells of a mistake."""
    return JSONResponse(failure_of(status, message), status, headers)
