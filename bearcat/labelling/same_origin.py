"""Who may reach the labelling page, which writes into the data: only the browser window that shows it.

A page of another site could otherwise have its visitor's browser send labels here (cross-site request forgery), or
take this machine's address under a name of its own (DNS rebinding).
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bearcat.serving.protocol import failure
from bearcat.serving.server import THIS_MACHINE

HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^\[\]:/@\s]+)(:\d+)?", re.IGNORECASE)
FROM_HERE = ("same-origin", "none")  # what browsers say of a request by the page itself, or of an address typed in
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


class SameSiteFence:
    """Lets through what comes from the page itself; `host` is the address that is listened on.

    One that only this machine can reach is asked for by no other name; one that others can reach has a token, whose
    cookie a browser sends to no other name.
    """

    def __init__(self, app: ASGIApp, host: str):
        self.app = app
        self.host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        reason = self._reason(scope)
        app = failure(403, f"refused: {reason}") if reason else self.app

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        await app(scope, receive, send_guarded)

    def _reason(self, scope: Scope) -> str:
        """Return why a request is refused, '' where it is not."""
        headers = Headers(scope=scope)
        (host, *more) = headers.getlist("host") or [""]
        name = HOST.fullmatch(host)
        if more or not name or not self._answers_to(name[1].strip("[]").lower()):
            return "this page is not known under the name that was asked for; take the address that app.py printed"
        site = headers.get("sec-fetch-site", "none").lower()
        if site not in FROM_HERE and not self._is_visit(scope, headers):
            return "the request comes from another site"
        origins = headers.getlist("origin")
        if scope["method"] not in ("GET", "HEAD") and origins not in ([f"http://{host}"], [f"https://{host}"]):
            return "the request does not come from this page"
        return ""

    def _answers_to(self, name: str) -> bool:
        return not THIS_MACHINE.fullmatch(self.host) or bool(THIS_MACHINE.fullmatch(name)) or name == self.host

    @staticmethod
    def _is_visit(scope: Scope, headers: Headers) -> bool:
        """Tell whether a person followed a link to the page."""
        return scope["method"] == "GET" and scope["path"] == "/" and headers.get("sec-fetch-dest") == "document"
