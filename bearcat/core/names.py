"""How names of files are shown: on one line, without characters that act on a terminal or cannot be written."""

import os
import re
import unicodedata

# shown as an escape: control and format characters (bidi marks, zero-width), surrogates, line and paragraph separators
_ESCAPED_CATEGORIES = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_KEPT = "\u200c\u200d"  # joiners, which belong to the spelling of Persian and Indic words and to emoji
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes of a name that are not UTF-8, see PEP 383
_SURROGATE = re.compile("[\ud800-\udfff]")


def show_name(name: str | os.PathLike[str]) -> str:
    r"""Returns a file name or a path as it can be shown anywhere: in a terminal, a log, JSON or HTML.

    Bytes that are not UTF-8 become `\xcc`, other characters that are not shown as themselves `\n` or `\u202e`.
    """
    return "/".join(map(_show_part, os.fspath(name).split("/")))


def _show_part(name: str) -> str:
    if not _UNDECODED.search(name):
        return _escape(name)
    # some of the bytes may form a character of UTF-8 by chance
    return "".join(_escaped_bytes(one) if one > "\x7f" else _escape(one) for one in name)


def _escaped_bytes(character: str) -> str:
    if _UNDECODED.match(character):
        return _escaped(character)
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def show_message(message: str) -> str:
    """Returns a message in which names are shown as `show_name` does; its line breaks and tabs stay."""
    return _escape(message, keep=f"{_KEPT}\n\t")


def encode_name(name: str) -> bytes:
    """Returns a text with a file name as bytes, for a hash or a record: UTF-8, with surrogates if it has some."""
    return name.encode("utf-8", "surrogatepass")


def decode_name(content: bytes) -> str:
    """Returns the text of which `encode_name` made bytes."""
    return content.decode("utf-8", "surrogatepass")


def has_surrogates(text: str) -> bool:
    """Whether a text cannot be written as UTF-8: the bytes of a file name that are not UTF-8 become surrogates."""
    return _SURROGATE.search(text) is not None


def escape_surrogates(text: str) -> str:
    r"""Replaces surrogates by `\udccc`, which JSON reads back as the same character."""
    return _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(text: str, keep: str = _KEPT) -> str:
    if text.isprintable():
        return text
    return "".join(
        _escaped(one) if unicodedata.category(one) in _ESCAPED_CATEGORIES and one not in keep else one for one in text
    )


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00  # as in _UNDECODED
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode("ascii")
