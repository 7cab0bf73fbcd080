"""The verdict on a captcha: the first of a few documented rules that applies, and what it means in words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from bearcat.reports.html import plural
from bearcat.strength.cost import cpu_minutes, person_minutes
from bearcat.strength.goals import GOALS, Rung, find_goal
from bearcat.strength.plan import DRAWS
from bearcat.strength.wording import say_interval, say_minutes, say_percent

if TYPE_CHECKING:
    from bearcat.strength.report import ReaderScore

BROKEN_FROM = 0.01  # exact match
MIN_LABELS = 200  # that a captcha must withstand: about 20 minutes of typing
MIN_IMAGES = 381  # if none is read, Wilson's 95 % interval of fewer images reaches BROKEN_FROM
MOST = 0.5  # exact match from which a program needs two attempts or fewer
PEOPLE_SHOULD_READ = 0.9
PRACTICE = (
    "Researchers call a text captcha broken once a program reads 1 % of it, since a program can try as often as it "
    "likes (Bursztein, Martin and Mitchell, “Text-based CAPTCHA Strengths and Weaknesses”, CCS 2011). Designers at "
    "Microsoft set the limit at 0.01 % (Chellapilla, Larson, Simard and Czerwinski, “Building Segmentation Based "
    "Human-Friendly Human Interaction Proofs”, 2005)."
)


class Level(StrEnum):
    """The verdict in a word or two."""

    UNTESTED = "untested"
    BROKEN_WITHOUT_LABELS = "broken without labels"
    BROKEN = "broken"
    PROBABLY_BROKEN = "probably broken"
    WITHSTOOD = "withstood"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Evidence:
    """What was tested.

    Args:
        rungs: The trials, fewest labels first.
        readers: The off-the-shelf readers.
    """

    rungs: Sequence[Rung]
    readers: Sequence["ReaderScore"]

    @property
    def untrained(self) -> list["Rung | ReaderScore"]:
        """What needs no label of this captcha."""
        return [*self.readers, *(rung for rung in self.rungs if not rung.labels)]

    @property
    def trained(self) -> list[Rung]:
        """What learned from labels of this captcha."""
        return [rung for rung in self.rungs if rung.labels]

    @property
    def scores(self) -> list["Rung | ReaderScore"]:
        """Everything that was tested."""
        return [*self.untrained, *self.trained]

    @property
    def most_labels(self) -> int:
        """The most labels that were tested in all draws: what one draw does not read, another may."""
        return max((rung.labels for rung in self.rungs if rung.draws >= DRAWS), default=0)

    @property
    def best(self) -> "Rung | ReaderScore":
        """What reads most."""
        return max(self.scores, key=lambda score: score.exact)


@dataclass(frozen=True)
class Rule:
    """A rule of the verdict.

    Args:
        level: Its verdict.
        condition: When it applies, in words.
        applies: When it applies.
        meaning: What the verdict means for the owner of a form.
    """

    level: Level
    condition: str
    applies: Callable[[Evidence], bool]
    meaning: str


RULES = (
    Rule(
        Level.UNTESTED,
        "No program was tested.",
        lambda found: not found.scores,
        "Run python strength.py once train_dataset and test_dataset hold labelled images.",
    ),
    Rule(
        Level.BROKEN_WITHOUT_LABELS,
        "A program that has learned from no label of this captcha surely reads at least 1 % of it.",
        lambda found: any(surely_breaks(score) for score in found.untrained),
        "Whoever wants to get past it only has to download a program, and let it try until it succeeds.",
    ),
    Rule(
        Level.BROKEN,
        "A program that has learned from labelled images of this captcha surely reads at least 1 % of it.",
        lambda found: any(surely_breaks(score) for score in found.trained),
        "Whoever wants to get past it needs a few labelled images, an ordinary computer, and a program that tries "
        "until it succeeds.",
    ),
    Rule(
        Level.PROBABLY_BROKEN,
        "A program reads at least 1 % of it on average, but its interval begins below 1 %.",
        lambda found: any(score.exact >= BROKEN_FROM for score in found.scores),
        "Count it as broken: whoever trains for longer, or on more labels, reads more.",
    ),
    Rule(
        Level.WITHSTOOD,
        f"Every program surely reads less than 1 % of it, even in {DRAWS} trainings on {MIN_LABELS} labels or more; of "
        "off-the-shelf readers, which read fewer images, less than 1 % is enough.",
        lambda found: found.most_labels >= MIN_LABELS and all(one.interval[1] < BROKEN_FROM for one in found.rungs),
        "That is no proof of strength. An attacker may have more labels, more time, images without labels or a better "
        "program, or may pay people to read it.",
    ),
    Rule(
        Level.UNDECIDED,
        f"No program reads 1 % of it on average, but an interval reaches 1 %, or there were fewer than {DRAWS} "
        f"trainings on {MIN_LABELS} labels or more.",
        lambda found: True,
        "That is no sign of strength.",
    ),
)


def surely_breaks(score: "Rung | ReaderScore") -> bool:
    """Whether the whole 95 % interval of an exact match is in the range that counts as broken."""
    return score.interval[0] >= BROKEN_FROM


def decide(found: Evidence) -> Rule:
    """Returns the first rule that applies."""
    return next(rule for rule in RULES if rule.applies(found))


def make_verdict(found: Evidence, people: Mapping[str, Any] | None, seconds: float) -> dict[str, Any]:
    """Returns the part `verdict` of report/strength.json.

    Args:
        found: What was tested.
        people: The part `people` of the report.
        seconds: The seconds that a person needs per label.

    Returns:
        The level, the condition of its rule, and sentences for the owner; the first one answers how strong it is.
    """
    rule = decide(found)
    sentences = [_ANSWERS[rule.level](found, seconds), rule.meaning]
    if rule.level is Level.UNDECIDED:
        sentences.append(_advise(found))
    if found.scores:
        sentences += [PRACTICE, *_compare_with_people(found.best, people)]
    return {"level": str(rule.level), "rule": rule.condition, "sentences": sentences}


def _answer_untested(found: Evidence, seconds: float) -> str:
    return "What programs read of this captcha was not tested yet."


def _advise(found: Evidence) -> str:
    """Says what an undecided test lacks."""
    lacks = []
    if found.rungs and min(rung.images for rung in found.rungs) < MIN_IMAGES:
        lacks.append(f"test on {MIN_IMAGES} images or more")
    if found.most_labels < MIN_LABELS:
        lacks.append(f"train {DRAWS} times on {MIN_LABELS} labels or more")
    if not lacks:
        return "A larger test would not help: programs read some of it, so that longer training may be enough."
    return f"The test is too small: to exclude 1 %, {' and '.join(lacks)}."


def _answer_broken_without_labels(found: Evidence, seconds: float) -> str:
    best = max(found.untrained, key=lambda score: score.exact)
    reads = f"one that has learned from none of its images reads {say_percent(best.exact)} of it"
    trained = _cheapest(found)
    if trained and trained.interval[0] > best.interval[1]:
        return (
            f"{_judge(trained.exact)}: {reads}, and one that has learned from {_price(trained, seconds)} reads about "
            f"{say_percent(trained.exact)}."
        )
    return f"{_judge(best.exact)}: {reads}."


def _answer_broken(found: Evidence, seconds: float) -> str:
    trained = _cheapest(found)
    assert trained is not None  # the rule found one
    return (
        f"{_judge(trained.exact)}: one that has learned from {_price(trained, seconds)} reads about "
        f"{say_percent(trained.exact)} of it."
    )


def _judge(exact: float) -> str:
    return f"This captcha {'does not keep programs out' if exact >= MOST else 'only slows programs down'}"


def _answer_probably_broken(found: Evidence, seconds: float) -> str:
    best = found.best
    return (
        f"This captcha probably does not keep programs out: the best one tested reads about {say_percent(best.exact)} "
        f"of it ({say_interval(best.interval)})."
    )


def _answer_withstood(found: Evidence, seconds: float) -> str:
    return (
        "No program tested here reads even 1 % of this captcha, not even after learning from "
        f"{found.most_labels:,} labelled images."
    )


def _answer_undecided(found: Evidence, seconds: float) -> str:
    best = found.best
    return (
        f"This test cannot tell whether this captcha keeps programs out: the best one tested reads "
        f"{say_percent(best.exact)} of it ({say_interval(best.interval)})."
    )


_ANSWERS: dict[Level, Callable[[Evidence, float], str]] = {
    Level.UNTESTED: _answer_untested,
    Level.BROKEN_WITHOUT_LABELS: _answer_broken_without_labels,
    Level.BROKEN: _answer_broken,
    Level.PROBABLY_BROKEN: _answer_probably_broken,
    Level.WITHSTOOD: _answer_withstood,
    Level.UNDECIDED: _answer_undecided,
}


def _cheapest(found: Evidence) -> Rung | None:
    """Returns the fewest labels that reach the highest goal that was reached; only what surely breaks it counts."""
    sure = [rung for rung in found.trained if surely_breaks(rung)]
    goals = [find_goal(exact, sure).rung for exact in GOALS]
    return next((rung for rung in reversed(goals) if rung), None)


def _price(rung: Rung, seconds: float) -> str:
    typing, computing = person_minutes(rung.labels, seconds), cpu_minutes(rung.cpu_seconds)
    return (
        f"{plural(rung.labels, 'labelled image')} ({say_minutes(typing)} of typing, {say_minutes(computing)} of "
        "computing)"
    )


def _compare_with_people(best: "Rung | ReaderScore", people: Mapping[str, Any] | None) -> list[str]:
    if not people:
        return []
    machine, human = say_percent(best.exact), say_percent(people["exact"])
    low, high = people["interval"]
    if best.interval[0] > high:
        compared = (
            f"The best program tested reads it better than people do: {machine} against {human}. So it does not tell "
            "people from programs."
        )
    elif low > best.interval[1]:
        compared = (
            f"People read it better than the best program tested: {human} against {machine}. That difference is all "
            "that a captcha has to offer."
        )
    else:
        compared = (
            f"People and the best program read it equally well, as far as this test can tell ({human} and {machine})."
        )
    if high < PEOPLE_SHOULD_READ:
        compared += " People should read 90 % or more of a captcha (Chellapilla et al., 2005); they read less of this."
    return [compared]
