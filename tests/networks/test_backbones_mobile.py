"""ShuffleNet, SqueezeNet, MnasNet, RegNet and DenseNet-264 are as published."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from bearcat.networks.backbones import densenet, mnasnet, regnet, shufflenet, squeezenet
from tests.helpers.networks import count_parameters, feature_shape

FAMILIES = (shufflenet, squeezenet, mnasnet, regnet, densenet)
# name → millions of parameters with a classifier of 1000 classes, rounded as the source has it
PUBLISHED = {
    # torchvision's documentation (num_params)
    "ShuffleNetV2_0_5": 1.366792,
    "ShuffleNetV2_1_0": 2.278604,
    "ShuffleNetV2_1_5": 3.503624,
    "ShuffleNetV2_2_0": 7.393996,
    "SqueezeNet": 1.248424,
    "MnasNet": 4.383312,
    # timm's results-imagenet.csv, whose weights are the authors' own (.pycls_in1k); the paper rounds to 5.2, 7.3, …
    "RegNetX_400MF": 5.16,
    "RegNetX_800MF": 7.26,
    "RegNetX_4GF": 22.12,
    "RegNetY_400MF": 4.34,
    "RegNetY_800MF": 6.26,
    "RegNetY_4GF": 20.65,
    # PaddleClas' documentation
    "Densenet_264": 33.37,
}
VARIANTS = {name: family for family in FAMILIES for name in family.VARIANTS}
# the smallest of each kind → its features of 32 × 64 pixels; SqueezeNet's published stride is 16, all others' 32
FEATURES = {
    "ShuffleNetV2_0_5": (1, 1, 2, 1024),
    "SqueezeNet": (1, 2, 4, 512),
    "MnasNet": (1, 1, 2, 1280),
    "RegNetX_400MF": (1, 1, 2, 384),
    "RegNetY_400MF": (1, 1, 2, 440),
    "Densenet_264": (1, 1, 2, 2688),
}
# name → widths and depths in the paper's tables of its best models
STAGES = {
    "RegNetX_400MF": ([32, 64, 160, 384], [1, 2, 7, 12]),
    "RegNetX_800MF": ([64, 128, 288, 672], [1, 3, 7, 5]),
    "RegNetX_4GF": ([80, 240, 560, 1360], [2, 5, 14, 2]),
    "RegNetY_400MF": ([48, 104, 208, 440], [1, 3, 6, 6]),
    "RegNetY_800MF": ([64, 128, 320, 768], [1, 3, 8, 2]),
    "RegNetY_4GF": ([128, 192, 512, 1088], [2, 6, 12, 2]),
}


def test_every_variant_has_a_published_count():
    assert PUBLISHED.keys() == VARIANTS.keys()


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_network_has_as_many_parameters_as_published(name: str):
    def build() -> keras.Model:
        pixels = keras.Input((224, 224, 3))
        features = VARIANTS[name].build(name, pixels)
        return keras.Model(pixels, layers.Dense(1000)(layers.GlobalAveragePooling2D()(features)))

    assert count_parameters(build) / 1e6 == pytest.approx(PUBLISHED[name], rel=0.002)


@pytest.mark.parametrize("name", FEATURES)
def test_a_network_takes_images_of_any_size(name: str):
    assert feature_shape(lambda pixels: VARIANTS[name].build(name, pixels)) == FEATURES[name]


def test_the_features_of_a_regnet_are_numbers():
    # test_backbones.py lets one of each other family take a step
    keras.utils.set_random_seed(0)
    pixels = keras.Input((None, None, 1))
    network = keras.Model(pixels, regnet.build("RegNetY_400MF", pixels))
    features = ops.convert_to_numpy(network(np.random.default_rng(0).uniform(-1, 1, (1, 32, 64, 1))))
    assert np.isfinite(features).all()
    assert features.std() > 0


@pytest.mark.parametrize("name", STAGES)
def test_a_regnet_has_the_papers_widths_and_depths(name: str):
    line = regnet.VARIANTS[name]
    widths, depths, groups = zip(*line.stages(), strict=True)
    assert (list(widths), list(depths)) == STAGES[name]
    assert all(width == count * line.group_width for width, count in zip(widths, groups, strict=True))


def test_no_group_is_wider_than_its_stage():
    line = regnet.Line(slope=24, initial_width=24, multiplier=2.5, depth=4, group_width=40, squeezes=False)
    assert line.block_widths() == [24, 64, 64, 152]
    assert line.stages() == [(24, 1, 1), (80, 2, 2), (160, 1, 4)]


def test_a_shuffle_interleaves_the_channels():
    channels = np.arange(12, dtype=np.float32).reshape(1, 1, 2, 6)
    assert ops.convert_to_numpy(shufflenet.ChannelShuffle(2)(channels)).tolist() == [
        [[[0, 3, 1, 4, 2, 5], [6, 9, 7, 10, 8, 11]]]
    ]
    assert ops.convert_to_numpy(shufflenet.ChannelShuffle(3)(channels))[0, 0, 0].tolist() == [0, 2, 4, 1, 3, 5]


def test_the_halves_together_have_all_channels():
    channels = np.arange(6, dtype=np.float32).reshape(1, 1, 1, 6)
    halves = [ops.convert_to_numpy(shufflenet.ChannelHalf(half)(channels)).ravel().tolist() for half in (0, 1)]
    assert halves == [[0, 1, 2], [3, 4, 5]]
