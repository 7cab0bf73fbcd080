"""Decoding under a restriction, against all paths of small networks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bearcat.core.errors import RequestOptionError
from bearcat.data.codecs import softmax
from bearcat.data.decoding import paths
from bearcat.data.decoding.paths import Allowed, RestrictedDecoder, log_softmax
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.vocabulary import Vocabulary

VOCABULARY = Vocabulary(("a", "b", "1"))
CLASSES = len(VOCABULARY)
RESTRICTIONS = [
    Restriction("a1"),
    Restriction(length="2"),
    Restriction(length="2-3"),
    Restriction(pattern="[ab]+1"),
    Restriction(pattern="aa"),
    Restriction(pattern="a?a?1*"),
    Restriction(pattern=r"\d*\w{1,2}b?"),
    Restriction("ab", "1-2", ".*b"),
]


def decode_all_paths(decoder: RestrictedDecoder, logits: np.ndarray) -> Allowed | None:
    """Returns the best allowed path, the share of each of its classes in all allowed ones, and their sum."""
    steps, scores = np.arange(len(logits)), log_softmax(logits)
    every = np.array([path for path in product(range(CLASSES), repeat=len(logits)) if decoder.accepts(np.array(path))])
    if not len(every):
        return None
    sums = scores[steps, every].sum(axis=1)
    weights, best = np.exp(sums - sums.max()), every[sums.argmax()]
    shares = (weights[:, None] * (every == best)).sum(axis=0) / weights.sum()
    return Allowed(best, shares, float(np.exp(sums).sum()))


@pytest.mark.parametrize("merges_repeats", [True, False])
@pytest.mark.parametrize("restriction", RESTRICTIONS, ids=str)
@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.sampled_from([0.1, 3, 30]))
def test_the_path_is_the_best_of_all(
    merges_repeats: bool, restriction: Restriction, seed: int, steps: int, scale: float
):
    logits = np.random.default_rng(seed).normal(0, scale, (steps, CLASSES))
    decoder = RestrictedDecoder(restriction, VOCABULARY, merges_repeats)
    expected = decode_all_paths(decoder, logits)
    if expected is None:
        with pytest.raises(RequestOptionError, match=f"longer than the {steps} (time steps|positions) of this model"):
            decoder.decode(logits)
        return
    found = decoder.decode(logits)
    assert found.classes.tolist() == expected.classes.tolist()
    np.testing.assert_allclose(found.confidences, expected.confidences, rtol=1e-6)
    assert found.probability == pytest.approx(expected.probability, rel=1e-6)


@pytest.mark.parametrize("merges_repeats", [True, False])
@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 3, 30]))
def test_a_restriction_that_excludes_nothing_changes_nothing(merges_repeats: bool, seed: int, scale: float):
    logits = np.random.default_rng(seed).normal(0, scale, (12, CLASSES))
    found = RestrictedDecoder(Restriction(pattern=".*"), VOCABULARY, merges_repeats).decode(logits)
    assert found.classes.tolist() == logits.argmax(axis=1).tolist()
    np.testing.assert_allclose(found.confidences, softmax(logits).max(axis=1))
    assert found.probability == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(RESTRICTIONS))
def test_confidences_are_probabilities_for_the_surest_network_too(seed: int, restriction: Restriction):
    logits = np.random.default_rng(seed).normal(0, 2000, (9, CLASSES))
    for merges_repeats in (True, False):
        found = RestrictedDecoder(restriction, VOCABULARY, merges_repeats).decode(logits)
        assert np.isfinite(found.confidences).all()
        assert (found.confidences >= 0).all()
        assert (found.confidences <= 1).all()
        assert 0 <= found.probability <= 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_an_allowed_prediction_is_kept_and_its_confidence_does_not_fall(seed: int):
    logits = np.random.default_rng(seed).normal([0, 9, 9, 0], 3, (4, CLASSES))
    decoder = RestrictedDecoder(Restriction("ab", "4"), VOCABULARY, merges_repeats=False)
    assume(decoder.accepts(logits.argmax(axis=1)))
    found = decoder.decode(logits)
    assert found.classes.tolist() == logits.argmax(axis=1).tolist()
    # the positions of a text of characters and length are independent
    allowed = softmax(logits)[:, 1:3]
    np.testing.assert_allclose(found.confidences, allowed.max(axis=1) / allowed.sum(axis=1))


def test_a_text_of_another_length_is_shown_by_the_probability_of_what_is_allowed():
    logits = 12.0 * np.eye(CLASSES)[[1, 0, 2, 0, 3, 0]]
    plain, short = (
        RestrictedDecoder(Restriction(length=length), VOCABULARY, True).decode(logits) for length in ("3", "2")
    )
    assert plain.probability > 0.99
    assert short.probability < 0.001


def test_repeated_characters_need_a_blank_between_them():
    logits = np.log([[0.1, 0.7, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1], [0.1, 0.7, 0.1, 0.1]])
    decoder = RestrictedDecoder(Restriction(pattern="aa"), VOCABULARY, merges_repeats=True)
    assert decoder.decode(logits).classes.tolist() == [1, 0, 1]
    with pytest.raises(RequestOptionError, match="even the shortest of these texts is longer than the 2 time steps"):
        decoder.decode(logits[:2])


def test_a_restriction_that_takes_too_long_is_refused(monkeypatch: pytest.MonkeyPatch):
    decoder = RestrictedDecoder(Restriction(length="3"), VOCABULARY, merges_repeats=True)
    monkeypatch.setattr(paths, "MAX_CELLS", 10)
    with pytest.raises(
        RequestOptionError, match="length '3': this takes too long with the 3 characters that it leaves"
    ):
        decoder.decode(np.zeros((5, CLASSES)))


def test_the_images_of_a_batch_have_a_bound_together(monkeypatch: pytest.MonkeyPatch):
    decoder = RestrictedDecoder(Restriction(length="3"), VOCABULARY, merges_repeats=True)
    cells = 5 * 4 * CLASSES  # steps × states × classes
    monkeypatch.setattr(paths, "MAX_BATCH_CELLS", 3 * cells)
    decoder.check_size(5, 3)
    with pytest.raises(RequestOptionError, match=r"that it leaves to this model and 4 images or cells. Name fewer"):
        decoder.check_size(5, 4)


def test_the_size_is_checked_before_the_table_is_made(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(paths, "_Table", lambda *_: pytest.fail("the table was made"))
    decoder = RestrictedDecoder(Restriction(length="64"), Vocabulary(tuple(map(chr, range(256, 8000)))), True)
    with pytest.raises(RequestOptionError, match="this takes too long"):
        decoder.decode(np.zeros((9, 7745)))
