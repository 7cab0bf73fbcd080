"""Text of labels: what cleaning removes and keeps, splitting into graphemes, and look-alikes of other scripts."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearcat.core.errors import LabelError
from bearcat.data.labels.text import clean_label, describe_cleaning, fold_case, have_both_cases, split_graphemes, twins

JOINERS, INDIC, OTHERS = "\u200c\u200d", "\u0995\u09cd\u09b7\u09af", "ab\u0645\u06cc\u0301\ufe0f\u20e3\u2764\u3164 "
TAGS_AND_MARKS = "\u200b\u200e\u00ad\ufeff\u2060\U0001f3f4\U000e0067\u00a0\u3000\u212b"
MIXED = st.text(JOINERS + INDIC + OTHERS + TAGS_AND_MARKS, max_size=12)
ANYTHING = st.text(st.characters(exclude_categories=["Cc", "Zl", "Zp"]), max_size=12)


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("2b9k ", "2b9k"),
        ("\u3000ab\u00a0", "ab"),
        ("ab\r\n", "ab"),
        ("\tab", "ab"),
        ("2b\u200b9k", "2b9k"),
        ("\u200e2b9k\u202c", "2b9k"),
        ("\ufeffab", "ab"),
        ("a\u00adb\u2060c\u0000", "abc"),
        ("a\u00a0b", "a b"),
        ("a\u200cb\u200d", "ab"),
        ("a\ufe0fb", "ab"),
        ("x\U000e0067", "x"),
        ("\u3164", ""),
        ("cafe\u0301", "caf\u00e9"),
        ("\u1112\u1161\u11ab", "\ud55c"),
        ("\u212b", "\u00c5"),
    ],
)
def test_what_no_image_shows_is_removed(written: str, cleaned: str):
    assert clean_label(written) == cleaned


@pytest.mark.parametrize(
    "label",
    [
        "a b",
        "\uff11\uff12",
        "\u0430\u0441\u0435",
        "\u0645\u06cc\u200c\u0634\u0648\u062f",  # Persian, a joiner between letters that would join
        "\u0995\u09cd\u200d\u09b7",  # Bengali, a joiner after a virama
        "\u09b0\u200d\u09cd\u09af",  # and before one
        "\U0001f469\u200d\U0001f680",
        "\U0001f3f4\U000e0067\U000e0062\U000e007f",
        "1\ufe0f\u20e3",
        "\u2764\ufe0f",
        "\u06dd\u06f1",
        "\u0e01\u0e33",
        "\ud800",  # of a file name that is not UTF-8
    ],
)
def test_what_an_image_shows_is_kept(label: str):
    assert clean_label(label) == label
    assert describe_cleaning(label) == []


@given(st.one_of(MIXED, ANYTHING))
@settings(derandomize=True, deadline=None, max_examples=300, database=None)
def test_a_cleaned_label_stays_as_it_is(text: str):
    cleaned = clean_label(text)
    assert clean_label(cleaned) == cleaned == cleaned.strip() == unicodedata.normalize("NFC", cleaned)
    assert not set(cleaned) & set("\u200b\u200e\u00ad\ufeff\u2060\u00a0\u3000")


@pytest.mark.parametrize(
    ("label", "found"), [("ab\ncd", "a line break"), ("ab\r\ncd", "a line break"), ("ab\tcd", "a tab")]
)
def test_a_line_break_or_tab_inside_is_refused(label: str, found: str):
    with pytest.raises(LabelError, match=f"contains {found}"):
        clean_label(label)


@pytest.mark.parametrize(
    ("written", "changes"),
    [
        (" a\u200b\u200eb", ["blanks at the ends", "U+200B ZERO WIDTH SPACE", "U+200E LEFT-TO-RIGHT MARK"]),
        ("e\u0301", ["Unicode form"]),
        ("a\u00a0b", ["U+00A0 NO-BREAK SPACE"]),
    ],
)
def test_what_was_cleaned_is_described(written: str, changes: list[str]):
    assert describe_cleaning(written) == changes


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("", []),
        ("ab1", ["a", "b", "1"]),
        ("\u9a8c\u8bc1\u7801", ["\u9a8c", "\u8bc1", "\u7801"]),
        ("x\u0302y", ["x\u0302", "y"]),
        ("\u0995\u09bf\u0996", ["\u0995\u09bf", "\u0996"]),
        ("\U0001f469\u200d\U0001f680a", ["\U0001f469\u200d\U0001f680", "a"]),
    ],
)
def test_a_symbol_has_all_of_its_marks(text: str, symbols: list[str]):
    assert split_graphemes(text) == tuple(symbols)


def found_in(labels: list[str]) -> str:
    return " ".join(f"{one.character}{one.looks_like}{one.labels}" for one in twins(labels))


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["acep", "1234", "x01a", "\u0430\u0441", "\uff11a"], "\uff1111 \u0430a1 \u0441c1"),
        (["\u043f\u0440\u0438\u0432\u0435\u0442", "\u043c\u0438\u0440", "cop"], "c\u04411 o\u043e1 p\u04401"),
        (["abc", "xyz", "\u03bf"], "\u03bfo1"),
        (["a=1", "b=2", "c\uff1d3"], "\uff1d=1"),
    ],
)
def test_look_alikes_in_a_minority_of_labels_are_found(labels: list[str], found: str):
    assert found_in(labels) == found


@pytest.mark.parametrize(
    "labels",
    [
        ["ab", "12"],
        ["\u0430\u0441\u0435", "\u0440\u0443", "1"],  # Cyrillic throughout
        ["\u0416\u0443\u043a", "cop", "abd"],  # both scripts have letters of their own
        ["\u4f60\u597d", "\u7801\uff12"],  # the only digits
        ["\uff11\uff12", "\uff13\uff14", "5"],
        ["caf\u00e9", "\u00e9t\u00e9", "ab"],
        ["3\u00d74", "1+2"],
    ],
)
def test_scripts_that_a_set_really_has_are_no_look_alikes(labels: list[str]):
    assert twins(labels) == []


@pytest.mark.parametrize(
    ("label", "folded"),
    [
        ("aB1", "ab1"),
        ("ÄÖÉ", "äöé"),
        ("ПрИ", "при"),
        ("ΑΣ", "ας"),
        ("Straße", "straße"),
        ("I\u0130", "i\u0130"),
        ("中A", "中a"),
    ],
)
def test_folding_keeps_the_number_of_symbols(label: str, folded: str):
    assert len(fold_case(label)) == len(label)
    assert fold_case(label).replace("σ", "ς") == folded


@pytest.mark.parametrize(
    ("labels", "both"),
    [
        (["ab1", "cd"], False),
        (["AB1", "CD"], False),
        (["12"], False),
        ([], False),
        (["ab", "CD"], True),
        (["aB"], True),
    ],
)
def test_labels_of_one_case_say_nothing_about_case(labels: list[str], both: bool):
    assert have_both_cases(labels) is both
