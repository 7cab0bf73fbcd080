"""Checks of texts: their lengths, their characters, and how often they repeat."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import exp, lgamma, log

from bearcat.data.codecs import TextCodec
from bearcat.data.labels.table_parsing.spreadsheets import spreadsheet_damage
from bearcat.data.labels.text import twins
from bearcat.reports.dataset.checks import NOTE, WARNING, Finding
from bearcat.reports.dataset.label_sets import Labels, describe_labels
from bearcat.reports.dataset.text_overlap import group_by_text, measure_overlap, measure_repetition
from bearcat.reports.html import plural

FEWEST = 20  # images from which the other labels say what is unusual
NEARLY_ALL = 0.95
RARE = 0.01
GAP = 10  # factor between a rare character and the rarest of the others
SIGNIFICANCE = 1e-3
USUAL_FRACTION = 0.1  # the default of DIVIDE_RATO
COMPARE = "compare these labels with their images"
CLASSES = "if the labels are the names of classes, write MODE = 'NUM_CLASSES' into the work's settings.py"


def check_lengths(labels: Labels) -> Iterator[Finding]:
    """Finds labels of a length that few others have; those that lost leading zeros are a finding of `check_tables`."""
    counts = Counter(map(len, labels.symbols))
    (usual, most), total = counts.most_common(1)[0], len(labels.items)
    expressions = sum(not text.isalnum() for text in labels.texts)  # such as 3+5=, whose lengths vary
    if len(counts) == 1 or total < FEWEST or expressions > total / 2:
        return
    without_zeros = spreadsheet_damage(dict(enumerate(labels.texts))).lost_zeros
    level = WARNING if most >= NEARLY_ALL * total else NOTE
    odd = [
        item
        for number, (item, symbols) in enumerate(zip(labels.items, labels.symbols, strict=True))
        if len(symbols) != usual and number not in without_zeros
        if level == WARNING or counts[len(symbols)] < RARE * total
    ]
    if odd:
        lengths = " or ".join(map(str, sorted({len(TextCodec.symbols(item.label)) for item in odd})))
        others = f"the others have {usual}" if level == WARNING else "which is rare among the others"
        text = f"{plural(len(odd), 'label')} with {lengths} characters; {others}"
        yield Finding(level, "odd_length", text, COMPARE, describe_labels(odd))


def check_rare_characters(labels: Labels) -> Iterator[Finding]:
    """Finds characters in at most one label in a hundred, if neither chance nor the language explains it.

    Such a character occurs ten times less often than any other. One that is only the rarest of many, as Q is in
    English and most characters are in Chinese, has neighbours that are nearly as rare.
    """
    if len(labels.items) < FEWEST:
        return
    counts = Counter(one for symbols in labels.symbols for one in set(symbols))
    ordered = sorted(counts, key=counts.__getitem__)
    limit = max(1, RARE * len(labels.items))
    ends = [
        number
        for number, (one, next_one) in enumerate(pairwise(ordered), start=1)
        if counts[one] <= limit and counts[next_one] >= GAP * counts[one]
        if _poisson_cdf(counts[one], counts[next_one]) * len(counts) < SIGNIFICANCE
    ]
    rare = set(ordered[: max(ends, default=0)])
    if rare and len(rare) <= len(counts) / 2:
        listed = ", ".join(f"{one!r} ({counts[one]})" for one in sorted(rare))
        least = counts[ordered[len(rare)]]
        text = f"characters in hardly any label: {listed}; each of the others is in {least:,} or more"
        items = [item for item, symbols in zip(labels.items, labels.symbols, strict=True) if rare.intersection(symbols)]
        yield Finding(WARNING, "rare_characters", text, COMPARE, describe_labels(items))


def _poisson_cdf(count: int, mean: float) -> float:
    """Probability of at most `count` events."""
    return sum(exp(k * log(mean) - mean - lgamma(k + 1)) for k in range(count + 1))


def check_twins(labels: Labels) -> Iterator[Finding]:
    """Finds full-width, Cyrillic and Greek characters among Latin ones that look the same."""
    found = twins(labels.texts)
    for kind in dict.fromkeys(twin.kind for twin in found):
        of_kind = {twin.character: twin.looks_like for twin in found if twin.kind == kind}
        items = [item for item in labels.items if not of_kind.keys().isdisjoint(item.label)]
        listed = ", ".join(f"{one} for {other}" for one, other in of_kind.items())
        text = f"{plural(len(items), 'label')} of {len(labels.items):,} with {kind} look-alikes: {listed}"
        todo = "type these labels again, unless the images show both kinds: they are learnt as different characters"
        yield Finding(WARNING, "twins", text, todo, describe_labels(items))


def check_blanks(labels: Labels) -> Iterator[Finding]:
    """Finds blanks in a minority of labels."""
    items = [item for item in labels.items if " " in item.label]
    if items and len(items) < len(labels.items) / 2:
        text = f"{plural(len(items), 'label')} of {len(labels.items):,} with a blank between other characters"
        todo = "remove the blanks, unless the images show one there: the model learns it as a character"
        yield Finding(WARNING, "blanks", text, todo, describe_labels(items))


def check_repetition(labels: Labels) -> Iterator[Finding]:
    """Finds texts that train_dataset shares with other sets, or that have many images each, beyond chance."""
    texts = {name: [item.label for item in items] for name, items in labels.sets.items() if items}
    train = texts.pop("train", [])
    overlaps = {name: measure_overlap(train, other) for name, other in texts.items()} if train else {}
    leaks = {name: overlap for name, overlap in overlaps.items() if overlap.is_leak}
    if leaks:
        listed = ", ".join(
            f"{overlap.seen:,} of {overlap.images:,} images in {name}_dataset (by chance {_percent(overlap.chance)})"
            for name, overlap in leaks.items()
        )
        text = f"texts that train_dataset has too: those of {listed}; for new texts the accuracy may be far lower"
        todo = f"if the model will meet new texts, no text should be in two sets{_way_to_split(labels)}; {CLASSES}"
        known = set(train)
        items = [item for name in leaks for item in labels.sets[name] if item.label in known]
        yield Finding(WARNING, "text_leak", text, todo, describe_labels(items))
    elif measure_repetition(labels.texts).is_leak:
        text = f"{len(labels.items):,} images show only {plural(len(set(labels.texts)), 'different text')}; {CLASSES}"
        yield Finding(NOTE, "few_texts", text, "add images of other texts if there are any")


def _percent(fraction: float) -> str:
    return f"{fraction:.0%}" if fraction >= 0.01 else "under 1%"


def _way_to_split(labels: Labels) -> str:
    texts = {str(number): text for number, text in enumerate(labels.texts)}
    if not group_by_text(texts, USUAL_FRACTION):
        return ""
    return " (python move_path.py --undo, then python move_path.py: it keeps the images of a text together)"
