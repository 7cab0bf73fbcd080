"""ImageNet weights: loaded by Keras from its cache folder, scaled pixels as they expect, and refused with a remedy."""

import hashlib
import tempfile
import urllib.request
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from keras.src.applications import efficientnet

from bearcat.artifacts import imagenet
from bearcat.artifacts.card import IMAGENET, Card
from bearcat.artifacts.imagenet import assign_weights, models_folder, read_weights
from bearcat.artifacts.weight_transfer import plain_name
from bearcat.core.errors import ArtifactError
from bearcat.data.images import InputSpec
from bearcat.networks.backbones.applications import download_imagenet, scale_for_imagenet, scaling_of
from bearcat.networks.registry import BACKBONES, has_imagenet_weights
from bearcat.training.config import TrainingConfig
from models import build_model
from tests.helpers.imagenet import BACKBONE, FILE_NAME, UNREACHABLE, write_published

CARD = Card("captcha", "NUM_CLASSES", BACKBONE, ("cat", "dog"), InputSpec(32, 48, 3), 1, preprocessing=IMAGENET)
PIXELS = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3)).astype(np.float32)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keras' cache folder, empty; and no internet."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.src.backend.config, "_KERAS_DIR", str(tmp_path))  # as KERAS_HOME sets it at the start
    for name, value in UNREACHABLE.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(urllib.request, "_opener", None)  # it remembers the proxies of an earlier download
    return tmp_path


def scale(backbone: str, pixels: np.ndarray) -> np.ndarray:
    return np.array(scale_for_imagenet(backbone, keras.ops.convert_to_tensor(pixels)))


@pytest.mark.parametrize(
    ("backbone", "class_name", "file_name", "stem"),
    [
        (BACKBONE, "MobileNet", FILE_NAME, "conv1_relu"),
        ("EfficientNet_b0", "EfficientNetB0", "efficientnetb0_notop.h5", "stem_activation"),
    ],
)
def test_the_backbone_computes_with_the_file_in_keras_cache_what_the_published_network_does(
    backbone: str, class_name: str, file_name: str, stem: str, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    write_published(cache, class_name, file_name)
    digest = hashlib.md5((cache / "models" / file_name).read_bytes()).hexdigest()
    monkeypatch.setitem(efficientnet.WEIGHTS_HASHES, "b0", ("", digest))  # Keras knows that of the published file only
    published = download_imagenet(backbone)
    monkeypatch.setattr(imagenet, "download_imagenet", {backbone: published}.get)  # once is enough
    model = build_model(replace(CARD, backbone=backbone, spec=InputSpec(224, 224, 3)), TrainingConfig())
    number = assign_weights(model, backbone, read_weights(backbone))
    adapted = model.get_layer(backbone)
    assert number == len(adapted.weights)
    names = [plain_name(variable.path) for variable in published.weights]
    names = [name for name in names if not name.startswith("normalization/")]
    assert [plain_name(variable.path) for variable in adapted.weights] == names
    # up to here the strides are those of the published network
    first_features = keras.Model(adapted.input, adapted.get_layer(stem).output)
    expected = keras.Model(published.input, published.get_layer(stem).output)
    pixels = np.random.default_rng(0).integers(0, 256, (1, 224, 224, 3)).astype(np.float32)
    preprocess = keras.applications.mobilenet.preprocess_input if backbone == BACKBONE else np.array
    assert np.allclose(first_features(scale(backbone, pixels)), expected(preprocess(pixels.copy())), atol=1e-3)


def test_weights_are_not_read_twice_from_the_internet(cache: Path, capsys: pytest.CaptureFixture):
    write_published(cache)
    read_weights(BACKBONE)
    assert "Downloading" not in capsys.readouterr().out
    assert models_folder() == cache / "models"


@pytest.mark.parametrize("is_default", [True, False])
def test_without_a_writable_folder_keras_uses_tmp(is_default: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # what TMPDIR sets matters only if there is no /tmp
    if is_default:
        monkeypatch.delenv("KERAS_HOME", raising=False)
        monkeypatch.setattr(Path, "expanduser", lambda path: tmp_path / "missing" if path == Path("~") else path)
    else:
        monkeypatch.setenv("KERAS_HOME", str(tmp_path / "missing"))
    assert models_folder() == (Path("/tmp") if Path("/tmp").is_dir() else tmp_path) / ".keras" / "models"


def test_a_grey_network_computes_what_one_for_colour_does_of_the_same_grey(cache: Path):
    write_published(cache)
    weights, grey = read_weights(BACKBONE), PIXELS[..., :1]
    colour_model, grey_model = (
        build_model(replace(CARD, spec=InputSpec(32, 48, channels)), TrainingConfig()) for channels in (3, 1)
    )
    for model in (colour_model, grey_model):
        assign_weights(model, BACKBONE, weights)
    grey_model.set_weights(colour_model.get_weights())  # the head too
    assert np.allclose(grey_model(grey), colour_model(np.repeat(grey, 3, axis=3)), atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "module"),
    [
        ("Densenet_121", "densenet"),
        ("EfficientNet_b0", "densenet"),  # its own scaling is a part of the network: the same numbers
        ("InceptionV3", "inception_v3"),
        ("InceptionResNetV2", "inception_resnet_v2"),
        ("MobileNetV1", "mobilenet"),
        ("MobileNetV2", "mobilenet_v2"),
        ("ResNet_50", "resnet"),
    ],
)
def test_pixels_are_scaled_as_keras_applications_does_it(backbone: str, module: str):
    expected = getattr(keras.applications, module).preprocess_input(PIXELS.copy())
    scaled = scale(backbone, PIXELS)
    assert np.allclose(scaled[..., ::-1] if scaling_of(backbone).takes_bgr else scaled, expected, atol=1e-4)


def test_every_backbone_of_keras_applications_has_a_scaling():
    assert all(scaling_of(name).factors for name in BACKBONES if has_imagenet_weights(name))


def test_the_first_kernel_of_weights_for_bgr_is_turned_to_rgb(cache: Path, monkeypatch: pytest.MonkeyPatch):
    network = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3), keras.layers.Conv2D(3, 3)])
    monkeypatch.setattr(imagenet, "download_imagenet", lambda backbone: network)
    kernels = [np.array(weight) for weight in network.weights]
    assert np.array_equal(read_weights("ResNet_50")[0], kernels[0][:, :, ::-1])
    assert np.array_equal(read_weights("ResNet_50")[2], kernels[2])
    assert np.array_equal(read_weights("MobileNetV1")[0], kernels[0])


def test_without_internet_the_message_says_which_file_goes_where(cache: Path):
    with pytest.raises(ArtifactError) as refused:
        read_weights(BACKBONE)
    what, where, otherwise = str(refused.value).splitlines()
    assert what.startswith(f"the ImageNet weights of {BACKBONE} cannot be loaded: URL fetch failure on https://")
    assert FILE_NAME in what
    assert where == f"Without internet access put that file here by hand: {cache / 'models' / FILE_NAME}"
    assert "a model of yours in the work's folder weight, or random ones, --set WEIGHTS=None" in otherwise


def test_a_damaged_file_is_named_by_its_folder(cache: Path):
    write_published(cache)
    path = cache / "models" / FILE_NAME
    path.write_bytes(path.read_bytes()[:100_000])  # a kill during the download leaves this
    with pytest.raises(ArtifactError, match=f"file in {cache / 'models'} is damaged, delete it"):
        read_weights(BACKBONE)


def test_a_disk_that_refuses_keeps_its_own_message(cache: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(backbone: str) -> None:
        raise OSError(28, "No space left on device", "x.h5")

    monkeypatch.setattr(imagenet, "download_imagenet", refuse)
    with pytest.raises(OSError, match="No space"):
        read_weights(BACKBONE)
