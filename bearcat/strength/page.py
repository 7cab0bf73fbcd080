"""report/strength.html: how strong a captcha is, for its owner."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bearcat.core.errors import ImageError
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.reports import html
from bearcat.reports.html import plural
from bearcat.strength.advice import ACCESSIBILITY, LIMITS, PROTECTION, PROTECTION_SOURCES
from bearcat.strength.cost import CORES, MIN_ANSWERS, Source
from bearcat.strength.plan import DRAWS
from bearcat.strength.sweep.page import conclude
from bearcat.strength.wording import say_interval, say_minutes, say_percent

TITLE = "How strong is this captcha?"
SHOWN_EXAMPLES = 8
ASK_PEOPLE = "python app.py --label --blind"
TRAINED = (
    "The program of this toolkit was tested as it is, and after training on labelled images of this captcha: with each "
    "number of labels several times, always with other images; the mean is shown."
)
FEW_LABELS = (
    "The program of this toolkit can read less after training on very few labels than before. An attacker uses "
    "whichever reads more."
)
FEW_DRAWS = (
    "Some numbers of labels were tried once or twice. What they “surely” need is true of the images that were chosen, "
    f"and may differ with others: a complete test makes {DRAWS} trainings with each."
)
HEADERS = ("who reads", "reads correctly", "95 % interval", "typing labels", "computing")


def strength_page(report: dict, examples: Sequence[Path], sections: Sequence[Markup] = ()) -> str:
    """Returns the page.

    Args:
        report: The contents of report/strength.json (see `make_report`).
        examples: Image files of the captcha; a few of them are shown.
        sections: Further sections, such as that of a sweep.
    """
    answer, *meaning = report["verdict"]["sentences"]
    is_tested, sweep = bool(report["rungs"] or report["readers"]), report["sweep"]
    if not is_tested and sweep and sweep["base"]:
        answer = conclude(sweep)
    cards = list(islice(_cards(examples), SHOWN_EXAMPLES))
    parts = [html.section("The captcha", *([html.gallery(cards)] if cards else []), _describe(report))]
    if is_tested:
        parts += [
            html.section("What that means", *meaning, _verdict(report["verdict"])),
            html.section("Programs and people side by side", *_scores(report)),
            html.section("What it takes to train a program to read it", *_goals(report)),
        ]
    return html.page(
        TITLE,
        answer,
        [
            *parts,
            *sections,
            html.section("What else protects a form", html.listing(PROTECTION), f"Sources: {PROTECTION_SOURCES}"),
            html.section("Whom it excludes", *ACCESSIBILITY),
            html.section(
                "How this was measured", html.listing(_method(report)), "What it does not tell:", html.listing(LIMITS)
            ),
        ],
    )


def _cards(examples: Sequence[Path]) -> Iterator[Markup]:
    """Yields the images that can be read, first some from everywhere in the list."""
    step = max(1, len(examples) // SHOWN_EXAMPLES)
    for path in (path for start in range(step) for path in examples[start::step]):
        try:
            image = open_image(path, SPREAD)
        except ImageError:
            continue
        yield html.card(html.image(image, "captcha"))


def _describe(report: dict) -> str:
    shortest, longest = report["lengths"]
    length = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    return f"Its texts have {length} characters each. {report['characters']} different characters occur in them."


def _verdict(verdict: dict) -> Markup:
    return Markup("<p>Verdict: <b>{}</b>, by the rule “{}”</p>").format(verdict["level"], verdict["rule"])


def _scores(report: dict) -> list[Markup | str]:
    from bearcat.strength.figure import draw_strength  # matplotlib is heavy

    rungs, readers, people = report["rungs"], report["readers"], report["people"]
    rows = [_score(reader, f"{reader['name']}, not trained", "none", "none") for reader in readers]
    rows += [
        _score(rung, _learner(rung), say_minutes(rung["person_minutes"]), say_minutes(rung["cpu_minutes"]))
        for rung in rungs
    ]
    blocks: list[Markup | str] = []
    if people:
        rows.insert(0, _score(people, "people", "", ""))
        blocks.append(_describe_people(people))
    else:
        blocks.append(
            Markup(
                "<p>What people read is missing, and a captcha is worth only what people read better than programs. "
                "Run {}, type what you see in some 50 images, and run this step again.</p>"
            ).format(html.code(ASK_PEOPLE))
        )
    if any(rung["labels"] for rung in rungs):
        blocks.append(TRAINED)
    if readers:
        names = ", ".join(reader["name"] for reader in readers)
        blocks.append(f"Programs that anyone can install, and that were not trained here: {names}.")
    drawn = html.figure(draw_strength(rungs, readers, people), "correctly read images by number of labels")
    return [*blocks, html.table(HEADERS, rows), *([FEW_LABELS] if _training_loses(rungs) else []), drawn]


def _score(score: dict, name: str, typing: str, computing: str) -> tuple[object, ...]:
    exact = html.bar(score["exact"], say_percent(score["exact"]))
    return name, exact, say_interval(score["interval"]), typing, computing


def _training_loses(rungs: Sequence[dict]) -> bool:
    """Whether a trained program surely reads less than before its training."""
    untrained = [rung["interval"][0] for rung in rungs if not rung["labels"]]
    return any(rung["labels"] and rung["interval"][1] < low for rung in rungs for low in untrained)


def _learner(rung: dict) -> str:
    if not rung["labels"]:
        return "this toolkit, not trained"
    return f"trained on {plural(rung['labels'], 'label')} ({plural(rung['draws'], 'time')})"


def _describe_people(people: dict[str, Any]) -> str:
    case = people["exact_ignoring_case"]
    cased = f" ({say_percent(case)} if upper and lower case count as the same)" if case > people["exact"] else ""
    seconds = f"; they take {people['seconds_median']:.1f} s for an image (median)" if people["seconds_median"] else ""
    given_up = f" They gave up on {plural(people['given_up'], 'image')}." if people["given_up"] else ""
    who = plural(people["people"], "person has", "people have")
    return (
        f"{who} typed {plural(people['answers'], 'image')} without seeing the labels: "
        f"{say_percent(people['exact'])} correctly{cased}{seconds}.{given_up}"
    )


def _goals(report: dict) -> list[Markup | str]:
    most = max((rung["labels"] for rung in report["rungs"]), default=None)
    if most is None:
        return ["No training was made."]
    rows = [
        (
            say_percent(goal["exact"]),
            _describe_labels(goal["labels"], most),
            _describe_range(*goal["interval"]),
            *(_cost(goal[key]) for key in ("person_minutes", "cpu_minutes")),
        )
        for goal in report["goals"]
    ]
    headers = ("to read", "labelled images", "surely needs", "typing labels", "computing")
    return [
        "The fewest labelled images tested after which the program of this toolkit reads that much of images that it "
        f"has not seen. Typing is the time of a person, computing that of a computer with {CORES} cores.",
        *_reads_at_once(report["readers"]),
        html.table(headers, rows),
        *([FEW_DRAWS] if any(rung["labels"] and rung["draws"] < DRAWS for rung in report["rungs"]) else []),
        *([f"{report['stopped'][0].upper()}{report['stopped'][1:]}."] if report["stopped"] else []),
    ]


def _reads_at_once(readers: Sequence[dict]) -> list[str]:
    """Says what the best off-the-shelf reader reads without any of these costs; [] if it reads nothing."""
    best = max(readers, key=lambda reader: reader["exact"], default=None)
    if not best or not best["correct"]:
        return []
    return [f"None of this is needed to read {say_percent(best['exact'])}: {best['name']} does so as it is."]


def _cost(minutes: float | None) -> str:
    return "" if minutes is None else say_minutes(minutes)


def _describe_labels(labels: int | None, most: int) -> str:
    if labels is not None:
        return f"{labels:,}"
    return f"not reached with up to {most:,}" if most else "not reached without labels"


def _describe_range(above: int | None, enough: int | None) -> str:
    """Says between which tested numbers of labels the one lies that a goal surely needs."""
    if enough == 0:
        return "none"
    if enough is None:
        return "uncertain" if above is None else f"more than {above:,}"
    return f"at most {enough:,}" if above is None else f"{above + 1:,} to {enough:,}"


def _method(report: dict) -> list[str]:
    """Lists how the figures were made."""
    lines = []
    trials, readers = report["trials"], report["readers"]
    trainings = [trial for trial in trials if trial["labels"]]
    if trainings:
        minutes = say_minutes(sum(trial["seconds"] for trial in trainings) / 60)
        seconds = f"{report['train_seconds']} s" if report["train_seconds"] else "as long as EPOCHS says"
        lines.append(
            f"The program of this toolkit was trained {plural(len(trainings), 'time')} for {seconds} ({minutes} in "
            f"all), each time on labelled images chosen at random from {report['pool']:,}. A tenth of each choice, 2 "
            "at least, only decided which state of the program was kept."
        )
    if trials:
        lines += [
            f"The program of this toolkit was tested on {plural(report['images_tested'], 'image')}, always the same. "
            "It was trained on none of them. An image counts only if its whole text is correct.",
            "Before any training here, it has learned from other captchas. It is told which characters occur in this "
            "one and, before training, how long the texts are.",
        ]
    if readers:
        tested = ", ".join(f"{reader['name']} on {plural(reader['images'], 'image')}" for reader in readers)
        lines.append(
            f"Programs that anyone can install, which have learned from other images, were tested too: {tested}."
        )
    lines += [f"{name} was not tested: it {reason}." for name, reason in report["missing_readers"].items()]
    if trials or readers:
        lines.append(
            "A 95 % interval is made to hold the true value in about 95 of 100 such tests. That of several trainings "
            "grows with the differences between them; that of a single one tells nothing about other choices of "
            "labelled images."
        )
    typing = report["seconds_per_label"]
    if typing["source"] == Source.MEASURED:
        lines.append(f"A label takes {typing['value']:.1f} s to type: the median of {typing['answers']:,} answers.")
    else:
        lines.append(
            f"A label takes {typing['value']:.0f} s to type. That is assumed until the times of {MIN_ANSWERS} answers "
            f"of people are known (now {typing['answers']}); then their median counts."
        )
    return lines
