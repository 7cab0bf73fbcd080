"""The lazily mounted page: before it is loaded, afterwards, and if it cannot be loaded."""

import contextlib
import threading
import time

from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bearcat.serving.app import make_app
from bearcat.serving.page.lazy_mount import LazyMount


@contextlib.contextmanager
def service_with(load):
    """Yields a client of a service whose page is loaded by `load`."""
    page = LazyMount()
    app = make_app({"model": lambda image: {}}, page=page, lifespan=lambda app: page.loaded(load))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def get_when(client: TestClient, status: int):
    """Returns the answer to GET / once it has this status and is no longer the loading page."""
    deadline = time.monotonic() + 10
    while (answer := client.get("/")).status_code != status or "http-equiv" in answer.text:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.01)
    return answer


def test_the_page_is_served_once_it_is_loaded_and_ends_with_the_service():
    may_load, events = threading.Event(), []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        events.append("started")
        yield
        events.append("stopped")

    def load() -> Starlette:
        may_load.wait(10)
        routes = [Route("/{path:path}", lambda request: PlainTextResponse("the page"))]
        return Starlette(routes=routes, lifespan=lifespan)

    with service_with(load) as client:
        loading = client.get("/")
        assert 'http-equiv="refresh"' in loading.text
        assert loading.headers["cache-control"] == "no-store"
        assert client.get("/config").status_code == client.get("/config").json()["return_code"] == 404
        assert client.get("/health").status_code == 200
        may_load.set()
        assert get_when(client, 200).text == "the page"
        assert client.get("/config").text == "the page"
        assert client.get("/health").json()["status"] == "ok"
        assert client.post("/", json={}).json()["return_code"] == 400  # ours
        assert events == ["started"]
    assert events == ["started", "stopped"]


def test_if_the_page_cannot_be_loaded_the_api_says_so_and_goes_on():
    def load() -> Starlette:
        raise ImportError("gradio is not installed")

    with service_with(load) as client:
        answer = get_when(client, 404).json()
        assert answer["return_code"] == 404
        assert "gradio is not installed" in answer["return_info"]
        assert client.get("/health").status_code == 200
