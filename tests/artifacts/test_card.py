"""Cards: what a model says of itself, with the keys of earlier versions; damaged ones are refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.artifacts.card import Card, read_card
from bearcat.artifacts.inference import OnnxEngine
from bearcat.core.errors import ArtifactError
from bearcat.data.images import COLOURS, ImageKinds, InputSpec


def test_a_model_describes_itself(trained: Path):
    card = OnnxEngine(trained / "App_model" / "captcha.onnx").card
    assert card.mode == trained.name.upper()
    assert card.characters == tuple("0123")
    assert card.spec.shape == (24, 48, 1)
    assert card.kinds.sizes == ((48, 24),)
    assert set(card.kinds.colours) <= set(COLOURS)
    assert card.metrics["loss"] > 0
    assert 0 <= card.metrics["val_exact"] <= 1
    assert {"bearcat", "keras", "tensorflow", "python"} <= card.versions.keys()
    assert read_card(trained / "model" / "captcha.keras")[0] == card


def test_a_card_is_stored_with_the_keys_of_earlier_versions():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3, {"val_exact": 1.0}, {"keras": "3"})
    assert card.to_dict() == {
        "name": "captcha",
        "mode": "CTC",
        "backbone": "light",
        "characters": ("a",),
        "height": 24,
        "width": 48,
        "channels": 1,
        "captcha_length": 3,
        "metrics": {"val_exact": 1.0},
        "versions": {"keras": "3"},
        "format": 1,
    }


def test_the_frames_are_part_of_the_card_unless_it_is_the_first():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1, "darkest"), 3)
    assert card.to_dict()["frames"] == "darkest"
    assert Card.from_json(card.to_json(), Path("x")) == card
    (line,) = replace(card, spec=InputSpec(24, 48, 1)).differences(card)
    assert line == "frames: 'first' in the checkpoint, 'darkest' now"
    with pytest.raises(ArtifactError, match="frames is 'darker', known are first"):
        Card.from_json(card.to_json().replace("darkest", "darker"), Path("x"))


def test_the_layout_is_part_of_the_card_unless_it_is_a_line():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1, "last", "vertical"), 3)
    assert [card.to_dict()[name] for name in ("frames", "layout")] == ["last", "vertical"]
    assert Card.from_json(card.to_json(), Path("x")) == card
    earlier = Card.from_json(card.to_json().replace(', "layout": "vertical"', ""), Path("x"))
    assert earlier.spec.layout == "line"
    assert earlier.differences(card) == ["layout: 'line' in the checkpoint, 'vertical' now"]
    with pytest.raises(ArtifactError, match="layout is 'diagonal', known are line, two_lines, vertical"):
        Card.from_json(card.to_json().replace("vertical", "diagonal"), Path("x"))


def test_the_preprocessing_is_part_of_the_card_unless_it_is_the_usual_one():
    card = Card("captcha", "NUM_CLASSES", "MobileNetV2", ("a",), InputSpec(24, 48, 1), 3, preprocessing="imagenet")
    assert card.to_dict()["preprocessing"] == "imagenet"
    assert Card.from_json(card.to_json(), Path("x")) == card
    assert "preprocessing" not in replace(card, preprocessing="").to_dict()
    with pytest.raises(ArtifactError, match=r"damaged card .*the preprocessing is 'places'"):
        Card.from_json(card.to_json().replace("imagenet", "places"), Path("x"))


def test_the_lengths_of_the_labels_are_part_of_the_card_if_they_are_known():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3, label_lengths=(4, 6))
    assert card.to_dict()["label_lengths"] == (4, 6)
    assert Card.from_json(card.to_json(), Path("x")) == card
    assert "label_lengths" not in replace(card, label_lengths=()).to_dict()
    for damaged in ("[4]", '["a", 6]', "4"):
        with pytest.raises(ArtifactError, match="damaged card"):
            Card.from_json(card.to_json().replace("[4, 6]", damaged), Path("x"))


def test_differences_name_what_makes_weights_unfit():
    card = Card("captcha", "ORDINARY", "light", ("a",), InputSpec(24, 48, 1), 3)
    assert card.differences(card) == []
    assert card.differences(replace(card, backbone="auto", name="other", metrics={"loss": 1.0})) == []
    other = replace(card, mode="CTC", spec=InputSpec(24, 64, 3), captcha_length=4, characters=("b",))
    assert [line.partition(":")[0] for line in card.differences(other)] == [
        "mode",
        "width",
        "channels",
        "captcha_length",
        "vocabulary",
    ]


def test_damaged_cards_and_those_of_newer_versions_are_refused():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3)
    assert Card.from_json(card.to_json(), Path("x")) == card
    with pytest.raises(ArtifactError, match="newer Bearcat"):
        Card.from_json(card.to_json().replace('"format": 1', '"format": 2'), Path("x"))
    with pytest.raises(ArtifactError, match="damaged card"):
        Card.from_json("{}", Path("x"))
    with pytest.raises(ArtifactError, match="known are: ORDINARY, NUM_CLASSES, CTC, CTC_TINY"):
        Card.from_json(card.to_json().replace('"CTC"', '"CTX"'), Path("x"))


def test_the_order_of_symbols_is_part_of_the_card_unless_it_is_that_of_the_labels():
    card = Card("captcha", "CTC", "light", ("א", "ב"), InputSpec(24, 48, 1), 3, direction="rtl")
    assert card.to_dict()["direction"] == "rtl"
    assert Card.from_json(card.to_json(), Path("x")) == card
    assert card.make_codec().arrange("אב") == ("ב", "א")
    earlier = replace(card, direction="")
    assert "direction" not in earlier.to_dict()
    assert earlier.differences(card) == ["direction: '' in the checkpoint, 'rtl' now"]
    with pytest.raises(ArtifactError, match="the direction is 'down'"):
        Card.from_json(card.to_json().replace("rtl", "down"), Path("x"))


@pytest.mark.parametrize(
    ("mode", "characters", "expected"),
    [
        ("CTC", "0123456789+-=", True),
        ("CTC", "0123456789+-=a", False),
        ("NUM_CLASSES", "0123456789+-=", False),
    ],
)
def test_only_models_of_texts_read_sums(mode: str, characters: str, expected: bool):
    card = Card("captcha", mode, "light", tuple(characters), InputSpec(24, 48, 1), 4)
    assert card.reads_sums is expected


def test_the_sizes_and_colours_of_the_training_images_are_part_of_the_card_if_they_are_known():
    kinds = ImageKinds(((120, 40), (90, 30)), ("grey",))
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3, kinds=kinds)
    stored = {"image_sizes": [[120, 40], [90, 30]], "image_colours": ["grey"]}
    assert stored.items() <= card.to_dict().items()
    assert Card.from_json(card.to_json(), Path("x")) == card
    assert card.differences(replace(card, kinds=ImageKinds())) == []
    for damaged in (
        '"image_sizes": 3',
        '"image_sizes": [[120]]',
        '"image_sizes": [[0, 40]]',
        '"image_sizes": [["a", 40]]',
    ):
        with pytest.raises(ArtifactError, match="damaged card"):
            Card.from_json(card.to_json().replace('"image_sizes": [[120, 40], [90, 30]]', damaged), Path("x"))
    for damaged in ('"image_colours": ["blue"]', '"image_colours": []', '"image_colours": 3'):
        with pytest.raises(ArtifactError, match=r"damaged card.*image_colours"):
            Card.from_json(card.to_json().replace('"image_colours": ["grey"]', damaged), Path("x"))
