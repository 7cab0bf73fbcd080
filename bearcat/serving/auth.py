"""Authentication by one token, sent as a header, or as the cookie that visiting /?token=… sets."""

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from bearcat.core.errors import ServiceError
from bearcat.serving.protocol import error_response

COOKIE = "bearcat"
LOGIN_PAGE = """<!DOCTYPE html><meta charset="utf-8"><title>Bearcat</title>
<form><label>Token / 令牌 <input type="password" name="token" autofocus></label> <button>OK</button></form>"""


class TokenCheck:
    """Compares the token of a request with the service's, in constant time.

    Raises:
        ServiceError: The token cannot be sent as a header.
    """

    def __init__(self, token: str):
        if not token.isascii() or not token.isprintable() or not token.strip() or " " in token:
            raise ServiceError("the token must be one word of ASCII characters, since it is sent as a header")
        self._digest = _sha256(token)
        # derived from the token, so that the browser's cookie store does not reveal it
        self._cookie = _sha256(f"{COOKIE} {token}").hex()

    def allows(self, scope: Scope) -> bool:
        """Whether a request brings the token."""
        headers = Headers(scope=scope)
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        tokens = [headers.get("x-token", ""), credentials.strip() if scheme.lower() == "bearer" else ""]
        return any([self._is_token(token) for token in tokens] + [self._is_cookie(headers.get("cookie", ""))])

    def response(self, scope: Scope) -> Response:
        """Returns the response to a request without the token: 401, a login page, or, to /?token=…, the cookie."""
        is_visit = scope["path"] == "/" and scope["method"] == "GET"
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0] if is_visit else ""
        if self._is_token(token):
            return self._log_in(scope)
        if is_visit and "text/html" in Headers(scope=scope).get("accept", ""):
            return HTMLResponse(LOGIN_PAGE, 401)
        message = (
            "the token is missing or wrong: send Authorization: Bearer <token> or X-Token, or open /?token=<token>"
        )
        return error_response(401, message, {"WWW-Authenticate": "Bearer"})

    def _log_in(self, scope: Scope) -> Response:
        """Sets the cookie, and redirects so that the token leaves the address bar."""
        response = RedirectResponse("/", 303)
        secure = scope.get("scheme") == "https"
        response.set_cookie(COOKIE, self._cookie, httponly=True, samesite="lax", secure=secure)
        return response

    def _is_token(self, token: str) -> bool:
        return hmac.compare_digest(_sha256(token), self._digest)

    def _is_cookie(self, header: str) -> bool:
        try:
            morsel = SimpleCookie(header).get(COOKIE)
        except CookieError:
            return False
        return hmac.compare_digest(morsel.value.encode() if morsel else b"", self._cookie.encode())


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
