"""A cache folder of Keras with weights as keras.applications publishes them, and an internet that is not there."""

import os
from pathlib import Path

import keras
import numpy as np

# the smallest network whose file Keras checks by no hash, which only the published file has
BACKBONE, FILE_NAME = "MobileNetV1", "mobilenet_1_0_224_tf_no_top.h5"
UNREACHABLE = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}  # nobody listens there


def write_published(cache: Path, class_name: str = "MobileNet", file_name: str = FILE_NAME) -> keras.Model:
    """Writes random weights of a network of keras.applications to a cache folder, under the name of the published."""
    keras.utils.set_random_seed(3)
    network = getattr(keras.applications, class_name)(include_top=False, weights=None, input_shape=(224, 224, 3))
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            for variable in layer.non_trainable_variables:
                variable.assign(np.random.default_rng(variable.shape[0]).uniform(0.5, 1.5, variable.shape))
        if isinstance(layer, keras.layers.Normalization):
            published = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225), 0)  # mean, variance, count
            layer.set_weights([np.array(values) for values in published])
    (cache / "models").mkdir(parents=True, exist_ok=True)
    network.save(cache / "models" / file_name)
    return network


def offline_environment(cache: Path) -> dict[str, str]:
    """Returns the environment of a script that has a cache folder and no internet."""
    return {**os.environ, **UNREACHABLE, "HTTPS_PROXY": UNREACHABLE["https_proxy"], "KERAS_HOME": str(cache)}
