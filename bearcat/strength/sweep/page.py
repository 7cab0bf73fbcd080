"""The section of report/strength.html about a sweep."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from bearcat.core.errors import ImageError
from bearcat.data.images import open_image
from bearcat.generation.config import CaptchaConfig
from bearcat.reports import html
from bearcat.reports.html import plural
from bearcat.strength.sweep.ranking import MIN_LEGIBILITY_LOSS, identity, is_harder
from bearcat.strength.sweep.variants import say_value
from bearcat.strength.verdict import BROKEN_FROM
from bearcat.strength.wording import say_interval, say_percent

HEADING = "Which change makes it harder for programs"
PICTURE_SIZE = (200, 80)
AS_IT_IS = "as it is now"
HEADERS = (
    "captcha",
    "change",
    "programs read correctly",
    "difference",
    "trainings",
    "legibility",
    "people read correctly",
)
# style → what to say of a sweep of it
STYLE_NOTES = {
    CaptchaConfig.style: (
        'Captchas of style "captcha" have only these keys, and the generator does not tell where their ink is, so '
        'that their legibility is unknown. With "style": "drawn" in captcha_config.json, a sweep also varies fonts, '
        "sizes, rotation, overlap, bends, lines, dots, colours, contrast and papers, and estimates how legible the "
        "images are."
    ),
}
PER_LEGIBILITY = f" per legibility lost, of which less than {MIN_LEGIBILITY_LOSS:g} counts as that"
PROXY = (
    "Legibility, from 0 to 1, is estimated from the images: how clearly each character stands out from what is around "
    "it, less if it is small, rotated or bent. It is not what people read. It does not see that longer texts take "
    "longer to type, or that some characters look alike."
)
STILL_BROKEN = (
    f"None of this keeps programs out: a captcha counts as broken from {say_percent(BROKEN_FROM)} on, and the whole "
    "interval of each row is above that."
)
CHANCE = (
    "A difference is perhaps chance if the 95 % intervals overlap. Two trainings on the same captcha differ by some "
    "points. So the program was trained several times on the captcha as it is now and on the changes that looked best, "
    "each time on other images. The interval of a single training covers only the choice of the images that were "
    "tested: its difference is probable, not certain."
)

Row = Mapping[str, Any]


def sweep_section(sweep: Row, work: Path, concludes: bool = True) -> Markup:
    """Returns the section.

    Args:
        sweep: The part `sweep` of report/strength.json.
        work: The folder of the work, with the images of the variants.
        concludes: Whether it begins with its conclusion, which may be the answer of the whole page already.
    """
    base = sweep["base"]
    if not base:
        return html.section(HEADING, conclude(sweep))
    time = f" for {sweep['seconds']:g} seconds" if sweep["seconds"] else ""  # 0: as long as EPOCHS says
    setup = (
        "One key of captcha_config.json was changed at a time. Each time, Bearcat, the toolkit that made this "
        f"page, learned from {sweep['labels']} labelled images{time} and read {sweep['images']} others."
    )
    blocks: list[object] = [conclude(sweep)] if concludes else []
    if all(row["interval"][0] >= BROKEN_FROM for row in (base, *sweep["variants"])):
        blocks.append(STILL_BROKEN)
    blocks += [setup, _table(sweep, work), CHANCE]
    if base["legibility"] is not None:
        blocks.append(PROXY)
    if not _has_people(sweep):
        blocks.append(_ask_people(base))
    if sweep["config"]["style"] in STYLE_NOTES:
        blocks.append(STYLE_NOTES[sweep["config"]["style"]])
    if sweep["left_out"]:
        blocks += ["Not tried:", html.listing(_left_out(one) for one in sweep["left_out"])]
    if sweep["stopped"]:
        blocks.append(f"Not measured: {sweep['stopped']}. The same command continues.")
    return html.section(HEADING, *blocks)


def conclude(sweep: Row) -> str:
    """Says what machines read now, and which change makes it hardest for them for the least loss of legibility."""
    base = sweep["base"]
    if not base:
        return f"No variant has been measured yet: {sweep['stopped']}."
    now = (
        f"A program that has learned from {sweep['labels']} labelled images reads {say_percent(base['exact'])} of "
        f"this captcha {AS_IT_IS}."
    )
    if not sweep["best"]:
        return f"{now} No change has been measured yet."
    best = sweep["best"][0]
    if not is_harder(best):
        return f"{now} No change that was measured makes it clearly harder for programs."
    loss, legibility = best["legibility_loss"], base["legibility"]
    price = "" if loss is None else " for the least loss of legibility"
    probably = "" if best["draws"] > 1 else "probably "
    left = say_percent(max(0.0, base["exact"] - best["machine_loss"]))
    sentence = (
        f"{now} The change that costs programs most{price} is {probably}{_change(best, sweep['config'])}: programs "
        f"then read {left}"
    )
    if loss is None:
        return f"{sentence}."
    changes = "hardly changes" if abs(loss) < MIN_LEGIBILITY_LOSS else "falls" if loss > 0 else "rises"
    return f"{sentence}, and the estimated legibility {changes}, from {legibility:.2f} to {legibility - loss:.2f}."


def _table(sweep: Row, work: Path) -> Markup:
    by_change = {identity(row): row for row in sweep["variants"]}
    base = sweep["base"]
    columns = len(HEADERS) if _has_people(sweep) else len(HEADERS) - 1
    rows = [_cells(base, AS_IT_IS, "", work)]
    for one in sweep["best"]:
        rows.append(_cells(by_change[identity(one)], _change(one, sweep["config"]), _difference(one), work))
    price = "" if base["legibility"] is None else PER_LEGIBILITY
    caption = f"Harder ones first, then probably harder ones, by what programs lose{price}" if sweep["best"] else ""
    return html.table(HEADERS[:columns], (row[:columns] for row in rows), caption)


def _cells(row: Row, change: str, difference: str, work: Path) -> list[object]:
    programs = html.bar(row["exact"], f"{say_percent(row['exact'])} ({say_interval(row['interval'])})")
    legibility = "unknown" if row["legibility"] is None else f"{row['legibility']:.2f}"
    picture = _picture(work / row["folder"] / row["example"])
    named = Markup("{}<br>{}").format(change, html.code(_name(row)))
    return [picture, named, programs, difference, row["draws"], legibility, _people(row["people"])]


def _name(row: Row) -> str:
    """Returns the name of the folder of a row."""
    return Path(row["folder"]).parent.name


def _picture(path: Path) -> Markup | str:
    """Returns the image; '' if it was deleted or damaged meanwhile."""
    try:
        return html.image(open_image(path), "captcha", PICTURE_SIZE)
    except ImageError:
        return ""


def _change(row: Row, config: Row) -> str:
    return f"{row['key']} = {say_value(row['value'])} (now {say_value(config[row['key']])})"


def _difference(row: Row) -> str:
    loss, probably = row["machine_loss"], "" if row["draws"] > 1 else "probably "
    points = f"{100 * abs(loss):.0f} points {'less' if loss > 0 else 'more'}"
    return f"{probably}{points}" if row["intervals_apart"] else f"{points}, perhaps chance"


def _people(people: Row | None) -> str:
    if not people:
        return "not asked"
    answers = plural(people["answers"], "answer")
    return f"{say_percent(people['exact'])} ({say_interval(people['interval'])}, {answers})"


def _has_people(sweep: Row) -> bool:
    return any(row["people"] for row in (sweep["base"], *sweep["variants"]))


def _ask_people(base: Row) -> Markup:
    command = html.code(f"python app.py --label {base['folder']} --blind")
    return Markup(
        "<p>To learn what people read, let them type the images of a row, then run the sweep again. For the first row: "
        "{}. For another one, put its name in place of {}.</p>"
    ).format(command, html.code(_name(base)))


def _left_out(one: Row) -> str:
    return f"{one['key']} = {say_value(one['value'])} ({one['reason']})"
