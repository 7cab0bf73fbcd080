"""report/check.html: what the data is and what is wrong with it, for a person who has never seen Bearcat."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from bearcat.core.errors import ImageError
from bearcat.data.images import open_image
from bearcat.modes import Task
from bearcat.reports.data_checks import WARNING, Duplicate, Finding, count, shown
from bearcat.reports.data_statistics import SetReport, put_together, spread
from bearcat.reports.html import (
    bar,
    card,
    code,
    gallery,
    image,
    join,
    listing,
    marked,
    page,
    section,
    side_by_side,
    table,
)
from bearcat.reports.recommended_settings import ModeAdvice

FILES_SHOWN = 10
DUPLICATES_SHOWN = 6  # groups of which the images are shown
SHEET = 24  # images of a set on the contact sheet
SHEET_IMAGE = (200, 120)  # pixels at most


@dataclass(frozen=True)
class Proposal:
    """A setting, its value now, the suggested one, and why."""

    name: str
    now: object
    suggested: object
    why: str


@dataclass(frozen=True)
class Check:
    """All that a check of a work's data came to."""

    work: Path
    unit: str
    reports: Mapping[str, SetReport]
    findings: list[Finding]
    duplicates: list[Duplicate]
    proposals: list[Proposal]
    advice: ModeAdvice


def check_page(check: Check) -> str:
    """Return the page: what is wrong first, then what to set, then what the data is."""
    whole = put_together(check.reports.values())
    warnings = sum(finding.level == WARNING for finding in check.findings)
    verdict = (
        f"{count(warnings, 'thing')} to put right before training." if warnings else "Nothing stands out as wrong."
    )
    return page(
        f"The data of {check.work.name}",
        f"{count(whole.images, 'image')} in three sets. {verdict}",
        [
            section("What to look at first", *_findings(check)),
            section("What to set", *_proposals(check)),
            section("The three sets", _sets(check, whole)),
            *histograms(whole, check.unit),
            *(_sheet(name, report) for name, report in check.reports.items() if report.images),
        ],
    )


def _findings(check: Check) -> Iterator[object]:
    if not check.findings:
        yield "Nothing: every image opens and has a label, none is there twice, and train shows every character."
    for finding in check.findings:
        badge = marked([("to put right", True)]) if finding.level == WARNING else Markup("<em>good to know</em>")
        text = Markup("<p>{} <strong>{}.</strong> {}</p>").format(badge, finding.text, _sentence(finding.todo))
        more = len(finding.files) - FILES_SHOWN
        files = [code(_short(line, check.work, finding.kind)) for line in finding.files[:FILES_SHOWN]]
        yield join(
            [text, listing([*files, *([f"… and {more:,} more: check.json names them all"] if more > 0 else [])])]
        )
        if finding.kind in ("contradiction", "leak"):
            yield _images_of_duplicates([d for d in check.duplicates if getattr(d, f"is_{finding.kind}")])


def _sentence(todo: str) -> str:
    return f"What to do: {todo}." if todo else ""


def _short(line: str, work: Path, kind: str) -> str:
    """Return a line with its files named from the work on; what to do about a name stands above all of them."""
    line = line.replace(str(work), "").replace("\\", "/").lstrip("/")
    return line.partition(": ")[0] if kind == "without_label" else line


def _images_of_duplicates(duplicates: Iterable[Duplicate]) -> Markup:
    cards = []
    for duplicate in list(duplicates)[:DUPLICATES_SHOWN]:
        for path in duplicate.files[:2]:
            cards.append(_card(path, shown(path)))
    return gallery(cards)


def _card(path: Path, *lines: object) -> Markup:
    try:
        return card(image(open_image(path), path.name, SHEET_IMAGE), *lines)
    except ImageError:
        return card(*lines)


def _proposals(check: Check) -> Iterator[object]:
    if not check.proposals:
        yield "Nothing can be suggested until there are images with labels."
        return
    rows = [[code(p.name), MEANINGS[p.name], _value(p.now), _suggested(p), p.why] for p in check.proposals]
    yield table(["setting", "what it is", "now", "suggested", "why"], rows)
    if check.advice.because:
        yield f"{check.advice.because}: {_followed(check.advice)}"
    stays = "MODE" if check.advice.mode != check.advice.suggested else ""
    if any(p.now != p.suggested for p in check.proposals if p.name != stays):
        command = code("python cheak_file.py --apply")
        yield Markup(
            "<p>{} writes what is suggested into the work's settings.py, and changes no other line.</p>"
        ).format(command)


MEANINGS = {
    "MODE": "what the network answers",
    "IMAGE_HEIGHT": "height of what it sees, in pixels",
    "IMAGE_WIDTH": "width of what it sees, in pixels",
    "IMAGE_CHANNALS": "1: grey, 3: colour",
    "CAPTCHA_LENGTH": "room for so many characters",
}


def _value(value: object) -> Markup:
    return code(repr(value))


def _suggested(proposal: Proposal) -> Markup:
    """Return the suggested value, in bold where it is another than now."""
    same = proposal.suggested == proposal.now
    return Markup("{}" if same else "<strong>{}</strong>").format(_value(proposal.suggested))


def _followed(advice: ModeAdvice) -> str:
    return "it stays." if advice.mode != advice.suggested else "--apply replaces it."


def _sets(check: Check, whole: SetReport) -> Markup:
    reports = {**{f"{name}_dataset": report for name, report in check.reports.items()}, "all": whole}
    lengths = {Task.DETECTION: ["objects an image"], Task.TEXT: ["label length"]}.get(check.unit, [])
    rows = [
        ["images", *(report.images for report in reports.values())],
        ["damaged, left out", *(len(report.damaged) for report in reports.values())],
        ["without a label", *(len(report.without_label) for report in reports.values())],
        ["width in pixels", *(_spread(report.widths) for report in reports.values())],
        ["height in pixels", *(_spread(report.heights) for report in reports.values())],
        *([name, *(_spread(report.label_lengths) for report in reports.values())] for name in lengths),
        ["different " + SYMBOLS[check.unit], *(len(report.symbols) for report in reports.values())],
        ["file formats", *(_counted(report.formats) for report in reports.values())],
        ["colours", *(_counted(report.modes, COLOURS) for report in reports.values())],
        ["turned by EXIF", *(len(report.turned) for report in reports.values())],
    ]
    return table(["", *reports], rows)


# Pillow's modes in words
COLOURS = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey and transparent",
    "P": "palette",
    "PA": "palette, transparent",
    "RGB": "colour",
    "RGBA": "colour and transparent",
}


def _spread(counts: Counter) -> str:
    values = spread(counts)
    if not values or values["min"] == values["max"]:
        return f"{values['min']}" if values else "–"
    return f"{values['min']} to {values['max']}, median {values['median']:g}"


def _counted(counts: Counter, words: Mapping[str, str] | None = None) -> str:
    named = [(f"{name}: {words[name]}" if name in (words or {}) else name, n) for name, n in counts.most_common()]
    return "; ".join(name if len(named) == 1 else f"{name} ({n:,})" for name, n in named) or "–"


def _sheet(name: str, report: SetReport) -> Markup:
    """Return images of a set with their labels, taken at even distances, the same each time."""
    items = list(report.labels.items())
    chosen = items[:: max(1, -(-len(items) // SHEET))]
    between = ", " if report.box_sides else ""
    cards = [_card(path, marked([(between.join(symbols), False)])) for path, symbols in chosen]
    hint = "Does each label say what its image shows?"
    return section(f"{name}_dataset: {len(chosen)} of {report.images:,} images", hint, gallery(cards))


# ---- merged from check_histograms: Histograms of a data set in HTML: how many images have which size, and how often each character occurs.


MOST_BARS = 60  # of symbols
COLUMN = 20  # bars under one another
BINS = 12  # of sizes
RARE = "What is rare is learnt badly: some hundred of each are a good start."
SYMBOLS = {Task.TEXT: "characters", Task.CLASSIFICATION: "classes", Task.DETECTION: "kinds of objects"}


def histograms(whole: SetReport, unit: str) -> Iterator[Markup]:
    """Yield a section of lengths and sizes and one of symbols; none where there are no images."""
    if not whole.images:
        return
    lengths = "objects an image" if unit == Task.DETECTION else "characters a label"
    sizes = [_bars("width", _binned(whole.widths)), _bars("height", _binned(whole.heights))]
    if unit != Task.CLASSIFICATION:
        sizes.insert(0, _bars(lengths, sorted(whole.label_lengths.items())))
    yield section("Labels and sizes", side_by_side(*sizes))
    if whole.symbols:  # images without a single object have none
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
    return table([what, "images" if what else "times"], rows)


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
