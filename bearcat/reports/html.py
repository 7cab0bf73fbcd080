"""Building blocks of HTML reports: pages of one file that open offline.

A block is a `markupsafe.Markup`; anything else in a page, such as a label or a file name, is escaped. Pages have no
scripts, fonts or external links; images and figures are embedded as data URLs.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup, escape
from PIL import Image

from bearcat.core.files import write_text
from bearcat.core.names import show_message

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LISTED = 8  # files, characters and the like in a sentence
IMAGE_SIZE = (480, 240)  # largest width and height in a page, in pixels
STYLE = Markup(
    """:root{color-scheme:light dark;--line:#8884;--bar:#4c8bd6;--wrong:#c62828;--true:#2e7d32}
body{font:16px/1.5 system-ui,"Noto Sans CJK SC","Microsoft YaHei","PingFang SC","WenQuanYi Micro Hei",sans-serif;
max-width:64rem;margin:2rem auto;padding:0 1rem}
h1,h2{line-height:1.2}h2{margin-top:2.5rem;border-bottom:1px solid var(--line);padding-bottom:.2rem}
.lead{font-size:1.3rem}table{border-collapse:collapse}
td,th{border:1px solid var(--line);padding:.25rem .7rem;text-align:left;vertical-align:top}
td.number{text-align:right;font-variant-numeric:tabular-nums}
caption{text-align:left;white-space:nowrap;font-weight:600;padding-bottom:.3rem}
.scroll{overflow-x:auto;margin:1rem 0}.side>div{max-width:100%}
.bar{display:inline-block;width:min(10rem,20vw);height:.7rem;background:var(--line);margin-right:.6rem}
.bar i{display:block;height:100%;background:var(--bar)}
.side{display:flex;flex-wrap:wrap;gap:0 2.5rem;align-items:flex-start}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(13rem,1fr));gap:1rem;margin:1rem 0}
.card{border:1px solid var(--line);border-radius:.4rem;padding:.6rem;break-inside:avoid;overflow-wrap:anywhere}
.card div{font-size:.9rem}img{max-width:100%;background:#fff;display:block}
td img{max-width:none}
code,.read,.strip text{font-family:ui-monospace,Consolas,"DejaVu Sans Mono","WenQuanYi Micro Hei Mono",monospace}
.read{font-size:1.1rem;white-space:pre-wrap}mark{background:var(--wrong);color:#fff;padding:0 .1em}
mark.true{background:var(--true)}
.card img{width:100%;max-height:9rem;object-fit:contain;object-position:left}
.strip{margin:0}.card .strip img{max-height:none}.strip svg{display:block;overflow:visible}
.strip text{fill:#fff;text-anchor:middle;dominant-baseline:central}
.strip text.right,.strip text.percent{fill:currentColor}.strip text.percent{font-size:9px}
.strip rect{fill:var(--line)}.strip rect.right{fill:var(--bar)}.strip rect.wrong{fill:var(--wrong)}
.strip rect.true{fill:var(--true)}.strip rect.right.chip{fill:none}.strip path{stroke:currentColor;opacity:.5}
.wide{grid-template-columns:repeat(auto-fill,minmax(22rem,1fr))}.wide .card img{max-height:none}
@media print{body{max-width:none;margin:0}.scroll{overflow:visible}h2{break-after:avoid}tr{break-inside:avoid}
.bar,.bar i,mark{print-color-adjust:exact}}"""
)
NOTHING = Markup("<i>nothing</i>")  # in place of an empty text
PAGE = Markup(
    '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
    '<style>{style}</style></head>\n<body><h1>{title}</h1>\n<p class="lead">{lead}</p>\n{body}\n</body></html>\n'
)


def page(title: str, lead: object, sections: Iterable[Markup]) -> str:
    """Returns a whole page; `lead` is the summary under the title."""
    return str(PAGE.format(title=title, style=STYLE, lead=lead, body=join(sections, "\n")))


def write_page(path: Path, html: str) -> None:
    """Writes a page atomically; bytes of names that are not UTF-8 become escapes."""
    write_text(path, html.encode("utf-8", "backslashreplace").decode("utf-8"))


def join(blocks: Iterable[object], between: str = "") -> Markup:
    """Joins blocks; text among them is escaped."""
    return Markup(between).join(map(escape, blocks))


def section(heading: str, *blocks: object) -> Markup:
    """Heading with the blocks under it; text becomes a paragraph."""
    return Markup("<section><h2>{}</h2>\n{}</section>").format(heading, join(map(_as_block, blocks), "\n"))


def side_by_side(*blocks: object) -> Markup:
    """Blocks next to each other if the page is wide enough."""
    columns = (Markup("<div>{}</div>").format(_as_block(block)) for block in blocks)
    return Markup('<div class="side">{}</div>').format(join(columns))


def _as_block(block: object) -> Markup:
    return block if isinstance(block, Markup) else Markup("<p>{}</p>").format(block)


def listing(items: Iterable[object]) -> Markup:
    """Bulleted list."""
    return Markup("<ul>{}</ul>").format(join(Markup("<li>{}</li>").format(item) for item in items))


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], caption: str = "") -> Markup:
    """Table, with numbers aligned right."""
    head = join(Markup("<th>{}</th>").format(header) for header in headers)
    body = join((Markup("<tr>{}</tr>").format(join(map(_cell, row))) for row in rows), "\n")
    title = Markup("<caption>{}</caption>").format(caption) if caption else ""
    return Markup('<div class="scroll"><table>{}<tr>{}</tr>\n{}</table></div>').format(title, head, body)


def _cell(value: object) -> Markup:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Markup("<td{}>{}</td>").format(Markup(' class="number"') if is_number else "", value)


def bar(fraction: float, text: object = "") -> Markup:
    """Bar filled to a fraction from 0 to 1, followed by a text."""
    width = f"{100 * min(1.0, max(0.0, fraction)):.1f}"
    return Markup('<span class="bar"><i style="width:{}%"></i></span>{}').format(width, text)


def code(text: object) -> Markup:
    """Text in a monospaced font: a command, or a file name, shown as `show_message` does."""
    return Markup("<code>{}</code>").format(show_message(str(text)))


def marked(parts: Iterable[tuple[str, bool]], is_true: bool = False) -> Markup:
    """Text with highlighted parts.

    Args:
        parts: Pieces of the text, and whether each is highlighted.
        is_true: Whether the highlight is green, for the true text, instead of red.
    """
    mark = Markup('<mark class="true">{}</mark>' if is_true else "<mark>{}</mark>")
    shown = ((mark if highlighted else Markup("{}")).format(part) for part, highlighted in parts)
    return Markup('<span class="read">{}</span>').format(join(shown))


def image(image: Image.Image, alt: str = "", size: tuple[int, int] = IMAGE_SIZE) -> Markup:
    """Image as an embedded PNG, scaled down to `size` (width, height) in pixels if it is larger."""
    small = image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")
    if small.width > size[0] or small.height > size[1]:
        small = small.copy()
        small.thumbnail(size)
    buffer = io.BytesIO()
    small.save(buffer, "PNG", optimize=True)
    return _embedded("image/png", buffer.getvalue(), alt)


def figure(drawn: "Figure", alt: str = "") -> Markup:
    """Matplotlib figure as an embedded SVG, with letters as outlines.

    Figures must not contain labels of the data, since matplotlib's fonts lack Chinese: use tables and bars for those.
    """
    from matplotlib import rc_context  # heavy, and not needed by most steps

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "bearcat"}):  # else equal figures get different ids
        drawn.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
    return _embedded("image/svg+xml", buffer.getvalue(), alt)


def _embedded(kind: str, data: bytes, alt: str) -> Markup:
    return Markup('<img src="data:{};base64,{}" alt="{}">').format(kind, base64.b64encode(data).decode("ascii"), alt)


def card(*blocks: object) -> Markup:
    """Image with lines under it, for a gallery."""
    return Markup('<div class="card">{}</div>').format(join(Markup("<div>{}</div>").format(b) for b in blocks))


def gallery(cards: Iterable[Markup], wide: bool = False) -> Markup:
    """Cards in as many columns as fit the page; two if `wide`."""
    return Markup('<div class="gallery{}">{}</div>').format(" wide" if wide else "", join(cards, "\n"))


def plural(count: int, one: str, many: str = "") -> str:
    """Count with its noun, as '1 image' or '2,000 images'; the plural is `many`, by default with an s."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def list_some(items: Sequence[str]) -> str:
    """Joins the first items with commas, and says how many more there are."""
    more = len(items) - LISTED
    return ", ".join(items[:LISTED]) + (f" and {more} more" if more > 0 else "")
