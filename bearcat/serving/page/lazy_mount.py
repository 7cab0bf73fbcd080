"""Mounts an app that takes long to load, while the rest of the service answers already."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bearcat.serving.protocol import error_response

LOADING_PAGE = """<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>Bearcat</title>
<p>The page is loading. / 页面加载中……"""
STREAMS = "/gradio_api/heartbeat/"  # responses that end only when the browser leaves

log = logging.getLogger("bearcat.serving.page.mount")


class LazyMount:
    """Passes requests to the page once it is loaded; until then GET / is answered with a page that reloads itself.

    Args:
        unavailable: Why there will be no page; "" if it will be loaded.
    """

    def __init__(self, unavailable: str = ""):
        self.unavailable = unavailable
        self._page: ASGIApp | None = None
        self._streams: set[asyncio.Task] = set()
        self._closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._page is None:
            return await self._placeholder(scope)(scope, receive, send)
        stream = asyncio.current_task()
        if stream is None or not scope["path"].startswith(STREAMS):
            return await self._page(scope, receive, send)
        self._streams.add(stream)
        try:
            await self._page(scope, receive, send)
        except asyncio.CancelledError:
            if not self._closed:
                raise
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._streams.discard(stream)

    @contextlib.asynccontextmanager
    async def loaded(self, load: Callable[[], Starlette]) -> AsyncIterator[None]:
        """Loads the page in a thread, and keeps its lifespan open until the block ends."""
        leave = asyncio.Event()
        holding = asyncio.create_task(self._hold(load, leave))
        try:
            yield
        finally:
            leave.set()
            if self._page is None:
                holding.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await holding

    def close(self) -> None:
        """Ends open streams, which would keep the service from stopping."""
        self._closed = True
        for stream in self._streams:
            stream.cancel()

    async def _hold(self, load: Callable[[], Starlette], leave: asyncio.Event) -> None:
        try:
            page = await asyncio.to_thread(load)
            # a lifespan of its own, since the service's began before the page was loaded
            async with page.router.lifespan_context(page):
                self._page = page
                log.info("the page is ready")
                await leave.wait()
        except Exception as error:
            self.unavailable = f"the page could not be loaded: {error!r}"
            log.exception("the page could not be loaded; the API is served without it")

    def _placeholder(self, scope: Scope) -> Response:
        if scope["path"] == "/" and not self.unavailable:
            return HTMLResponse(LOADING_PAGE, headers={"Cache-Control": "no-store"})
        reason = self.unavailable if scope["path"] == "/" else f"not found: {scope['path'][:80]!a}"
        return error_response(404, f"{reason}; POST / recognises images, see /docs")
