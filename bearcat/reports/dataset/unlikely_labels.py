"""Labels that are probably none: running numbers, time stamps, UUIDs, hashes, and the first half of a text with `_`."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from bearcat.data.vocabulary import BLANK

FEWEST = 5  # labels from which their form says what they are
NEARLY_ALL = 0.95
MOST_CHARACTERS = 10  # of a part of a name that may be a label
SAME_ALPHABET = 0.6  # Jaccard index of the characters of two halves of one text
FEWEST_HALVES = 20  # names from which their parts can be compared
CLASS_IMAGES = 5  # images of each class on average
CERTAIN = 7  # exp(-7): probability of no repetition among random draws, as small as one in a thousand
UUID = re.compile(r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE)
HASH = re.compile(r"[0-9a-f]{16,}", re.IGNORECASE)
HEX_DIGITS = set("0123456789abcdefABCDEF")
NUMBERED = re.compile(r"(.*?)(\d{1,18})", re.ASCII | re.DOTALL)
DASHED_UUID_LENGTH = 36
TIME_FORMATS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}
UNIX_DIGITS = {10: 1, 13: 1_000, 16: 1_000_000, 19: 1_000_000_000}  # digits of seconds, milliseconds …
UNIX_YEARS = (1_000_000_000, 2_000_000_000)  # 2001 to 2033, in seconds
YEARS = range(1990, 2100)


def describe_unlikely(labels: Sequence[str]) -> str:
    """Returns what labels are that come from a program rather than from an image; '' if they may be labels.

    Args:
        labels: The label of each image.
    """
    if len(labels) < FEWEST:
        return ""
    return next((what for what, applies in KINDS.items() if applies(labels)), "")


def _are_uuids(labels: Sequence[str]) -> bool:
    return all(len(label) == DASHED_UUID_LENGTH and UUID.fullmatch(label) for label in labels)


def _are_hashes(labels: Sequence[str]) -> bool:
    is_hex = all(HASH.fullmatch(label) for label in labels)
    return is_hex and len({len(label) for label in labels}) == 1 and len(set(labels)) == len(labels)


def _are_times(labels: Sequence[str]) -> bool:
    return all(_is_time(label) for label in labels)


def _is_time(label: str) -> bool:
    digits = re.sub(r"[-:. T]", "", label)
    if not digits.isascii() or not digits.isdigit():
        return False
    if len(digits) in UNIX_DIGITS:
        low, high = UNIX_YEARS
        return low <= int(digits) // UNIX_DIGITS[len(digits)] < high
    text = digits[:14]  # fractions of a second may follow
    try:
        return datetime.strptime(text, TIME_FORMATS[len(text)]).year in YEARS
    except (KeyError, ValueError):
        return False


def _are_consecutive(labels: Sequence[str]) -> bool:
    """Whether all labels are different numbers, perhaps within the same text, from a range that they nearly fill.

    Real captchas of n digits drawn from a range of that size would repeat: the probability that they do not is about
    exp(-n²/2R).
    """
    matches = [NUMBERED.fullmatch(label) for label in labels]
    if len({match and match[1] for match in matches}) > 1 or not matches[0]:
        return False
    values = {int(match[2]) for match in matches if match}
    size = max(values) - min(values) + 1
    return len(values) == len(labels) and 2 * len(values) >= size and len(values) ** 2 > 2 * CERTAIN * size


KINDS: dict[str, Callable[[Sequence[str]], bool]] = {
    "UUIDs": _are_uuids,
    "hashes": _are_hashes,
    "time stamps": _are_times,
    "consecutive numbers": _are_consecutive,
}


def find_better_part(stems: Sequence[str]) -> int | None:
    """Finds the part of the file names, split at `_`, that looks like a label.

    Args:
        stems: The file names without their suffix; the first part of them is no label.

    Returns:
        The index of the part, from 1; None if no part does.
    """
    parts = [stem.split(BLANK) for stem in stems]
    for index in range(1, min(map(len, parts), default=1)):
        values = [of_one[index] for of_one in parts]
        most_common = Counter(map(len, values)).most_common(1)[0][1]
        varies = len(set(values)) > len(values) ** 0.5
        is_short = min(map(len, values)) >= 2 and max(map(len, values)) <= MOST_CHARACTERS
        if is_short and varies and most_common >= NEARLY_ALL * len(values) and not describe_unlikely(values):
            return index
    return None


def has_underscores(stems: Sequence[str]) -> bool:
    """Whether the texts in file names probably contain `_`, as in ab_cd_001, so that only `ab` would be their label."""
    parts = [stem.split(BLANK) for stem in stems]
    if len(parts) < FEWEST_HALVES or max(map(len, parts)) <= 2:
        return False
    return _one_length_up_to_the_last(parts) or _halves_are_alike(parts) or _names_of_several_words(parts)


def _one_length_up_to_the_last(parts: Sequence[list[str]]) -> bool:
    """Whether `_` stands at different places: the text up to the last one has one length, that up to the first many."""
    whole = Counter(len(BLANK.join(of_one[:-1])) for of_one in parts)
    first = Counter(len(of_one[0]) for of_one in parts)
    return whole.most_common(1)[0][1] >= NEARLY_ALL * len(parts) > first.most_common(1)[0][1]


def _halves_are_alike(parts: Sequence[list[str]]) -> bool:
    """Whether the first two of at least three parts are of the same characters, and neither counts the images."""
    if min(map(len, parts)) <= 2:
        return False
    halves = [[of_one[index] for of_one in parts] for index in (0, 1)]
    if any(describe_unlikely(half) or len({len(text) for text in half}) > 1 for half in halves):
        return False
    if max(len(half[0]) for half in halves) > MOST_CHARACTERS or min(len(set(half)) for half in halves) < FEWEST:
        return False
    first, second = (set("".join(half)) for half in halves)
    if second <= HEX_DIGITS and len(halves[0][0]) != len(halves[1][0]):  # 4821_590173_1: a random number or hash
        return False
    return len(first & second) >= SAME_ALPHABET * len(first | second)


def _names_of_several_words(parts: Sequence[list[str]]) -> bool:
    """Whether classes are named like fire_hydrant: each further word follows one first word only, in many names."""
    wholes = Counter((of_one[0], BLANK.join(of_one[1:-1])) for of_one in parts)
    further = {words: {first for first, other in wholes if other == words} for _, words in wholes if words}
    are_words = all(words.replace(BLANK, "").isalpha() and len(firsts) == 1 for words, firsts in further.items())
    return bool(further) and are_words and len(parts) >= CLASS_IMAGES * len(wholes)
