"""The door to the page: what is seen before the page is there, after, and where it cannot be loaded."""

import contextlib
import threading
import time

from fastapi.testclient import TestClient
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bearcat.serving.app import make_app
from bearcat.serving.page.lazy_mount import PageDoor


@contextlib.contextmanager
def service_with(load):
    """Yield a client of a service whose page is made by `load`."""
    door = PageDoor()
    app = make_app({"unit": lambda image: {}}, page=door, lifespan=lambda app: door.opened(load))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def get_when(client: TestClient, status: int):
    """Return the answer to GET / once it has this status and is no longer the page that waits."""
    deadline = time.monotonic() + 10
    while (answer := client.get("/")).status_code != status or "http-equiv" in answer.text:
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.01)
    return answer


def test_the_page_takes_over_when_it_is_loaded_and_lives_as_long_as_the_service():
    may_load, happened = threading.Event(), []

    @contextlib.asynccontextmanager
    async def lifespan(app):
        happened.append("begun")
        yield
        happened.append("ended")

    def load() -> Starlette:
        may_load.wait(10)
        routes = [Route("/{path:path}", lambda request: PlainTextResponse("the page"))]
        return Starlette(routes=routes, lifespan=lifespan)

    with service_with(load) as client:
        waiting = client.get("/")
        assert 'http-equiv="refresh"' in waiting.text
        assert waiting.headers["cache-control"] == "no-store"
        assert client.get("/config").status_code == client.get("/config").json()["return_code"] == 404
        assert client.get("/health").status_code == 200
        may_load.set()
        assert get_when(client, 200).text == "the page"
        assert client.get("/config").text == "the page"
        assert client.get("/health").json()["status"] == "ok"
        assert client.post("/", json={}).json()["return_code"] == 400  # ours
        assert happened == ["begun"]
    assert happened == ["begun", "ended"]


def test_a_page_that_cannot_be_loaded_is_told_and_the_api_goes_on():
    def load() -> Starlette:
        raise ImportError("gradio is not installed")

    with service_with(load) as client:
        answer = get_when(client, 404).json()
        assert answer["return_code"] == 404
        assert "gradio is not installed" in answer["return_info"]
        assert client.get("/health").status_code == 200
