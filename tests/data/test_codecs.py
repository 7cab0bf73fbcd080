"""Codecs: targets of labels, and decoding against results computed by hand."""

import numpy as np
import pytest

from bearcat.core.errors import LabelError
from bearcat.data.codecs import (
    TEXT_CODECS,
    CtcCodec,
    OrdinaryCodec,
    Prediction,
    Task,
    TextCodec,
    check_label,
    make_codec,
    pad_targets,
    softmax,
)
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.vocabulary import Vocabulary

AB = Vocabulary(("a", "b"))


def logits_of(*steps: tuple[float, float, float]) -> np.ndarray:
    """Returns logits (1, steps, 3) with these probabilities of blank, a and b."""
    return np.log(np.array([steps]))


BLANK, A, B = (0.8, 0.1, 0.1), (0.2, 0.7, 0.1), (0.3, 0.1, 0.6)
SURER_A = (0.05, 0.9, 0.05)


def test_softmax_of_small_and_large_logits():
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0]])), [[0.25, 0.75]])
    np.testing.assert_allclose(softmax(np.array([[1000.0, 1000.0], [-1000.0, 0.0]])), [[0.5, 0.5], [0.0, 1.0]])
    assert softmax(np.zeros((2, 3, 4), np.float16)).dtype == np.float64


@pytest.mark.parametrize(
    ("steps", "text", "confidences"),
    [
        ([A, A, B], "ab", [0.7, 0.6]),
        ([A, BLANK, A, B], "aab", [0.7, 0.7, 0.6]),
        ([A, SURER_A, A], "a", [0.9]),
        ([A, SURER_A, BLANK, BLANK, A], "aa", [0.9, 0.7]),
        ([BLANK, B, BLANK], "b", [0.6]),
        ([BLANK, BLANK], "", []),
        ([BLANK], "", []),
        ([A], "a", [0.7]),
        ([A, B, A, B], "abab", [0.7, 0.6, 0.7, 0.6]),
    ],
)
def test_ctc_merges_repeats_and_keeps_the_highest_probability(steps: list, text: str, confidences: list[float]):
    (prediction,) = CtcCodec(AB, 0).decode(logits_of(*steps))
    assert prediction.text == text
    np.testing.assert_allclose(prediction.confidences, confidences)


@pytest.mark.parametrize(
    ("steps", "text", "confidences"),
    [
        ([A, B, BLANK], "ab", [0.7, 0.6]),
        ([A, A, BLANK], "aa", [0.7, 0.7]),
        ([BLANK, SURER_A, BLANK], "a", [0.9]),
        ([BLANK, BLANK], "", []),
    ],
)
def test_ordinary_keeps_repeats_and_drops_blanks(steps: list, text: str, confidences: list[float]):
    (prediction,) = OrdinaryCodec(AB, len(steps)).decode(logits_of(*steps))
    assert prediction.text == text
    np.testing.assert_allclose(prediction.confidences, confidences)


@pytest.mark.parametrize("mode", [mode for mode, codec in TEXT_CODECS.items() if codec.task == Task.TEXT])
def test_the_images_of_a_batch_are_decoded_independently(mode: str):
    batch = np.concatenate([logits_of(A, BLANK, B), logits_of(B, BLANK, A), logits_of(BLANK, BLANK, BLANK)])
    assert [prediction.text for prediction in make_codec(mode, AB, 3).decode(batch)] == ["ab", "ba", ""]


@pytest.mark.parametrize("mode", TEXT_CODECS)
def test_confidences_are_between_0_and_1(mode: str):
    logits = np.random.default_rng(0).normal(0, 30, (20, 7, 3))
    for prediction in make_codec(mode, AB, 7).decode(logits):
        assert len(prediction.confidences) == len(prediction.text)
        assert all(0 <= confidence <= 1 for confidence in (*prediction.confidences, prediction.confidence))


@pytest.mark.parametrize(("mode", "text"), [("CTC", "ab"), ("CTC_TINY", "ab"), ("ORDINARY", "ab")])
def test_a_restriction_is_decoded_in_every_text_mode(mode: str, text: str):
    codec = make_codec(mode, AB, 4)
    logits = logits_of(A, BLANK, B, BLANK) if mode != "ORDINARY" else logits_of(A, B, BLANK, BLANK)
    plain, (same,) = codec.decode(logits), codec.decode_allowed(logits, Restriction("ab"))
    assert plain[0].text == same.text == text
    np.testing.assert_allclose(same.confidences, plain[0].confidences)
    assert (plain[0].allowed, same.allowed) == (1, pytest.approx(1))
    (longer,) = codec.decode_allowed(logits, Restriction(length="3"))
    assert len(longer.text) == len(longer.confidences) == 3
    assert 0 < longer.allowed < 1
    assert [codec.allows(label, Restriction("a", "1-2")) for label in ("a", "ab", "aaa", "x")] == [1, 0, 0, 0]


def test_a_restricted_text_is_in_the_order_of_typing():
    vocabulary = Vocabulary(("א", "ב"), direction="rtl")
    (prediction,) = make_codec("ORDINARY", vocabulary, 3).decode_allowed(logits_of(A, B, B), Restriction(length="3"))
    assert prediction.text == "בבא"
    np.testing.assert_allclose(prediction.confidences, [6 / 7, 6 / 7, 7 / 8])


def test_the_confidence_of_a_text_is_the_product_and_0_if_it_is_empty():
    assert Prediction("ab", (0.5, 0.25)).confidence == 0.125
    assert Prediction("", ()).confidence == 0.0


@pytest.mark.parametrize("mode", [mode for mode, codec in TEXT_CODECS.items() if codec.task == Task.TEXT])
@pytest.mark.parametrize("label", ["a", "ab", "aab", "bbbb"])
def test_logits_that_are_certain_of_a_target_are_decoded_to_its_label(mode: str, label: str):
    codec = make_codec(mode, AB, 4)
    classes = check_label(label, codec, "here")
    if mode.startswith("CTC"):
        classes = [one for index in classes for one in (index, 0)]
    logits = np.where(np.eye(3)[classes] == 1, 50.0, 0.0)[np.newaxis]
    (prediction,) = codec.decode(logits)
    assert prediction.text == label
    assert prediction.confidence == pytest.approx(1)


def test_a_label_too_long_for_ordinary_names_the_length_to_set():
    codec = OrdinaryCodec(AB, 3)
    codec.check("aba")
    with pytest.raises(LabelError, match=r"'abab' has 4 characters.*CAPTCHA_LENGTH = 4"):
        codec.check("abab")


def test_a_class_is_the_whole_label_and_never_the_blank():
    codec = make_codec("NUM_CLASSES", Vocabulary(("打字机", "牌坊")), 1)
    assert check_label("牌坊", codec, "here") == [2]
    with pytest.raises(LabelError, match=r"here: .*'牌'"):
        check_label("牌", codec, "here")
    certain_of_the_blank = [[[50.0, 1.0, 3.0]], [[0.0, 9.0, 0.0]]]
    first, second = codec.decode(np.array(certain_of_the_blank))
    assert (first.text, second.text) == ("牌坊", "打字机")
    assert first.confidences == pytest.approx((1 / (1 + np.exp(-2)),))
    assert codec.target_width(4) == codec.steps_needed("打字机") == 1


def test_a_class_may_be_named_with_an_underscore_and_a_text_may_not():
    vocabulary = Vocabulary(("a", "traffic_light"))
    assert check_label("traffic_light", make_codec("NUM_CLASSES", vocabulary, 0), "here") == [2]
    for mode, label in (("NUM_CLASSES", "_"), ("CTC", "a_"), ("ORDINARY", "a_")):
        with pytest.raises(LabelError, match="stands for the blank"):
            check_label(label, make_codec(mode, vocabulary, 4), "here")


def test_ctc_tiny_refuses_labels_longer_than_captcha_length_and_pads_to_it():
    codec = make_codec("CTC_TINY", AB, 3)
    assert codec.target_width(2) == 3
    with pytest.raises(LabelError, match="CAPTCHA_LENGTH = 4"):
        codec.check("abab")


def test_ctc_accepts_labels_of_any_length():
    assert check_label("ab" * 40, make_codec("CTC", AB, 3), "here") == [1, 2] * 40


@pytest.mark.parametrize(
    ("label", "ordinary", "ctc"), [("", 0, 0), ("a", 1, 1), ("ab", 2, 2), ("aa", 2, 3), ("aaabb", 5, 8)]
)
def test_ctc_needs_a_step_between_equal_characters(label: str, ordinary: int, ctc: int):
    assert OrdinaryCodec(AB, 8).steps_needed(label) == ordinary
    assert CtcCodec(AB, 0).steps_needed(label) == ctc


@pytest.mark.parametrize(
    ("label", "reason"), [("", "empty"), ("a_b", "blank"), ("ax", "'x'"), ("abab", "CAPTCHA_LENGTH")]
)
def test_a_label_that_cannot_be_learnt_is_refused_with_its_place_and_the_reason(label: str, reason: str):
    with pytest.raises(LabelError, match=f"^train/1.png: .*{reason}"):
        check_label(label, OrdinaryCodec(AB, 3), "train/1.png")


def test_targets_are_padded_with_the_blank():
    assert pad_targets([[1], [], [1, 2, 3]], 3).tolist() == [[1, 0, 0], [0, 0, 0], [1, 2, 3]]
    assert pad_targets([], 3).shape == (0, 3)


def test_the_target_width_is_fixed_for_ordinary_and_that_of_the_longest_label_for_ctc():
    assert OrdinaryCodec(AB, 8).target_width(5) == 8
    assert CtcCodec(AB, 0).target_width(5) == 5
    assert CtcCodec(AB, 0).target_width(0) == 1


HEBREW = "אבגד"
HEBREW_AND_DIGITS = Vocabulary(tuple("12" + HEBREW), "rtl")


def certain_logits(codec: TextCodec, label: str, certainties: list[float]) -> np.ndarray:
    """Returns logits (1, steps, classes) of a label whose symbols, from left to right, have these probabilities."""
    classes, count = codec.encode(label), len(codec.vocabulary)
    probabilities = np.full((len(classes), count), 1e-9)
    for step, (index, certainty) in enumerate(zip(classes, certainties, strict=True)):
        probabilities[step, 0] = 1 - certainty
        probabilities[step, index] = certainty
    if isinstance(codec, CtcCodec):
        blank = np.eye(count)[:1] + 1e-9
        probabilities = np.concatenate([part for row in probabilities for part in (row[None], blank)])
    return np.log(probabilities)[None]


@pytest.mark.parametrize("mode", ["ORDINARY", "CTC", "CTC_TINY"])
def test_targets_run_from_left_to_right_and_predictions_as_one_types(mode: str):
    codec = make_codec(mode, HEBREW_AND_DIGITS, 6)
    assert codec.arrange("אבב12") == ("1", "2", "ב", "ב", "א")
    (prediction,) = codec.decode(certain_logits(codec, "אבב12", [0.9, 0.8, 0.7, 0.6, 0.95]))
    assert prediction.text == "אבב12"
    assert [symbol for symbol, _ in prediction.parts] == ["א", "ב", "ב", "1", "2"]
    np.testing.assert_allclose(prediction.confidences, [0.95, 0.6, 0.7, 0.9, 0.8], atol=1e-6)


def test_a_vocabulary_of_an_earlier_version_keeps_the_order_of_the_label():
    codec = make_codec("CTC", Vocabulary(tuple(HEBREW)), 0)
    assert codec.arrange("אבג") == ("א", "ב", "ג")
    (prediction,) = codec.decode(certain_logits(codec, "אבג", [0.9, 0.8, 0.7]))
    assert (prediction.text, prediction.confidences[0]) == ("אבג", pytest.approx(0.9, abs=1e-6))


def test_marks_follow_their_letter_in_targets_too():
    codec = make_codec("CTC", Vocabulary(("\u05b8", "א", "ב"), "rtl"), 0)
    assert codec.arrange("א\u05b8ב") == ("ב", "א", "\u05b8")
    (prediction,) = codec.decode(certain_logits(codec, "א\u05b8ב", [0.9, 0.8, 0.7]))
    assert prediction.text == "א\u05b8ב"
    assert [symbol for symbol, _ in prediction.parts] == ["א", "\u05b8", "ב"]


def test_the_name_of_a_class_is_never_split():
    codec = make_codec("NUM_CLASSES", Vocabulary(("a", "b")), 1)
    with pytest.raises(LabelError, match="'ab', not in the vocabulary"):
        check_label("ab", codec, "here")
