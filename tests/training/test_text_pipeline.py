"""Batches for self-training: what they consist of, in which order, and how it is augmented."""

import numpy as np
import pytest
import tensorflow as tf

from bearcat.training.text_pipeline import mixed_batches

LABELLED, OTHERS, SIZE = 2, 3, (8, 16, 1)


def batches(count: int, first: float, target: int) -> tf.data.Dataset:
    """Endless equal batches of images with a step in the middle, so that each shift shows."""
    images = np.full((count, *SIZE), first, np.float32)
    images[:, :, 8:] = 255
    return tf.data.Dataset.from_tensors((images, np.full((count, 4), target, np.int32))).repeat()


def first_batch(strength) -> tuple[np.ndarray, np.ndarray]:
    tf.random.set_seed(0)
    mixed = mixed_batches(batches(LABELLED, 10, 1), batches(OTHERS, 90, 0), strength)
    return next(mixed.as_numpy_iterator())


def test_a_batch_has_images_with_labels_then_two_copies_of_those_without():
    images, targets = first_batch(None)
    assert images.shape == (LABELLED + 2 * OTHERS, *SIZE)
    np.testing.assert_array_equal(images[:, 0, 0, 0], [10] * LABELLED + [90] * 2 * OTHERS)
    np.testing.assert_array_equal(targets[:, 0], [1] * LABELLED + [0] * 2 * OTHERS)


@pytest.mark.parametrize("strength", [0.0, 1.0])
def test_only_the_strength_of_the_first_copy_is_given(strength: float):
    images, _ = first_batch(lambda number: strength)
    labelled, seen, taught = np.split(images, [LABELLED, LABELLED + OTHERS])
    original = batches(OTHERS, 90, 0).as_numpy_iterator().next()[0]
    np.testing.assert_array_equal(labelled[:, 0, 0, 0], 10)  # these are augmented before
    assert np.allclose(seen, original) == (strength == 0)
    assert not np.allclose(taught, original)
    assert np.abs(taught - original).mean() < 30
