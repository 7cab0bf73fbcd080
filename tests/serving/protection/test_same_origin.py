"""Host names, requests of other sites, and security headers, over real sockets."""

import http.client
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from bearcat.serving.protection.same_origin import OriginCheck
from tests.helpers.services import DARK, Running, make_work, running

TOKEN = "a-token-of-enough-characters"
ALL_PAGES = ("/", "/docs", "/health", "/models", "/metrics", "/openapi.json", "/nothing")
FOREIGN_HOSTS = [
    {"Host": "evil.example"},
    {"Host": "evil.example:5006", "Origin": "http://evil.example:5006", "Sec-Fetch-Site": "same-origin"},
    {"Host": "127.0.0.1.evil.example"},
    {"Host": "127.0.0.1:5006@evil.example"},
    {"Host": ""},
    {"Host": "127.000.0.1"},  # not an address, on which gradio would fail
    {"Host": "127.0.0.999"},
    {"Host": "127.0.0.1:123456"},
]
FOREIGN_SITES = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:3000"},
]
OWN = [
    {},
    {"Host": "localhost"},
    {"Host": "localhost:8080", "Origin": "http://localhost:8080"},  # a tunnel
    {"Host": "[::1]:5006"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "https://proxy.example"},  # a proxy that does not pass the Host
    {"Sec-Fetch-Site": "none", "Origin": "chrome-extension://abcdef"},
]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(make_work(tmp_path_factory.mktemp("service") / "work", first={}), "--no-page") as service:
        yield service


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service with a token."""
    work = make_work(tmp_path_factory.mktemp("guarded") / "work", first={})
    with running(work, "--no-page", BEARCAT_TOKEN=TOKEN) as service:
        yield service


def ask(service: Running, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Sends a request with exactly these headers, of which the host may be any; returns status, headers and body."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    body = urlencode({"img": DARK}).encode() if method == "POST" else b""
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    fields = {"Host": f"127.0.0.1:{service.port}", "Content-Type": "application/x-www-form-urlencoded", **headers}
    for name, value in (fields | {"Content-Length": str(len(body))}).items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}, content


@pytest.mark.parametrize("headers", FOREIGN_HOSTS, ids=str)
def test_foreign_host_names_are_refused_on_a_loopback_address(service: Running, headers: dict[str, str]):
    for method, path in (("POST", "/"), ("GET", "/models"), ("GET", "/health"), ("GET", "/docs"), ("GET", "/")):
        status, _, content = ask(service, method, path, headers)
        assert status == 403, path
        assert b"use the address that app.py printed" in content
        assert b'"return_code":403' in content


@pytest.mark.parametrize("headers", FOREIGN_SITES, ids=str)
def test_a_page_of_another_site_cannot_post_but_be_linked_from(service: Running, headers: dict[str, str]):
    for path in ("/", "/api/predict"):
        assert ask(service, "POST", path, headers)[0] == 403
    assert ask(service, "GET", "/docs", headers)[0] == 200


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_programs_tunnels_proxies_and_the_own_page_are_served(service: Running, headers: dict[str, str]):
    assert ask(service, "POST", "/", headers)[0] == 200


def test_with_a_token_every_host_name_is_served_but_no_page_of_another_site(guarded: Running):
    token = {"X-Token": TOKEN}
    assert ask(guarded, "POST", "/", {**token, "Host": "captcha.example"})[0] == 200
    assert ask(guarded, "POST", "/", {**token, "Host": "captcha.example", "Sec-Fetch-Site": "cross-site"})[0] == 403
    assert ask(guarded, "POST", "/", {"Host": "captcha.example"})[0] == 401


def test_other_addresses_are_served_under_every_name():
    scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"captcha.example")]}
    assert OriginCheck("127.0.0.1", has_token=False).refusal(scope)
    for host, has_token in (("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("127.0.0.1", True)):
        assert not OriginCheck(host, has_token).refusal(scope)


def test_every_answer_has_the_security_headers(service: Running, guarded: Running):
    answers = [ask(service, "GET", path, {}) for path in ALL_PAGES]
    answers += [ask(service, "POST", "/", {}), ask(service, "PUT", "/", {}), ask(service, "GET", "/", FOREIGN_HOSTS[0])]
    answers += [ask(guarded, "GET", "/", {"Accept": "text/html"}), ask(guarded, "GET", f"/?token={TOKEN}", {})]
    assert {status for status, *_ in answers} == {200, 303, 401, 403, 404, 405}
    for _, headers, _ in answers:
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
    _, headers, content = answers[ALL_PAGES.index("/docs")]
    assert b"<style>" in content
    assert "style-src 'sha256-" in headers["content-security-policy"]
