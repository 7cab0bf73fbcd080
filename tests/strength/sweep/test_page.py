"""The section about a sweep: the answer in a sentence, a row with a picture for each variant, what is chance."""

import re
from html import unescape
from pathlib import Path

import pytest
from PIL import Image

from bearcat.core.intervals import wilson_interval
from bearcat.strength.sweep.page import conclude, sweep_section
from bearcat.strength.sweep.ranking import rank_variants

CONFIG = {"style": "drawn", "rotation": 15, "overlap": 0, "lines": 3, "char_count": [4], "fonts": []}
PEOPLE = {"answers": 20, "exact": 0.9, "interval": wilson_interval(18, 20)}


def row(
    key: str,
    value: object,
    correct: int,
    legibility: float | None = 0.8,
    people: dict | None = None,
    draws: int = 1,
) -> dict:
    return {
        "key": key,
        "value": value,
        "draws": draws,
        "exact": correct / 300,
        "interval": wilson_interval(correct, 300),
        "legibility": legibility,
        "people": people,
        "folder": f"sweep/{key or 'base'}/test_dataset",
        "example": "ab12_0.png",
    }


def part_of(*variants: dict, base: dict | None = None, **changes: object) -> dict:
    base = base or row("", None, 200)
    part = {"config": CONFIG, "base": base, "labels": 50, "images": 300, "seconds": 60, "variants": list(variants)}
    return part | {"best": rank_variants(base, variants), "left_out": [], "stopped": ""} | changes


def shown(part: dict, work: Path = Path("/work")) -> str:
    """Returns the text of the section, without tags and with plain spaces."""
    text = re.sub(r"<[^>]+>", " ", str(sweep_section(part, work)))
    return re.sub(r"\s+", " ", unescape(text))


def rows(part: dict) -> list[list[str]]:
    """Returns the cells of the table, pictures left out."""
    text = str(sweep_section(part, Path("/work"))).replace("\N{NO-BREAK SPACE}", " ")
    found = (re.findall(r"<td[^>]*>(.*?)</td>", line) for line in re.findall(r"<tr>(<td.*?)</tr>", text))
    return [[unescape(re.sub(r"<[^>]+>", "", cell)) for cell in cells[1:]] for cells in found]


NOW = "A program that has learned from 50 labelled images reads 67 % of this captcha as it is now."
BEST = "The change that costs programs most for the least loss of legibility is"


@pytest.mark.parametrize(
    ("variants", "found"),
    [
        (
            [row("rotation", 30, 100, 0.7, draws=3), row("lines", 6, 190, 0.8)],
            f"{BEST} rotation = 30 (now 15): programs then read 33 %, and the estimated legibility falls, from 0.80 to "
            "0.70.",
        ),
        (
            [row("rotation", 30, 0, 0.79)],
            f"{BEST} probably rotation = 30 (now 15): programs then read 0 %, and the estimated legibility hardly "
            "changes, from 0.80 to 0.79.",
        ),
        (
            [row("rotation", 30, 190), row("lines", 0, 290)],
            "No change that was measured makes it clearly harder for programs.",
        ),
        ([], "No change has been measured yet."),
    ],
    ids=["best", "single training", "none", "base only"],
)
def test_the_answer_is_what_programs_read_now_and_the_best_change(variants: list[dict], found: str):
    part = part_of(*variants)
    assert conclude(part).replace("\N{NO-BREAK SPACE}", " ") == f"{NOW} {found}"
    assert f"{NOW} {found}" in shown(part)


def test_the_conclusion_is_said_once_if_the_page_begins_with_it():
    part = part_of(row("rotation", 30, 290), base=row("", None, 290))
    text, with_it = (str(sweep_section(part, Path("/work"), concludes)) for concludes in (False, True))
    assert conclude(part) not in text
    assert with_it.count(conclude(part)) == 1
    for one in ("None of this keeps programs out", "Bearcat, the toolkit that made this page, learned"):
        assert one in text and one in with_it


def test_without_a_legibility_nothing_is_said_of_it():
    part = part_of(row("char_count", [6], 50, None, draws=3), base=row("", None, 200, None))
    found = "The change that costs programs most is char_count = 6 (now 4): programs then read 17 %."
    assert conclude(part).replace("\N{NO-BREAK SPACE}", " ") == f"{NOW} {found}"
    assert rows(part)[0][-1] == "unknown"
    assert "Harder ones first, then probably harder ones, by what programs lose" in shown(part)
    assert "legibility lost" not in shown(part)


def test_each_variant_has_a_row_best_first():
    part = part_of(
        row("lines", 0, 290, 0.9),
        row("lines", 6, 190),
        row("overlap", 0.4, 50, 0.7),
        row("rotation", 30, 100, 0.7, draws=3),
        base=row("", None, 200, draws=3),
    )
    assert rows(part) == [
        ["as it is nowbase", "67 % (61 % to 72 %)", "", "3", "0.80"],
        ["rotation = 30 (now 15)rotation", "33 % (28 % to 39 %)", "33 points less", "3", "0.70"],
        ["overlap = 0.4 (now 0)overlap", "17 % (13 % to 21 %)", "probably 50 points less", "1", "0.70"],
        ["lines = 6 (now 3)lines", "63 % (58 % to 69 %)", "3 points less, perhaps chance", "1", "0.80"],
        ["lines = 0 (now 3)lines", "97 % (94 % to 98 %)", "probably 30 points more", "1", "0.90"],
    ]


def test_what_people_read_has_a_column_once_it_is_known():
    part = part_of(row("rotation", 30, 100, people=PEOPLE))
    assert [cells[-1] for cells in rows(part)] == ["not asked", "90 % (70 % to 97 %, 20 answers)"]
    assert "--blind" not in shown(part)
    command = "python app.py --label sweep/base/test_dataset --blind"
    assert command in shown(part_of(row("rotation", 30, 100)))


def test_each_row_shows_an_image_unless_it_was_deleted_or_damaged(tmp_path: Path):
    part = part_of(row("rotation", 30, 100))
    assert str(sweep_section(part, tmp_path)).count("<img") == 0
    for name in ("base", "rotation"):
        folder = tmp_path / "sweep" / name / "test_dataset"
        folder.mkdir(parents=True)
        Image.new("RGB", (40, 20)).save(folder / "ab12_0.png")
    section = str(sweep_section(part, tmp_path))
    assert section.count('<img src="data:image/png;base64,') == 2
    (folder / "ab12_0.png").write_bytes(b"damaged")
    assert str(sweep_section(part, tmp_path)).count("<img") == 1


def test_the_setup_tells_how_long_each_training_took():
    assert "learned from 50 labelled images for 60 seconds and read 300 others" in shown(part_of())
    assert "learned from 50 labelled images and read 300 others" in shown(part_of(seconds=0)), "EPOCHS decided"


def test_what_is_missing_is_said_with_the_reason():
    left_out = {"key": "char_count", "value": [5], "reason": "width = 90: 99 or more is expected"}
    text = shown(part_of(row("lines", 6, 190), left_out=[left_out], stopped="3 variants did not fit into 5 minutes"))
    assert "Not tried: char_count = 5 (width = 90: 99 or more is expected)" in text
    assert "Not measured: 3 variants did not fit into 5 minutes. The same command continues." in text
    nothing = part_of(stopped="9 variants did not fit into 2 minutes") | {"base": None}
    assert "No variant has been measured yet: 9 variants did not fit into 2 minutes." in shown(nothing)


def test_programs_that_read_less_still_read_too_much():
    warning = "None of this keeps programs out: a captcha counts as broken from 1 % on"
    assert warning in shown(part_of(row("rotation", 30, 20)))
    assert warning not in shown(part_of(row("rotation", 30, 20), row("lines", 6, 2)))


def test_style_captcha_is_told_that_drawn_has_more_keys():
    captcha = {"style": "captcha", "char_count": [4]}
    variant = row("char_count", [6], 50, None)
    text = shown(part_of(variant, base=row("", None, 200, None), config=captcha))
    assert '"style": "drawn"' in text and "Legibility, from 0 to 1" not in text
    assert '"style": "drawn"' not in shown(part_of(row("lines", 6, 190)))


def test_texts_of_the_configuration_are_escaped():
    part = part_of(row("fonts", ["/fonts/<b>.ttf"], 100))
    assert "<b>" not in str(sweep_section(part, Path("/work")))
    assert "fonts = <b> (now those of the system)" in shown(part)
