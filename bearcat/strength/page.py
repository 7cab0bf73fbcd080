"""report/strength.html: how strong a captcha is, for its owner."""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice
from typing import Any

from markupsafe import Markup

from bearcat import __version__
from bearcat.core.errors import ImageError
from bearcat.core.names import show_name
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.data.labels.reading import LabelledImage
from bearcat.reports import html
from bearcat.reports.html import plural
from bearcat.strength.advice import ACCESSIBILITY, LIMITS, PROTECTION, PROTECTION_SOURCES
from bearcat.strength.cost import CORES
from bearcat.strength.method import describe_method
from bearcat.strength.plan import DRAWS
from bearcat.strength.sweep.page import conclude
from bearcat.strength.wording import say_interval, say_minutes, say_percent

TITLE = "How strong is this captcha?"
SHOWN_EXAMPLES = 8
ASK_PEOPLE = "python app.py --label --blind"
# whether Bearcat was trained → how it was tested
HOW_TESTED = {False: "as it is", True: "after training on labelled images of this captcha"}
EACH_TRAINING = "Each training had other images; the mean of those with the same number of labels is shown."
INTERVAL = (
    "The true value probably lies within the 95 % interval, as it does in about 95 of 100 such tests. If two intervals "
    "overlap, the difference may be chance."
)
LESS_AFTER_TRAINING = (
    "After training, Bearcat can read less than before: on few labels it forgets some of what it has learned from "
    "other captchas, and small differences can be chance. An attacker uses whichever reads more."
)
NOTHING_GAINED = "No number of labels tested made Bearcat surely read more than it does untrained."
COSTS = f"Typing is the time of a person, computing that of a computer with {CORES} cores until the program can read."
WORDS = (
    "A label is the text that an image shows, typed by a person. “Surely” means that the whole 95 % interval says so."
)
FEW_DRAWS = (
    f"Some numbers of labels were tried fewer than {DRAWS} times. The interval of a single training is true of the "
    "images that were chosen, and may differ with others."
)
HEADERS = ("who reads", "reads correctly", "95 % interval", "typing labels", "computing")
GOAL_HEADERS = ("share read", "labels needed", "range", "typing labels", "computing")


def strength_page(name: str, report: dict, examples: Sequence[LabelledImage], sections: Sequence[Markup] = ()) -> str:
    """Returns the page.

    Args:
        name: The name of the work.
        report: The contents of report/strength.json (see `make_report`).
        examples: Images of the captcha; a few of them are shown, with their labels.
        sections: Further sections, such as that of a sweep.
    """
    answer, *meaning = report["verdict"]["sentences"]
    sweep, stopped = report["sweep"], _describe_stop(report)
    if answers_by_sweep(report):
        answer = conclude(sweep)
    cards = list(islice(_cards(examples), SHOWN_EXAMPLES))
    parts = [html.section("The captcha", *([html.gallery(cards)] if cards else []), _describe(report))]
    if _is_tested(report):
        parts += [
            html.section("What that means", _verdict(report["verdict"]), *meaning),
            html.section(
                "Programs and people side by side" if report["people"] else "What programs read", *_scores(report)
            ),
            html.section("What it takes to train a program to read it", *_goals(report)),
        ]
    elif not sweep:
        parts.append(html.section("What that means", *meaning, *stopped))
    return html.page(
        f"{TITLE} – {show_name(name)}",
        answer,
        [
            *parts,
            *sections,
            html.section("What else protects a form", html.listing(PROTECTION), f"Sources: {PROTECTION_SOURCES}"),
            html.section("Whom it excludes", *ACCESSIBILITY),
            html.section(
                "How this was measured",
                html.listing(
                    [*describe_method(report), f"Bearcat {__version__} made this page on {date.today():%Y-%m-%d}."]
                ),
                "What this report does not tell:",
                html.listing(LIMITS),
            ),
        ],
    )


def answers_by_sweep(report: dict) -> bool:
    """Whether the page begins with the conclusion of a sweep: nothing else was measured."""
    sweep = report["sweep"]
    return bool(sweep and sweep["base"]) and not _is_tested(report)


def _is_tested(report: dict) -> bool:
    return bool(report["rungs"] or report["readers"])


def _cards(examples: Sequence[LabelledImage]) -> Iterator[Markup]:
    """Yields the images that can be read, first some from everywhere in the list."""
    step = max(1, len(examples) // SHOWN_EXAMPLES)
    for example in (example for start in range(step) for example in examples[start::step]):
        try:
            image = open_image(example.path, SPREAD)
        except ImageError:
            continue
        yield html.card(
            html.image(image, "captcha"), *([html.marked([(example.label, False)])] if example.label else [])
        )


def _describe(report: dict) -> str:
    shortest, longest = report["lengths"]
    length = f"{shortest}" if shortest == longest else f"{shortest} to {longest}"
    return f"Its texts have {length} characters each. {report['characters']} different characters occur in them."


def _verdict(verdict: dict) -> Markup:
    return Markup("<p>Verdict: <b>{}</b>, by this rule: {} {}</p>").format(verdict["level"], verdict["rule"], WORDS)


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
                "<p>What people read was not measured. A captcha is worth only what people read better than programs. "
                "Whoever made this report can measure that: run {}, type what some 50 images show, and run "
                "python strength.py again.</p>"
            ).format(html.code(ASK_PEOPLE))
        )
    if rungs:
        blocks.append(_describe_bearcat(rungs))
    if readers:
        names = ", ".join(reader["name"] for reader in readers)
        blocks.append(f"Programs that anyone can install, and that were not trained here: {names}.")
    blocks += [html.table(HEADERS, rows), f"{INTERVAL} {COSTS}", *_describe_training(rungs)]
    if len(rungs) > 1:
        blocks.append(html.figure(draw_strength(rungs, readers, people), "correctly read images by number of labels"))
    return blocks


def _score(score: dict, name: str, typing: str, computing: str) -> tuple[object, ...]:
    exact = html.bar(score["exact"], say_percent(score["exact"]))
    return name, exact, say_interval(score["interval"]), typing, computing


def _describe_bearcat(rungs: Sequence[dict]) -> str:
    is_trained = sorted({rung["labels"] > 0 for rung in rungs})
    tested = " and ".join(HOW_TESTED[one] for one in is_trained)
    sentence = f"Bearcat, the toolkit that made this page, was tested {tested}."
    return f"{sentence} {EACH_TRAINING}" if is_trained[-1] else sentence


def _describe_stop(report: dict) -> list[str]:
    """Says why there are no more trainings; [] if there are all."""
    stopped = report["stopped"]
    return [f"{stopped[0].upper()}{stopped[1:]}."] if stopped else []


def _describe_training(rungs: Sequence[dict]) -> list[str]:
    """Says if training makes Bearcat read less, or no more, than it does as it is."""
    untrained = [rung for rung in rungs if not rung["labels"]]
    trained = [rung for rung in rungs if rung["labels"]]
    if not untrained or not trained:
        return []
    (before,) = untrained
    loses = any(rung["exact"] < before["exact"] for rung in trained)
    gains = any(rung["interval"][0] > before["interval"][1] for rung in trained)
    said = [*([LESS_AFTER_TRAINING] if loses else []), *([] if gains else [NOTHING_GAINED])]
    return [" ".join(said)] if said else []


def _learner(rung: dict) -> str:
    if not rung["labels"]:
        return "Bearcat, not trained"
    return f"Bearcat, trained on {plural(rung['labels'], 'label')} ({plural(rung['draws'], 'time')})"


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
    stopped = _describe_stop(report)
    most = max((rung["labels"] for rung in report["rungs"]), default=None)
    if most is None:
        return ["No training was made.", *stopped]
    if all(goal["interval"][1] == 0 for goal in report["goals"]):
        highest = max(goal["exact"] for goal in report["goals"])
        return [f"Nothing: Bearcat surely reads {say_percent(highest)} or more as it is.", *stopped]
    rows = [
        (
            say_percent(goal["exact"]),
            _describe_labels(goal["labels"], most),
            _describe_range(*goal["interval"]),
            *(_cost(goal[key]) for key in ("person_minutes", "cpu_minutes")),
        )
        for goal in report["goals"]
    ]
    return [
        "The smallest number of labels tested with which Bearcat reads that share of images that it has not seen. With "
        "fewer labels than the range Bearcat surely reads less; with its upper end it surely reads as much.",
        *_reads_at_once(report["readers"]),
        html.table(GOAL_HEADERS, rows),
        *([FEW_DRAWS] if any(rung["labels"] and rung["draws"] < DRAWS for rung in report["rungs"]) else []),
        *stopped,
    ]


def _reads_at_once(readers: Sequence[dict]) -> list[str]:
    """Says what the best off-the-shelf reader reads without any of these costs; [] if it reads nothing."""
    best = max(readers, key=lambda reader: reader["exact"], default=None)
    if not best or not best["correct"]:
        return []
    return [f"None of this is needed to read {say_percent(best['exact'])}: {best['name']} does so as it is."]


def _cost(minutes: float | None) -> str:
    return "unknown" if minutes is None else say_minutes(minutes)


def _describe_labels(labels: int | None, most: int) -> str:
    if labels is not None:
        return f"{labels:,}"
    return f"not reached with up to {most:,}" if most else "not reached with 0"


def _describe_range(above: int | None, enough: int | None) -> str:
    """Says between which numbers of labels the one lies that reaches a goal."""
    if enough == 0:
        return "0"
    if enough is None:
        return "unknown" if above is None else f"more than {above:,}"
    return f"at most {enough:,}" if above is None else f"{above + 1:,} to {enough:,}"
