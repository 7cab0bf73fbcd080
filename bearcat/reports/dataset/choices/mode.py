"""The MODE that the labels suggest, and whether a mode that a person chose stays."""

import statistics
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from math import log
from pathlib import Path

from bearcat.core.errors import ImageError
from bearcat.core.settings_file import is_template_line, parse_override, read_settings_file
from bearcat.core.workspace import LABEL_FOLDER, ROOT, Work
from bearcat.data.codecs import TextCodec
from bearcat.data.images import image_size
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import read_labels
from bearcat.data.labels.tables import find_label_table
from bearcat.modes import MODES, Task

PRETRAINED_POSITIONS = 8  # characters that the pretrained weights locate; up to here ORDINARY needs the fewest labels
CLASS_IMAGES = 5  # labels with this many images each, on average, may be the names of classes
CLASS_ASPECT = 2  # images of a single thing are rarely this much wider than high; those of a text mostly are
ASPECT_SAMPLE = 20  # images whose size is read
LEAST_CLASS_IMAGES = 2  # average number of images per label below which no class can be learnt
YOLO_NAMES = {"classes.txt", "obj.names", "data.yaml"}  # next to one of these, a .txt file holds boxes
# letters of English texts, in per cent (Lewand 2000)
ENGLISH = {
    **{"a": 8.2, "b": 1.5, "c": 2.8, "d": 4.3, "e": 12.7, "f": 2.2, "g": 2.0, "h": 6.1, "i": 7.0, "j": 0.15, "k": 0.77},
    **{"l": 4.0, "m": 2.4, "n": 6.7, "o": 7.5, "p": 1.9, "q": 0.1, "r": 6.0, "s": 6.3, "t": 9.1, "u": 2.8, "v": 0.98},
    **{"w": 2.4, "x": 0.15, "y": 2.0, "z": 0.07},
}
VOWELS = frozenset("aeiouy")
MOST_CONSONANTS = 4  # in a row, in a word
SURE = 4.0  # log-likelihood ratio of English to random letters; e⁴ = 55


@dataclass(frozen=True)
class LabelSummary:
    """Labels of several data sets.

    Args:
        texts: The labels themselves.
        with_boxes: Number of images with a VOC or YOLO file.
        images: Number of images.
        in_sub_folders: Number of images whose sub-folder names their class.
        aspect: Median width of an image over its height.
    """

    texts: Sequence[str]
    with_boxes: int
    images: int
    in_sub_folders: int = 0
    aspect: float = 1.0


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
    work: Work, current: str, overrides: Iterable[str], folders: Collection[Path], label_of: Callable[[Path], str]
) -> ModeChoice:
    """Chooses the MODE for the images of a work.

    Args:
        work: The work.
        current: The value of MODE.
        overrides: The NAME=VALUE texts of --set. A MODE given there was chosen on purpose.
        folders: The data sets to look at.
        label_of: Takes the label from a file's path.
    """
    default, _ = read_settings_file(ROOT / "settings.py")["MODE"]
    is_override = any(parse_override(text)[0] == "MODE" for text in overrides)
    is_chosen = is_override or not is_template_line(work.settings_file, "MODE", default, "'CTC'")
    labels = summarize_labels(folders, work.folder(LABEL_FOLDER), label_of)
    return choose_mode(current, None if is_chosen else str(default), labels)


def summarize_labels(folders: Collection[Path], label_folder: Path, label_of: Callable[[Path], str]) -> LabelSummary:
    """Summarizes the labels of several data sets; only the sizes of a few images are read."""
    texts = [item.label for folder in folders for item in read_labels(folder, label_of)[0]]
    images = [path for folder in folders for path in list_images(folder)]
    files = {path.name for folder in {label_folder, *(one.parent for one in images)} for path in _files(folder)}
    suffixes = (".xml", ".txt") if files & YOLO_NAMES else (".xml",)
    with_boxes = sum(any(f"{path.stem}{suffix}" in files for suffix in suffixes) for path in images)
    # next to a label table, a sub-folder is not a class
    with_table = [folder for folder in folders if find_label_table(folder)]
    in_sub_folders = sum(path.parent not in folders and path.parent.parent not in with_table for path in images)
    return LabelSummary(texts, with_boxes, len(images), in_sub_folders, _median_aspect(images))


def _median_aspect(images: Sequence[Path]) -> float:
    aspects = []
    for path in images[:: max(1, len(images) // ASPECT_SAMPLE)]:
        try:
            width, height = image_size(path)
        except ImageError:
            continue
        aspects.append(width / height)
    return statistics.median(aspects) if aspects else 1.0


def _files(folder: Path) -> Iterator[Path]:
    return folder.iterdir() if folder.is_dir() else iter(())


def suggest_mode(labels: LabelSummary) -> tuple[str, str]:
    """Returns the mode that fits the labels and the reason; ('', '') without labels.

    Labels of file names and tables count as classes only if they can hardly be texts, since a model of classes cannot
    read texts that it has not seen, whereas a model of texts learns the names of classes too.
    """
    if labels.with_boxes > labels.images / 2:
        return "EFFICIENTDET", f"{labels.with_boxes} of {labels.images} images have a file with boxes"
    if labels.in_sub_folders > labels.images / 2:
        return "NUM_CLASSES", f"{labels.in_sub_folders} of {labels.images} images are sorted into sub-folders"
    if not labels.texts:
        return "", ""
    distinct = set(labels.texts)
    images_per_label = len(labels.texts) / len(distinct)
    repeat = images_per_label >= CLASS_IMAGES and len(distinct) > 1
    if repeat and labels.aspect < CLASS_ASPECT and are_class_names(distinct):
        return "NUM_CLASSES", f"{len(distinct)} different labels with {images_per_label:.0f} images each on average"
    lengths = {len(TextCodec.symbols(label)) for label in distinct}
    shortest, longest = min(lengths), max(lengths)
    mode = "ORDINARY" if longest <= PRETRAINED_POSITIONS else "CTC"
    if shortest == longest:
        return mode, f"every label has {longest} characters"
    return mode, f"labels have {shortest} to {longest} characters"


def are_class_names(labels: Collection[str]) -> bool:
    """Whether labels read like names: words of several lengths, or of ideographs, most of which occur once.

    Random texts have digits, one length, few vowels or few characters. Where labels can be either, they are texts.

    Args:
        labels: The different labels.
    """
    words = [label for label in labels if label.replace("-", "").replace(" ", "").isalpha()]
    if len(labels) < 2 or len(words) < len(labels) or len(labels) > len(set("".join(labels))):
        return False
    latin = [word.lower() for word in words if word.isascii()]
    others = [word for word in words if not word.isascii()]
    if not others:
        return len(set(map(len, latin))) > 1 and are_words(latin)
    return all(map(_is_ideographic, others)) and max(map(len, others)) > 1 and (not latin or are_words(latin, sure=0))


def are_words(texts: Collection[str], sure: float = SURE) -> bool:
    """Whether texts of small Latin letters are words rather than random letters.

    Args:
        texts: The texts.
        sure: The least log-likelihood ratio.
    """
    return all(map(_is_pronounceable, texts)) and sum(map(_log_likelihood_ratio, texts)) > sure


def _is_pronounceable(text: str) -> bool:
    runs = [(is_vowel, len(list(run))) for is_vowel, run in groupby(text, VOWELS.__contains__)]
    return any(is_vowel for is_vowel, _ in runs) and all(is_vowel or n <= MOST_CONSONANTS for is_vowel, n in runs)


def _log_likelihood_ratio(text: str) -> float:
    return sum(log(ENGLISH[letter] / 100 * len(ENGLISH)) for letter in text if letter in ENGLISH)


def _is_ideographic(text: str) -> bool:
    return any("\u3400" <= one <= "\u9fff" or "\uac00" <= one <= "\ud7a3" for one in text)


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
    if task is Task.TEXT and labels.in_sub_folders > labels.images / 2:
        return f"{labels.in_sub_folders} of {labels.images} images are in sub-folders, whose names are classes"
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
