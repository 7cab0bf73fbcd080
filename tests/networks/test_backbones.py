"""Every backbone of the table: published parameters, fitted to small images, learning in every mode.

The last takes minutes for the large ones: `make test` takes one of each family, `make test-backbones` all of them.
"""

import functools
import math
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

import models
from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import load_model
from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES, Task, choose_backbone
from bearcat.networks.backbones.adapt import IMAGE_STRIDES, MOMENTUM, fitted_network, published_network
from bearcat.networks.registry import BACKBONES, is_depthwise, load_family
from bearcat.training.config import Recipe
from bearcat.training.sanity_check import plain_layers
from tests.helpers.steps import ROOT

# one of each family, the quickest to build
QUICK = ("light", "MobileNetV3Small", "ResNet_18", "SqueezeNet", "ShuffleNetV2_0_5", "MnasNet")
LABELS = ["a", "ba", "acc", "cab"]
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
# units of the layer that MobileNetV3's classifier has before its last
HIDDEN = {"MobileNetV3Small": 1024, "MobileNetV3Large": 1280}


@pytest.fixture(autouse=True)
def _same_weights_and_no_models_left():
    keras.utils.set_random_seed(0)
    yield
    keras.backend.clear_session()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backbone" in metafunc.fixturenames:
        names = BACKBONES if metafunc.config.getoption("--all-backbones") else QUICK
        metafunc.parametrize("backbone", names)


def test_every_network_of_keras_applications_has_a_published_count():
    assert PUBLISHED.keys() == load_family("Densenet_121").VARIANTS.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_of_keras_applications_has_the_published_parameters(name: str):
    network = published_network(name, channels=3)
    features = layers.GlobalAveragePooling2D()(network.output)
    features = layers.Dense(HIDDEN[name])(features) if name in HIDDEN else features
    weights = keras.Model(network.input, layers.Dense(1000)(features)).trainable_weights
    assert sum(math.prod(weight.shape) for weight in weights) / 1e6 == pytest.approx(PUBLISHED[name], rel=0.01)


def test_a_backbone_keeps_its_columns_for_text_and_none_for_images(backbone: str):
    height, width = 27, 72
    text = fitted_network(backbone, (height, width, 1))
    assert text.output_shape[1:3] == (math.ceil(height / 16), math.ceil(width / 4))
    image = fitted_network(backbone, (height, width, 3), IMAGE_STRIDES)
    assert image.output_shape[1:3] == (math.ceil(height / 16), math.ceil(width / 16))
    published = published_network(backbone, 1)
    shapes, as_published = ([tuple(w.shape) for w in model.trainable_weights] for model in (text, published))
    assert shapes == as_published
    norms = [layer for layer in plain_layers(text) if isinstance(layer, layers.BatchNormalization)]
    assert {layer.momentum for layer in norms} <= {MOMENTUM}


def test_a_backbone_takes_a_step_in_every_mode_and_is_saved(
    backbone: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    # fitting takes longer than all the rest: text modes share one fitted network
    monkeypatch.setattr(models, "fitted_network", functools.cache(fitted_network))
    for mode in TEXT_CODECS:
        codec = make_codec(mode, Vocabulary.of_symbols(map(TEXT_CODECS[mode].symbols, LABELS)), 3)
        channels = 3 if codec.task == Task.CLASSIFICATION else 1
        card = Card("captcha", mode, backbone, codec.vocabulary.characters, 24, 48, channels, 3)
        model = models.build_model(card, Recipe())
        model.run_eagerly = True  # one step is sooner taken than traced
        images = np.random.default_rng(0).uniform(0, 255, (len(LABELS), 24, 48, channels)).astype(np.float32)
        targets = pad_targets([codec.encode(label) for label in LABELS], codec.target_width(3))
        before = [np.array(weight) for weight in model.trainable_weights]
        assert math.isfinite(model.train_on_batch(images, targets, return_dict=True)["loss"]), mode
        moved = [not np.array_equal(*pair) for pair in zip(before, model.trainable_weights, strict=True)]
        assert np.mean(moved) > 0.9, mode
        if mode in ("NUM_CLASSES", "CTC_TINY"):
            assert_loads_as_saved(model, images, tmp_path / f"{mode}.keras")


def assert_loads_as_saved(model: keras.Model, images: np.ndarray, path: Path) -> None:
    model.save(path)
    loaded = load_model(path)
    pairs = zip(model.weights, loaded.weights, strict=True)
    assert all(np.array_equal(one, other) for one, other in pairs)
    assert np.allclose(model(images), loaded(images), atol=1e-5)


@pytest.mark.parametrize("mode", [name for name, mode in MODES.items() if mode.auto_backbones])
def test_auto_takes_a_light_network_on_a_cpu_and_the_originals_on_a_gpu(mode: str):
    on_cpu, on_gpu = (choose_backbone("auto", mode, on_gpu=has_gpu) for has_gpu in (False, True))
    assert on_cpu in load_family("light").VARIANTS
    assert on_gpu in BACKBONES
    assert choose_backbone("ResNet_18", mode, on_gpu=True) == "ResNet_18"


def test_depthwise_networks_are_known_by_their_layers():
    for name in QUICK:
        network = published_network(name, 1)
        share = np.mean([isinstance(layer, layers.DepthwiseConv2D) for layer in network.layers])
        assert (share > 0.05) == is_depthwise(name), name


def test_the_readme_names_every_backbone():
    for readme in ("README.md", "README.zh-CN.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        assert [name for name in BACKBONES if f"`{name}`" not in text] == []


def test_a_saved_network_is_loaded_by_a_process_that_never_built_one(tmp_path: Path):
    card = Card("captcha", "CTC_TINY", "MobileNetV3Small", ("a",), 24, 48, 1, 3)
    models.build_model(card, Recipe()).save(tmp_path / "model.keras")
    code = "import sys, pathlib, bearcat.artifacts.keras_files; bearcat.artifacts.keras_files.load_model(pathlib.Path(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path / "model.keras")]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
