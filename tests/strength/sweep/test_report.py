"""The part `sweep` of the report: its rows, and when an earlier one is kept."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.core.files import write_json
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.data.labels.reading import LabelledImage
from bearcat.labelling.blind.records import BlindAnswer, record_answer
from bearcat.strength.goals import mean_interval
from bearcat.strength.report import Facts
from bearcat.strength.samples import Case
from bearcat.strength.sweep.images import FOLDER
from bearcat.strength.sweep.report import earlier_sweep, make_sweep_report, swept_facts, swept_images
from bearcat.strength.sweep.runs import Measured, Sweep
from bearcat.strength.sweep.variants import BASE, LeftOut, Variant
from bearcat.strength.trials import TrialResult
from tests.helpers.captchas import SMALL, load_drawn, load_text, write_click


@pytest.fixture
def work(tmp_path: Path, latin_font: Path) -> Work:
    load_drawn(tmp_path, latin_font)
    return Work(tmp_path)


def results(*correct: int) -> list[TrialResult]:
    """Returns the results of a trial for each number of images of 200 that it read."""
    return [TrialResult(50, draw, one, 200, seconds=60, cpu_seconds=120) for draw, one in enumerate(correct)]


def make_sweep(work: Work, font: Path, *variants: tuple[str, object, list[int]]) -> Sweep:
    """Returns a sweep with (key, value, correct of 200 in each trial) for the base and each variant."""
    config = load_drawn(work.path, font)
    measured = [
        Measured(
            Variant(key, value, config, f"{key}-{value}" if key else BASE),
            [("ab12_0.png", "ab12", "0")],
            results(*correct),
            0.5,
        )
        for key, value, correct in variants
    ]
    return Sweep(config, 60, measured, [LeftOut("char_count", (5, 6), "too wide")], "")


def test_a_row_has_what_was_measured(work: Work, latin_font: Path):
    part = make_sweep_report(work, make_sweep(work, latin_font, ("", None, [100]), ("rotation", 30, [50, 60, 70])))
    assert json.loads(json.dumps(part)) == part, "as it is read back"
    assert part["variants"] == [
        {
            "key": "rotation",
            "value": 30,
            "draws": 3,
            "exact": pytest.approx(0.3),
            "interval": list(mean_interval(results(50, 60, 70))),
            "legibility": 0.5,
            "people": None,
            "cpu_minutes": 1,
            "folder": f"{FOLDER}/rotation-30/test_dataset",
            "example": "ab12_0.png",
        }
    ]
    assert part["base"]["exact"] == 0.5
    assert [(one["key"], one["machine_loss"]) for one in part["best"]] == [("rotation", pytest.approx(0.2))]
    assert part["left_out"] == [{"key": "char_count", "value": [5, 6], "reason": "too wide"}]
    assert (part["labels"], part["images"], part["seconds"], part["stopped"]) == (50, 300, 60, "")
    assert part["config"]["character_size"] == [20, 26], "as it results from the width"


def test_what_people_read_of_a_variant_is_beside_it(work: Work, latin_font: Path):
    folder = work.folder(FOLDER) / "rotation-30" / "test_dataset"
    folder.mkdir(parents=True)
    (folder / "ab12_0.png").write_bytes(b"image")
    digest = digest_of(b"image")
    for typed in ("ab12", None):
        record_answer(work, BlindAnswer("someone", folder, "ab12_0.png", digest, "ab12", typed, 4.0))
    part = make_sweep_report(work, make_sweep(work, latin_font, ("", None, [100]), ("rotation", 30, [60])))
    assert part["base"]["people"] is None
    people = part["variants"][0]["people"]
    assert (people["answers"], people["correct"], people["given_up"]) == (2, 1, 1)


def test_without_the_base_nothing_is_ranked(work: Work, latin_font: Path):
    part = make_sweep_report(work, make_sweep(work, latin_font))
    assert (part["base"], part["variants"], part["best"]) == (None, [], [])


def test_an_earlier_sweep_is_kept_only_while_the_configuration_is_the_same(work: Work, latin_font: Path):
    assert earlier_sweep(work) is None
    part = make_sweep_report(work, make_sweep(work, latin_font, ("", None, [100])))
    write_json(work.report_file("strength"), {"sweep": None})
    assert earlier_sweep(work) is None
    write_json(work.report_file("strength"), {"sweep": part})
    assert earlier_sweep(work) == part
    load_drawn(work.path, latin_font, count=77)
    assert earlier_sweep(work) == part, "how many images are generated does not matter"
    load_text(work.path)
    assert earlier_sweep(work) is None
    work.captcha_config_file.unlink()
    write_click(work.path)
    assert earlier_sweep(work) is None
    work.captcha_config_file.write_text("{", encoding="utf-8")
    assert earlier_sweep(work) is None


@pytest.mark.parametrize("damaged", ["{", "[]", ""])
def test_a_damaged_report_has_no_sweep(work: Work, damaged: str):
    work.report_file("strength").parent.mkdir()
    work.report_file("strength").write_text(damaged, encoding="utf-8")
    assert earlier_sweep(work) is None


def test_the_facts_are_those_of_the_configuration():
    characters = "".join(map(chr, range(0x4E00, 0x5E00)))  # more than a sweep has images
    facts = swept_facts(replace(SMALL, characters=characters + characters[0], char_count=(5, 3, 4)), "CTC")
    assert (facts.characters, facts.lengths) == (0x1000, (3, 5))


def test_a_captcha_that_was_only_swept_has_facts_and_images(work: Work, latin_font: Path):
    sweep = make_sweep(work, latin_font, ("", None, [100]), ("rotation", 30, [60]))
    assert swept_facts(sweep.config, "CTC") == Facts("CTC", 16, (4, 5), images_tested=0, pool=0, case=Case.DIFFERENT)
    assert swept_images(work, sweep) == [
        LabelledImage(work.folder(FOLDER) / BASE / "test_dataset" / "ab12_0.png", "ab12")
    ]
    assert swept_images(work, make_sweep(work, latin_font)) == []
