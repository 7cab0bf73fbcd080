"""Initial weights: which file and which network a training starts from, and the fingerprint that it passes on."""

from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.artifacts import pretrained
from bearcat.artifacts.card import IMAGENET, Card, write_card
from bearcat.artifacts.pretrained import (
    PRETRAINED,
    find_pretrained,
    find_weight_file,
    initial_weights_file,
    origin_of,
    pretrained_characters,
    pretrained_file,
    resolve_backbone,
    resolve_preprocessing,
)
from bearcat.core.errors import ArtifactError
from bearcat.core.settings_file import AUTO
from bearcat.data.images import InputSpec
from bearcat.modes import MODES, Task

CARD = Card("captcha", "CTC", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)


def test_the_weight_folder_holds_one_file_at_most(tmp_path: Path):
    assert find_weight_file(tmp_path / "weight") is None
    (tmp_path / "a.keras").touch()
    (tmp_path / "notes.txt").touch()
    assert find_weight_file(tmp_path) == tmp_path / "a.keras"
    (tmp_path / "b.h5").touch()
    with pytest.raises(ArtifactError, match="holds 2 files of weights"):
        find_weight_file(tmp_path)


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.auto_backbones])
def test_auto_takes_the_network_with_pretrained_weights_on_a_gpu_too(mode: str, tmp_path: Path):
    card = Card("captcha", mode, AUTO, tuple("ab"), InputSpec(60, 100, 1), 4)
    light, of_gpu = MODES[mode].auto_backbones
    has_weights = MODES[mode].task is Task.TEXT
    assert resolve_backbone(card, True, tmp_path, PRETRAINED) == (light if has_weights else of_gpu)
    assert resolve_backbone(card, True, tmp_path, None) == of_gpu
    assert resolve_backbone(card, False, tmp_path, None) == light
    assert resolve_backbone(replace(card, backbone="ResNet_18"), True, tmp_path, PRETRAINED) == "ResNet_18"


@pytest.mark.parametrize(
    ("initial", "mode", "expected"),
    [
        ({"mode": "CTC", "backbone": "ResNet_18"}, "CTC", "ResNet_18"),
        ({"mode": "ORDINARY", "backbone": "light"}, "CTC", "light"),
        ({"mode": "CTC", "backbone": "light"}, "CTC_TINY", "MobileNetV3Small"),  # too large for it
    ],
)
def test_auto_takes_the_network_of_the_initial_weights(tmp_path: Path, initial: dict, mode: str, expected: str):
    card = Card("captcha", mode, AUTO, tuple("ab"), InputSpec(60, 100, 1), 4)
    write_card(tmp_path / "model.keras", replace(card, **initial))
    assert resolve_backbone(card, True, tmp_path, PRETRAINED) == expected


def test_auto_takes_the_network_of_the_device_for_h5_weights(tmp_path: Path):
    (tmp_path / "densenet.h5").touch()
    card = Card("captcha", "ORDINARY", AUTO, tuple("ab"), InputSpec(60, 100, 1), 4)
    assert resolve_backbone(card, True, tmp_path, PRETRAINED) == "Densenet_169"


def test_auto_takes_a_network_that_has_imagenet_weights_if_they_are_set(tmp_path: Path):
    card = Card("captcha", "NUM_CLASSES", AUTO, tuple("ab"), InputSpec(60, 100, 1), 4)
    assert {resolve_backbone(card, on_gpu, tmp_path, IMAGENET) for on_gpu in (True, False)} == {"MobileNetV2"}
    write_card(tmp_path / "model.keras", replace(card, backbone="light"))  # a file of one's own comes first
    assert resolve_backbone(card, False, tmp_path, IMAGENET) == "light"


def test_pixels_are_scaled_for_the_initial_weights(tmp_path: Path):
    assert resolve_preprocessing("MobileNetV1", tmp_path, IMAGENET) == IMAGENET
    assert resolve_preprocessing("MobileNetV1", tmp_path, PRETRAINED) == ""
    own = replace(CARD, backbone="MobileNetV1")
    write_card(tmp_path / "model.keras", replace(own, preprocessing=IMAGENET))
    assert resolve_preprocessing("MobileNetV1", tmp_path, None) == IMAGENET
    assert resolve_preprocessing("MobileNetV2", tmp_path, None) == ""  # it takes no weights from that file
    (tmp_path / "model.keras").unlink()
    write_card(tmp_path / "model.keras", own)
    assert resolve_preprocessing("MobileNetV1", tmp_path, IMAGENET) == ""


def test_the_origin_is_a_fingerprint_that_trainings_pass_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = pretrained_file("tiny", Task.TEXT)
    assert find_pretrained(origin_of(path)) == path
    checkpoint, model, plain = (tmp_path / f"{name}.keras" for name in ("checkpoint", "model", "plain"))
    write_card(checkpoint, CARD, recipe={"origin": origin_of(path)})
    write_card(model, CARD, origin=origin_of(path))
    write_card(plain, CARD)
    assert find_pretrained(origin_of(checkpoint)) == find_pretrained(origin_of(model)) == path
    assert origin_of(plain) == ""
    assert origin_of(tmp_path / "of_others.h5") == ""
    assert find_pretrained("") is None
    monkeypatch.setattr(pretrained, "PRETRAINED_FOLDER", tmp_path / "newer")  # a later release has others
    assert find_pretrained(origin_of(checkpoint)) is None


def test_a_file_in_the_weight_folder_overrides_the_pretrained_weights(tmp_path: Path):
    assert initial_weights_file(tmp_path, PRETRAINED, "tiny", Task.TEXT) == pretrained_file("tiny", Task.TEXT)
    assert initial_weights_file(tmp_path, PRETRAINED, "tiny", Task.CLASSIFICATION) is None
    assert initial_weights_file(tmp_path, None, "tiny", Task.TEXT) is None
    (tmp_path / "own.h5").touch()
    assert initial_weights_file(tmp_path, None, "tiny", Task.TEXT) == tmp_path / "own.h5"
    assert initial_weights_file(tmp_path, PRETRAINED, "tiny", Task.TEXT) == tmp_path / "own.h5"


def test_other_scripts_are_predicted_only_if_they_are_asked_for():
    latin = pretrained_characters()
    assert {*"aZ7+×÷"} <= set(latin)
    assert not [character for character in latin if character.isalnum() and not character.isascii()]
    assert set(pretrained_characters("жa۳ক漢")) == set("жa۳ক")
