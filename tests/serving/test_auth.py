"""Tokens and cookies: what is accepted, how long, and what guessing costs."""

import asyncio
from types import SimpleNamespace

import pytest
from starlette.testclient import TestClient

from bearcat.serving import auth, middleware
from bearcat.serving.app import make_app
from bearcat.serving.auth import COOKIE, TokenCheck, warn_of_short_token

TOKEN = "a-token-of-enough-characters"
KEY = b"k" * 32


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds for which answers were delayed."""
    seconds: list[float] = []

    async def sleep(delay: float) -> None:
        seconds.append(delay)

    monkeypatch.setattr(middleware, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": sleep}))
    return seconds


def client(key: bytes = KEY) -> TestClient:
    return TestClient(make_app({}, token=TOKEN, session_key=key), follow_redirects=False)


def log_in(key: bytes = KEY) -> str:
    """Returns the cookie that a visit with the token sets."""
    answer = client(key).get(f"/?token={TOKEN}")
    assert answer.status_code == 303
    assert all(word in answer.headers["set-cookie"] for word in ("HttpOnly", "SameSite=lax", "Max-Age="))
    return answer.cookies[COOKIE]


def status(cookie: str, key: bytes = KEY) -> int:
    return client(key).get("/models", headers={"cookie": f"{COOKIE}={cookie}"}).status_code


def test_cookies_are_random_and_valid_in_every_process_that_has_the_key():
    first, second = log_in(), log_in()
    assert first != second
    assert [status(cookie) for cookie in (first, second)] == [200, 200]
    assert status(first, b"another key, after a new start") == 401
    assert TokenCheck(TOKEN)._key != TokenCheck(TOKEN)._key


def test_forged_and_expired_cookies_are_refused(monkeypatch: pytest.MonkeyPatch):
    cookie = log_in()
    expires, rest = cookie.split(".", 1)
    forged = [f"{int(expires) + 1}.{rest}", cookie[:-1], cookie.rpartition(".")[0], rest, "", ".", "9999999999.."]
    assert {status(one) for one in forged} == {401}
    assert status(cookie) == 200
    monkeypatch.setattr(auth, "time", SimpleNamespace(time=lambda: int(expires) + 1))
    assert status(cookie) == 401


def test_a_wrong_token_is_answered_late_but_not_a_missing_one(sleeps: list[float]):
    with client() as visitor:
        for headers in ({}, {"cookie": f"{COOKIE}=old"}, {"accept": "text/html"}):
            assert visitor.get("/", headers=headers).status_code == 401
        assert sleeps == []
        assert visitor.get("/models", headers={"x-token": TOKEN}).status_code == 200
        assert visitor.get(f"/?token={TOKEN}").status_code == 303
        assert sleeps == []
        visitor.cookies.clear()
        for headers in ({"x-token": "guess"}, {"authorization": "Bearer guess"}):
            assert visitor.get("/models", headers=headers).status_code == 401
        assert visitor.get("/?token=guess").status_code == 401
        assert sleeps == [auth.WRONG_TOKEN_SECONDS] * 3


def test_a_short_token_is_warned_about():
    assert not warn_of_short_token(None)
    assert not warn_of_short_token("x" * auth.MIN_TOKEN)
    assert "the token has 15 characters" in warn_of_short_token("x" * 15)
