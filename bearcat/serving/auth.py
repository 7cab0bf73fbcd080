"""Who may use the service: those who send its token, as a header or as the cookie that the page's address sets."""

import hashlib
import hmac
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Scope

from bearcat.core.errors import ServiceError
from bearcat.serving.protocol import failure

COOKIE = "bearcat"
ASK = """<!DOCTYPE html><meta charset="utf-8"><title>Bearcat</title>
<form><label>Token / 口令 <input type="password" name="token" autofocus></label> <button>OK</button></form>"""


class TokenCheck:
    """Compares what a request brings with the token, in a time that tells nothing of where they differ."""

    def __init__(self, token: str):
        if not token.isascii() or not token.isprintable() or not token.strip() or " " in token:
            raise ServiceError("the token must be one word of ASCII signs, since it is sent as a header")
        self._digest = digest(token)
        # the cookie holds a child of the token, so that the browser's store does not give the token away
        self._cookie = digest(f"{COOKIE} {token}").hex()

    def allows(self, scope: Scope) -> bool:
        """Tell whether a request brings the token."""
        headers = Headers(scope=scope)
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        brought = [headers.get("x-token", ""), bearer.strip() if scheme.lower() == "bearer" else ""]
        return any([self._is_token(one) for one in brought] + [self._is_cookie(headers.get("cookie", ""))])

    def answer(self, scope: Scope) -> Response:
        """Return the answer to a request without the token: the cookie to /?token=…, else 401."""
        visit = scope["path"] == "/" and scope["method"] == "GET"
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0] if visit else ""
        if self._is_token(given):
            return self.welcome(scope)
        if visit and "text/html" in Headers(scope=scope).get("accept", ""):
            return HTMLResponse(ASK, 401)
        message = (
            "the token is missing or wrong: send Authorization: Bearer <token> or X-Token, or open /?token=<token>"
        )
        return failure(401, message, {"WWW-Authenticate": "Bearer"})

    def welcome(self, scope: Scope) -> Response:
        """Return the way to the page without the token in its address, and the cookie that opens it."""
        response = RedirectResponse("/", 303)
        secure = scope.get("scheme") == "https"
        response.set_cookie(COOKIE, self._cookie, httponly=True, samesite="lax", secure=secure)
        return response

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(digest(given), self._digest)

    def _is_cookie(self, header: str) -> bool:
        try:
            morsel = SimpleCookie(header).get(COOKIE)
        except CookieError:
            return False
        return hmac.compare_digest(morsel.value.encode() if morsel else b"", self._cookie.encode())


def digest(text: str) -> bytes:
    """Return the SHA-256 of a text, as long for every text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
