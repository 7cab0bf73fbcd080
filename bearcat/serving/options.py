"""Values of app.py's command-line options."""

import argparse
import os
import re

from bearcat.serving.auth import TokenCheck

TOKEN_VARIABLE = "BEARCAT_TOKEN"
_FACTORS = {"": 1, "K": 2**10, "M": 2**20}


def parse_count(text: str) -> int:
    """Parses a number from 0 up, as an argparse type."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number from 0 up")
    return int(text)


def parse_bytes(text: str) -> int:
    """Parses a number of bytes such as 500000, 500K or 8M, as an argparse type."""
    match = re.fullmatch(r"(\d+)([KM]?)", text.upper())
    if not match:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a number of bytes, such as 500K or 8M")
    return int(match[1]) * _FACTORS[match[2]]


def find_token(option: str | None) -> str | None:
    """Returns the token that clients must send: the option, else the environment's, else None.

    Raises:
        ServiceError: The token cannot be sent as a header.
    """
    token = os.environ.get(TOKEN_VARIABLE) or None if option is None else option
    if token is not None:
        TokenCheck(token)
    return token
