"""Scores of predicted texts and classes: exact match with its interval, character accuracy, confusions, confidence."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from itertools import zip_longest

import numpy as np
from rapidfuzz.distance import Levenshtein

from bearcat.artifacts.calibration import (
    confidence_threshold,
    coverage_curve,
    expected_calibration_error,
    rejection_summary,
    reliability_bins,
)
from bearcat.core.intervals import wilson_interval
from bearcat.data.codecs import Prediction, TextCodec
from bearcat.data.decoding.restrictions import RESTRICTIONS, Restriction
from bearcat.data.labels.arithmetic import solve

Symbols = Sequence[str]


def latency_ms(seconds: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile of the seconds per image, in milliseconds."""
    return {f"p{p}": round(1000 * float(np.percentile(seconds, p)), 3) for p in (50, 99)}


def align(label: Symbols, text: Symbols) -> list[tuple[str, str]]:
    """Aligns a label with a predicted text by their Levenshtein distance.

    Returns:
        Pairs of (true, predicted) symbols; '' is the other side of a dropped or added symbol.
    """
    pairs: list[tuple[str, str]] = []
    for edit in Levenshtein.opcodes(label, text):
        true, predicted = label[edit.src_start : edit.src_end], text[edit.dest_start : edit.dest_end]
        pairs += zip_longest(true, predicted, fillvalue="")
    return pairs


def count_confusions(labels: Sequence[Symbols], texts: Sequence[Symbols]) -> list[tuple[str, str, int]]:
    """Returns (true, predicted, count) of confused symbols, most frequent first; '' stands for no symbol."""
    pairs = (pair for label, text in zip(labels, texts, strict=True) for pair in align(label, text))
    counts = Counter((true, predicted) for true, predicted in pairs if true != predicted)
    return [(*pair, count) for pair, count in counts.most_common()]


def accuracy_by_symbol(labels: Sequence[Symbols], texts: Sequence[Symbols]) -> dict[str, dict]:
    """Returns symbol → its count in the labels and the fraction predicted correctly, worst first."""
    pairs = [pair for label, text in zip(labels, texts, strict=True) for pair in align(label, text)]
    counts = Counter(true for true, _ in pairs if true)
    correct = Counter(true for true, predicted in pairs if true == predicted)
    rows = {symbol: {"count": count, "right": correct[symbol] / count} for symbol, count in counts.items()}
    return dict(sorted(rows.items(), key=lambda item: (item[1]["right"], -item[1]["count"], item[0])))


def score_predictions(
    files: Sequence[str],
    labels: Sequence[str],
    predictions: Sequence[Prediction],
    seconds: Sequence[float],
    symbols_of: Callable[[str], Symbols] = tuple,
) -> dict:
    """Compares predictions with labels.

    Args:
        files: Names of the images.
        labels: Their labels.
        predictions: What the model predicts for them.
        seconds: Time per image.
        symbols_of: Splits a label into the symbols that lengths, edits and confusions count.

    Returns:
        The figures of report/test.json.
    """
    texts = [prediction.text for prediction in predictions]
    correct = [label == text for label, text in zip(labels, texts, strict=True)]
    true_symbols, predicted_symbols = list(map(symbols_of, labels)), list(map(symbols_of, texts))
    edits = sum(map(Levenshtein.distance, true_symbols, predicted_symbols))
    lengths = Counter(map(len, true_symbols))
    correct_by_length = Counter(len(symbols) for symbols, hit in zip(true_symbols, correct, strict=True) if hit)
    confidences = [prediction.confidence for prediction in predictions]
    coverage = coverage_curve(confidences, correct)
    return {
        "images": len(labels),
        "exact": sum(correct) / len(correct),
        "exact_ci95": list(wilson_interval(sum(correct), len(correct))),
        "exact_ignore_case": sum(a.lower() == b.lower() for a, b in zip(labels, texts, strict=True)) / len(correct),
        "character_accuracy": 1 - edits / sum(map(len, true_symbols)),
        "ms_per_image": latency_ms(seconds),
        "expected_calibration_error": expected_calibration_error(confidences, correct),
        "reliability": reliability_bins(confidences, correct),
        "coverage": coverage,
        "withheld": rejection_summary(coverage),
        "threshold": confidence_threshold(confidences, correct),
        "by_length": {
            str(length): {"images": count, "exact": correct_by_length[length] / count}
            for length, count in sorted(lengths.items())
        },
        "by_character": accuracy_by_symbol(true_symbols, predicted_symbols),
        "confusions": count_confusions(true_symbols, predicted_symbols),
        "mistakes": [
            {"file": file, "label": label, "read": prediction.text, "confidence": prediction.confidence}
            for file, label, prediction in zip(files, labels, predictions, strict=True)
            if label != prediction.text
        ],
    }


def score_answers(labels: Sequence[str], predictions: Sequence[Prediction]) -> dict:
    """Compares the answers of predicted sums with those of the labels that ask for a number; {} if none does."""
    answers = [(solve(label), solve(one.text)) for label, one in zip(labels, predictions, strict=True)]
    asked = [pair for pair in answers if pair[0] is not None]
    if not asked:
        return {}
    correct = sum(true == given for true, given in asked)
    return {
        "sums": len(asked),
        "answers_exact": correct / len(asked),
        "answers_ci95": list(wilson_interval(correct, len(asked))),
    }


def score_restricted(
    labels: Sequence[str], predictions: Sequence[Prediction], restriction: Restriction, codec: TextCodec
) -> dict:
    """Compares predictions under a restriction with labels.

    Args:
        labels: The labels of the images.
        predictions: What the model predicts for them under the restriction.
        restriction: The restriction.
        codec: That of the model.

    Returns:
        `restricted`: the restriction, the exact match with its interval, and `labels_outside`, the number of labels
        that it does not allow.
    """
    correct = sum(label == one.text for label, one in zip(labels, predictions, strict=True))
    return {
        "restricted": {
            **asdict(restriction),
            "exact": correct / len(labels),
            "exact_ci95": list(wilson_interval(correct, len(labels))),
            "labels_outside": sum(not codec.allows(label, restriction) for label in labels),
        }
    }


def restriction_lines(figures: dict) -> list[str]:
    """Returns the lines of a terminal about predictions under a restriction, if there are any."""
    restricted = figures.get("restricted")
    if restricted is None:
        return []
    low, high = restricted["exact_ci95"]
    restriction = Restriction(*(restricted[name] for name in RESTRICTIONS))
    lines = [f"with {restriction}: exact match {restricted['exact']:.2%} (95 % interval {low:.2%} – {high:.2%})"]
    outside = restricted["labels_outside"]
    return lines + [f"{outside} of the labels {'is' if outside == 1 else 'are'} not allowed by it"] * bool(outside)


def answer_lines(figures: dict) -> list[str]:
    """Returns the line of a terminal about the answers of sums, if there are any."""
    if "sums" not in figures:
        return []
    low, high = figures["answers_ci95"]
    exact = figures["answers_exact"]
    return [f"answers of {figures['sums']} sums correct {exact:.2%} (95 % interval {low:.2%} – {high:.2%})"]
