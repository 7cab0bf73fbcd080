"""Two units on the same images: which is right more often, and whether that is more than chance."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from markupsafe import Markup

from bearcat.data.images import open_image
from bearcat.reports import html
from bearcat.reports.text_scores import wilson_interval

CHANCE = 0.05  # a p-value below is no accident
SHOWN = 60  # images


def mcnemar(first: Sequence[bool], second: Sequence[bool]) -> dict:
    """Return how often both, one or none were right, and the p-value of McNemar's exact test (two-sided).

    Only images on which the two differ tell them apart; if they were equally good, each would win half of these.
    """
    pairs = list(zip(first, second, strict=True))
    counts = {
        "both_right": pairs.count((True, True)),
        "only_first": pairs.count((True, False)),
        "only_second": pairs.count((False, True)),
        "both_wrong": pairs.count((False, False)),
    }
    differing = counts["only_first"] + counts["only_second"]
    from scipy.stats import binomtest  # heavy, and not needed by most steps

    p_value = float(binomtest(counts["only_first"], differing).pvalue) if differing else 1.0
    return counts | {"p_value": p_value}


def compare(
    names: Sequence[str],
    files: Sequence[str],
    labels: Sequence[str],
    texts: Sequence[Sequence[str]],
    right: Sequence[Sequence[bool]],
) -> dict:
    """Return report/compare.json of two units: `texts` and `right` hold a row for each, with an entry an image."""
    units = [
        {"unit": name, "exact": sum(row) / len(row), "exact_ci95": list(wilson_interval(sum(row), len(row)))}
        for name, row in zip(names, right, strict=True)
    ]
    tested = mcnemar(*right)
    everything = zip(files, labels, *texts, *right, strict=True)
    differing = [
        {"file": file, "label": label, "read": [one, other], "right": [hit, other_hit]}
        for file, label, one, other, hit, other_hit in everything
        if hit != other_hit
    ]
    return {"images": len(files), "units": units, **tested, "verdict": verdict(names, tested), "differing": differing}


def verdict(names: Sequence[str], tested: Mapping) -> str:
    """Say in words which unit is better, if that can be said."""
    one, other, p_value = tested["only_first"], tested["only_second"], tested["p_value"]
    if p_value >= CHANCE:
        return (
            f"No difference can be shown: {names[0]} alone is right {one} times, {names[1]} alone {other} times, as "
            f"chance may have it (p = {p_value:.3f}). More test images would tell."
        )
    better, worse = (names[0], names[1]) if one > other else (names[1], names[0])
    return (
        f"{better} is better: it alone is right {max(one, other)} times, {worse} alone {min(one, other)} times; by "
        f"chance that would be rare (p = {p_value:.2g})."
    )


def comparison_page(report: dict, images: Mapping[str, Path]) -> str:
    """Return report/compare.html; `images` says where each file lies."""
    units = [
        (
            unit["unit"],
            html.bar(unit["exact"], f"{unit['exact']:.2%}"),
            "{:.1%} – {:.1%}".format(*unit["exact_ci95"]),
        )
        for unit in report["units"]
    ]
    names = [unit["unit"] for unit in report["units"]]
    counts = [(words, report[key]) for words, key in zip(_words(names), COUNTED, strict=True)]
    cards = [_card(one, names, images[one["file"]]) for one in report["differing"][:SHOWN]]
    sections = [
        html.section(
            "Side by side",
            html.table(("unit", "exactly right", "95 % interval"), units),
            html.table((f"of {report['images']:,} images", "number"), counts),
            f"McNemar's exact test: p = {report['p_value']:.3g}. It is the chance that two equally good units differ "
            "at least so much on these images.",
        ),
        html.section(f"Where one is right and the other is not ({len(report['differing'])})", html.gallery(cards)),
    ]
    return html.page(" against ".join(names), report["verdict"], sections)


COUNTED = ("both_right", "only_first", "only_second", "both_wrong")


def _words(names: Sequence[str]) -> tuple[str, ...]:
    return "both are right", f"only {names[0]} is right", f"only {names[1]} is right", "both are wrong"


def _card(one: dict, names: Sequence[str], path: Path) -> Markup:
    lines = [
        Markup("{} read {}").format(name, html.marked([(text or "nothing", not hit)]))
        for name, text, hit in zip(names, one["read"], one["right"], strict=True)
    ]
    true = Markup("true {}").format(html.marked([(one["label"], False)]))
    return html.card(html.image(open_image(path), one["label"]), true, *lines, html.code(one["file"]))
