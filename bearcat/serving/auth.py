"""Authentication by one token, sent as a header, or by the cookie that visiting /?token=… sets."""

import hashlib
import hmac
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from bearcat.core.errors import ServiceError
from bearcat.serving.protocol import error_response

COOKIE = "bearcat"
MIN_TOKEN = 16  # characters; a shorter one is warned about
SESSION_SECONDS = 7 * 24 * 3600  # for which a cookie is valid, if the service is not started anew
WRONG_TOKEN_SECONDS = 1.0  # before a wrong token is answered
LOGIN_PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>Bearcat</title>
<form><label>Token / 令牌 <input type="password" name="token" autofocus></label> <button>OK</button></form>"""


class TokenCheck:
    """Compares the token of a request with the service's, in constant time.

    A cookie is random and signed, so that it neither reveals the token nor outlives the key.

    Args:
        token: What clients must send.
        key: Signs the cookies; processes that share a port share it. By default a random one.

    Raises:
        ServiceError: The token cannot be sent as a header.
    """

    def __init__(self, token: str, key: bytes | None = None):
        if not token.isascii() or not token.isprintable() or not token.strip() or " " in token:
            raise ServiceError("the token must be one word of ASCII characters, since it is sent as a header")
        self._digest = _sha256(token)
        self._key = key or secrets.token_bytes(32)

    def allows(self, scope: Scope) -> bool:
        """Whether a request brings the token."""
        headers = Headers(scope=scope)
        return any([*map(self._is_token, _sent_tokens(headers)), self._is_cookie(headers.get("cookie", ""))])

    def is_wrong(self, scope: Scope) -> bool:
        """Whether a request that is not allowed brings a wrong token, rather than none."""
        token = _visited_token(scope)
        return any(_sent_tokens(Headers(scope=scope))) or bool(token and not self._is_token(token))

    def response(self, scope: Scope) -> Response:
        """Returns the response to a request without the token: 401, a login page, or, to /?token=…, the cookie."""
        if self._is_token(_visited_token(scope)):
            return self._log_in(scope)
        if _is_visit(scope) and "text/html" in Headers(scope=scope).get("accept", ""):
            return HTMLResponse(LOGIN_PAGE, 401)
        message = (
            "the token is missing or wrong: send Authorization: Bearer <token> or X-Token, or open /?token=<token>"
        )
        return error_response(401, message, {"WWW-Authenticate": "Bearer"})

    def _log_in(self, scope: Scope) -> Response:
        """Sets the cookie, and redirects so that the token leaves the address bar."""
        response = RedirectResponse("/", 303)
        secure = scope.get("scheme") == "https"
        session = f"{int(time.time()) + SESSION_SECONDS}.{secrets.token_urlsafe()}"
        value = f"{session}.{self._signature(session)}"
        response.set_cookie(COOKIE, value, SESSION_SECONDS, httponly=True, samesite="lax", secure=secure)
        return response

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(_sha256(token), self._digest)

    def _is_cookie(self, header: str) -> bool:
        try:
            morsel = SimpleCookie(header).get(COOKIE)
        except CookieError:
            return False
        session, _, signature = (morsel.value if morsel else "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(session).encode()):
            return False
        return int(session.partition(".")[0]) > time.time()

    def _signature(self, session: str) -> str:
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()


def warn_of_short_token(token: str | None) -> str:
    """Returns a warning about a token that can be guessed, "" if it is long enough or there is none."""
    if token is None or len(token) >= MIN_TOKEN:
        return ""
    return (
        f"Warning: the token has {len(token)} characters and could be guessed: use at least {MIN_TOKEN} random ones, "
        'for example from python -c "import secrets; print(secrets.token_urlsafe())"'
    )


def _sent_tokens(headers: Headers) -> list[str]:
    """Returns the tokens in the headers of a request, "" where there is none."""
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    return [headers.get("x-token", ""), credentials.strip() if scheme.lower() == "bearer" else ""]


def _is_visit(scope: Scope) -> bool:
    return scope["path"] == "/" and scope["method"] == "GET"


def _visited_token(scope: Scope) -> str:
    """Returns the token in the address of a visit to the page."""
    return parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0] if _is_visit(scope) else ""


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
