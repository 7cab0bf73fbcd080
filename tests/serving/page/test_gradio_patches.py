"""For each patch of gradio: that gradio still needs it, and that it works.

If a test named test_gradio_still_… fails after an upgrade, gradio has mended that itself: remove the patch.
"""

import importlib.util
import inspect
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import gradio
import gradio.queueing
import gradio.state_holder
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from gradio.components.image import ImageData

from bearcat.serving.page import gradio_patches, layout, mount, request_filter
from bearcat.serving.page.gradio_patches import MAX_EVENTS_OF_VISIT, MAX_UNREAD, MAX_VISITS
from tests.helpers.page import MARK, Visit, find_blocks, png, predict_width

SECRET_WIDTH = 77
NEVER = request_filter.re.compile(r"(?!)")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    """Yields a client of the page."""
    with TestClient(mount.mount_page(FastAPI(), {"width": predict_width})) as client:
        yield client


@pytest.fixture
def visit(client: TestClient) -> Visit:
    return Visit(client)


@pytest.fixture
def page(client: TestClient) -> gradio.Blocks:
    return find_blocks(client)


def fresh(module: ModuleType) -> ModuleType:
    """Returns a copy of a module of gradio without patches."""
    spec = importlib.util.spec_from_file_location("fresh", module.__file__)
    copy = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(copy)
    return copy


def test_gradio_still_reads_any_file_if_the_page_is_mounted(
    visit: Visit, page: gradio.Blocks, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "secret.png").write_bytes(png(SECRET_WIDTH))
    file = {"path": str(tmp_path / "secret.png")} | MARK
    assert f"<code>{SECRET_WIDTH}</code>" not in visit.predict(file)
    monkeypatch.setattr(page, "has_launched", False)
    assert f"<code>{SECRET_WIDTH}</code>" in visit.predict(file)


def test_gradio_still_cannot_be_told_how_many_visits_to_keep():
    for function in (gradio.Blocks.__init__, gradio.mount_gradio_app):
        assert "state_session_capacity" not in inspect.signature(function).parameters
    assert gradio.Blocks().state_session_capacity == 10_000


def test_few_visits_are_kept(visit: Visit, page: gradio.Blocks):
    for number in range(MAX_VISITS + 3):
        visit.client.app.router.routes[-1].app.app.state_holder[f"kept{number}"]
    assert len(page.state_holder.session_data) == MAX_VISITS


def test_gradio_still_keeps_the_latest_answers(page: gradio.Blocks):
    state = fresh(gradio.state_holder).SessionState(page)
    key = next(iter(state.config_values))
    state._update_value_in_config(key, "answer")
    assert state.config_values[key]["props"]["value"] == "answer"


def test_no_answers_are_kept_but_the_history_is(visit: Visit, page: gradio.Blocks):
    visit.predict(visit.upload(png(11)))
    assert "<b title=" in visit.call(visit.predict_number, [visit.upload(png(22)), "width", "", None])["data"][1]
    state = page.state_holder["visit"]
    assert "<code>" not in repr(state.config_values)
    assert [entry.text for entry in next(iter(state.state_data.values()))] == ["22", "11"]


def test_gradio_still_decodes_an_image_first(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no image")
    file = ImageData(path=str(tmp_path / "a.png"))
    image = gradio.Image(type="filepath", render=False)
    with pytest.raises(Exception, match=r"identify image|process image"):
        image.preprocess(file)
    gradio_patches.pass_file_unread(image)
    assert image.preprocess(file) == file.path


def send_unread(visit: Visit, number: int, prefix: str) -> None:
    """Sends an event from each of many visits, none of which reads its answer, and waits until all are answered."""
    for n in range(number):
        assert visit.join(visit.predict_number, [None, "width", "", None], f"{prefix}{n}").is_success
    visit.join(visit.predict_number, [None, "width", "", None], "last")
    visit.read("last")


def test_gradio_still_keeps_unread_answers_and_names_of_visits(
    visit: Visit, page: gradio.Blocks, monkeypatch: pytest.MonkeyPatch
):
    for name in ("_forget_read", "_forget_unread"):
        monkeypatch.setattr(gradio_patches, name, lambda queue: None)
    send_unread(visit, MAX_UNREAD + 5, "kept")
    visit.predict(None)
    events = page._queue.pending_event_ids_session
    assert sum(map(len, events.values())) >= MAX_UNREAD + 5
    assert events["last"] == set()


def test_unread_answers_and_names_of_visits_are_forgotten(visit: Visit, page: gradio.Blocks):
    send_unread(visit, MAX_UNREAD + 5, "forgotten")
    visit.predict(None)
    events, messages = page._queue.pending_event_ids_session, page._queue.pending_messages_per_session
    assert sum(map(len, events.values())) <= MAX_UNREAD
    assert len(messages) <= MAX_UNREAD + 1
    assert "last" not in events
    assert "forgotten0" not in messages


def test_a_visit_has_few_events_at_a_time(visit: Visit, page: gradio.Blocks):
    queue = page._queue
    waiting = {f"waiting{n}" for n in range(MAX_EVENTS_OF_VISIT)}
    unread = {f"unread{n}" for n in range(MAX_EVENTS_OF_VISIT)}
    queue.event_ids_to_events.update(dict.fromkeys(waiting))
    queue.pending_event_ids_session["full"] = waiting | unread
    try:
        assert visit.join(visit.predict_number, [None, "width", "", None], "full").status_code == 503
        assert queue.pending_event_ids_session["full"] == waiting  # events that wait find a place for their answers
        assert queue.pending_messages_per_session["full"].empty()
    finally:
        for event in waiting:
            del queue.event_ids_to_events[event]
    assert visit.join(visit.predict_number, [None, "width", "", None], "full").is_success
    assert visit.read("full")["data"]


def test_gradio_still_remembers_deleted_files(visit: Visit, page: gradio.Blocks, monkeypatch: pytest.MonkeyPatch):
    missing = str(Path(mount.os.environ[mount.UPLOAD_VARIABLE]) / "missing.png")
    visit.predict({"path": missing} | MARK)
    assert any(missing in paths for paths in page.temp_file_sets)
    monkeypatch.setattr(gradio_patches, "MAX_KNOWN_FILES", 0)
    visit.predict(None)
    assert not any(missing in paths for paths in page.temp_file_sets)


def test_the_queue_has_an_end(visit: Visit, page: gradio.Blocks, monkeypatch: pytest.MonkeyPatch):
    assert page._queue.max_size == layout.MAX_QUEUED
    monkeypatch.setattr(page._queue, "max_size", 0)
    assert visit.join(visit.predict_number, [None, "width", "", None]).status_code == 503


def test_gradio_keeps_no_statistics(visit: Visit, page: gradio.Blocks):
    for _ in range(3):
        visit.predict(None)
    assert len(page._queue.event_analytics) <= 1
    assert page._queue.cached_event_analytics_summary == {"functions": {}}


def test_gradio_still_fetches_urls_that_get_past_the_filter(visit: Visit, monkeypatch: pytest.MonkeyPatch):
    fetched = []

    async def fetch(url: str, cache_dir: str) -> str:
        fetched.append(url)
        raise OSError(url)

    monkeypatch.setattr("gradio.processing_utils.async_ssrf_protected_download", fetch)
    file = {"path": "http://192.0.2.1/a.png"} | MARK
    assert visit.join(visit.predict_number, [file, "width", "", None]).status_code == 400
    assert not fetched
    monkeypatch.setattr(request_filter, "ADDRESS", NEVER)
    visit.predict(file)
    assert fetched == [file["path"]]


def test_gradio_still_prints_tracebacks_of_events():
    assert "traceback.print_exc()" in inspect.getsource(gradio.queueing)


def test_errors_of_events_are_logged_in_a_line(
    visit: Visit, capfd: pytest.CaptureFixture, caplog: pytest.LogCaptureFixture
):
    assert "data" not in visit.call(visit.predict_number, ["no file", "width", "", None])
    assert "Traceback" not in capfd.readouterr().err
    (record,) = (record for record in caplog.records if "event of the page" in record.message)
    assert record.exc_info is None
    assert len(record.message) < 120


def test_gradio_still_cuts_the_stream_of_a_visit_without_events(visit: Visit):
    nobody = {"session_hash": "nobody"}
    assert visit.client.get(request_filter.ANSWERS, params=nobody).is_success
    with pytest.raises(RuntimeError):
        TestClient(visit.client.app.router.routes[-1].app.app).get(request_filter.ANSWERS, params=nobody)


def test_gradio_still_fails_if_a_text_is_uploaded(visit: Visit):
    answer = visit.client.post(request_filter.UPLOAD, files={"files": (None, b"text")})
    assert answer.status_code == answer.json()["return_code"] == 400
    with pytest.raises(TypeError, match="GradioUploadFile"):
        TestClient(visit.client.app.router.routes[-1].app.app).post(
            request_filter.UPLOAD, files={"files": (None, b"text")}
        )
