"""Accepts requests from the labelling page only, because they write into the training set.

Without it a page of another site could have its visitor's browser send labels (cross-site request forgery), or reach
this machine under another host name (DNS rebinding).
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.serving.protocol import error_response
from bearcat.serving.server import LOOPBACK

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@\s]+)(:\d+)?", re.IGNORECASE)
SAME_SITE = ("same-origin", "none")  # Sec-Fetch-Site of a request by the page itself, or of a typed address
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class SameOriginMiddleware:
    """Refuses requests that do not come from the page itself, and adds the security headers to all answers.

    If the app listens on a loopback address, only loopback names are accepted as Host. If other machines can reach
    it, it has a token, whose cookie a browser does not send to another name.

    Args:
        app: The app to protect.
        host: Address that it is served on.
    """

    def __init__(self, app: ASGIApp, host: str):
        self.app = app
        self.host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        reason = self._refusal(scope)
        app = error_response(403, f"refused: {reason}") if reason else self.app

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> str:
        """Returns why a request is refused, '' if it is allowed."""
        headers = Headers(scope=scope)
        (host, *more) = headers.getlist("host") or [""]
        name = HOST.fullmatch(host)
        if more or not name or not self._accepts_host(name[1].strip("[]").lower()):
            return "the page is not served under this host name; use the address that app.py printed"
        site = headers.get("sec-fetch-site", "none").lower()
        if site not in SAME_SITE and not self._is_navigation(scope, headers):
            return "the request comes from another site"
        origins = headers.getlist("origin")
        if scope["method"] not in ("GET", "HEAD") and origins not in ([f"http://{host}"], [f"https://{host}"]):
            return "the request does not come from this page"
        return ""

    def _accepts_host(self, name: str) -> bool:
        return not LOOPBACK.fullmatch(self.host) or bool(LOOPBACK.fullmatch(name)) or name == self.host

    @staticmethod
    def _is_navigation(scope: Scope, headers: Headers) -> bool:
        """Whether a person followed a link to the page."""
        return scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-dest") == "document"
