"""HTML reports: everything escaped, nothing fetched, images and figures embedded."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from matplotlib.figure import Figure
from PIL import Image

from bearcat.reports import html

EVIL = '<script>alert("&")</script>'


class Tags(HTMLParser):
    """Collects tags and the URLs that a browser would fetch."""

    def __init__(self, text: str):
        super().__init__()
        self.tags, self.addresses, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def drawn() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1])
    return figure


@pytest.fixture
def whole() -> str:
    blocks = [
        EVIL,
        html.table([EVIL], [[EVIL, 1]], caption=EVIL),
        html.listing([EVIL, html.code(EVIL)]),
        html.bar(0.5, EVIL),
        html.gallery(
            [
                html.card(
                    html.image(Image.new("P", (9, 9)), EVIL), html.marked([(EVIL, True), ("b", False)], is_true=True)
                )
            ]
        ),
        html.side_by_side(html.figure(drawn(), EVIL), EVIL),
    ]
    return html.page(EVIL, EVIL, [html.section(EVIL, *blocks)])


def test_everything_is_escaped_and_every_tag_is_closed(whole: str):
    found = Tags(whole)
    assert "script" not in found.tags
    assert not found.open
    assert whole.count("&lt;script&gt;") >= 14


def test_nothing_is_fetched(whole: str):
    addresses = Tags(whole).addresses
    assert len(addresses) == 2
    assert all(address.startswith("data:image/") for address in addresses)
    assert not re.search(r"https?:|url\(|@import", whole)


def test_a_large_image_is_scaled_down_and_the_original_kept():
    large = Image.new("RGB", (2000, 500), "red")
    data = re.search('base64,([^"]+)', html.image(large))[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (480, 120)
    assert large.size == (2000, 500)


def test_numbers_are_aligned_right_and_bars_are_clipped():
    shown = html.table(["a"], [[1.5, "1.5"]])
    assert shown.startswith('<div class="scroll"><table>')  # on a phone it scrolls, and the page does not
    assert '<td class="number">1.5</td><td>1.5</td>' in shown
    assert "width:100.0%" in html.bar(7)
    assert "width:0.0%" in html.bar(-1)


def test_the_same_figure_makes_the_same_page():
    assert html.figure(drawn()) == html.figure(drawn())


def test_a_page_is_written_as_utf_8(tmp_path: Path):
    html.write_page(tmp_path / "report" / "a.html", html.page("天", "x", []))
    assert "天" in (tmp_path / "report" / "a.html").read_text(encoding="utf-8")


def test_long_lists_are_cut():
    assert html.list_some(list("abcdefghij")) == "a, b, c, d, e, f, g, h and 2 more"
    assert html.list_some(["a"]) == "a"


def test_names_that_cannot_be_shown_are_escaped_and_a_page_can_always_be_written(tmp_path: Path):
    name = "\udccc\u202e\x1b.png"
    assert html.code(name) == r"<code>\xcc\u202e\x1b.png</code>"
    html.write_page(tmp_path / "a.html", html.page(name, name, [html.image(Image.new("L", (4, 4)), name)]))
    assert "\\udccc" in (tmp_path / "a.html").read_text(encoding="utf-8")
