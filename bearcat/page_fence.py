"""What of gradio can be reached from outside: only what the page and gradio's own client ask for."""

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from bearcat.replies import failure

# left out are, among others, /proxy= and /file=http…, which fetch from other machines, and the list of runs
OPEN = re.compile(
    r"/(config|theme\.css|favicon\.ico|robots\.txt|manifest\.json|pwa_icon|(static|assets)/.*"
    r"|gradio_api/((info|startup-events|app_id|theme\.css|upload|upload_progress|reset|cancel|queue/(join|data))"
    r"|heartbeat/.*|file=(?!https?:).*))?/?"
)


class Fence:
    """Lets through to gradio what is open, and answers all else as what isn't there."""

    def __init__(self, app: ASGIApp):
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "/")
        app = self.app if OPEN.fullmatch(path) else failure(404, f"there is nothing at {path[:80]!a}")
        await app(scope, receive, send)
