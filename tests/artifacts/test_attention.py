"""Where a text model finds its characters: steps of CTC, attention of ORDINARY in an ONNX file, and none."""

import gzip
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from bearcat.artifacts import attention
from bearcat.artifacts.attention import Locator, add_attention, split_steps
from bearcat.artifacts.card import Card
from bearcat.artifacts.inference import load_recogniser
from bearcat.data.images import InputSpec
from tests.helpers.steps import ROOT

EARLIER = ROOT / "tests" / "data" / "earlier_files"
PIXELS = np.zeros((4, 8, 1), np.uint8)


class Attentive:
    """Stands in for an engine whose network has attention."""


def card_of(mode: str, direction: str = "") -> Card:
    return Card("c", mode, "tiny", tuple("abc"), InputSpec(4, 8, 1), 4, direction=direction)


def logits_of(classes: list[int], sure: float = 20.0) -> np.ndarray:
    """Returns logits (1, steps, 4) in which these classes are by far the most probable ones."""
    return sure * np.eye(4)[np.newaxis, classes]


def locator_of(mode: str, engine: object, direction: str = "") -> Locator:
    return Locator(SimpleNamespace(card=card_of(mode, direction), engine=engine))


def test_steps_of_characters():
    classes = np.array([0, 1, 1, 0, 1, 2, 2])
    assert split_steps(classes, merges_repeats=True) == [slice(1, 3), slice(4, 5), slice(5, 7)]
    assert split_steps(classes[:3], merges_repeats=False) == [slice(1, 2), slice(2, 3)]
    assert split_steps(np.zeros(3, int), merges_repeats=True) == []


def test_ctc_finds_a_character_at_its_steps_the_more_the_more_probable_it_is():
    logits = logits_of([0, 1, 1, 0, 2])
    logits[0, 2] = [0, np.log(2), 0, -20]  # a has about a half
    found = locator_of("CTC", SimpleNamespace(logits=lambda pixels: logits)).locate(PIXELS, "ab")
    assert [one.symbol for one in found] == ["a", "b"]
    assert [one.probability for one in found] == pytest.approx([1, 1])
    assert found[0].weights == pytest.approx([0, 1, 0.5, 0, 0], abs=1e-6)
    assert found[1].weights == pytest.approx([0, 0, 0, 0, 1], abs=1e-6)


def test_texts_from_right_to_left_are_located_from_left_to_right():
    card = Card("c", "CTC", "tiny", tuple("אבג"), InputSpec(4, 8, 1), 4, direction="rtl")
    engine = SimpleNamespace(logits=lambda pixels: logits_of([1, 0, 2]))
    found = Locator(SimpleNamespace(card=card, engine=engine)).locate(PIXELS, "בא")
    assert [one.symbol for one in found] == ["א", "ב"]
    assert [int(one.weights.argmax()) for one in found] == [0, 2]


@pytest.mark.parametrize("transposed", [False, True])
def test_ordinary_finds_a_character_where_its_position_attends_to(monkeypatch: pytest.MonkeyPatch, transposed: bool):
    weights = np.array([[0.5, 0.5, 0, 0, 0, 0], [0.2] * 5 + [0], [0, 0, 0, 0.2, 0.8, 0], [1, 0, 0, 0, 0, 0]])
    outputs = [logits_of([1, 0, 3, 0]), (weights if transposed else weights.T)[np.newaxis]]
    monkeypatch.setitem(attention.ATTEND, Attentive, lambda engine: lambda pixels: outputs)
    found = locator_of("ORDINARY", Attentive()).locate(PIXELS, "ac")
    assert [one.symbol for one in found] == ["a", "c"]
    assert found[0].weights == pytest.approx([1, 1, 0, 0, 0, 0])
    assert found[1].weights == pytest.approx([0, 0, 0, 0.25, 1, 0])


@pytest.mark.parametrize("further", [[], [np.ones((1, 6, 4))], [np.full((1, 3, 6, 6), 1 / 6)]])
def test_without_attention_per_position_nothing_is_located(monkeypatch: pytest.MonkeyPatch, further: list):
    outputs = [logits_of([1, 0, 3, 0]), *further]
    monkeypatch.setitem(attention.ATTEND, Attentive, lambda engine: lambda pixels: outputs)
    assert locator_of("ORDINARY", Attentive()).locate(PIXELS, "ac") == []


def test_a_text_that_the_network_does_not_predict_is_not_located():
    locator = locator_of("CTC", SimpleNamespace(logits=lambda pixels: logits_of([1, 0, 2])))
    assert locator.locate(PIXELS, "AB") == []
    assert len(locator.locate(PIXELS, "ab")) == 2


def network_of(*operations: str) -> bytes:
    """Returns an ONNX file in which each operation follows the one before; the last is the output `o`."""
    names = ["i", *(f"{number}" for number in range(len(operations) - 1)), "o"]
    nodes = [helper.make_node(one, [names[at]], [names[at + 1]]) for at, one in enumerate(operations)]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 2]) for name in "io"]
    return helper.make_model(helper.make_graph(nodes, "n", ends[:1], ends[1:])).SerializeToString()


@pytest.mark.parametrize(
    ("operations", "outputs"),
    [
        (["Softmax", "Relu", "Softmax", "Relu"], ["o", "2"]),
        (["Relu", "Relu"], ["o"]),
        (["Relu", "Softmax"], ["o"]),
    ],
)
def test_the_last_softmax_becomes_an_output(operations: list[str], outputs: list[str]):
    extended = onnx.load_model_from_string(add_attention(network_of(*operations)))
    assert [output.name for output in extended.graph.output] == outputs


@pytest.mark.parametrize("mode", ["ordinary", "ctc", "ctc_tiny"])
def test_characters_are_located_with_a_file_of_an_earlier_version(tmp_path: Path, mode: str):
    file = tmp_path / "captcha.onnx"
    file.write_bytes(gzip.decompress((EARLIER / mode / "served.onnx.gz").read_bytes()))
    recogniser = load_recogniser(file)
    locator = Locator(recogniser)
    for image in (EARLIER / mode).glob("*.png"):
        prediction = recogniser.predict(image)
        found = locator.locate(recogniser.extract(image), prediction.text)
        assert "".join(one.symbol for one in found) == prediction.text
        assert [one.probability for one in found] == pytest.approx(prediction.confidences)
        for one in found:
            assert one.weights.max() == 1
            assert one.weights.min() >= 0
            assert len(one.weights) > recogniser.card.captcha_length
