"""The example client: one image, several, a folder, a URL on this machine and on no other, and a token."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.helpers.services import Running, make_work, png, running
from tests.helpers.steps import run_ok, run_refused

TOKEN = "open-sesame"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory):
    work = make_work(tmp_path_factory.mktemp("service") / "work", captcha={})
    with running(work, "--no-page", BEARCAT_TOKEN=TOKEN) as service:
        yield service


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with a dark image, an invalid file, and a light image."""
    folder = tmp_path / "images"
    folder.mkdir()
    for name, content in {"1.png": png(0), "2.png": b"no image", "3.png": png(255)}.items():
        (folder / name).write_bytes(content)
    return folder


def arguments(service: Running) -> list[object]:
    return ["--work", service.log_file.parent, "--port", service.port, "--token", TOKEN]


def test_one_image_is_sent_by_itself(service: Running, images: Path):
    printed = run_ok("spider_example.py", images / "1.png", *arguments(service))
    assert "Answer:  a  (confidence 100.0%" in printed


def test_a_folder_and_further_files_are_sent_together_and_a_bad_one_is_named(service: Running, images: Path):
    printed = run_ok("spider_example.py", images, images / "3.png", *arguments(service))
    assert f"{images / '1.png'}: a\n" in printed
    assert f"{images / '2.png'}: the image is not in a supported format" in printed
    assert f"{images / '3.png'}: b\n" in printed
    assert "with a label" not in printed


def test_named_images_that_have_a_label_are_compared_with_it(service: Running, tmp_path: Path):
    for name, content in {"a_1.png": png(0), "a_2.png": png(255), "3.png": png(0), "b_4.png": b"no image"}.items():
        (tmp_path / name).write_bytes(content)
    one, other = tmp_path / "a_1.png", tmp_path / "a_2.png"
    assert "Label:   a  (correct)" in run_ok("spider_example.py", one, *arguments(service))
    assert "Label:   a  (incorrect)" in run_ok("spider_example.py", other, *arguments(service))
    assert "Label:" not in run_ok("spider_example.py", tmp_path / "3.png", *arguments(service))
    printed = run_ok("spider_example.py", tmp_path, *arguments(service))
    assert f"{one}: a  (label a: correct)" in printed
    assert f"{other}: b  (label a: incorrect)" in printed
    assert "1 of 3 images with a label are correct" in printed


def test_the_label_of_a_test_image_may_stand_in_a_table_or_be_its_folder(service: Running, tmp_path: Path):
    test_set = service.log_file.parent / "test_dataset"
    (test_set / "b").mkdir(parents=True)
    (test_set / "b" / "1.png").write_bytes(png(255))
    (tmp_path / "labels.csv").write_text("1.png,a\n", encoding="utf-8")
    (tmp_path / "1.png").write_bytes(png(0))
    for image, label in ((test_set / "b" / "1.png", "b"), (tmp_path / "1.png", "a")):
        assert f"Label:   {label}  (correct)" in run_ok("spider_example.py", image, *arguments(service))


def test_a_url_on_this_machine_is_downloaded_and_no_other(service: Running, images: Path):
    handler = partial(SimpleHTTPRequestHandler, directory=str(images))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        assert "Answer:  b" in run_ok("spider_example.py", f"{url}/3.png", *arguments(service))
        assert "answered 404" in run_refused("spider_example.py", f"{url}/4.png", *arguments(service))
        server.shutdown()
    for address in ("http://example.com/a.png", "https://127.0.0.1.example.com/a.png", "file:///etc/hostname"):
        assert "is not on this machine" in run_refused("spider_example.py", address, *arguments(service))


def test_without_the_token_the_service_s_refusal_is_printed(service: Running, images: Path):
    refused = run_refused("spider_example.py", images / "1.png", *arguments(service)[:-2])
    assert "answered 401" in refused


def test_a_folder_without_images_is_refused(service: Running, tmp_path: Path):
    assert "holds no images" in run_refused("spider_example.py", tmp_path, *arguments(service))
