"""Settings that follow from the data, with the reason for each."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.core.settings_file import change_settings_file
from bearcat.modes import MODES, Task
from bearcat.reports.dataset.mode_choice import ModeChoice
from bearcat.reports.dataset.set_statistics import SetStatistics

GREY_KEEPS_ENOUGH = 0.6  # below this fraction of the best channel's contrast, colour carries the text
NEARLY_GREY = 4  # grey levels by which the channels of an image without visible colour differ
SMALLEST_INPUT, LARGEST_INPUT = 8, 2048  # the range of IMAGE_HEIGHT and IMAGE_WIDTH
BOX_SIDE = 48  # pixels: objects need not be larger than that in the detector's input
SMALL_BOXES = 0.1  # fraction of the boxes that may be smaller
SIZE_OUTLIER = 2  # sizes above this multiple of the median do not decide the input size


@dataclass(frozen=True)
class Proposal:
    """A setting, its current value, the suggested one, and the reason."""

    name: str
    current: object
    suggested: object
    reason: str


def propose_settings(settings: SimpleNamespace, choice: ModeChoice, sets: Sequence[SetStatistics]) -> list[Proposal]:
    """Returns MODE and the settings that follow from the images; nothing without images."""
    suggested: dict[str, object] = dict(suggest_settings(sets, MODES[choice.mode].task))
    if suggested:
        suggested = {"MODE": choice.suggested} | suggested
    reasons = _reasons(suggested, sets, choice)
    return [Proposal(name, getattr(settings, name), value, reasons[name]) for name, value in suggested.items()]


def suggest_settings(sets: Sequence[SetStatistics], task: Task = Task.TEXT) -> dict[str, int]:
    """Returns the input size, the channels and, for texts, the longest label; {} without images.

    Images of classes and objects stay in colour unless they are nearly grey: colour distinguishes objects, but
    rarely characters. Images with boxes are scaled down as far as their objects allow.
    """
    widths: Counter[int] = Counter()
    heights: Counter[int] = Counter()
    lengths: Counter[int] = Counter()
    for one in sets:
        widths.update(one.widths)
        heights.update(one.heights)
        lengths.update(one.label_lengths)
    if not widths:
        return {}
    scale = _scale_for_boxes(sets)
    return {
        "IMAGE_HEIGHT": max(SMALLEST_INPUT, round(_side(heights) * scale)),
        "IMAGE_WIDTH": max(SMALLEST_INPUT, round(_side(widths) * scale)),
        "IMAGE_CHANNALS": 3 if _colour_matters(sets, task) else 1,
    } | ({"CAPTCHA_LENGTH": max(lengths)} if task is Task.TEXT else {})


def _reasons(suggested: Mapping[str, object], sets: Sequence[SetStatistics], choice: ModeChoice) -> dict[str, str]:
    grey_contrasts = [value for one in sets for value in one.grey_contrasts]
    channels = f"grey keeps {statistics.median(grey_contrasts):.0%} of the contrast" if grey_contrasts else ""
    if suggested.get("IMAGE_CHANNALS") == 3 and MODES[choice.mode].task is not Task.TEXT:
        channels += "; colour helps to distinguish objects"
    size = "the largest image" + (", scaled down as far as its objects allow" if _scale_for_boxes(sets) < 1 else "")
    return {
        "MODE": choice.reason,
        "IMAGE_HEIGHT": size,
        "IMAGE_WIDTH": size,
        "IMAGE_CHANNALS": channels,
        "CAPTCHA_LENGTH": "the longest label",
    }


def _scale_for_boxes(sets: Sequence[SetStatistics]) -> float:
    sides = sorted(side for one in sets for side in one.box_sides.elements())
    return min(1.0, BOX_SIDE / max(1, sides[int(len(sides) * SMALL_BOXES)])) if sides else 1.0


def _colour_matters(sets: Sequence[SetStatistics], task: Task) -> bool:
    grey_contrasts = [value for one in sets for value in one.grey_contrasts]
    if not grey_contrasts:
        return False
    if task is Task.TEXT:
        return statistics.median(grey_contrasts) < GREY_KEEPS_ENOUGH
    return statistics.median(value for one in sets for value in one.chromas) > NEARLY_GREY


def _side(counts: Counter[int]) -> int:
    limit = SIZE_OUTLIER * statistics.median(counts.elements())
    return min(LARGEST_INPUT, max(SMALLEST_INPUT, *(side for side in counts if side <= limit)))


def settings_to_apply(proposals: Sequence[Proposal], choice: ModeChoice) -> dict[str, object]:
    """Returns the proposed values of all settings, with the MODE to use."""
    return {one.name: one.suggested for one in proposals} | {"MODE": choice.mode}


def apply_settings(path: Path, values: Mapping[str, object]) -> list[str]:
    """Writes values into a settings file, changing no other line, and returns a line for each change."""
    changed = change_settings_file(path, dict(values))
    lines = [f"{path}: {name} = {new!r} (was {old!r})" for name, (old, new) in changed.items()]
    return lines or ["The settings fit the data already."]


def compare_settings(settings: SimpleNamespace, values: Mapping[str, object]) -> list[str]:
    """Returns a line for each value that differs from the settings, and how to apply them."""
    lines = [
        f"Suggested: {name} = {value!r} (now {getattr(settings, name)!r})"
        for name, value in values.items()
        if getattr(settings, name) != value
    ]
    return [*lines, "python cheak_file.py --apply writes this into the work's settings."] if lines else []
