"""The pages of docs are true: the messages that they explain are the program's, and both languages tell the same."""

import re

import pytest

from tests.helpers.steps import ROOT

PAGES = ["docs/troubleshooting.md", "docs/zh-CN/troubleshooting.md"]
TRANSLATED = ["data.md", "http-api.md", "troubleshooting.md"]
MIN_MESSAGES = 50


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def quoted_messages(page: str) -> list[str]:
    """Returns what the first cells of a page's tables of two columns quote: the tables of counts have more."""
    rows = [row.split(" | ") for row in re.findall(r"^\| (.*) \|$", read(page), re.MULTILINE)]
    return [message for row in rows if len(row) == 2 for message in re.findall(r"`([^`]+)`", row[0])]


@pytest.mark.parametrize("page", PAGES)
def test_every_message_explained_is_one_that_the_program_has(page: str):
    sources = [*ROOT.glob("*.py"), *(ROOT / "bearcat").rglob("*.py")]
    program = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    messages = quoted_messages(page)
    assert len(messages) >= MIN_MESSAGES
    for message in messages:
        assert message in program, message


def test_both_languages_explain_the_same_messages():
    assert quoted_messages(PAGES[0]) == quoted_messages(PAGES[1])


@pytest.mark.parametrize("page", TRANSLATED)
def test_both_languages_have_the_same_code(page: str):
    english, chinese = (
        re.findall(r"```\w+\n.*?```", read(f"docs/{folder}{page}"), re.DOTALL) for folder in ("", "zh-CN/")
    )
    assert english == chinese
