"""Figures of report/test.json that distinguish wrong labels and images from a lack of training; see `wrong_kinds`."""

import math
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import Levenshtein

from bearcat.core.errors import ImageError, LabelError
from bearcat.data.frames import combine_frames, width_factor
from bearcat.data.images import InputSpec, is_blank, open_frames, place
from bearcat.data.labels.direction import choose_direction
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.text import clean_label, name_character, split_graphemes, twins
from bearcat.data.layouts.arrangement import line_size
from bearcat.data.vocabulary import BLANK
from bearcat.reports.dataset.colour import merges_colours
from bearcat.reports.dataset.unlikely_labels import describe_unlikely

Symbols = Sequence[str]
SHUFFLES = 200  # the smallest p-value is 1 / (SHUFFLES + 1)
MAX_SHUFFLED = 400  # images; more of them only take longer


class Pair(NamedTuple):
    """The label of an image and what was predicted."""

    file: str
    label: str
    text: str


def text_patterns(pairs: Sequence[Pair], symbols_of: Callable[[str], Symbols]) -> dict:
    """Compares predictions with labels in ways that only a wrong label explains.

    Args:
        pairs: All tested images.
        symbols_of: Splits a label into symbols.

    Returns:
        `distinct_labels`, their number; `most_predicted`, the most frequent prediction and its number of images;
        `shuffled`, the symbol accuracy if each prediction is compared with the label of another image, and the
        probability that this would be as high as it is for the true labels; `reversed_accuracy`, the symbol accuracy
        if the labels are read backwards; and for each of SPELLINGS the files whose prediction is the label but for
        that.
    """
    labels, texts = [symbols_of(pair.label) for pair in pairs], [symbols_of(pair.text) for pair in pairs]
    text, count = Counter(pair.text for pair in pairs).most_common(1)[0]
    wrong = [pair for pair in pairs if pair.label != pair.text]
    return {
        "distinct_labels": len({pair.label for pair in pairs}),
        "most_predicted": {"text": text, "images": count},
        "shuffled": shuffled_accuracy(labels, texts),
        "reversed_accuracy": _accuracy([label[::-1] for label in labels], texts),
        **_look_alike(pairs),
        "exchanged": _exchanged(wrong),
        **{name: [pair.file for pair in wrong if applies(pair)] for name, applies in SPELLINGS.items()},
    }


def shuffled_accuracy(labels: Sequence[Symbols], texts: Sequence[Symbols]) -> dict[str, float]:
    """Permutation test of whether predictions have anything to do with their images.

    Returns:
        `accuracy`: the mean symbol accuracy against labels in random order; `p_value`: the probability that this is
        at least as high as against the true labels.
    """
    generator = random.Random(0)
    chosen = generator.sample(range(len(labels)), min(len(labels), MAX_SHUFFLED))
    labels, texts = [labels[index] for index in chosen], [texts[index] for index in chosen]
    true = _accuracy(labels, texts)
    shuffled = [_accuracy(generator.sample(labels, len(labels)), texts) for _ in range(SHUFFLES)]
    as_high = sum(one >= true for one in shuffled)
    return {"accuracy": fmean(shuffled), "p_value": (as_high + 1) / (SHUFFLES + 1)}


def _accuracy(labels: Sequence[Symbols], texts: Sequence[Symbols]) -> float:
    return 1 - sum(map(Levenshtein.distance, labels, texts)) / sum(map(len, labels))


def _is_reversed(pair: Pair) -> bool:
    return len(pair.label) > 1 and split_graphemes(pair.text)[::-1] == split_graphemes(pair.label)


def _is_equal_cleaned(pair: Pair) -> bool:
    try:
        return clean_label(pair.label) == clean_label(pair.text)
    except LabelError:  # a line break
        return pair.label.split() == pair.text.split()


def _lacks_zeros(pair: Pair) -> bool:
    return pair.text.endswith(pair.label) and set(pair.text.removesuffix(pair.label)) == {"0"}


# key of report/test.json → whether a prediction is the label but for this
SPELLINGS: dict[str, Callable[[Pair], bool]] = {
    "reversed": _is_reversed,
    "invisible": _is_equal_cleaned,
    "lost_zeros": _lacks_zeros,
}


def _look_alike(pairs: Sequence[Pair]) -> dict[str, list[str]]:
    """Finds predictions that are the label but for characters that look alike, such as a full-width A.

    Returns:
        `look_alike`, their files, and `look_alike_characters`, the names of the characters that fewer texts have.
    """
    found = twins(text for pair in pairs for text in (pair.label, pair.text))
    table = str.maketrans({one.character: one.looks_like for one in found})
    alike = [
        pair for pair in pairs if pair.label != pair.text and pair.label.translate(table) == pair.text.translate(table)
    ]
    characters = {one for pair in alike for one in pair.label + pair.text}
    names = [f"{name_character(one.character)} for {one.looks_like}" for one in found if one.character in characters]
    return {"look_alike": [pair.file for pair in alike], "look_alike_characters": names}


def _are_different(label: str, text: str) -> bool:
    """Whether two texts differ in more than a single confusion."""
    return Levenshtein.distance(label, text) > 1


def _exchanged(wrong: Sequence[Pair]) -> list[list[str]]:
    """Returns the pairs of files of which each is predicted as the other's label, which is a different one."""
    by_label: dict[tuple[str, str], list[str]] = {}
    for pair in wrong:
        by_label.setdefault((pair.label, pair.text), []).append(pair.file)
    return [
        [file, other]
        for (label, text), files in by_label.items()
        if label < text and _are_different(label, text)
        for file, other in zip(files, by_label.get((text, label), ()), strict=False)
    ]


def label_patterns(
    mistakes: Sequence[dict], data: Sequence[LabelledImage], others: Sequence[LabelledImage] = ()
) -> dict:
    """Looks at the labels of a whole work.

    Args:
        mistakes: Those of report/test.json.
        data: The tested images.
        others: Those of the other data sets, as far as they are still there.

    Returns:
        `label_kind`, what the labels are if no captcha has such texts, else ''; `direction`, 'rtl' or 'ltr' if symbols
        are drawn in another order than they are typed, else ''; `neighbours`: `files`, those that are
        predicted as the label of the image before or after them by name, and `expected`, how many would be by chance.
    """
    known = [*data, *others]
    labels = [item.label for item in known]
    counts = Counter(labels)
    # sets that count their images separately were never one row
    before_and_after = _neighbours(known if len({item.name for item in known}) == len(known) else data)
    files, expected = [], 0.0
    for mistake in mistakes:
        beside = before_and_after[mistake["file"]]
        expected += len(beside) * counts[mistake["read"]] / len(labels)
        if mistake["read"] in beside and _are_different(mistake["label"], mistake["read"]):
            files.append(mistake["file"])
    return {
        "label_kind": describe_unlikely(labels),
        "direction": choose_direction(labels),
        "neighbours": {"files": files, "expected": expected},
    }


def _neighbours(data: Sequence[LabelledImage]) -> dict[str, list[str]]:
    """Returns the labels of the images before and after each one, in the order of their names without labels."""
    ordered = [item for _, item in sorted(((_place(item), item) for item in data), key=lambda pair: pair[0])]
    labels: list[str | None] = [None, *(item.label for item in ordered), None]
    return {
        item.name: [label for label in (labels[index], labels[index + 2]) if label is not None and label != item.label]
        for index, item in enumerate(ordered)
    }


def _place(item: LabelledImage) -> tuple:
    """Returns a key that sorts 10.png after 9.png, and ab3d_0007.png by what follows the label."""
    name = item.name.removeprefix(f"{item.label}{BLANK}")
    return tuple((len(part), part) if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name))


def image_patterns(paths: dict[str, Path], mistakes: Sequence[dict], spec: InputSpec) -> dict:
    """Looks at the tested image files.

    Args:
        paths: The file of each tested image by name.
        mistakes: Those of report/test.json.
        spec: The model's input.

    Returns:
        `frames`, what the model makes of an animation; `animated`, the names of images with several frames that
        differ; `blank`, the names of those mistakes in which nothing can be seen; `shrunk`, the fraction of images
        that are larger than the input; `merged_in_grey`, of a model for grey images, see `merged_in_grey`.
    """
    wrong, animated, blank, shrunk = {one["file"] for one in mistakes}, [], [], 0
    merges: dict[str, bool] = {}
    for name, path in paths.items():
        try:
            frames, _ = open_frames(path)
        except ImageError:  # utils.py opens what Pillow does not
            continue
        width, height = line_size(frames[0], spec.layout)
        if spec.channels == 1:
            merges[name] = merges_colours(np.asarray(combine_frames(frames, spec.frames), np.int16))
        shrunk += place(width * width_factor(spec.frames, len(frames)), height, spec).scale < 1
        if any(frame != frames[0] for frame in frames[1:]):
            animated.append(name)
        if name in wrong and all(map(is_blank, frames)):
            blank.append(name)
    figures = {"frames": spec.frames, "animated": animated, "blank": blank, "shrunk": shrunk / len(paths)}
    return figures | ({"merged_in_grey": merged_in_grey(merges, wrong)} if merges else {})


def merged_in_grey(merges: dict[str, bool], wrong: set[str]) -> dict[str, float]:
    """Compares images in which grey merges different colours with the others.

    Args:
        merges: Whether grey merges colours of an image, by name.
        wrong: The names of the mistakes.

    Returns:
        `images` and `mistakes` of the former, `others` and `mistakes_of_others`, and the probability `p_value` that
        chance alone gives the former so many of the mistakes (Fisher's exact test).
    """
    images, mistakes = sum(merges.values()), sum(merges[name] for name in wrong & merges.keys())
    total, all_mistakes = len(merges), len(wrong & merges.keys())
    ways = (
        math.comb(images, count) * math.comb(total - images, all_mistakes - count)
        for count in range(mistakes, min(images, all_mistakes) + 1)
    )
    return {
        "images": images,
        "mistakes": mistakes,
        "others": total - images,
        "mistakes_of_others": all_mistakes - mistakes,
        "p_value": sum(ways) / math.comb(total, all_mistakes),
    }
