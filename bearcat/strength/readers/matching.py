"""When a text counts as read, for readers that did not learn from the labels."""

from collections.abc import Sequence

from bearcat.data.labels.text import fold_case


def count_correct(texts: Sequence[str], labels: Sequence[str], ignore_case: bool) -> int:
    """Counts the texts that equal their labels but for spaces and, if that is asked for, case."""
    fold = fold_case if ignore_case else str
    return sum(fold(_join(text)) == fold(_join(label)) for text, label in zip(texts, labels, strict=True))


def _join(text: str) -> str:
    return "".join(text.split())
