"""Payloads of answers: forms of a prompt, and the options of each mode."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bearcat.artifacts.inference import load_recogniser
from bearcat.artifacts.run_guard import JobDroppedError, RunGuard
from bearcat.core.errors import LabelError, RequestOptionError
from bearcat.data.codecs import Prediction
from bearcat.data.decoding import paths
from bearcat.data.decoding.paths import Allowed, RestrictedDecoder
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.images import InputSpec
from bearcat.detection.decoding import Detections
from bearcat.serving.answers import make_answer, parse_prompt
from tests.helpers.services import SIDE, write_model

ONE_EACH, LONG = ("天", "好", "1"), ("traffic light", "bus")


@pytest.mark.parametrize(
    ("prompt", "names", "expected"),
    [
        ("天好", ONE_EACH, ["天", "好"]),
        (" 天 好 ", ONE_EACH, ["天", "好"]),
        ("天,好", ONE_EACH, ["天", "好"]),
        ('["天", "好"]', ONE_EACH, ["天", "好"]),
        (["天", "好"], ONE_EACH, ["天", "好"]),
        ("天", ONE_EACH, ["天"]),
        ("bus", LONG, ["bus"]),
        ("bus, traffic light", LONG, ["bus", "traffic light"]),
        (["traffic light"], LONG, ["traffic light"]),
    ],
)
def test_a_prompt_may_be_text_or_a_list(prompt: object, names: tuple[str, ...], expected: list[str]):
    assert parse_prompt(prompt, names) == expected


@pytest.mark.parametrize("prompt", [7, {"a": 1}, [1], "[天", '["天", 1]'])
def test_an_invalid_prompt_is_refused(prompt: object):
    with pytest.raises(RequestOptionError, match="prompt is"):
        parse_prompt(prompt, ONE_EACH)


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (["天"] * 65, "prompt has 65 names: at most 64"),
        (str(["天"] * 65).replace("'", '"'), "prompt has 65 names: at most 64"),
        ("天好" * 33, "prompt has 66 names: at most 64"),
        ("天" * 1025, "prompt has 1,025 characters: at most 1,024"),
        (["天" * 513, "好" * 512], "prompt has 1,025 characters: at most 1,024"),
        ("[" * 1000, "which is not valid JSON"),
        ("[" * 400 + "]" * 400, "which is not valid JSON"),
    ],
)
def test_a_prompt_that_is_too_long_is_refused_before_boxes_are_assigned(prompt: object, message: str):
    with pytest.raises(RequestOptionError, match=message) as refused:
        parse_prompt(prompt, ONE_EACH)
    assert len(str(refused.value)) < 200


def test_an_unknown_name_is_repeated_only_in_part():
    with pytest.raises(LabelError) as refused:
        FOUND.points(["x" * 900, "y" * 124])
    assert len(str(refused.value)) < 200


def recogniser(mode: str, prediction: object) -> SimpleNamespace:
    """Returns a stand-in for a Recogniser that always predicts the same."""
    return SimpleNamespace(
        card=SimpleNamespace(mode=mode, reads_sums=False), predict=lambda image, allowed=None: prediction
    )


FOUND = Detections(ONE_EACH, np.array([[0.0, 0, 10, 20], [30, 0, 40, 10]]), np.array([[0.1, 0.9, 0], [0.2, 0, 0]]))


def test_text_is_answered_with_the_probability_of_each_character():
    answer = make_answer(recogniser("CTC", Prediction("ab", (0.9, 0.5))), b"")
    assert (answer["result"], answer["recognition_rate"]) == ("ab", [0.9, 0.5])
    assert answer["overall_recognition_rate"] == 0.45
    assert answer["time"] >= 0


@pytest.mark.parametrize(("text", "answer"), [("3+5=", "8"), ("3+", None)])
def test_models_of_sums_answer_them(text: str, answer: str | None):
    model = recogniser("CTC", Prediction(text, (0.9,) * len(text)))
    assert "answer" not in make_answer(model, b"")
    model.card.reads_sums = True
    assert make_answer(model, b"")["answer"] == answer


def test_objects_are_answered_with_their_boxes_and_points_only_if_asked():
    answer = make_answer(recogniser("EFFICIENTDET", FOUND), b"")
    box = {"xmin": 0.0, "ymin": 0.0, "xmax": 10.0, "ymax": 20.0}
    assert answer["result"] == [{"label": "好", "score": 0.9} | box]
    assert "points" not in answer
    # a box below the score threshold is used if the prompt asks for it
    assert make_answer(recogniser("EFFICIENTDET", FOUND), b"", prompt="天好")["points"] == [[35.0, 5.0], [5.0, 10.0]]


@pytest.mark.parametrize(("mode", "option"), [("CTC", "prompt"), ("NUM_CLASSES", "prompt"), ("EFFICIENTDET", "grid")])
def test_an_option_of_another_mode_is_refused(mode: str, option: str):
    with pytest.raises(RequestOptionError, match=f"{option}: a model of {mode} takes only"):
        make_answer(recogniser(mode, FOUND), b"", **{option: "x"})


def test_the_cells_of_a_grid_are_predicted_a_few_at_a_time():
    sizes = []

    def predict_batch(cells: list, allowed: None) -> list[Prediction]:
        sizes.append(len(cells))
        return [Prediction("a", (0.5,))] * len(cells)

    model = recogniser("NUM_CLASSES", FOUND)
    model.card.spec, model.card.characters, model.predict_batch = InputSpec(16, 16, 1), ("a",), predict_batch
    answer = make_answer(model, Image.new("RGB", (100, 40)), grid="5x20")
    assert [cell["number"] for cell in answer["result"]] == list(range(1, 101))
    assert sizes == [32, 32, 32, 4]


def test_a_grid_is_refused_by_a_model_that_sees_frames_side_by_side():
    model = recogniser("NUM_CLASSES", FOUND)
    model.card.spec = InputSpec(16, 64, 1, "spread")
    with pytest.raises(RequestOptionError, match="grid: a model with FRAMES = 'spread'"):
        make_answer(model, b"", grid="1x2")


def test_a_restriction_reaches_the_model_and_its_probability_the_answer():
    asked = []

    def predict(image: bytes, allowed: Restriction | None) -> Prediction:
        asked.append(allowed)
        return Prediction("ab", (0.9, 0.5), allowed=0.25)

    model = recogniser("CTC", FOUND)
    model.predict = predict
    assert "restriction_rate" not in make_answer(model, b"")
    assert make_answer(model, b"", characters="ab", length=2, pattern="a.")["restriction_rate"] == 0.25
    assert asked == [None, Restriction("ab", "2", "a.")]


def test_a_restriction_is_refused_by_models_of_classes_and_if_it_has_another_form():
    message = "length: a model of NUM_CLASSES takes only grid, name"
    with pytest.raises(RequestOptionError, match=message):
        make_answer(recogniser("NUM_CLASSES", FOUND), b"", length="4")
    with pytest.raises(RequestOptionError, match="length is 'four': expected a number of characters"):
        make_answer(recogniser("CTC", FOUND), b"", length="four")


def test_the_texts_of_cells_are_restricted_too(tmp_path: Path):
    model = load_recogniser(write_model(tmp_path / "captcha.onnx"))
    image = Image.new("L", (2 * SIDE, SIDE), 255)
    for characters, labels in (("", ["b", "b"]), ("a", ["a", "a"])):
        cells = make_answer(model, image, grid="1x2", characters=characters)["result"]
        assert [cell["label"] for cell in cells] == labels
        assert [cell.get("restriction_rate") for cell in cells] == ([0.0, 0.0] if characters else [None, None])
        assert all("allowed" not in cell for cell in cells)


def test_a_job_that_nobody_waits_for_ends_after_the_text_that_is_being_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    model, guard, decoded = load_recogniser(write_model(tmp_path / "captcha.onnx")), RunGuard(), []
    decode = RestrictedDecoder.decode

    def decode_and_drop(self: RestrictedDecoder, logits: np.ndarray) -> Allowed:
        guard.drop()
        decoded.append(logits)
        return decode(self, logits)

    monkeypatch.setattr(RestrictedDecoder, "decode", decode_and_drop)
    image = Image.new("L", (8 * SIDE, SIDE))
    with pytest.raises(JobDroppedError):
        guard.call(lambda: make_answer(model, image, grid="1x8", characters="a"))
    assert len(decoded) == 1


def test_the_texts_of_all_cells_together_have_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    model, image = load_recogniser(write_model(tmp_path / "captcha.onnx")), Image.new("L", (8 * SIDE, SIDE))
    monkeypatch.setattr(paths, "MAX_BATCH_CELLS", 10)
    assert make_answer(model, image, grid="1x2", characters="a")["result"]
    with pytest.raises(RequestOptionError, match=r"characters 'a': this takes too long .* and 8 images or cells"):
        make_answer(model, image, grid="1x8", characters="a")


def test_parts_of_a_prediction_are_its_characters_or_the_whole_name():
    assert Prediction("ab", (0.9, 0.5)).parts == [("a", 0.9), ("b", 0.5)]
    assert Prediction("牌坊", (0.7,)).parts == [("牌坊", 0.7)]
    assert Prediction("", ()).parts == []
    assert FOUND.parts == [("好", 0.9)]


@pytest.mark.parametrize(
    ("prompt", "names", "expected"),
    [
        ("e\u0301a", ("\u00e9", "a"), ["\u00e9", "a"]),
        ("\u200eবাস, কি", ("বাস", "কি"), ["বাস", "কি"]),
        ("কিখ", ("কি", "খ"), ["কি", "খ"]),
        (["bus\u00a0"], LONG, ["bus"]),
        (["e\u0301"], ("e\u0301", "\u00e9"), ["e\u0301"]),
        (["a\nb"], LONG, ["a\nb"]),
    ],
)
def test_names_in_a_prompt_are_compared_as_labels_are(prompt: object, names: tuple[str, ...], expected: list[str]):
    assert parse_prompt(prompt, names) == expected
