"""report/check.html: findings, suggested settings, and statistics of the data sets."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from markupsafe import Markup

from bearcat.core.errors import ImageError
from bearcat.core.names import show_name
from bearcat.core.workspace import UNLABELLED
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.modes import Task
from bearcat.reports import html
from bearcat.reports.dataset.checks import WARNING, Duplicate, Finding, short_path
from bearcat.reports.dataset.choices.mode import explain_choice
from bearcat.reports.dataset.recommended_settings import BY_HAND, Proposal
from bearcat.reports.dataset.report import DataReport
from bearcat.reports.dataset.set_statistics import SetStatistics, merge_statistics, spread

FILES_SHOWN = 10
DUPLICATES_SHOWN = 6  # groups whose images are shown
COPIES_SHOWN = 4  # images of such a group
SHEET = 24  # images on the contact sheet of a set
SHEET_IMAGE = (200, 120)  # largest width and height, in pixels
MOST_BARS = 60  # symbols
COLUMN = 20  # bars per column
BINS = 12  # of a histogram of sizes
RARE = "Rare ones are learnt badly; a few hundred images of each are a good start."
LENGTHS = {Task.TEXT: "label length", Task.DETECTION: "objects per image"}
SYMBOLS = {Task.TEXT: "characters", Task.CLASSIFICATION: "classes", Task.DETECTION: "kinds of objects"}
COLOURS = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with transparency",
    "P": "palette",
    "PA": "palette with transparency",
    "RGB": "colour",
    "RGBA": "colour with transparency",
}


def render_data_page(report: DataReport, meanings: Mapping[str, str]) -> str:
    """Returns the page.

    Args:
        report: What it shows.
        meanings: Setting → a short description.
    """
    whole = merge_statistics(report.sets.values())
    warnings = sum(finding.level == WARNING for finding in report.findings)
    without_label = f", {report.unlabelled.images:,} without labels" if report.unlabelled.images else ""
    verdict = f"{html.plural(warnings, 'problem')} to fix before training." if warnings else "No problems found."
    return html.page(
        f"Data of {report.work.name}",
        f"{html.plural(whole.images, 'image')} in three sets{without_label}. {verdict}",
        [
            html.section("Findings", *_findings(report)),
            html.section("Suggested settings", *_proposals(report, meanings)),
            html.section("The three sets", _statistics(report, whole)),
            *_histograms(whole, report.task),
            *(_contact_sheet(name, found) for name, found in report.sets.items() if found.images),
            *([_unlabelled(report.unlabelled)] if report.unlabelled.images else []),
        ],
    )


def _findings(report: DataReport) -> Iterator[Markup | str]:
    if not report.findings:
        yield "None: every image opens, has a label and occurs once, and train_dataset has every character."
    for finding in report.findings:
        badge = html.marked([("fix", True)]) if finding.level == WARNING else Markup("<em>note</em>")
        todo = f"What to do: {finding.todo}." if finding.todo else ""
        text = Markup("<p>{} <strong>{}.</strong> {}</p>").format(badge, finding.text, todo)
        yield html.join([text, html.listing(_files(finding, report.work))])
        if finding.kind in ("contradiction", "leak"):
            yield _gallery_of_duplicates(one for one in report.duplicates if finding.kind in one.kinds)


def _files(finding: Finding, work: Path) -> Iterator[Markup | str]:
    for line in finding.files[:FILES_SHOWN]:
        shown = show_name(line.replace(str(work), "").replace("\\", "/").lstrip("/"))
        # a message says what to do after the colon; here that stands above the list
        yield html.code(shown.partition(": ")[0] if finding.kind == "without_label" else shown)
    more = len(finding.files) - FILES_SHOWN
    if more > 0:
        yield f"… and {more:,} more, all listed in check.json"


def _gallery_of_duplicates(duplicates: Iterable[Duplicate]) -> Markup:
    shown = list(duplicates)[:DUPLICATES_SHOWN]
    return html.gallery(_card(path, short_path(path)) for duplicate in shown for path in duplicate.files[:COPIES_SHOWN])


def _card(path: Path, *lines: object) -> Markup:
    try:
        return html.card(html.image(open_image(path, SPREAD), path.name, SHEET_IMAGE), *lines)
    except ImageError:
        return html.card(*lines)


def _proposals(report: DataReport, meanings: Mapping[str, str]) -> Iterator[Markup | str]:
    if not report.proposals:
        yield "Nothing can be suggested until there are images with labels."
        return
    rows = [
        [html.code(one.name), meanings[one.name], html.code(repr(one.current)), _suggested(one), one.reason]
        for one in report.proposals
    ]
    yield html.table(["setting", "meaning", "now", "suggested", "reason"], rows)
    if report.choice.because:
        yield explain_choice(report.choice)
    kept = {*BY_HAND, *(["MODE"] if report.choice.is_kept else [])}
    if any(one.current != one.suggested for one in report.proposals if one.name not in kept):
        command = html.code("python cheak_file.py --apply")
        text = "<p>{} writes the suggested values into the work's settings.py and changes no other line.</p>"
        yield Markup(text).format(command)


def _suggested(proposal: Proposal) -> Markup:
    value = html.code(repr(proposal.suggested))
    return value if proposal.suggested == proposal.current else Markup("<strong>{}</strong>").format(value)


def _statistics(report: DataReport, whole: SetStatistics) -> Markup:
    sets = {**{f"{name}_dataset": found for name, found in report.sets.items()}, "all": whole}
    rows: list[list[object]] = [
        ["images", *(found.images for found in sets.values())],
        ["damaged, skipped", *(len(found.damaged) for found in sets.values())],
        ["without a label", *(len(found.without_label) + len(found.wrong_boxes) for found in sets.values())],
        ["width in pixels", *(_spread(found.widths) for found in sets.values())],
        ["height in pixels", *(_spread(found.heights) for found in sets.values())],
        ["different " + SYMBOLS[report.task], *(len(found.symbols) for found in sets.values())],
        ["file formats", *(_counted(found.formats) for found in sets.values())],
        ["colours", *(_counted(found.modes, COLOURS) for found in sets.values())],
        ["rotated by EXIF", *(len(found.turned) for found in sets.values())],
    ]
    if report.task in LENGTHS:
        rows.insert(5, [LENGTHS[report.task], *(_spread(found.label_lengths) for found in sets.values())])
    return html.table(["", *sets], rows)


def _spread(counts: Counter) -> str:
    values = spread(counts)
    if not values:
        return "–"
    if values["min"] == values["max"]:
        return f"{values['min']}"
    return f"{values['min']} to {values['max']}, median {values['median']:g}"


def _counted(counts: Counter[str], names: Mapping[str, str] | None = None) -> str:
    named = [(f"{key}: {names[key]}" if names and key in names else key, n) for key, n in counts.most_common()]
    return "; ".join(name if len(named) == 1 else f"{name} ({n:,})" for name, n in named) or "–"


def _contact_sheet(name: str, found: SetStatistics) -> Markup:
    """Evenly spaced images of a set with their labels."""
    items = list(found.labels.items())
    chosen = items[:: max(1, -(-len(items) // SHEET))]
    separator = ", " if found.box_sides else ""
    cards = [_card(path, html.marked([(separator.join(symbols), False)])) for path, symbols in chosen]
    heading = f"{name}_dataset: {len(chosen)} of {found.images:,} images"
    return html.section(heading, "Check that each label matches its image.", html.gallery(cards))


def _unlabelled(found: SetStatistics) -> Markup:
    """Sizes, formats and colours of the images without labels, and evenly spaced ones of them."""
    paths = [one.path for one in found.fingerprints]
    chosen = paths[:: max(1, -(-len(paths) // SHEET))]
    rows = [
        ["width in pixels", _spread(found.widths)],
        ["height in pixels", _spread(found.heights)],
        ["file formats", _counted(found.formats)],
        ["colours", _counted(found.modes, COLOURS)],
    ]
    heading = f"{UNLABELLED}: {len(chosen)} of {found.images:,} images"
    cards = [_card(path, show_name(path.name)) for path in chosen]
    hint = "Check that they are of the same captcha as the labelled ones."
    return html.section(heading, hint, html.table(["", UNLABELLED], rows), html.gallery(cards))


def _histograms(whole: SetStatistics, task: Task) -> Iterator[Markup]:
    if not whole.images:
        return
    columns = [_histogram("width", _binned(whole.widths)), _histogram("height", _binned(whole.heights))]
    if task in LENGTHS:
        columns.insert(0, _histogram(LENGTHS[task], sorted(whole.label_lengths.items())))
    yield html.section("Labels and sizes", html.side_by_side(*columns))
    if whole.symbols:  # images without a single object have none
        yield _symbol_frequencies(whole.symbols, task)


def _symbol_frequencies(symbols: Counter[str], task: Task) -> Markup:
    ordered = sorted(symbols.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ordered) > MOST_BARS:
        half = MOST_BARS // 2
        hint = f"The {half} most frequent and the {half} rarest of {len(ordered):,}. {RARE}"
        ordered = ordered[:half] + ordered[-half:]
    else:
        ordered, hint = sorted(ordered), RARE
    most = max(number for _, number in ordered)
    columns = [ordered[start : start + COLUMN] for start in range(0, len(ordered), COLUMN)]
    bars = html.side_by_side(*(_histogram("", column, most) for column in columns))
    return html.section(f"Frequency of {SYMBOLS[task]}", hint, bars)


def _histogram(name: str, pairs: Iterable[tuple[object, int]], most: int = 0) -> Markup:
    """A bar per (value, count); the longest stands for `most`, or for the largest count."""
    pairs = list(pairs)
    most = most or max(count for _, count in pairs)
    rows = [[str(value), html.bar(count / most, f"{count:,}")] for value, count in pairs]
    return html.table([name, "images" if name else "count"], rows)


def _binned(counts: Counter[int]) -> list[tuple[str, int]]:
    """Groups pixel counts into at most BINS ranges of equal width, empty ranges included."""
    low, high = min(counts), max(counts)
    if len(counts) <= BINS:
        return [(f"{side} px", number) for side, number in sorted(counts.items())]
    width = -(-(high - low + 1) // BINS)
    return [
        (f"{start}–{start + width - 1} px", sum(n for side, n in counts.items() if start <= side < start + width))
        for start in range(low, high + 1, width)
    ]
