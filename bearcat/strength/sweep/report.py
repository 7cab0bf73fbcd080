"""The part `sweep` of report/strength.json."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import Work
from bearcat.data.labels.reading import LabelledImage
from bearcat.generation.config import CaptchaConfig, load_captcha_config
from bearcat.labelling.blind.records import BlindAnswer, read_answers, score_answers
from bearcat.strength.cost import cpu_minutes
from bearcat.strength.report import Facts, read_report
from bearcat.strength.samples import case_of
from bearcat.strength.sweep.images import COUNTS, FOLDER, LABELS
from bearcat.strength.sweep.ranking import rank_variants
from bearcat.strength.sweep.runs import Measured, Sweep
from bearcat.strength.sweep.variants import KEYS, LeftOut, as_json, base_value


def make_sweep_report(work: Work, sweep: Sweep) -> dict[str, Any]:
    """Returns the part `sweep` of report/strength.json.

    Args:
        work: The work, whose file of answers tells what people read.
        sweep: What was measured.
    """
    answers = read_answers(work)
    rows = [_row(work, one, answers) for one in sweep.measured]
    base = next((row for row in rows if not row["key"]), None)
    variants = [row for row in rows if row["key"]]
    return {
        "config": describe_config(sweep.config),
        "base": base,
        "labels": LABELS,
        "images": COUNTS["test"],
        "seconds": sweep.seconds,
        "variants": variants,
        "best": rank_variants(base, variants) if base else [],
        "left_out": [_left_out(one) for one in sweep.left_out],
        "stopped": sweep.stopped,
    }


def earlier_sweep(work: Work) -> dict[str, Any] | None:
    """Returns the part `sweep` of the work's report if there is one, and about the configuration as it is now."""
    sweep = read_report(work).get("sweep")
    if not sweep:
        return None
    try:
        config = load_captcha_config(work.captcha_config_file)
    except SettingsError:
        return None
    return sweep if config.kind == CaptchaConfig.kind and sweep["config"] == describe_config(config) else None


def swept_facts(config: CaptchaConfig, mode: str) -> Facts:
    """Returns what a report says of a captcha that was swept and not tested otherwise."""
    lengths = min(config.char_count), max(config.char_count)
    return Facts(mode, len(set(config.characters)), lengths, images_tested=0, pool=0, case=case_of(config.characters))


def swept_images(work: Work, sweep: Sweep) -> list[LabelledImage]:
    """Returns images of the configuration as it is; [] if its trial has not finished."""
    base = next((one for one in sweep.measured if not one.variant.key), None)
    if not base:
        return []
    folder = work.path / _folder(work, base)
    return [LabelledImage(folder / name, label) for name, label, _ in base.items]


def describe_config(config: CaptchaConfig) -> dict[str, Any]:
    """Returns what decides how images of a configuration look."""
    varied = {key: base_value(config, key) for key in KEYS[config.style]}
    return {key: as_json(value) for key, value in {"style": config.style, **config.appearance, **varied}.items()}


def _row(work: Work, measured: Measured, answers: Sequence[BlindAnswer]) -> dict[str, Any]:
    folder = _folder(work, measured)
    people = score_answers(answers, work.path / folder)
    return measured.scores() | {
        "people": asdict(people) if people else None,
        "cpu_minutes": cpu_minutes(fmean(trial.cpu_seconds for trial in measured.trials)),
        "folder": folder.as_posix(),
        "example": measured.items[0][0],
    }


def _folder(work: Work, measured: Measured) -> Path:
    """Returns the folder of the test images, relative to the work."""
    return Path(FOLDER) / measured.variant.name / work.data_folder("test").name


def _left_out(one: LeftOut) -> dict[str, Any]:
    return asdict(one) | {"value": as_json(one.value)}
