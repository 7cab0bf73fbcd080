"""Labels that a spreadsheet has changed: 0042 became 42, '0042 or ="0042", 1e23 became 1.00E+23, 1/2 a date."""

import re
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from bearcat.data.labels.table_parsing.delimited import TableRow

_WRAPPED = (re.compile(r"'(.+)", re.DOTALL), re.compile(r'="(.*)"', re.DOTALL))
_LEAST_WRAPPED = 3  # labels in a wrapping from which it is no coincidence
_LEAST_LABELS = 10  # labels of full length from which others are too short
_LEAST_LENGTH = 3  # of these labels: results of sums have one or two digits without having lost any
_FULL_LENGTH = 0.8  # share of labels of full length, of which a tenth begins with 0 where digits are random
_FEW = 0.2  # share of labels up to which dates among them are a spreadsheet's
_MONTH = "(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec)"
_DATES = (
    r"\d{1,2}/\d{1,2}/(?:\d{2}|\d{4})",
    r"\d{4}-\d{1,2}-\d{1,2}",
    r"\d{4}/\d{1,2}/\d{1,2}",
    rf"\d{{1,2}}-{_MONTH}(?:-\d{{2,4}})?",
    rf"{_MONTH}-\d{{2,4}}",
    r"\d{1,2}月\d{1,2}日",
)
# what a label became → its form, and the share of labels up to which that is damage
_DAMAGE = {
    "a number in scientific notation": (re.compile(r"-?\d(?:[.,]\d+)?E[+-]\d{2,3}"), 1.0),
    "an error of a formula": (re.compile(r"#(?:NAME\?|VALUE!|REF!|DIV/0!|N/A|NUM!|NULL!)"), 1.0),
    "a date": (re.compile("|".join(_DATES), re.IGNORECASE), _FEW),
}

Place = TypeVar("Place", bound=Hashable)


@dataclass(frozen=True)
class SpreadsheetDamage(Generic[Place]):
    """What a spreadsheet has probably done to labels.

    Args:
        lost_zeros: Where a label lost leading zeros → the label with them.
        changed: Where a label is no longer what was typed → what it became: 'a date', 'a number in …'.
        length: The length of all labels but those that lost zeros; 0 if none did.
    """

    lost_zeros: dict[Place, str] = field(default_factory=dict)
    changed: dict[Place, str] = field(default_factory=dict)
    length: int = 0

    def __bool__(self) -> bool:
        return bool(self.lost_zeros or self.changed)


def unwrap(rows: list[TableRow]) -> list[TableRow]:
    """Removes the quotes that keep a spreadsheet from changing labels, '0042 or ="0042", if most labels have them."""
    for form in _WRAPPED:
        inside = [form.fullmatch(row.label) for row in rows]
        count = sum(match is not None and bool(match[1]) for match in inside)
        if count >= _LEAST_WRAPPED and count > len(rows) / 2:
            return [
                replace(row, label=match[1]) if match and match[1] else row
                for row, match in zip(rows, inside, strict=True)
            ]
    return rows


def spreadsheet_damage(labels: Mapping[Place, str]) -> SpreadsheetDamage[Place]:
    """Finds labels that a spreadsheet has probably changed.

    Args:
        labels: Where each label stands → the label. The labels of a whole set, better of all sets together.
    """
    length, lost = _lost_zeros(labels)
    return SpreadsheetDamage(lost, _changed(labels), length)


def _lost_zeros(labels: Mapping[Place, str]) -> tuple[int, dict[Place, str]]:
    """Finds the labels without their leading zeros.

    They are digits, the only labels that are shorter than the rest, which all have one length; and no label of digits
    begins with 0 any more.
    """
    lengths = Counter(map(len, labels.values()))
    full = max(lengths, default=0)
    short = {place: label for place, label in labels.items() if len(label) < full}
    if not short or full < _LEAST_LENGTH or lengths[full] < max(_LEAST_LABELS, _FULL_LENGTH * len(labels)):
        return 0, {}
    with_zero = any(len(label) > 1 and label[0] == "0" for label in filter(_is_number, labels.values()))
    has_zeros = any("0" in label for label in labels.values())  # else the captchas have none
    if with_zero or not has_zeros or not all(map(_is_number, short.values())):
        return 0, {}
    return full, {place: label.zfill(full) for place, label in short.items()}


def _is_number(label: str) -> bool:
    return label.isascii() and label.isdigit()


def _changed(labels: Mapping[Place, str]) -> dict[Place, str]:
    found: dict[Place, str] = {}
    for kind, (form, share) in _DAMAGE.items():
        places = [place for place, label in labels.items() if form.fullmatch(label)]
        if len(places) <= share * len(labels):
            found |= dict.fromkeys(places, kind)
    return found
