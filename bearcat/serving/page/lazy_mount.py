"""The door to the page, which is loaded while the API answers already."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bearcat.serving.protocol import failure

WAITING = """<!DOCTYPE html><meta charset="utf-8"><meta http-equiv="refresh" content="1"><title>Bearcat</title>
<p>The page is loading. / 页面加载中……"""
STREAMS = "/gradio_api/heartbeat/"  # answers that end only when the browser leaves

log = logging.getLogger("bearcat.serving.page.mount")


class PageDoor:
    """Leads to the page once it is there; until then GET / gets a small page that loads itself again."""

    def __init__(self, absent: str = ""):
        self.absent = absent  # why there is no page and none is to come
        self._page: ASGIApp | None = None
        self._streams: set[asyncio.Task] = set()
        self._closed = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._page is None:
            return await self._instead(scope)(scope, receive, send)
        if not scope["path"].startswith(STREAMS):
            return await self._page(scope, receive, send)
        stream = asyncio.current_task()
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
    async def opened(self, load: Callable[[], ASGIApp]) -> AsyncIterator[None]:
        """Load the page in a thread, and let it live until the block ends."""
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
        """End the answers that would keep a service from stopping."""
        self._closed = True
        for stream in self._streams:
            stream.cancel()

    async def _hold(self, load: Callable[[], Starlette], leave: asyncio.Event) -> None:
        try:
            page = await asyncio.to_thread(load)
            # its own lifespan, since that of the service had begun before the page was there
            async with page.router.lifespan_context(page):
                self._page = page
                log.info("the page is ready")
                await leave.wait()
        except Exception as error:
            self.absent = f"the page could not be loaded: {error!r}"
            log.exception("the page could not be loaded; the API serves without it")

    def _instead(self, scope: Scope) -> Response:
        if scope["path"] == "/" and not self.absent:
            return HTMLResponse(WAITING, headers={"Cache-Control": "no-store"})
        reason = self.absent if scope["path"] == "/" else f"there is nothing at {scope['path'][:80]!a}"
        return failure(404, f"{reason}; POST / reads images, /docs says how")
