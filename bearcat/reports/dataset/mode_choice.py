"""The MODE that the labels suggest, and whether a mode that a person chose stays."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.settings_file import parse_override, read_settings_file
from bearcat.core.workspace import ROOT
from bearcat.data.labels.reading import list_images, read_labels
from bearcat.data.labels.tables import find_label_table
from bearcat.modes import MODES, Task

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


def explain_choice(choice: ModeChoice) -> str:
    """Explains why the current mode is kept or replaced; '' if it is the suggested one."""
    if not choice.because:
        return ""
    if choice.is_kept:
        return f"{choice.because}: it stays, although {choice.suggested} would be the usual choice ({choice.reason})."
    return f"{choice.because}: {choice.suggested} is suggested ({choice.reason})."
