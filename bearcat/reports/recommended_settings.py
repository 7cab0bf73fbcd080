"""Settings that follow from the data, with the reason for each."""

import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.core.settings_file import change_settings_file, parse_override, read_settings_file
from bearcat.core.workspace import ROOT
from bearcat.data.labels import find_label_table, list_images, read_labels
from bearcat.modes import MODES, Task
from bearcat.reports.data_statistics import SetStatistics

GREY_KEEPS_ENOUGH = 0.6  # below this fraction of the best channel's contrast, colour carries the text
NEARLY_GREY = 4  # grey levels by which the channels of an image without visible colour differ
SMALLEST_INPUT, LARGEST_INPUT = 8, 2048  # the range of IMAGE_HEIGHT and IMAGE_WIDTH
BOX_SIDE = 48  # pixels: objects need not be larger than that in the detector's input
SMALL_BOXES = 0.1  # fraction of the boxes that may be smaller
SIZE_OUTLIER = 2  # sizes above this multiple of the median do not decide the input size
PRETRAINED_POSITIONS = 8  # characters that the pretrained weights locate; up to here ORDINARY needs the fewest labels
CLASS_IMAGES = 5  # labels with this many images each, on average, look like the names of classes
LEAST_CLASS_IMAGES = 2  # average number of images per label below which no class can be learnt
YOLO_NAMES = {"classes.txt", "obj.names", "data.yaml"}  # next to one of these, a .txt file holds boxes


@dataclass(frozen=True)
class LabelSummary:
    """Labels of several data sets.

    Args:
        texts: The labels themselves.
        with_boxes: Number of images with a VOC or YOLO file.
        images: Number of images.
        in_sub_folders: Number of images whose sub-folder names their class.
    """

    texts: Sequence[str]
    with_boxes: int
    images: int
    in_sub_folders: int = 0


@dataclass(frozen=True)
class ModeChoice:
    """MODE that the labels suggest, and MODE to use: the current or the suggested one.

    Args:
        suggested: The mode that fits the labels best.
        reason: What in the labels suggests it.
        mode: The mode to use.
        because: Why the current mode is kept or replaced; '' if it is the suggested one.
    """

    suggested: str
    reason: str
    mode: str
    because: str = ""

    @property
    def is_kept(self) -> bool:
        """Whether a mode other than the suggested one stays."""
        return self.mode != self.suggested


@dataclass(frozen=True)
class Proposal:
    """A setting, its current value, the suggested one, and the reason."""

    name: str
    current: object
    suggested: object
    reason: str


def recommend_mode(
    current: str,
    overrides: Iterable[str],
    folders: Collection[Path],
    label_folder: Path,
    label_of: Callable[[Path], str],
) -> ModeChoice:
    """Chooses the MODE for the images of a work.

    Args:
        current: The value of MODE.
        overrides: The NAME=VALUE texts of --set. A MODE given there was chosen on purpose.
        folders: The data sets.
        label_folder: The folder for VOC and YOLO files.
        label_of: Takes the label from a file's path.
    """
    is_override = any(parse_override(text)[0] == "MODE" for text in overrides)
    default = None if is_override else str(read_settings_file(ROOT / "settings.py")["MODE"][0])
    return choose_mode(current, default, summarize_labels(folders, label_folder, label_of))


def summarize_labels(folders: Collection[Path], label_folder: Path, label_of: Callable[[Path], str]) -> LabelSummary:
    """Summarizes the labels of several data sets without opening an image."""
    texts = [item.label for folder in folders for item in read_labels(folder, label_of)[0]]
    images = [path for folder in folders for path in list_images(folder)]
    files = {path.name for folder in {label_folder, *(one.parent for one in images)} for path in _files(folder)}
    suffixes = (".xml", ".txt") if files & YOLO_NAMES else (".xml",)
    with_boxes = sum(any(f"{path.stem}{suffix}" in files for suffix in suffixes) for path in images)
    # next to a label table, a sub-folder is not a class
    with_table = [folder for folder in folders if find_label_table(folder)]
    in_sub_folders = sum(path.parent not in folders and path.parent.parent not in with_table for path in images)
    return LabelSummary(texts, with_boxes, len(images), in_sub_folders)


def _files(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def suggest_mode(labels: LabelSummary) -> tuple[str, str]:
    """Returns the mode that fits the labels and the reason; ('', '') without labels.

    Names of classes repeat often and have few characters in common; texts are made of the same few characters.
    """
    if labels.with_boxes > labels.images / 2:
        return "EFFICIENTDET", f"{labels.with_boxes} of {labels.images} images have a file with boxes"
    if labels.in_sub_folders > labels.images / 2:
        return "NUM_CLASSES", f"{labels.in_sub_folders} of {labels.images} images are sorted into sub-folders"
    if not labels.texts:
        return "", ""
    distinct = set(labels.texts)
    characters = set("".join(distinct))
    images_per_label = len(labels.texts) / len(distinct)
    if len(distinct) <= len(characters) and images_per_label >= CLASS_IMAGES:
        return "NUM_CLASSES", f"{len(distinct)} different labels with {images_per_label:.0f} images each on average"
    shortest, longest = min(map(len, distinct)), max(map(len, distinct))
    mode = "ORDINARY" if longest <= PRETRAINED_POSITIONS else "CTC"
    if shortest == longest:
        return mode, f"every label has {longest} characters"
    return mode, f"labels have {shortest} to {longest} characters"


def choose_mode(current: str, default: str | None, labels: LabelSummary) -> ModeChoice:
    """Returns the suggested mode, or the current one if it was chosen by a person and can learn the labels.

    Args:
        current: The value of MODE.
        default: The value of MODE that counts as not chosen; None if any value was chosen.
        labels: The labels of the data sets.
    """
    suggested, reason = suggest_mode(labels)
    if not suggested or suggested == current:
        return ModeChoice(current, reason, current)
    obstacle = _obstacle(current, labels)
    if obstacle:
        return ModeChoice(suggested, reason, suggested, f"MODE = {current!r} cannot learn these images: {obstacle}")
    if current == default:
        return ModeChoice(suggested, reason, suggested, f"MODE = {current!r} is only the default")
    return ModeChoice(suggested, reason, current, f"MODE = {current!r} was set on purpose and can learn these images")


def _obstacle(mode: str, labels: LabelSummary) -> str:
    """Returns why a mode cannot learn the labels, '' if it can."""
    task, distinct = MODES[mode].task, len(set(labels.texts))
    if task is Task.DETECTION:
        return "" if labels.with_boxes else "no image has a file with boxes"
    if not labels.texts:
        return "no image has a label in its file name or in a table"
    if task is Task.CLASSIFICATION and len(labels.texts) < LEAST_CLASS_IMAGES * distinct:
        return f"there are {distinct} different labels in {len(labels.texts)} images, and a class needs several images"
    return ""


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


def explain_choice(choice: ModeChoice) -> str:
    """Explains why the current mode is kept or replaced; '' if it is the suggested one."""
    if not choice.because:
        return ""
    if choice.is_kept:
        return f"{choice.because}: it stays, although {choice.suggested} would be the usual choice ({choice.reason})."
    return f"{choice.because}: {choice.suggested} is suggested ({choice.reason})."


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
