"""Backbones have the published parameters, are adapted to small images, and learn in every mode.

All of them take minutes: `make test` tests one of each family, `make test-backbones` all.
"""

import functools
import math
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import models
from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import load_model
from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.data.images import InputSpec
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import Task
from bearcat.networks.backbones import adapt
from bearcat.networks.backbones.adapt import IMAGE_STRIDES, MOMENTUM, adapt_backbone, published_backbone
from bearcat.networks.registry import BACKBONES, is_depthwise, load_backbone_module
from bearcat.training.config import TrainingConfig
from bearcat.training.sanity_check import leaf_layers
from tests.helpers.networks import count_parameters, without_values
from tests.helpers.steps import ROOT, run_ok

# the fastest of each family
QUICK = ("light", "MobileNetV3Small", "ResNet_18", "SqueezeNet", "ShuffleNetV2_0_5", "MnasNet")
LABELS = ["a", "ba", "acc", "cab"]
SAVED = ("NUM_CLASSES", "CTC_TINY")  # modes with different strides
TEXT_MODE = "CTC_TINY"
WITH_OWN_LAYERS = ("MobileNetV3Small", "ShuffleNetV2_0_5")  # next to those of "light"
LOADED = "MobileNetV3Small"  # by a process that has not built it
# name → millions of parameters with a classifier of 1000 classes, rounded as the source has it
PUBLISHED = {
    # torchvision's documentation (num_params)
    "Densenet_121": 7.978856,
    "Densenet_169": 14.14948,
    "Densenet_201": 20.013928,
    "EfficientNet_b0": 5.288548,
    "EfficientNet_b1": 7.794184,
    "EfficientNet_b2": 9.109994,
    "EfficientNet_b3": 12.233232,
    "EfficientNet_b4": 19.341616,
    "EfficientNet_b5": 30.389784,
    "EfficientNet_b6": 43.040704,
    "EfficientNet_b7": 66.34796,
    "ResNet_50": 25.557032,
    "ResNet_101": 44.54916,
    "ResNet_152": 60.192808,
    "MobileNetV2": 3.504872,
    "MobileNetV3Small": 2.542856,
    "MobileNetV3Large": 5.483032,
    # timm's results-imagenet.csv (inception_v3, inception_resnet_v2, mobilenetv1_100)
    "InceptionV3": 23.83,
    "InceptionResNetV2": 55.84,
    "MobileNetV1": 4.23,
}
# the larger ones of a family, which differ from the first in numbers of Keras alone
LARGER = {f"EfficientNet_b{number}" for number in range(1, 8)}
LARGER |= {"Densenet_169", "Densenet_201", "ResNet_101", "ResNet_152"}
# width of the hidden layer in MobileNetV3's classifier
HIDDEN = {"MobileNetV3Small": 1024, "MobileNetV3Large": 1280}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    every = metafunc.config.getoption("--all-backbones")
    if "backbone" in metafunc.fixturenames:
        metafunc.parametrize("backbone", BACKBONES if every else QUICK)
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", [name for name in PUBLISHED if every or name not in LARGER])


def test_every_network_of_keras_applications_has_a_published_count():
    assert PUBLISHED.keys() == load_backbone_module("Densenet_121").VARIANTS.keys()


def test_each_name_stands_for_the_network_of_that_name():
    for name, (class_name, _) in load_backbone_module("Densenet_121").VARIANTS.items():
        assert name.replace("_", "").casefold() in (class_name.casefold(), f"{class_name.casefold()}v1"), name
        assert hasattr(keras.applications, class_name)


def test_a_network_of_keras_applications_has_the_published_parameters(name: str):
    def build() -> keras.Model:
        network = published_backbone(name, channels=3)
        features = layers.GlobalAveragePooling2D()(network.output)
        features = layers.Dense(HIDDEN[name])(features) if name in HIDDEN else features
        return keras.Model(network.input, layers.Dense(1000)(features))

    assert count_parameters(build) / 1e6 == pytest.approx(PUBLISHED[name], rel=0.01)


def test_a_backbone_has_more_columns_for_text_than_for_images(backbone: str, monkeypatch: pytest.MonkeyPatch):
    height, width = 27, 72
    monkeypatch.setattr(adapt, "published_backbone", functools.cache(published_backbone))
    with without_values():
        text = adapt_backbone(backbone, (height, width, 1))
        image = adapt_backbone(backbone, (height, width, 1), IMAGE_STRIDES)
        published = adapt.published_backbone(backbone, 1)
    assert text.output_shape[1:3] == (math.ceil(height / 16), math.ceil(width / 4))
    assert image.output_shape[1:3] == (math.ceil(height / 16), math.ceil(width / 16))
    shapes, as_published = ([tuple(w.shape) for w in model.trainable_weights] for model in (text, published))
    assert shapes == as_published
    norms = [layer for layer in leaf_layers(text) if isinstance(layer, layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} <= {MOMENTUM}
    fraction = np.mean([isinstance(layer, layers.DepthwiseConv2D) for layer in published.layers])
    assert (fraction > 0.05) == is_depthwise(backbone)


def test_a_backbone_takes_a_step_in_its_modes_and_is_saved(
    backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config
):
    # the heads are the same on all backbones, and so are the layers for images, but for their strides
    every_mode = backbone == "light" or pytestconfig.getoption("--all-backbones")
    keras.utils.set_random_seed(0)
    # adapting a backbone takes longest: the text modes share one
    monkeypatch.setattr(models, "adapt_backbone", functools.cache(adapt_backbone))
    for mode in TEXT_CODECS if every_mode else [TEXT_MODE]:
        codec = make_codec(mode, Vocabulary.of_symbols(map(TEXT_CODECS[mode].symbols, LABELS)), 3)
        channels = 3 if codec.task == Task.CLASSIFICATION else 1
        card = Card("captcha", mode, backbone, codec.vocabulary.characters, InputSpec(24, 48, channels), 3)
        model = models.build_model(card, TrainingConfig())
        model.run_eagerly = True  # a single step is faster without tracing
        images = np.random.default_rng(0).uniform(0, 255, (len(LABELS), 24, 48, channels)).astype(np.float32)
        targets = pad_targets([codec.encode(label) for label in LABELS], codec.target_width(3))
        before = [np.array(weight) for weight in model.trainable_weights]
        assert math.isfinite(model.train_on_batch(images, targets, return_dict=True)["loss"]), mode
        moved = [not np.array_equal(*pair) for pair in zip(before, model.trainable_weights, strict=True)]
        assert np.mean(moved) > 0.9, mode
        if mode in SAVED and (every_mode or backbone in WITH_OWN_LAYERS):
            assert_loads_as_saved(model, images, tmp_path / f"{mode}.keras")
    if backbone == LOADED:
        assert_loads_in_another_process(tmp_path / f"{TEXT_MODE}.keras")
    keras.backend.clear_session()


def assert_loads_as_saved(model: keras.Model, images: np.ndarray, path: Path) -> None:
    model.save(path)
    loaded = load_model(path)
    pairs = zip(model.weights, loaded.weights, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert np.allclose(model(images), loaded(images), atol=1e-5)


def assert_loads_in_another_process(path: Path) -> None:
    code = "import sys, pathlib, bearcat.artifacts.keras_files as files; files.load_model(pathlib.Path(sys.argv[1]))"
    script = path.with_name("load.py")
    script.write_text(code, encoding="utf-8")
    run_ok(script, path)


def test_the_docs_name_every_backbone():
    text = (ROOT / "docs" / "modes.md").read_text(encoding="utf-8")
    assert [name for name in BACKBONES if f"`{name}`" not in text] == []
