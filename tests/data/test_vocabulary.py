"""The vocabulary: indices of characters and classes, and damaged files."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bearcat.core.errors import LabelError, RecordError
from bearcat.data.vocabulary import BLANK, BLANK_INDEX, Vocabulary


def test_the_characters_of_all_labels_are_sorted_and_unique():
    assert Vocabulary.of_symbols(["cab", "", "abba", "Z9"]).characters == ("9", "Z", "a", "b", "c")


def test_the_blank_has_index_0_and_counts_as_a_class():
    vocabulary = Vocabulary(("a", "b"))
    assert (BLANK, BLANK_INDEX) == ("_", 0)
    assert len(vocabulary) == 3
    assert vocabulary.encode("ab") == [1, 2]


@pytest.mark.parametrize("label", ["", "a", "abca", "验证码", "/*?,"])
def test_what_is_encoded_is_decoded_again(label: str):
    vocabulary = Vocabulary.of_symbols(["abc验证码", "/*?,"])
    indices = vocabulary.encode(label)
    assert len(indices) == len(label)
    assert vocabulary.decode(indices) == label


def test_decoding_drops_blanks():
    assert Vocabulary(("a", "b")).decode([0, 2, 0, 0, 1, 1, 0]) == "baa"


def test_an_unknown_character_is_named():
    with pytest.raises(LabelError, match=r"'axbY'.*'Y', 'x'"):
        Vocabulary(("a", "b")).encode("axbY")


@pytest.mark.parametrize("characters", [("a", "a"), ("a", "_"), ("a", "b", "a")])
def test_a_vocabulary_with_a_character_twice_or_the_blank_is_refused(characters: tuple[str, ...]):
    with pytest.raises(LabelError):
        Vocabulary(characters)


def test_the_file_maps_every_index_to_its_symbol_and_is_read_back(tmp_path: Path):
    vocabulary = Vocabulary(("0", "a", "é", "验"))
    vocabulary.save(tmp_path / "num_classes.json")
    entries = json.loads((tmp_path / "num_classes.json").read_text(encoding="utf-8"))
    assert entries == {"0": "_", "1": "0", "2": "a", "3": "é", "4": "验"}
    assert Vocabulary.load(tmp_path / "num_classes.json") == vocabulary


def test_more_than_ten_symbols_keep_their_order(tmp_path: Path):
    vocabulary = Vocabulary(tuple("zyxwvutsrqponm"))
    vocabulary.save(tmp_path / "num_classes.json")
    assert Vocabulary.load(tmp_path / "num_classes.json").encode("mz") == [14, 1]


def test_a_file_saved_with_a_bom_is_read(tmp_path: Path):
    (tmp_path / "num_classes.json").write_text('{"0": "_", "1": "a"}', encoding="utf-8-sig")
    assert Vocabulary.load(tmp_path / "num_classes.json") == Vocabulary(("a",))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe{}",
        b"null",
        b"3",
        b'"_a"',
        b"[]",
        b'["_", "a"]',
        b"{}",
        b'{"1": "a"}',
        b'{"0": "_", "2": "a"}',
        b'{"0": "_", "1": "a", "x": "b"}',
        b'{"0": "a", "1": "_"}',
        b'{"0": "_", "1": ""}',
        b'{"0": "_", "1": 1}',
        b'{"0": "_", "1": ["a"]}',
        b'{"0": "_", "1": "a", "2": "a"}',
        b'{"0": "_", "1": "_"}',
    ],
)
def test_a_damaged_file_is_a_record_error_that_names_it_and_the_fix(tmp_path: Path, content: bytes):
    path = tmp_path / "num_classes.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"pack_dataset\.py") as error:
        Vocabulary.load(path)
    assert str(path) in str(error.value)


def test_a_missing_file_is_a_record_error_that_names_the_fix(tmp_path: Path):
    with pytest.raises(RecordError, match=r"does not exist.*pack_dataset\.py"):
        Vocabulary.load(tmp_path / "num_classes.json")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("abd", "new: d; missing: c"),
        ("abcde", "new: d e"),
        ("a", "missing: b c"),
        ("cba", "the same symbols in another order"),
    ],
)
def test_a_difference_names_new_and_missing_symbols(other: str, expected: str):
    assert Vocabulary(tuple("abc")).difference(Vocabulary(tuple(other))) == expected


@pytest.mark.parametrize(
    ("labels", "added"),
    [
        (["0123", "4567", "0123", "456"], "89"),  # 7 was seen only once: 8 and 9 are likely
        (["0123", "4567"] * 2, ""),  # each was seen twice
        (["1x2", "3+1"], ""),  # one letter or three digits do not use an alphabet
        (["abcdefghi", "12"], "jklmnopqrstuvwxyz"),
    ],
)
def test_characters_that_the_labels_lack_by_chance_are_added(labels: list[str], added: str):
    found = Vocabulary.of_symbols(labels)
    completed = found.completed(Counter("".join(labels)))
    assert set(completed.characters) - set(found.characters) == set(added)
    assert list(completed.characters) == sorted(completed.characters)
    assert completed.covers(found)


@pytest.mark.parametrize(
    ("known", "found", "covers"),
    [
        ("0123", "012", True),
        ("012", "0123", False),
        ("0123", "0123", True),
        ("012x", "012", False),
        ("ab+", "ab", False),
    ],
)
def test_a_vocabulary_covers_what_lacks_only_characters_of_its_alphabets(known: str, found: str, covers: bool):
    assert Vocabulary(tuple(known)).covers(Vocabulary(tuple(found))) is covers


def test_the_order_of_symbols_is_kept_when_a_vocabulary_grows():
    vocabulary = Vocabulary(("1", "א", "ב"), "rtl")
    assert vocabulary.decode([1, 3, 0, 2]) == "אב1"
    assert vocabulary.extended(Vocabulary(("ג",))) == Vocabulary(("1", "א", "ב", "ג"), "rtl")
    assert vocabulary.completed(Counter("אב")).direction == "rtl"
