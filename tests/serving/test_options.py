"""Values of app.py's options: counts, bytes, and the token."""

import argparse

import pytest

from bearcat.serving.options import TOKEN_VARIABLE, find_token, parse_bytes, parse_count


@pytest.mark.parametrize(("text", "expected"), [("0", 0), ("500000", 500_000), ("500K", 512_000), ("8m", 8 * 2**20)])
def test_bytes_may_be_given_in_k_and_m(text: str, expected: int):
    assert parse_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "much", "-1", "8G", "1.5M"])
def test_other_bytes_are_refused_with_an_example(text: str):
    with pytest.raises(argparse.ArgumentTypeError, match="500K or 8M"):
        parse_bytes(text)


def test_a_count_starts_at_0():
    assert parse_count("0") == 0
    for text in ("-1", "x", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="from 0 up"):
            parse_count(text)


def test_the_token_s_option_overrides_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    assert find_token(None) is None
    monkeypatch.setenv(TOKEN_VARIABLE, "environment")
    assert find_token(None) == "environment"
    assert find_token("option") == "option"
