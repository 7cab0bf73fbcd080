"""Histograms of a data set in HTML: how many pictures have which size, and how often each character occurs."""

from collections import Counter
from collections.abc import Iterable, Iterator

from markupsafe import Markup

from bearcat.html_report import bar, section, side_by_side, table
from bearcat.inspection import SetReport

MOST_BARS = 60  # of symbols
COLUMN = 20  # bars under one another
BINS = 12  # of sizes
RARE = "What is rare is learnt badly: some hundred of each are a good start."
SYMBOLS = {"character": "characters", "class": "classes", "box": "kinds of objects"}


def histograms(whole: SetReport, unit: str) -> Iterator[Markup]:
    """Yield a section of lengths and sizes and one of symbols; none where there are no pictures."""
    if not whole.pictures:
        return
    lengths = "objects a picture" if unit == "box" else "characters a label"
    sizes = [_bars("width", _binned(whole.widths)), _bars("height", _binned(whole.heights))]
    if unit != "class":
        sizes.insert(0, _bars(lengths, sorted(whole.label_lengths.items())))
    yield section("Labels and sizes", side_by_side(*sizes))
    if whole.symbols:  # pictures without a single object have none
        yield _symbols(whole.symbols, unit)


def _symbols(symbols: Counter, unit: str) -> Markup:
    ordered = sorted(symbols.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ordered) > MOST_BARS:
        half = MOST_BARS // 2
        hint = f"The {half} most frequent and the {half} rarest of {len(ordered):,}. {RARE}"
        ordered = ordered[:half] + ordered[-half:]
    else:
        ordered, hint = sorted(ordered), RARE
    most = max(number for _, number in ordered)
    columns = [ordered[start : start + COLUMN] for start in range(0, len(ordered), COLUMN)]
    bars = side_by_side(*(_bars("", column, most) for column in columns))
    return section(f"How often {SYMBOLS[unit]} occur", hint, bars)


def _bars(what: str, pairs: Iterable[tuple[object, int]], most: int = 0) -> Markup:
    """Return a histogram; its longest bar is its largest number, or `most`."""
    pairs = list(pairs)
    most = most or max(number for _, number in pairs)
    rows = [[str(name), bar(number / most, f"{number:,}")] for name, number in pairs]
    return table([what, "pictures" if what else "times"], rows)


def _binned(counts: Counter) -> list[tuple[str, int]]:
    """Return counted pixels in at most BINS ranges of equal width, empty ranges too."""
    low, high = min(counts), max(counts)
    if len(counts) <= BINS:
        return [(f"{side} px", number) for side, number in sorted(counts.items())]
    step = -(-(high - low + 1) // BINS)
    return [
        (f"{start}–{start + step - 1} px", sum(n for side, n in counts.items() if start <= side < start + step))
        for start in range(low, high + 1, step)
    ]
