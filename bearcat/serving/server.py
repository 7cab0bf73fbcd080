"""The service as one process: sockets, logging, and a server that finishes open requests before it stops."""

import asyncio
import contextlib
import errno
import logging
import secrets
import signal
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, cast

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp

from bearcat.artifacts.inference import Recogniser
from bearcat.artifacts.run_guard import RunGuard
from bearcat.core.errors import ServiceError
from bearcat.serving.app import make_app
from bearcat.serving.memory import return_freed_memory
from bearcat.serving.model_store import LoadModel, ModelStore
from bearcat.serving.page.lazy_mount import LazyMount
from bearcat.serving.protection.connections import (
    BoundedProtocol,
    ConnectionPool,
    make_pool,
    warn_rarely_of_accept_errors,
)
from bearcat.serving.protection.log_writer import write_log_to_stderr

SHUTDOWN_SECONDS = 30  # for open requests when the service stops; half of it for clients that are slow to send or read
BACKLOG = 2048  # connections that the system keeps for us
ACCEPTED_AT_ONCE = 2  # connections: each takes a descriptor some rounds before the pool can close another


@dataclass(frozen=True)
class ServiceConfig:
    """What each process of a service needs to know.

    Args:
        folder: App_model.
        load: Loads a model from its file; must be picklable, since workers are spawned.
        max_body: Largest accepted body of a request, in bytes.
        max_waiting: Images that may wait for a thread.
        max_crops: Images, or cells of their grids, that a request may have.
        host: Address that it is served on.
        token: What clients must send; None accepts everybody.
        page: Whether to serve the gradio page.
        session_key: Signs the cookies of browsers that sent the token.
        examples: Images to choose from on the page.
    """

    folder: Path
    load: LoadModel
    max_body: int
    max_waiting: int
    max_crops: int
    host: str
    token: str | None = None
    page: bool = True
    examples: tuple[Path, ...] = ()
    session_key: bytes = field(default_factory=partial(secrets.token_bytes, 32), repr=False)


def serve(
    config: ServiceConfig,
    models: ModelStore,
    listener: socket.socket,
    on_start: Callable[[], object] = lambda: None,
) -> None:
    """Serves from this process until SIGTERM or Ctrl-C; calls `on_start` once it can answer."""
    return_freed_memory()
    page = LazyMount("" if config.page else "the service runs without its page")
    app = make_app(
        models,
        config.max_body,
        host=config.host,
        token=config.token,
        session_key=config.session_key,
        max_waiting=config.max_waiting,
        max_crops=config.max_crops,
        describe_models=models.describe,
        rejected_models=models.rejected,
        answer_fitting=models.answer_fitting,
        page=page,
        lifespan=lambda app: _background_tasks(config, models, page, on_start),
    )

    def close() -> None:
        app.state.bodies.stop()
        page.close()

    run_app(app, listener, close)


def run_app(app: ASGIApp, listener: socket.socket, close: Callable[[], None] = lambda: None) -> None:
    """Runs an app on a socket until SIGTERM or Ctrl-C; `close` then ends responses that would never end."""
    pool = make_pool()
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(BoundedProtocol, pool=pool)),  # called like a class
        log_config=None,
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        backlog=ACCEPTED_AT_ONCE,
    )
    _Server(config, close, pool).run(sockets=[listener])


@contextlib.asynccontextmanager
async def _background_tasks(
    config: ServiceConfig, models: ModelStore, page: LazyMount, on_start: Callable[[], object]
) -> AsyncIterator[None]:
    """Watches the models and loads the page while requests are served."""
    watching = asyncio.create_task(models.watch())
    load = partial(_load_page, models, config.examples)
    try:
        async with page.loaded(load) if config.page else contextlib.nullcontext():
            on_start()
            yield
    finally:
        watching.cancel()


def _load_page(models: ModelStore, examples: tuple[Path, ...]) -> Starlette:
    """Returns the gradio page as an app; takes seconds, hence called when the API answers already."""
    from fastapi import FastAPI

    from bearcat.serving.page.mount import mount_page

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    predictors = models.view(predict_in_time)
    modes = models.view(lambda recogniser: recogniser.card.mode)
    return mount_page(app, predictors, examples, modes)


def predict_in_time(recogniser: Recogniser) -> Callable[[Path], Any]:
    """Returns the function that predicts an image for the page, within the time of a prediction."""
    return lambda image: RunGuard().call(partial(recogniser.predict, image))


class _Server(uvicorn.Server):
    """uvicorn with bounded connections, exit code 0 on SIGTERM, and with Ctrl-C as in every other step."""

    def __init__(self, config: uvicorn.Config, close: Callable[[], None], pool: ConnectionPool):
        super().__init__(config)
        self._close = close
        self._pool = pool

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Starts to serve, and to watch the connections."""
        warn_rarely_of_accept_errors(asyncio.get_running_loop())
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(BACKLOG)  # asyncio has reduced it to ACCEPTED_AT_ONCE
        self._watching = asyncio.create_task(self._pool.watch())

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # after SIGTERM uvicorn would raise the signal once more at the end, and the exit code would be a failure's
        if sig == signal.SIGTERM:
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finishes open requests, but waits neither for browsers that keep a stream open nor long for slow bodies."""
        self._close()
        stop_waiting = asyncio.get_running_loop().call_later(SHUTDOWN_SECONDS / 2, self._pool.stop_waiting)
        try:
            await super().shutdown(sockets)
        finally:
            stop_waiting.cancel()
            self._watching.cancel()


def listen(host: str, port: int) -> socket.socket:
    """Returns a listening socket.

    Raises:
        ServiceError: The address or port cannot be used.
    """
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
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
    logging.getLogger().addHandler(write_log_to_stderr())
    logging.getLogger("bearcat").setLevel(logging.INFO)
    logging.getLogger("bearcat.requests").setLevel(logging.INFO if requests else logging.WARNING)
    logging.raiseExceptions = False  # a closed terminal must not break the service
