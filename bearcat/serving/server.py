"""A service at work: one process or several on one socket, stopped so that what is in flight is answered."""

import asyncio
import contextlib
import errno
import logging
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from bearcat.core.errors import ServiceError
from bearcat.serving.app import make_app
from bearcat.serving.model_store import Load, Modes, Readers, UnitFolder
from bearcat.serving.page.lazy_mount import PageDoor

THIS_MACHINE = re.compile(r"127(\.\d+){3}|localhost|::1")  # addresses that no other machine can reach
GRACE_SECONDS = 30  # for what is in flight when the service stops


@dataclass(frozen=True)
class Service:
    """What a service serves and how: all that its processes need to know."""

    folder: Path
    load: Load
    max_body: int
    most_waiting: int
    token: str | None = None
    page: bool = True
    examples: tuple[Path, ...] = ()  # images that can be chosen on the page


def serve(service: Service, units: UnitFolder, listener: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    door = PageDoor("" if service.page else "the service runs without its page")
    app = make_app(
        units,
        service.max_body,
        token=service.token,
        most_waiting=service.most_waiting,
        cards=units.cards,
        page=door,
        lifespan=lambda app: at_work(service, units, door),
    )
    run_app(app, listener, door.close)


def run_app(app: ASGIApp, listener: socket.socket, close: Callable[[], None] = lambda: None) -> None:
    """Serve an app until SIGTERM or Ctrl-C; `close` ends the answers that would otherwise never end."""
    config = uvicorn.Config(app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=GRACE_SECONDS)
    Server(config, close).run(sockets=[listener])


@contextlib.asynccontextmanager
async def at_work(service: Service, units: UnitFolder, door: PageDoor) -> AsyncIterator[None]:
    """What goes on beside the requests: looking after the units, and loading the page."""
    watching = asyncio.create_task(units.watch())
    page = door.opened(partial(load_page, units, service.examples)) if service.page else contextlib.nullcontext()
    try:
        async with page:
            yield
    finally:
        watching.cancel()


def load_page(units: UnitFolder, examples: tuple[Path, ...]) -> Starlette:
    """Return the gradio page as an app of its own; heavy, hence called when the API answers already."""
    from fastapi import FastAPI

    from bearcat.serving.page.mount import mount_page

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    return mount_page(app, Readers(units), examples, Modes(units))


class Server(uvicorn.Server):
    """uvicorn, which on SIGTERM ends well, and on Ctrl-C as every step does."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None]):
        super().__init__(config)
        self._close = close

    def handle_exit(self, sig: int, frame: object) -> None:
        """Stop; uvicorn would raise SIGTERM once more when all is done, and the exit code would tell of a failure."""
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what is in flight, without waiting for browsers to leave."""
        self._close()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the address; raise ServiceError where that is not to be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        in_use = getattr(error, "errno", None) in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None))
        reason = "another program has it: stop that, or choose another with --port" if in_use else str(error)
        raise ServiceError(f"cannot listen on {host}:{port}: {reason}") from None
    # asyncio sends small parts at once only on a socket that says it speaks TCP; else each answer waits 40 ms
    return socket.socket(listener.family, listener.type, socket.IPPROTO_TCP, listener.detach())


def address_of(host: str, listener: socket.socket) -> str:
    """Return what to open in a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def start_log(requests: bool = True) -> None:
    """Let the log go to stderr, one line a request if asked; what libraries say only where it is a warning."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("bearcat").setLevel(logging.INFO)
    logging.getLogger("bearcat.requests").setLevel(logging.INFO if requests else logging.WARNING)
    logging.raiseExceptions = False  # a terminal that is gone is no reason to fail
