"""The lines of report/strength.html about how a captcha was tested."""

from bearcat.reports.html import plural
from bearcat.strength.cost import MIN_ANSWERS, Source
from bearcat.strength.samples import LEAST_VALIDATION, VALIDATION_SHARE, Case
from bearcat.strength.wording import say_minutes

CASE = {
    Case.SAME: "Upper and lower case count as the same.",
    Case.DIFFERENT: "Upper and lower case count as different characters.",
}
LEARNED_BEFORE = (
    "Before any training here, Bearcat has learned from other captchas, among them many of the Python package captcha. "
    "It is told what anyone sees who looks at a few images: which characters occur in this captcha and, before "
    "training, how long its texts are."
)


def describe_method(report: dict) -> list[str]:
    """Lists how the figures of a report were made.

    Args:
        report: The contents of report/strength.json (see `make_report`).
    """
    return [*_trainings(report), *_tests(report), *_readers(report), *_typing(report)]


def _trainings(report: dict) -> list[str]:
    trainings = [trial for trial in report["trials"] if trial["labels"]]
    if not trainings:
        return []
    seconds = report["train_seconds"]
    lasted = f"for {seconds} s" if seconds else "without a time limit"
    minutes = say_minutes(sum(trial["seconds"] for trial in trainings) / 60)
    return [
        f"Bearcat was trained {plural(len(trainings), 'time')} {lasted} ({minutes} in all; other programs may have "
        f"slowed it down), each time on labelled images chosen at random from {report['pool']:,}. One in "
        f"{VALIDATION_SHARE} of them, at least {LEAST_VALIDATION}, was not learned from: these decided which version "
        "was kept."
    ]


def _tests(report: dict) -> list[str]:
    if not report["trials"]:
        return []
    tested = plural(report["images_tested"], "image")
    return [
        f"Bearcat was always tested on the same {tested}, on none of which it was trained. An image counts only if its "
        "whole text is correct.",
        *([CASE[report["case"]]] if report.get("case") in CASE else []),  # reports of earlier versions do not say
        LEARNED_BEFORE,
    ]


def _readers(report: dict) -> list[str]:
    lines = []
    if report["readers"]:
        tested = ", ".join(f"{reader['name']} on {plural(reader['images'], 'image')}" for reader in report["readers"])
        lines.append(f"Programs that anyone can install, which have learned from other images, were tested: {tested}.")
    missing = report["missing_readers"]
    if missing:
        names = ", ".join(f"{name} ({reason})" for name, reason in missing.items())
        lines.append(f"Programs that anyone can install, but that were not tested: {names}.")
    return lines


def _typing(report: dict) -> list[str]:
    """Says where the seconds per label come from, if labels cost anything here."""
    if not any(trial["labels"] for trial in report["trials"]):
        return []
    typing = report["seconds_per_label"]
    if typing["source"] == Source.MEASURED:
        return [f"A label takes {typing['value']:.1f} s to type: the median of {typing['answers']:,} answers."]
    return [
        f"A label takes {typing['value']:.0f} s to type. That is assumed until the times of {MIN_ANSWERS} answers of "
        f"people are known (now {typing['answers']}); then their median counts."
    ]
