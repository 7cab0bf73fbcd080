"""report/test.html of texts and classes: what test.json says, for a person, with the mistakes as images."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from bearcat.data.images import open_image
from bearcat.modes import Task
from bearcat.reports import html
from bearcat.reports.text_scores import aligned, wilson_interval

SHOWN_MISTAKES = 60
SHOWN_ROWS = 40
NOTHING = Markup("<i>nothing</i>")


def score_page(
    report: dict,
    images: Mapping[str, Path],
    advice: Sequence[str],
    about: Sequence[tuple[str, str]],
    symbols_of: Callable[[str], Sequence[str]] = tuple,
) -> str:
    """Return the page of a report; `images` says where each mistake's image lies, `about` what was tested."""
    low, high = report["exact_ci95"]
    lead = (
        f"{report['exact']:.2%} of {report['images']:,} images that the unit had not seen were read exactly right. "
        f"With 95 % certainty it is between {low:.1%} and {high:.1%} of all such images."
    )
    sections = [
        html.section("What to do next", html.listing(advice)),
        html.section("In numbers", html.table(("figure", "value"), [*figures(report), *about])),
        html.section("Mistakes", *show_mistakes(report, images, symbols_of)),
        html.section("Where the mistakes are", html.side_by_side(*show_places(report))),
        html.section("Can its confidence be believed?", *show_confidence(report)),
    ]
    return html.page(f"How well {dict(about).get('work', 'the unit')} reads", lead, sections)


def figures(report: dict) -> list[tuple[str, str]]:
    """Return the figures with their names in words."""
    speed, error, sure = report["ms_per_image"], report["expected_calibration_error"], report["withheld"]
    return [
        ("exactly right", f"{report['exact']:.2%}"),
        ("right but for upper and lower case", f"{report['exact_ignore_case']:.2%}"),
        (f"{report['symbol']} accuracy", f"{report['character_accuracy']:.2%}"),
        ("mistakes", f"{len(report['mistakes']):,} of {report['images']:,} images"),
        (
            f"wrong without the least sure {sure['share']:.0%}",
            f"{sure['error_of_rest']:.2%} of the rest, {sure['error']:.2%} of all "
            f"({sure['images']:,} withheld, with a confidence below {sure['confidence']:.6f})",
        ),
        ("time an image", f"{speed['p50']:.1f} ms (median), {speed['p99']:.1f} ms (the slowest hundredth)"),
        ("confidence is off by", f"{error:.1%} on average (expected calibration error)"),
    ]


def show_places(report: dict) -> list[Markup]:
    """Return tables by length, by character, and of what is taken for what."""
    symbol = report["symbol"]
    lengths = [
        (int(length), row["images"], share_of(row["exact"], row["images"])) for length, row in lengths_of(report)
    ]
    symbols = report["by_character"]
    rows = [(html.code(name), row["count"], share_of(row["right"], row["count"])) for name, row in symbols.items()]
    confusions = [(code_of(true), code_of(read), count) for true, read, count in report["confusions"]]
    tables = [
        html.table((symbol, "in labels", "read right"), rows[:SHOWN_ROWS], _first("By " + symbol, len(rows), "worst")),
        html.table(("true", "read as", "times"), confusions[:SHOWN_ROWS], _first("Taken for", len(confusions))),
    ]
    by_length = html.table(("characters", "images", "read right"), lengths, "By length of the label")
    return [*tables, *[by_length] * (symbol == Task.TEXT)]


def lengths_of(report: dict) -> list[tuple[str, dict]]:
    """Return (length, figures) in order."""
    return sorted(report["by_length"].items(), key=lambda item: int(item[0]))


def share_of(share: float, count: int) -> Markup:
    """Return a bar with a share and its 95 % interval."""
    low, high = wilson_interval(round(share * count), count)
    return html.bar(share, f"{share:.1%} ({low:.0%} – {high:.0%})")


def code_of(symbol: str) -> Markup:
    """Return a symbol, or that there is none."""
    return html.code(symbol) if symbol else NOTHING


def _first(words: str, count: int, order: str = "most frequent") -> str:
    return f"{words}, {order} first" + f" ({SHOWN_ROWS} of {count})" * (count > SHOWN_ROWS)


def show_confidence(report: dict) -> list[object]:
    """Return the reliability diagram, and what is right when the least sure readings are left to a person."""
    from bearcat.reports.plots import draw_coverage, draw_reliability

    rows = [
        (f"{row['left']:.0%}", row["images"], f"{row['confidence']:.6f}", f"{row['exact']:.2%}")
        for row in report["coverage"]
    ]
    return [
        "The unit says with each reading how sure it is. On the left: of the readings that were about so sure, how "
        "many were right (the small numbers: how many there were; few of them say little). At best the bars reach the "
        "dashed line. On the right and in the table: how many are right when a person reads the least sure ones.",
        html.side_by_side(
            html.figure(draw_reliability(report["reliability"]), "share read right against confidence"),
            html.figure(draw_coverage(report["coverage"]), "share read right against share left to a person"),
        ),
        html.table(("left to a person", "read by the unit", "least confidence of these", "of these right"), rows),
    ]


def show_mistakes(report: dict, images: Mapping[str, Path], symbols_of: Callable) -> list[object]:
    """Return the gallery, the surest mistakes first."""
    mistakes = sorted(report["mistakes"], key=lambda one: (-one["confidence"], one["file"]))
    if not mistakes:
        return ["There are none."]
    cards = [show_mistake(one, images[one["file"]], symbols_of) for one in mistakes[:SHOWN_MISTAKES]]
    count = f"The {SHOWN_MISTAKES} surest of {len(mistakes):,}" if len(mistakes) > SHOWN_MISTAKES else "All"
    return [
        f"{count}, the surest first. Red: what was read and does not stand in the label; green: what should have been "
        "read there. Where the image shows what was read, the label is wrong: mend it.",
        html.gallery(cards),
    ]


def show_mistake(mistake: dict, path: Path, symbols_of: Callable) -> Markup:
    """Return an image with what it says and what was read."""
    pairs = aligned(symbols_of(mistake["label"]), symbols_of(mistake["read"]) if mistake["read"] else ())
    true, read = ([(pair[side], pair[0] != pair[1]) for pair in pairs if pair[side]] for side in (0, 1))
    return html.card(
        html.image(open_image(path), f"captcha {mistake['label']}"),
        Markup("true {}").format(html.marked(true, is_true=True)),
        Markup("read {}").format(html.marked(read) if read else NOTHING),
        f"{mistake['confidence']:.1%} sure",
        html.code(mistake["file"]),
    )
