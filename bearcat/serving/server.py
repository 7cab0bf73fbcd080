"""The service as one process: sockets, logging, and a server that finishes open requests before it stops."""

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
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from bearcat.core.errors import ServiceError
from bearcat.serving.app import make_app
from bearcat.serving.model_store import LoadModel, ModelStore
from bearcat.serving.page.lazy_mount import LazyMount

LOOPBACK = re.compile(r"127(\.\d+){3}|localhost|::1")  # hosts that other machines cannot reach
SHUTDOWN_SECONDS = 30  # for open requests when the service stops


@dataclass(frozen=True)
class ServiceConfig:
    """What each process of a service needs to know.

    Args:
        folder: App_model.
        load: Loads a model from its file; must be picklable, since workers are spawned.
        max_body: Largest accepted body of a request, in bytes.
        max_waiting: Images that may wait for a thread.
        token: What clients must send; None accepts everybody.
        page: Whether to serve the gradio page.
        examples: Images to choose from on the page.
    """

    folder: Path
    load: LoadModel
    max_body: int
    max_waiting: int
    token: str | None = None
    page: bool = True
    examples: tuple[Path, ...] = ()


def serve(config: ServiceConfig, models: ModelStore, listener: socket.socket) -> None:
    """Serves from this process until SIGTERM or Ctrl-C."""
    page = LazyMount("" if config.page else "the service runs without its page")
    app = make_app(
        models,
        config.max_body,
        token=config.token,
        max_waiting=config.max_waiting,
        describe_models=models.describe,
        page=page,
        lifespan=lambda app: _background_tasks(config, models, page),
    )
    run_app(app, listener, page.close)


def run_app(app: ASGIApp, listener: socket.socket, close: Callable[[], None] = lambda: None) -> None:
    """Runs an app on a socket until SIGTERM or Ctrl-C; `close` then ends responses that would never end."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, ws="none", timeout_graceful_shutdown=SHUTDOWN_SECONDS
    )
    _Server(config, close).run(sockets=[listener])


@contextlib.asynccontextmanager
async def _background_tasks(config: ServiceConfig, models: ModelStore, page: LazyMount) -> AsyncIterator[None]:
    """Watches the models and loads the page while requests are served."""
    watching = asyncio.create_task(models.watch())
    load = partial(_load_page, models, config.examples)
    try:
        async with page.loaded(load) if config.page else contextlib.nullcontext():
            yield
    finally:
        watching.cancel()


def _load_page(models: ModelStore, examples: tuple[Path, ...]) -> Starlette:
    """Returns the gradio page as an app; takes seconds, hence called when the API answers already."""
    from fastapi import FastAPI

    from bearcat.serving.page.mount import mount_page

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    predictors = models.view(lambda recogniser: recogniser.predict)
    modes = models.view(lambda recogniser: recogniser.card.mode)
    return mount_page(app, predictors, examples, modes)


class _Server(uvicorn.Server):
    """uvicorn with exit code 0 on SIGTERM, and with Ctrl-C as in every other step."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None]):
        super().__init__(config)
        self._close = close

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # after SIGTERM uvicorn would raise the signal once more at the end, and the exit code would be a failure's
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes open requests, but does not wait for browsers that keep a stream open."""
        self._close()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
        ServiceError: The address or port cannot be used.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, OverflowError) as error:
        in_use = getattr(error, "errno", None) in (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", None))
        reason = "the port is in use: stop the other program, or choose another --port" if in_use else str(error)
        raise ServiceError(f"cannot listen on {host}:{port}: {reason}") from None
    # asyncio sets TCP_NODELAY only if the socket names its protocol; without it each answer waits 40 ms
    return socket.socket(listener.family, listener.type, socket.IPPROTO_TCP, listener.detach())


def base_url(host: str, listener: socket.socket) -> str:
    """Returns the address to open in a browser."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def configure_logging(requests: bool = True) -> None:
    """Logs to stderr: Bearcat's messages, its requests if asked for, and warnings of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.getLogger().addHandler(handler)
    logging.getLogger("bearcat").setLevel(logging.INFO)
    logging.getLogger("bearcat.requests").setLevel(logging.INFO if requests else logging.WARNING)
    logging.raiseExceptions = False  # a closed terminal must not break the service
