"""Automata of restrictions, against Python's regular expressions on all short texts."""

import re
from contextlib import suppress
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearcat.core.errors import RequestOptionError
from bearcat.data.decoding import automata
from bearcat.data.decoding.automata import NONE, compile_restriction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.vocabulary import Vocabulary

SYMBOLS = "aB1"
matches = automata._matches
VOCABULARY = Vocabulary(tuple(SYMBOLS))
TEXTS = ["".join(text) for length in range(6) for text in product(SYMBOLS, repeat=length)]
ITEMS = ("a", "B", "[aB]", "[^a]", ".", "\\d")
QUANTIFIERS = ("", "?", "*", "+", "{2}", "{1,3}", "{2,}")
PATTERNS = st.lists(st.tuples(st.sampled_from(ITEMS), st.sampled_from(QUANTIFIERS)).map("".join), max_size=4).map(
    "".join
)


def allowed_texts(restriction: Restriction, vocabulary: Vocabulary = VOCABULARY) -> list[str]:
    automaton = compile_restriction(restriction, vocabulary)
    return [text for text in TEXTS if automaton.accepts(vocabulary.index_of[one] for one in text)]


def is_expected(text: str, restriction: Restriction) -> bool:
    least, most = restriction.lengths
    return (
        set(text) <= set(restriction.characters or SYMBOLS)
        and least <= len(text) <= (len(text) if most is None else most)
        and (not restriction.pattern or bool(re.fullmatch(restriction.pattern, text)))
    )


@settings(max_examples=80, deadline=None)
@given(st.sampled_from(["", "a", "a1", "aB1"]), st.sampled_from(["", "1", "3", "2-4"]), PATTERNS)
def test_the_texts_are_those_that_python_s_expressions_match(characters: str, length: str, pattern: str):
    restriction = Restriction(characters, length, pattern)
    expected = [text for text in TEXTS if is_expected(text, restriction)]
    try:
        automaton = compile_restriction(restriction, VOCABULARY)
    except RequestOptionError:
        assert expected in ([], [""])
        return
    assert allowed_texts(restriction) == expected
    # no state is useless
    reached = {0}
    for _ in automaton.ends:
        reached |= {state for one in reached for state in automaton.following[one].tolist()} - {NONE}
    assert reached == set(range(len(automaton.ends)))


@pytest.mark.parametrize(
    ("restriction", "message"),
    [
        (Restriction("xyz"), "characters 'xyz': none of them is known, the model knows aB1"),
        (Restriction(pattern="[x-z]{4}"), r"pattern '\[x-z\]\{4\}': nothing matches '\[x-z\]', the model knows aB1"),
        (Restriction("a", pattern=r"\d"), r"nothing matches '\\\\d' among the allowed characters, the model knows"),
        (Restriction(length="5", pattern="a{2}"), "no text that is not empty satisfies all of this"),
        (Restriction("B", pattern="a?"), "no text that is not empty satisfies all of this"),
        (Restriction(pattern=".*a.{12}"), "more than 128 states. Write a simpler pattern"),
    ],
)
def test_a_restriction_that_allows_nothing_says_why(restriction: Restriction, message: str):
    with pytest.raises(RequestOptionError, match=message):
        compile_restriction(restriction, VOCABULARY)


def test_a_message_shows_only_the_start_of_a_large_vocabulary():
    with pytest.raises(RequestOptionError) as refused:
        compile_restriction(Restriction("x" * 900), Vocabulary(tuple(map(chr, range(0x4E00, 0x5E00)))))
    assert len(str(refused.value)) < 250
    assert "…" in str(refused.value)


def test_characters_that_the_model_does_not_know_are_ignored():
    assert allowed_texts(Restriction("a?", "1-2")) == ["a", "aa"]


def test_a_large_vocabulary_takes_no_more_memory_than_a_column_index_of_two_bytes_a_class():
    vocabulary = Vocabulary(tuple(map(chr, range(0x4E00, 0x4E00 + 8000))))
    for pattern in (".{1,64}", "." * 64, "[丁-丏]?" * 8, "".join(vocabulary.characters[:32]) + ".*"):
        automaton = compile_restriction(Restriction(pattern=pattern), vocabulary)
        assert automaton.following.nbytes + automaton.columns.nbytes < 40_000
    assert automata._compile_or_refuse.cache_info().maxsize <= 16


def test_a_restriction_is_compiled_once_and_refused_once(monkeypatch: pytest.MonkeyPatch):
    compiled = []
    monkeypatch.setattr(automata, "_matches", lambda *given: (compiled.append(given), matches(*given))[1])
    for restriction in (Restriction("a", pattern="a{5}"), Restriction("z", pattern="." * 60)):
        for _ in range(3):
            with suppress(RequestOptionError):
                compile_restriction(restriction, VOCABULARY)
    assert len(compiled) == 2


def test_models_that_ignore_case_fold_a_restriction():
    vocabulary = Vocabulary(("a", "b", "1"), ignore_case=True)
    automaton = compile_restriction(Restriction("AB", pattern="[A-Z]+"), vocabulary)
    assert automaton.accepts([1, 2])
    assert not automaton.accepts([3])
    with pytest.raises(RequestOptionError, match="none of them is known"):
        compile_restriction(Restriction("AB"), Vocabulary(("a", "b", "1")))


def test_what_has_no_order_is_allowed_from_right_to_left():
    vocabulary = Vocabulary(("א", "ב", "1"), direction="rtl")
    assert compile_restriction(Restriction("אב", "2"), vocabulary).accepts([2, 1])
    assert compile_restriction(Restriction(pattern="[א-ת]{2}"), vocabulary).accepts([1, 2])
    with pytest.raises(RequestOptionError, match=r"run from right to left.* Use characters and length"):
        compile_restriction(Restriction(pattern="א[0-9]"), vocabulary)
