"""Score readings against labels: exact match and its interval, character accuracy, calibration, confusions."""

import math
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
from rapidfuzz.distance import Levenshtein

from bearcat.label_codecs import Reading

CALIBRATION_BINS = 10


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    share, spread = successes / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile, in milliseconds, of seconds a picture."""
    return {f"p{p}": round(1000 * float(np.percentile(seconds, p)), 3) for p in (50, 99)}


def expected_calibration_error(confidences: Sequence[float], right: Sequence[bool]) -> float:
    """Return the mean distance of confidence and truth over ten bins, weighted by size (Naeini et al. 2015)."""
    confidences, right = np.asarray(confidences, float), np.asarray(right, float)
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    members = [bins == number for number in range(CALIBRATION_BINS)]
    return float(sum(abs(confidences[m].sum() - right[m].sum()) for m in members) / len(right))


def confusions_of(labels: Sequence[Sequence[str]], texts: Sequence[Sequence[str]]) -> list[tuple[str, str, int]]:
    """Return [true, read, count] of symbols, most frequent first; '' stands for nothing."""
    counts = Counter()
    for label, text in zip(labels, texts, strict=True):
        for operation in Levenshtein.editops(label, text):
            true = label[operation.src_pos] if operation.tag != "insert" else ""
            read = text[operation.dest_pos] if operation.tag != "delete" else ""
            counts[true, read] += 1
    return [(*pair, count) for pair, count in counts.most_common()]


def score(
    files: Sequence[str],
    labels: Sequence[str],
    readings: Sequence[Reading],
    seconds: Sequence[float],
    symbols_of: Callable[[str], Sequence[str]] = tuple,
) -> dict:
    """Return report/test.json: one entry each of files, labels, readings and seconds a picture.

    `symbols_of` takes a label apart into what counts as one in lengths, edits and confusions.
    """
    texts = [reading.text for reading in readings]
    right = [label == text for label, text in zip(labels, texts, strict=True)]
    true_symbols, read_symbols = list(map(symbols_of, labels)), list(map(symbols_of, texts))
    edits = sum(Levenshtein.distance(*pair) for pair in zip(true_symbols, read_symbols, strict=True))
    lengths = Counter(map(len, true_symbols))
    right_by_length = Counter(len(symbols) for symbols, hit in zip(true_symbols, right, strict=True) if hit)
    confidences = [reading.confidence for reading in readings]
    return {
        "images": len(labels),
        "exact": sum(right) / len(right),
        "exact_ci95": list(wilson_interval(sum(right), len(right))),
        "exact_ignore_case": sum(a.lower() == b.lower() for a, b in zip(labels, texts, strict=True)) / len(right),
        "character_accuracy": 1 - edits / sum(map(len, true_symbols)),
        "ms_per_image": milliseconds(seconds),
        "expected_calibration_error": expected_calibration_error(confidences, right),
        "by_length": {
            str(length): {"images": count, "exact": right_by_length[length] / count}
            for length, count in sorted(lengths.items())
        },
        "confusions": confusions_of(true_symbols, read_symbols),
        "mistakes": [
            {"file": file, "label": label, "read": reading.text, "confidence": reading.confidence}
            for file, label, reading in zip(files, labels, readings, strict=True)
            if label != reading.text
        ],
    }
