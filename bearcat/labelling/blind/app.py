"""The page that hides the labels as an ASGI app: its static files, and the routes that show images and take answers.

What it sends of an image are its pixels and its place in the session: never its label, and never the name of its file.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from bearcat.core.names import show_name
from bearcat.labelling.app import LOGO, MAX_BODY, PageEndpoints, json_fields, make_app
from bearcat.labelling.app import STATIC as SHARED
from bearcat.labelling.blind.records import FILE
from bearcat.labelling.blind.sessions import BlindSession, BlindSessions
from bearcat.labelling.blind.translations import TEXTS

STATIC = Path(__file__).parent / "static"
STATIC_FILES = {
    "/": STATIC / "blind.html",  # within the frame
    "/core.js": SHARED / "core.js",
    "/blind.js": STATIC / "blind.js",
    "/labelling.css": SHARED / "labelling.css",
    "/blind.css": STATIC / "blind.css",
    "/logo.svg": LOGO,
}
PERSON: dict[str, type] = {"person": str}  # what every request names
MEASURED: dict[str, type] = {**PERSON, "number": int, "milliseconds": int, "paused": bool}  # every answer
MAX_MILLISECONDS = 2**31  # of an answer


def make_blind_app(
    sessions: BlindSessions, commands: Sequence[str], host: str = "127.0.0.1", token: str | None = None
) -> Starlette:
    """Returns the ASGI app of the page that hides the labels.

    Args:
        sessions: The images and their answers.
        commands: The commands to run afterwards, which the page shows.
        host: Address that the app is served on.
        token: What browsers must send, None: nothing.
    """
    return make_app(BlindEndpoints(sessions, commands), STATIC_FILES, MAX_BODY, host, token)


class BlindEndpoints(PageEndpoints):
    """Endpoints of the page: every action is answered with the state of the session that follows from it.

    Args:
        sessions: The images and their answers.
        commands: The commands to run afterwards.
    """

    actions = ("begin", "answer", "give_up", "finish")
    language_texts = TEXTS

    def __init__(self, sessions: BlindSessions, commands: Sequence[str]):
        self.sessions = sessions
        self.commands = commands

    async def image(self, request: Request) -> Response:
        """Returns the current image of a session as PNG."""
        if request.method != "GET":  # Starlette routes HEAD here as well, at which no person sees the image
            raise HTTPException(405, "images are sent for GET only", {"Allow": "GET"})
        person, number = request.query_params.get("person", ""), request.path_params["number"]
        png = await run_in_threadpool(self.sessions.image, person, number, self.frames)
        return Response(png, media_type="image/png")

    async def begin(self, request: Request) -> Response:
        """Returns the state of a session; begins one if there is none of that name."""
        return await self._act(self.sessions.begin, await json_fields(request, PERSON))

    async def answer(self, request: Request) -> Response:
        """Saves what was typed."""
        return await self._save(await json_fields(request, {**MEASURED, "typed": str}))

    async def give_up(self, request: Request) -> Response:
        """Saves that the image cannot be read."""
        return await self._save({**await json_fields(request, MEASURED), "typed": None})

    async def finish(self, request: Request) -> Response:
        """Ends a session and returns its result."""
        return await self._act(self.sessions.finish, await json_fields(request, PERSON))

    async def _save(self, fields: dict) -> Response:
        milliseconds = fields.pop("milliseconds")
        if not 0 <= milliseconds <= MAX_MILLISECONDS:
            raise HTTPException(400, f"milliseconds from 0 to {MAX_MILLISECONDS} are expected")
        return await self._act(self.sessions.answer, {**fields, "seconds": milliseconds / 1000})

    async def _act(self, action: Callable[..., BlindSession], fields: dict) -> Response:
        """Calls a method of the sessions, and returns the state that follows from it."""
        state = await run_in_threadpool(lambda: self.sessions.state(action(**fields)))
        page = {"folder": show_name(self.sessions.folder), "file": FILE, "commands": list(self.commands)}
        return JSONResponse({**state, **page})
