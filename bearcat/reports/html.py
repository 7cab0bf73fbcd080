"""Reports as one HTML file that opens offline: plain blocks to put together, everything in them escaped.

A block is a markupsafe.Markup; whatever else is put into one, a label or a file's name, is escaped. No scripts, no
fonts, no links to other machines: images and figures lie in the file as data URLs.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup
from PIL import Image

from bearcat.core.files import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

IMAGE_SIZE = (480, 240)  # pixels at most; larger ones are shrunk for the page
STYLE = Markup(
    """:root{color-scheme:light dark;--line:#8884;--bar:#4c8bd6;--wrong:#c62828;--true:#2e7d32}
body{font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei","PingFang SC","WenQuanYi Micro Hei",sans-serif;
max-width:64rem;margin:2rem auto;padding:0 1rem}
h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
.lead{font-size:1.3rem}table{border-collapse:collapse;margin:1rem 0}
td,th{border:1px solid var(--line);padding:.25rem .7rem;text-align:left;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}
caption{text-align:left;white-space:nowrap;font-weight:600;padding-bottom:.3rem}
.bar{display:inline-block;width:10rem;height:.7rem;background:var(--line);margin-right:.6rem}
.bar i{display:block;height:100%;background:var(--bar)}
.side{display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:flex-start}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem;margin:1rem 0}
.card{border:1px solid var(--line);border-radius:.4rem;padding:.6rem;break-inside:avoid;overflow-wrap:anywhere}
.card div{font-size:.9rem}img{max-width:100%;background:#fff;display:block}
code,.read{font-family:ui-monospace,Consolas,"DejaVu Sans Mono","WenQuanYi Micro Hei Mono",monospace}
.read{font-size:1.1rem;white-space:pre-wrap}mark{background:var(--wrong);color:#fff;padding:0 .1em}
mark.true{background:var(--true)}
.card img{width:100%;max-height:9rem;object-fit:contain;object-position:left}
.wide{grid-template-columns:repeat(auto-fill,minmax(22rem,1fr))}.wide .card img{max-height:none}
@media print{body{max-width:none;margin:0}h2{break-after:avoid}tr{break-inside:avoid}
.bar,.bar i,mark{print-color-adjust:exact}}"""
)
PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    '<style>{style}</style></head>\n<body><h1>{title}</h1>\n<p class="lead">{lead}</p>\n{body}\n</body></html>\n'
)


def page(title: str, lead: object, sections: Iterable[Markup]) -> str:
    """Return a whole page; `lead` is the sentence that a reader in a hurry needs."""
    return str(PAGE.format(title=title, style=STYLE, lead=lead, body=join(sections, "\n")))


def write_page(path: Path, html: str) -> None:
    """Write a page beside and rename it into place."""
    write_text(path, html)


def join(blocks: Iterable[object], between: str = "") -> Markup:
    """Return blocks one after the other; text among them is escaped."""
    return Markup(between).join(blocks)


def section(heading: str, *blocks: object) -> Markup:
    """Return a heading and what belongs under it; text becomes a paragraph."""
    return Markup("<section><h2>{}</h2>\n{}</section>").format(heading, join(map(_as_block, blocks), "\n"))


def side_by_side(*blocks: object) -> Markup:
    """Return blocks beside each other where the page is wide enough."""
    columns = (Markup("<div>{}</div>").format(_as_block(block)) for block in blocks)
    return Markup('<div class="side">{}</div>').format(join(columns))


def _as_block(block: object) -> Markup:
    return block if isinstance(block, Markup) else Markup("<p>{}</p>").format(block)


def listing(items: Iterable[object]) -> Markup:
    """Return a list of points."""
    return Markup("<ul>{}</ul>").format(join(Markup("<li>{}</li>").format(item) for item in items))


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Markup:
    """Return a table; numbers stand to the right."""
    head = join(Markup("<th>{}</th>").format(header) for header in headers)
    body = join((Markup("<tr>{}</tr>").format(join(map(_cell, row))) for row in rows), "\n")
    title = Markup("<caption>{}</caption>").format(caption) if caption else ""
    return Markup("<table>{}<tr>{}</tr>\n{}</table>").format(title, head, body)


def _cell(value: object) -> Markup:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Markup("<td{}>{}</td>").format(Markup(' class="number"') if is_number else "", value)


def bar(share: float, text: object = "") -> Markup:
    """Return a bar filled to a share of 0 … 1, and a text behind it."""
    width = f"{100 * min(1.0, max(0.0, share)):.1f}"
    return Markup('<span class="bar"><i style="width:{}%"></i></span>{}').format(width, text)


def code(text: object) -> Markup:
    """Return text as a program would write it: a command, a file's name."""
    return Markup("<code>{}</code>").format(text)


def marked(parts: Iterable[tuple[str, bool]], is_true: bool = False) -> Markup:
    """Return a text of (part, stands out) with what stands out marked: red, or green where it is the true one."""
    mark = Markup('<mark class="true">{}</mark>' if is_true else "<mark>{}</mark>")
    shown = ((mark if stands_out else Markup("{}")).format(part) for part, stands_out in parts)
    return Markup('<span class="read">{}</span>').format(join(shown))


def image(image: Image.Image, alt: str = "", size: tuple[int, int] = IMAGE_SIZE) -> Markup:
    """Return an image as a data URL (PNG), shrunk to `size` (width, height) where it is larger."""
    small = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
    if small.width > size[0] or small.height > size[1]:
        small = small.copy()
        small.thumbnail(size)
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return _embedded("image/png", buffer.getvalue(), alt)


def figure(drawn: "Figure", alt: str = "") -> Markup:
    """Return a matplotlib figure as an image that stays sharp; its letters are outlines, so no font is needed.

    Take an own Figure, not pyplot's, and put nothing of the data's labels into it: the fonts of a figure have no
    Chinese. Tables and bars are for those.
    """
    from matplotlib import rc_context  # heavy, and not needed by most steps

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "bearcat"}):  # else the same figure gets other ids each time
        drawn.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return _embedded("image/svg+xml", buffer.getvalue(), alt)


def _embedded(kind: str, data: bytes, alt: str) -> Markup:
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(kind, base64.b64encode(data).decode("ascii"), alt)


def card(*blocks: object) -> Markup:
    """Return an image and the lines under it, for a gallery."""
    return Markup('<div class="card">{}</div>').format(join(Markup("<div>{}</div>").format(b) for b in blocks))


def gallery(cards: Iterable[Markup], wide: bool = False) -> Markup:
    """Return cards in rows, as many beside each other as the page is wide; `wide` ones are two."""
    return Markup('<div class="gallery{}">{}</div>').format(" wide" if wide else "", join(cards, "\n"))
