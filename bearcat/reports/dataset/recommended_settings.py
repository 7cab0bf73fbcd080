"""Settings that follow from the data, with the reason for each."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.artifacts.card import IMAGENET
from bearcat.core.settings_file import AUTO, change_settings_file
from bearcat.data.frames import FIRST, SPREAD, width_factor
from bearcat.data.labels.direction import choose_direction
from bearcat.data.layouts.arrangement import LINE
from bearcat.modes import MODES, Task
from bearcat.networks.registry import has_imagenet_weights
from bearcat.reports.dataset.choices.frames import REASONS as FRAMES_SEEN
from bearcat.reports.dataset.choices.layout import choose_layout, reason_for_layout
from bearcat.reports.dataset.choices.mode import ModeChoice
from bearcat.reports.dataset.colour import are_photographs, needs_colour, reason_for_channels
from bearcat.reports.dataset.set_statistics import SetStatistics, merge_statistics
from bearcat.reports.html import plural

SMALLEST_INPUT, LARGEST_INPUT = 8, 2048  # the range of IMAGE_HEIGHT and IMAGE_WIDTH
BOX_SIDE = 48  # pixels: objects need not be larger than that in the detector's input
SMALL_BOXES = 0.1  # fraction of the boxes that may be smaller
FEW_CLASS_IMAGES = 100  # per class, below which ImageNet weights are suggested for photographs
BY_HAND = ("WEIGHTS", "BACKBONE")  # suggested, but left to people, since a download follows
SIZE_OUTLIER = 2  # sizes above this multiple of the median do not decide the input size


@dataclass(frozen=True)
class Proposal:
    """A setting, its current value, the suggested one, and the reason."""

    name: str
    current: object
    suggested: object
    reason: str


def propose_settings(settings: SimpleNamespace, choice: ModeChoice, sets: Sequence[SetStatistics]) -> list[Proposal]:
    """Returns MODE and the settings that follow from the images; nothing without images.

    Those in BY_HAND are proposed only if they are to be changed.
    """
    task = MODES[choice.mode].task
    suggested: dict[str, object] = dict(suggest_settings(sets, task, settings.FRAMES, settings.LAYOUT))
    if suggested:
        suggested = {"MODE": choice.suggested} | suggested
    reasons = _reasons(suggested, sets, choice, settings.LAYOUT)
    suggested |= _suggest_weights(settings, choice, sets)
    return [Proposal(name, getattr(settings, name), value, reasons[name]) for name, value in suggested.items()]


def _suggest_weights(settings: SimpleNamespace, choice: ModeChoice, sets: Sequence[SetStatistics]) -> dict[str, str]:
    """Returns WEIGHTS, and BACKBONE if the current one has no ImageNet weights, for few photographs per class."""
    whole = merge_statistics(sets)
    is_for_classes = MODES[choice.mode].task is Task.CLASSIFICATION
    few = whole.images < FEW_CLASS_IMAGES * len(whole.symbols)
    if settings.WEIGHTS == IMAGENET or not (is_for_classes and few and are_photographs(whole.colours)):
        return {}
    fits = settings.BACKBONE == AUTO or has_imagenet_weights(settings.BACKBONE)
    return {"WEIGHTS": IMAGENET} | ({} if fits else {"BACKBONE": AUTO})


def suggest_settings(
    sets: Sequence[SetStatistics], task: Task = Task.TEXT, frames: str = FIRST, layout: str = LINE
) -> dict[str, int | str]:
    """Returns the input size, the channels and, for texts, the longest label; {} without images.

    If there are animated images, FRAMES is suggested too, unless `frames`, its current value, was changed already.
    LAYOUT is suggested if most texts are not in one line, unless `layout`, its current value, was changed already.
    Images with visible colour keep it, see `colour.needs_colour`. Images with boxes are scaled down as far as their
    objects allow.
    """
    whole = merge_statistics(sets)
    if not whole.widths:
        return {}
    scale = _scale_for_boxes(sets)
    suggested: dict[str, int | str] = {}
    if whole.frame_choices:
        suggested["FRAMES"] = frames = _frames_that_suit(whole, task, layout) if frames == FIRST else frames
    factor = width_factor(frames, max(whole.frames, default=1))
    suits = _layout_that_suits(whole, task, frames, layout)
    if suits != LINE or layout != LINE:
        suggested["LAYOUT"] = suits
    widths, heights = _line_sides(whole, suits)
    suggested |= {
        "IMAGE_HEIGHT": max(SMALLEST_INPUT, round(_side(heights) * scale)),
        "IMAGE_WIDTH": max(SMALLEST_INPUT, min(LARGEST_INPUT, round(_side(widths) * scale) * factor)),
        "IMAGE_CHANNALS": 3 if needs_colour(whole.colours, task is Task.TEXT) else 1,
    }
    return suggested | ({"CAPTCHA_LENGTH": max(whole.label_lengths)} if task is Task.TEXT else {})


def _frames_that_suit(whole: SetStatistics, task: Task, layout: str) -> str:
    """Returns the value of FRAMES that suits most animated images."""
    how = max(whole.frame_choices, key=lambda name: whole.frame_choices[name])
    return FIRST if how == SPREAD and (task is Task.DETECTION or layout != LINE) else how


def _layout_that_suits(whole: SetStatistics, task: Task, frames: str, layout: str) -> str:
    """Returns the value of LAYOUT that suits most images; one that was set stays if it is allowed."""
    if task is not Task.TEXT or frames == SPREAD:
        return LINE
    if layout != LINE:
        return layout
    suits = choose_layout(whole.layouts, whole.label_lengths)
    return LINE if suits != LINE and choose_direction(map("".join, whole.labels.values())) else suits


def _line_sides(whole: SetStatistics, layout: str) -> tuple[Counter[int], Counter[int]]:
    """Returns the number of images per width and per height of the line that the network reads."""
    if layout == LINE or not whole.layouts:
        return whole.widths, whole.heights
    widths, heights = zip(*(seen.line_sizes[layout] for seen in whole.layouts), strict=True)
    return Counter(widths), Counter(heights)


def _reasons(
    suggested: Mapping[str, object], sets: Sequence[SetStatistics], choice: ModeChoice, current_layout: str
) -> dict[str, str]:
    whole = merge_statistics(sets)
    scale, frames = _scale_for_boxes(sets), str(suggested.get("FRAMES", FIRST))
    factor = width_factor(frames, max(whole.frames, default=1))
    layout = str(suggested.get("LAYOUT", LINE))
    widths, heights = _line_sides(whole, layout)
    what = "image" if layout == LINE else "line made of an image"
    return {
        "MODE": choice.reason,
        "FRAMES": _reason_for_frames(whole, frames),
        "LAYOUT": _reason_for_layout(whole, layout, current_layout),
        "IMAGE_HEIGHT": _reason_for_side(heights, f"highest {what}", scale),
        "IMAGE_WIDTH": _reason_for_side(widths, f"widest {what}", scale)
        + (f"; {factor} frames side by side" if factor > 1 else ""),
        "IMAGE_CHANNALS": reason_for_channels(whole.colours, MODES[choice.mode].task is Task.TEXT),
        "CAPTCHA_LENGTH": f"the longest label has {max(whole.label_lengths, default=0)} characters",
        "WEIGHTS": f"these are photographs, about {whole.images / max(1, len(whole.symbols)):.0f} per class; from "
        "ImageNet weights that may be enough. Set it yourself, since train.py then downloads them, once",
        "BACKBONE": "the current one has no ImageNet weights; 'auto' takes one that has",
    }


def _reason_for_frames(whole: SetStatistics, frames: str) -> str:
    animated, sample = sum(whole.frames.values()), sum(whole.frame_choices.values())
    suits = whole.frame_choices[frames]
    looked_at = f"{suits} of {sample}" + (f" (of {animated})" if sample < animated else "")
    if suits:
        reason = f"in {looked_at} animated images {FRAMES_SEEN[frames]}"
    else:
        reason = "boxes, and texts of several rows, lie in one frame" if frames == FIRST else "it was set, and stays"
    others = ", ".join(f"{how!r} {count}" for how, count in whole.frame_choices.most_common() if how != frames)
    reason += f"; others ask for {others}" if others else ""
    still = whole.images - animated
    return reason + (f"; not animated: {plural(still, 'image')}" if still else "")


def _reason_for_layout(whole: SetStatistics, layout: str, current: str) -> str:
    if layout == current:
        return "it was set, and stays"
    return "it is for texts in single frames only" if layout == LINE else reason_for_layout(layout, whole.layouts)


def _reason_for_side(counts: Counter[int], largest_one: str, scale: float) -> str:
    """Returns why a side of the input is as long as it is, outliers and limits included."""
    if not counts:
        return ""
    limit = _size_limit(counts)
    largest = max(side for side in counts if side <= limit)
    outliers = {side: count for side, count in counts.items() if side > limit}
    reason = f"the {largest_one} has {largest} px"
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
    """Returns the proposed values of the settings that need no person to decide, with the MODE to use."""
    return {one.name: one.suggested for one in proposals if one.name not in BY_HAND} | {"MODE": choice.mode}


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
