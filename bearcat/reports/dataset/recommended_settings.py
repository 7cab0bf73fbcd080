"""Settings that follow from the data, with the reason for each."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.core.settings_file import change_settings_file
from bearcat.data.frames import FIRST, SPREAD, width_factor
from bearcat.modes import MODES, Task
from bearcat.reports.dataset.colour import needs_colour, reason_for_channels
from bearcat.reports.dataset.frame_choice import REASONS as FRAMES_SEEN
from bearcat.reports.dataset.mode_choice import ModeChoice
from bearcat.reports.dataset.set_statistics import SetStatistics, merge_statistics
from bearcat.reports.html import plural

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
    suggested: dict[str, object] = dict(suggest_settings(sets, MODES[choice.mode].task, settings.FRAMES))
    if suggested:
        suggested = {"MODE": choice.suggested} | suggested
    reasons = _reasons(suggested, sets, choice)
    return [Proposal(name, getattr(settings, name), value, reasons[name]) for name, value in suggested.items()]


def suggest_settings(
    sets: Sequence[SetStatistics], task: Task = Task.TEXT, frames: str = FIRST
) -> dict[str, int | str]:
    """Returns the input size, the channels and, for texts, the longest label; {} without images.

    If there are animated images, FRAMES is suggested too, unless `frames`, its current value, was changed already.
    Images with visible colour keep it, see `colour.needs_colour`. Images with boxes are scaled down as far as their
    objects allow.
    """
    whole = merge_statistics(sets)
    if not whole.widths:
        return {}
    scale = _scale_for_boxes(sets)
    suggested: dict[str, int | str] = {}
    if whole.frame_choices:
        suggested["FRAMES"] = frames = _frames_that_suit(whole, task) if frames == FIRST else frames
    factor = width_factor(frames, max(whole.frames, default=1))
    suggested |= {
        "IMAGE_HEIGHT": max(SMALLEST_INPUT, round(_side(whole.heights) * scale)),
        "IMAGE_WIDTH": max(SMALLEST_INPUT, min(LARGEST_INPUT, round(_side(whole.widths) * scale) * factor)),
        "IMAGE_CHANNALS": 3 if needs_colour(whole.colours, task is Task.TEXT) else 1,
    }
    return suggested | ({"CAPTCHA_LENGTH": max(whole.label_lengths)} if task is Task.TEXT else {})


def _frames_that_suit(whole: SetStatistics, task: Task) -> str:
    """Returns the value of FRAMES that suits most animated images."""
    how = max(whole.frame_choices, key=lambda name: whole.frame_choices[name])
    return FIRST if how == SPREAD and task is Task.DETECTION else how


def _reasons(suggested: Mapping[str, object], sets: Sequence[SetStatistics], choice: ModeChoice) -> dict[str, str]:
    whole = merge_statistics(sets)
    scale, frames = _scale_for_boxes(sets), str(suggested.get("FRAMES", FIRST))
    factor = width_factor(frames, max(whole.frames, default=1))
    return {
        "MODE": choice.reason,
        "FRAMES": _reason_for_frames(whole, frames),
        "IMAGE_HEIGHT": _reason_for_side(whole.heights, "highest", scale),
        "IMAGE_WIDTH": _reason_for_side(whole.widths, "widest", scale)
        + (f"; {factor} frames side by side" if factor > 1 else ""),
        "IMAGE_CHANNALS": reason_for_channels(whole.colours, MODES[choice.mode].task is Task.TEXT),
        "CAPTCHA_LENGTH": f"the longest label has {max(whole.label_lengths, default=0)} characters",
    }


def _reason_for_frames(whole: SetStatistics, frames: str) -> str:
    animated, sample = sum(whole.frames.values()), sum(whole.frame_choices.values())
    suits = whole.frame_choices[frames]
    looked_at = f"{suits} of {sample}" + (f" (of {animated})" if sample < animated else "")
    if suits:
        reason = f"in {looked_at} animated images {FRAMES_SEEN[frames]}"
    else:
        reason = "boxes lie in a single frame" if frames == FIRST else "it was set, and stays"
    others = ", ".join(f"{how!r} {count}" for how, count in whole.frame_choices.most_common() if how != frames)
    reason += f"; others ask for {others}" if others else ""
    still = whole.images - animated
    return reason + (f"; not animated: {plural(still, 'image')}" if still else "")


def _reason_for_side(counts: Counter[int], superlative: str, scale: float) -> str:
    """Returns why a side of the input is as long as it is, outliers and limits included."""
    if not counts:
        return ""
    limit = _size_limit(counts)
    largest = max(side for side in counts if side <= limit)
    outliers = {side: count for side, count in counts.items() if side > limit}
    reason = f"the {superlative} image has {largest} px"
    if outliers:
        number = sum(outliers.values())
        reason += (
            f", leaving out {number} of {counts.total()} that have more than twice the median "
            f"({limit / SIZE_OUTLIER:g} px), up to {max(outliers)} px: these are shrunk"
        )
    if not SMALLEST_INPUT <= largest <= LARGEST_INPUT:
        reason += f"; an input has {SMALLEST_INPUT} to {LARGEST_INPUT} px"
    if scale < 1:
        enough = f"{1 - SMALL_BOXES:.0%} of the objects still have at least {BOX_SIDE} px"
        reason += f", scaled down to {scale:.0%}, where {enough}"
    return reason


def _scale_for_boxes(sets: Sequence[SetStatistics]) -> float:
    sides = sorted(side for one in sets for side in one.box_sides.elements())
    return min(1.0, BOX_SIDE / max(1, sides[int(len(sides) * SMALL_BOXES)])) if sides else 1.0


def _side(counts: Counter[int]) -> int:
    limit = _size_limit(counts)
    return min(LARGEST_INPUT, max(SMALLEST_INPUT, *(side for side in counts if side <= limit)))


def _size_limit(counts: Counter[int]) -> float:
    return SIZE_OUTLIER * statistics.median(counts.elements())


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
