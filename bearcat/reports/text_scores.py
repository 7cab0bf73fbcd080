"""Score readings against labels: exact match and its interval, accuracy by length and character, confusions."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import zip_longest

import numpy as np
from rapidfuzz.distance import Levenshtein

from bearcat.artifacts.calibration import coverage, expected_calibration_error, reliability_bins, sure_enough, withheld
from bearcat.data.codecs import Prediction


def wilson_interval(successes: int, trials: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927)."""
    share, spread = successes / trials, z * z / trials
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile, in milliseconds, of seconds an image."""
    return {f"p{p}": round(1000 * float(np.percentile(seconds, p)), 3) for p in (50, 99)}


def aligned(label: Sequence[str], text: Sequence[str]) -> list[tuple[str, str]]:
    """Return (true, read) pairs of symbols along the shortest edit; '' stands for nothing."""
    pairs = []
    for _, *spans in Levenshtein.opcodes(label, text):
        pairs += zip_longest(label[spans[0] : spans[1]], text[spans[2] : spans[3]], fillvalue="")
    return pairs


def confusions_of(labels: Sequence[Sequence[str]], texts: Sequence[Sequence[str]]) -> list[tuple[str, str, int]]:
    """Return [true, read, count] of symbols, most frequent first; '' stands for nothing."""
    pairs = (pair for label, text in zip(labels, texts, strict=True) for pair in aligned(label, text))
    counts = Counter((true, read) for true, read in pairs if true != read)
    return [(*pair, count) for pair, count in counts.most_common()]


def by_symbol(labels: Sequence[Sequence[str]], texts: Sequence[Sequence[str]]) -> dict[str, dict]:
    """Return symbol → how often it stands in the labels, and the share that was read right; the worst come first."""
    pairs = [pair for label, text in zip(labels, texts, strict=True) for pair in aligned(label, text)]
    counts, right = Counter(true for true, _ in pairs if true), Counter(true for true, read in pairs if true == read)
    shares = {symbol: {"count": count, "right": right[symbol] / count} for symbol, count in counts.items()}
    return dict(sorted(shares.items(), key=lambda item: (item[1]["right"], -item[1]["count"], item[0])))


def score(
    files: Sequence[str],
    labels: Sequence[str],
    predictions: Sequence[Prediction],
    seconds: Sequence[float],
    symbols_of: Callable[[str], Sequence[str]] = tuple,
) -> dict:
    """Return report/test.json: one entry each of files, labels, readings and seconds an image.

    `symbols_of` takes a label apart into what counts as one in lengths, edits and confusions.
    """
    texts = [prediction.text for prediction in predictions]
    right = [label == text for label, text in zip(labels, texts, strict=True)]
    true_symbols, read_symbols = list(map(symbols_of, labels)), list(map(symbols_of, texts))
    edits = sum(Levenshtein.distance(*pair) for pair in zip(true_symbols, read_symbols, strict=True))
    lengths = Counter(map(len, true_symbols))
    right_by_length = Counter(len(symbols) for symbols, hit in zip(true_symbols, right, strict=True) if hit)
    confidences = [prediction.confidence for prediction in predictions]
    covered = coverage(confidences, right)
    return {
        "images": len(labels),
        "exact": sum(right) / len(right),
        "exact_ci95": list(wilson_interval(sum(right), len(right))),
        "exact_ignore_case": sum(a.lower() == b.lower() for a, b in zip(labels, texts, strict=True)) / len(right),
        "character_accuracy": 1 - edits / sum(map(len, true_symbols)),
        "ms_per_image": milliseconds(seconds),
        "expected_calibration_error": expected_calibration_error(confidences, right),
        "reliability": reliability_bins(confidences, right),
        "coverage": covered,
        "withheld": withheld(covered),
        "threshold": sure_enough(confidences, right),
        "by_length": {
            str(length): {"images": count, "exact": right_by_length[length] / count}
            for length, count in sorted(lengths.items())
        },
        "by_character": by_symbol(true_symbols, read_symbols),
        "confusions": confusions_of(true_symbols, read_symbols),
        "mistakes": [
            {"file": file, "label": label, "read": prediction.text, "confidence": prediction.confidence}
            for file, label, prediction in zip(files, labels, predictions, strict=True)
            if label != prediction.text
        ],
    }
