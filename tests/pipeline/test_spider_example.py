"""The example client: one image, several, a folder, an address on this machine and on no other, and a token."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.services import Running, make_work, png, running
from tests.helpers.steps import run_well, run_wrongly

TOKEN = "open-sesame"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    work = make_work(tmp_path_factory.mktemp("service") / "work", unit={})
    with running(work, "--no-page", BEARCAT_TOKEN=TOKEN) as service:
        yield service


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a dark image, one that is none, and a light one."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for name, content in {"1.png": png(0), "2.png": b"no image", "3.png": png(255)}.items():
        (folder / name).write_bytes(content)
    return folder


def arguments(service: Running) -> list[object]:
    return ["--work", service.log_file.parent, "--port", service.port, "--token", TOKEN]


def test_one_image_is_asked_for_in_a_single_call(service: Running, images: Path):
    printed = run_well("spider_example.py", images / "1.png", *arguments(service))
    assert "Answer:  a  (100.0% sure" in printed


def test_a_folder_and_further_files_are_a_batch_in_which_a_bad_one_is_named(service: Running, images: Path):
    printed = run_well("spider_example.py", images, images / "3.png", *arguments(service))
    assert f"{images / '1.png'}: a\n" in printed
    assert f"{images / '2.png'}: the image is no image" in printed
    assert f"{images / '3.png'}: b\n" in printed


def test_an_address_on_this_machine_is_fetched_and_no_other_is(service: Running, images: Path):
    handler = partial(SimpleHTTPRequestHandler, directory=str(images))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert "Answer:  b" in run_well("spider_example.py", f"{url}/3.png", *arguments(service))
        assert "answered 404" in run_wrongly("spider_example.py", f"{url}/4.png", *arguments(service))
        server.shutdown()
    for address in ("http://example.com/a.png", "https://127.0.0.1.example.com/a.png", "file:///etc/hostname"):
        assert "is not on this machine" in run_wrongly("spider_example.py", address, *arguments(service))


def test_without_the_token_the_service_s_refusal_is_told(service: Running, images: Path):
    refused = run_wrongly("spider_example.py", images / "1.png", *arguments(service)[:-2])
    assert "answered 401" in refused


def test_a_folder_without_images_is_told(service: Running, tmp_path: Path):
    assert "holds no images" in run_wrongly("spider_example.py", tmp_path, *arguments(service))
