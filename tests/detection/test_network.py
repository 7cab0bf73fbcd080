"""Detection in Keras: the published sizes, the loss by hand, augmentation that keeps boxes on their objects."""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from bearcat.artifacts.card import Card
from bearcat.artifacts.keras_files import load_model
from bearcat.data.box_labels import BoxLabels
from bearcat.data.images import InputSpec, extract_pixels
from bearcat.data.labels import LabelledImage
from bearcat.detection import augmentation as augment
from bearcat.detection.boxes import encode_boxes, make_anchors
from bearcat.detection.configs import DETECTORS, LIGHT_PHI, Variant, detector_name
from bearcat.detection.losses import NOTHING, DetectionLoss, assign_anchors, diou_loss, focal_loss
from bearcat.detection.metrics import AllFound
from bearcat.detection.network import FastFusion, build_detector
from bearcat.training.box_pipeline import encode_objects, images_of, training_batches, validation_batches
from bearcat.training.config import Recipe
from models import build_model

LIGHT = detector_name(LIGHT_PHI)
SIDE = 64
CARD = Card("c", "EFFICIENTDET", LIGHT, ("a", "b"), SIDE, SIDE, 1, 8)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


# Tan, Pang, Le 2020, table 2: 3.9 M and 6.6 M parameters, for the 90 classes of COCO
@pytest.mark.parametrize(("detector", "side", "published"), [("D0", 512, 3.9e6), ("D1", 640, 6.6e6)])
def test_an_efficientdet_has_the_published_number_of_parameters(detector: str, side: int, published: float):
    variant, pixels = DETECTORS[f"EfficientDet_{detector}"], keras.Input((side, side, 3))
    model = keras.Model(pixels, build_detector(pixels, variant, 90))
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == pytest.approx(published, rel=0.02)
    assert model.output_shape == (None, len(make_anchors(variant, side, side)), 94)


@pytest.mark.parametrize("phi", range(8))
def test_every_phi_builds_with_its_own_fusion(phi: int):
    variant = DETECTORS[detector_name(phi)]
    assert variant.weighted == (phi < 6)
    thin = Variant(**vars(variant) | {"backbone": "plain", "filters": 8, "cells": 1, "depth": 1})
    pixels = keras.Input((128, 256, 1))
    model = keras.Model(pixels, build_detector(pixels, thin, 2))
    assert model.output_shape[1:] == (len(make_anchors(variant, 128, 256)), 6)
    assert any(isinstance(layer, FastFusion) for layer in model.layers) == variant.weighted


def test_fast_fusion_adds_by_shares_that_sum_to_one_and_never_turn_negative():
    fusion, maps = FastFusion(), [np.full((1, 2, 2, 1), value, np.float32) for value in (1.0, 4.0)]
    np.testing.assert_allclose(fusion(maps), np.full((1, 2, 2, 1), 2.5), rtol=1e-4)
    fusion.shares.assign([-1.0, 2.0])
    np.testing.assert_allclose(fusion(maps), np.full((1, 2, 2, 1), 4.0), rtol=1e-4)


def test_an_anchor_is_positive_negative_or_neither_by_its_overlap():
    anchors = np.array([[0, 0, 10, 10], [0, 0, 10, 20], [0, 0, 10, 22.3], [0, 50, 10, 60], [100, 100, 110, 110]], "f")
    objects = np.array([[[1, 0, 0, 10, 10], [0, 8, 48, 18, 58], [NOTHING] * 5]], np.float32)
    matched, positive, negative = map(np.array, assign_anchors(objects, anchors))
    assert positive[0].tolist() == [
        True,
        True,
        False,
        True,
        False,
    ]  # the fourth is nearest to an object it hardly meets
    assert negative[0].tolist() == [False, False, False, False, True]  # the third overlaps by 0.45
    assert matched[0, [0, 1, 3]].tolist() == [0, 0, 1]


def test_a_image_without_objects_has_negative_anchors_only():
    _, positive, negative = map(
        np.array, assign_anchors(np.full((1, 2, 5), NOTHING, "f"), np.array([[0, 0, 8, 8]], "f"))
    )
    assert not positive.any()
    assert negative.all()


def test_focal_loss_is_that_of_its_equation():
    logits, targets = np.array([0.0, 2.0, -1.0], np.float32), np.array([1.0, 0.0, 1.0], np.float32)
    p = 1 / (1 + np.exp(-logits.astype(float)))
    expected = [
        -0.25 * (1 - p[0]) ** 2 * np.log(p[0]),
        -0.75 * p[1] ** 2 * np.log(1 - p[1]),
        -0.25 * (1 - p[2]) ** 2 * np.log(p[2]),
    ]
    np.testing.assert_allclose(focal_loss(logits, targets), expected, rtol=1e-5)


def test_diou_loss_of_known_boxes():
    box = np.array([0, 0, 10, 10], np.float32)
    assert float(diou_loss(box, box)) == pytest.approx(0, abs=1e-6)
    beside = np.array([0, 10, 10, 20], np.float32)
    # no overlap; centres 10 apart, the diagonal around both √(10² + 20²)
    assert float(diou_loss(box, beside)) == pytest.approx(1 + 100 / 500, rel=1e-6)


def answer(objects: np.ndarray, sureness: float, classes: int = 2) -> np.ndarray:
    """Return the output that finds these objects (M, 5) by their nearest anchors, sure to a degree (a logit)."""
    anchors = make_anchors(DETECTORS[LIGHT], SIDE, SIDE)
    output = np.full((1, len(anchors), 4 + classes), -8.0, np.float32)
    output[..., :4] = 0
    matched, positive, _ = map(np.array, assign_anchors(objects[None], anchors))
    for number in np.flatnonzero(positive[0]):
        own = objects[matched[0, number]]
        output[0, number, :4] = encode_boxes(own[1:], anchors[number])
        output[0, number, 4 + int(own[0])] = sureness
    return output


OBJECTS = np.array([[0, 4, 4, 28, 30], [1, 30, 20, 60, 50], [NOTHING] * 5], np.float32)


def test_the_loss_of_the_right_answer_is_next_to_nothing_and_any_other_is_worse():
    loss = DetectionLoss(LIGHT, SIDE, SIDE)
    right, doubtful = answer(OBJECTS, 8.0), answer(OBJECTS, 0.0)
    shifted = right.copy()
    shifted[..., 0] += 0.3
    values = [float(loss(OBJECTS[None], output)) for output in (right, doubtful, shifted)]
    assert values[0] < 1e-3
    assert values[1] > values[0] + 0.01
    assert values[2] > values[0] + 0.1


def test_the_metric_counts_images_with_all_objects_and_no_other():
    metric = AllFound(LIGHT, SIDE, SIDE)
    right = answer(OBJECTS, 3.0)

    def rate(output: np.ndarray) -> float:
        metric.reset_state()
        metric.update_state(OBJECTS[None], output)
        return float(metric.result())

    assert rate(right) == 1
    assert rate(answer(OBJECTS, -3.0)) == 0  # not sure of any
    assert rate(answer(OBJECTS[:1], 3.0)) == 0  # one missed
    swapped = right.copy()
    swapped[..., [4, 5]] = swapped[..., [5, 4]]
    assert rate(swapped) == 0  # other classes
    extra = right.copy()
    extra[0, -1, 4] = 3.0
    extra[0, -1, :4] = 0
    corner = make_anchors(DETECTORS[LIGHT], SIDE, SIDE)[-1]
    assert not any(np.all(corner == box) for box in OBJECTS[:, 1:])
    assert rate(extra) == 0  # one too many


def square_image(top: int, left: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a white image with one black square of 16 pixels, and its object."""
    image = np.full((1, SIDE, SIDE, 1), 255.0, np.float32)
    image[0, top : top + 16, left : left + 16] = 0
    objects = np.array([[[1, top, left, top + 16, left + 16], [NOTHING] * 5]], np.float32)
    return tf.constant(image), tf.constant(objects)


def ink_box(image: np.ndarray) -> np.ndarray:
    """Return the box of what is dark, to about a pixel."""
    rows, columns = np.where(image[..., 0] < (image.min() + image.max()) / 2)
    return np.array([rows.min(), columns.min(), rows.max() + 1, columns.max() + 1], float)


def test_boxes_stay_on_their_objects_through_every_change():
    seen = set()
    for _ in range(40):
        image, objects = augment.change(*square_image(24, 20))
        row = objects.numpy()[0, 0]
        assert row[0] == 1  # in the middle: never lost
        np.testing.assert_allclose(ink_box(image.numpy()[0]), row[1:], atol=1.1)
        assert (objects.numpy()[0, 1] == NOTHING).all()
        seen.add(round(float(row[3] - row[1])))
    assert len(seen) > 5  # sizes really change


def test_an_object_of_which_too_little_is_left_is_dropped():
    _, objects = square_image(24, 20)
    boxes = tf.constant([[[-12.0, 0, 4, 16], [0, 0, 0, 0]]])
    assert augment.clip_objects(objects, boxes, SIDE, SIDE).numpy()[0, 0, 0] == NOTHING
    boxes = tf.constant([[[-4.0, 0, 12, 16], [0, 0, 0, 0]]])
    assert augment.clip_objects(objects, boxes, SIDE, SIDE).numpy()[0, 0].tolist() == [1, 0, 0, 12, 16]


def test_a_mosaic_holds_four_images_and_their_boxes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(augment, "MOSAIC_SHARE", 1.0)
    pairs = [square_image(8 * n, 4 + 8 * n) for n in range(4)]
    images, objects = (tf.concat(parts, axis=0) for parts in zip(*pairs, strict=True))
    image, boxes = (value.numpy()[0] for value in augment.mosaic(images, objects))
    found = boxes[boxes[:, 0] > NOTHING, 1:]
    assert len(found) == 4
    for top, left, bottom, right in found.astype(int):
        assert (bottom - top, right - left) == (8, 8)
        assert image[top + 1 : bottom - 1, left + 1 : right - 1].max() < 128
    assert (image < 128).sum() == pytest.approx(4 * 64, rel=0.2)


def test_a_batch_without_mosaic_has_the_same_shape(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(augment, "MOSAIC_SHARE", 0.0)
    image, objects = square_image(24, 20)
    same, more = augment.mosaic(image, objects)
    np.testing.assert_array_equal(same, image)
    assert more.shape == (1, 8, 5)
    assert (more.numpy()[0, 2:] == NOTHING).all()


def labelled(tmp_path: Path) -> list[LabelledImage]:
    """Write two images of 100 × 50 with a square each, and return them with their boxes."""
    items = []
    for number, left in enumerate((10, 60)):
        pixels = np.full((50, 100), 255, np.uint8)
        pixels[10:30, left : left + 20] = 0
        path = tmp_path / f"{number}.png"
        Image.fromarray(pixels).save(path)
        box = np.array([[left, 10, left + 20, 30]], np.float32)
        items.append(LabelledImage(path, BoxLabels(100, 50, ("ab"[number],), box)))
    return items


def test_batches_hold_images_and_boxes_as_the_network_sees_them(tmp_path: Path):
    data, spec = labelled(tmp_path), InputSpec(SIDE, SIDE, 1)
    singles = images_of(data, CARD.characters, spec, extract_pixels)
    ((images, objects),) = validation_batches(singles, 4)
    assert images.shape == (2, SIDE, SIDE, 1)
    for number, image in enumerate(images.numpy()):
        assert objects.numpy()[number, 0, 0] == number
        np.testing.assert_allclose(ink_box(image), objects.numpy()[number, 0, 1:], atol=1.0)
    images, objects = next(iter(training_batches(singles, 2, 4, 0, True, True)))
    assert (images.shape, objects.shape) == ((4, SIDE, SIDE, 1), (4, 4, 5))


def test_targets_are_padded_with_nothing(tmp_path: Path):
    objects = encode_objects(labelled(tmp_path)[1], CARD.characters, InputSpec(50, 100, 1), 3)
    assert objects[0].tolist() == [1, 10, 60, 30, 80]
    assert (objects[1:] == NOTHING).all()


def batch() -> tuple[np.ndarray, np.ndarray]:
    """Return two images of noise with the same objects."""
    images = np.random.default_rng(0).uniform(0, 255, (2, SIDE, SIDE, 1)).astype(np.float32)
    return images, np.tile(OBJECTS[None], (2, 1, 1))


def test_training_lowers_the_loss_and_the_saved_model_computes_the_same(tmp_path: Path):
    model, (images, targets) = build_model(CARD, Recipe(lr=1e-3)), batch()
    first = model.train_on_batch(images, targets)
    later = [model.train_on_batch(images, targets)[0] for _ in range(6)]
    assert min(later) < first[0]
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras", compile=True)
    np.testing.assert_allclose(again.predict_on_batch(images), model.predict_on_batch(images), atol=1e-4)
    assert again.loss.get_config() == model.loss.get_config()


@pytest.mark.parametrize("backbone", ["plain", "EfficientNet_b0"])
def test_a_step_reaches_all_weights_of_d0(backbone: str, monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config):
    if backbone != "plain" and not pytestconfig.getoption("--all-backbones"):
        pytest.skip("its own backbone takes half a minute: make test-backbones")
    thin = replace(DETECTORS["EfficientDet_D0"], backbone=backbone, cells=1, depth=1)
    monkeypatch.setitem(DETECTORS, "EfficientDet_D0", thin)
    model = build_model(replace(CARD, backbone="EfficientDet_D0", height=128, width=128), Recipe(lr=1e-3))
    before = [np.array(weight) for weight in model.trainable_weights]
    images, targets = batch()
    loss, _ = model.train_on_batch(np.pad(images, ((0, 0), (0, SIDE), (0, SIDE), (0, 0))), targets)
    assert np.isfinite(loss)
    changed = [not np.array_equal(old, new) for old, new in zip(before, model.trainable_weights, strict=True)]
    assert np.mean(changed) > 0.95
