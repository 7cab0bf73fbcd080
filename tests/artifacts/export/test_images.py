"""The images for an export: damaged ones are skipped, and other data sets fill up what is missing."""

from pathlib import Path

import numpy as np
import pytest

from bearcat.artifacts.card import Card
from bearcat.artifacts.export import images as export_images
from bearcat.artifacts.export.images import IMAGES_COMPARED, load_export_images
from bearcat.core.errors import DataError
from bearcat.core.workspace import Work
from bearcat.data.images import InputSpec
from tests.helpers.faults import make_work
from utils import Image_Processing

CARD = Card("captcha", "CTC", "tiny", tuple("012"), InputSpec(16, 32, 1), 3)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work with 6 training, 2 validation and 2 test images."""
    return Work(make_work(tmp_path / "work"))


def test_validation_images_come_first_with_their_labels(work: Work):
    images = load_export_images(work, CARD, 0, Image_Processing, with_training=False)
    assert images.pixels.shape == (10, 16, 32, 1)
    assert images.pixels.dtype == np.uint8
    expected = {path.name: path for path in work.data_folder("validation").iterdir()}
    assert sorted(images.labels) == sorted(name.partition("_")[0] for name in expected)
    by_label = {
        path.name.partition("_")[0]: Image_Processing.extraction_image(path, CARD.spec) for path in expected.values()
    }
    for pixels, label in zip(images.pixels, images.labels, strict=False):
        assert np.array_equal(pixels, by_label[label])
    assert images.trained_on == []


def test_training_images_are_loaded_only_where_they_are_needed(work: Work):
    images = load_export_images(work, CARD, 0, Image_Processing, with_training=True)
    assert len(images.trained_on) == 6
    assert {label for _, label in images.trained_on} <= {f"{a}{b}" for a in range(3) for b in range(3)}


def test_detection_has_no_labels_to_calibrate_on(work: Work):
    card = Card("captcha", "EFFICIENTDET", "EfficientDet_D0", ("a",), InputSpec(16, 32, 1), 3)
    images = load_export_images(work, card, 0, Image_Processing, with_training=False)
    assert images.labels == []
    assert 0 < len(images.pixels) <= IMAGES_COMPARED


def test_the_memory_of_large_images_is_bounded(work: Work, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(export_images, "MAX_BYTES", 3 * 16 * 32)
    images = load_export_images(work, CARD, 0, Image_Processing, with_training=True)
    assert len(images.trained_on) == 3


def test_damaged_images_are_skipped_and_at_least_one_is_needed(work: Work):
    for split in ("train", "validation"):
        for path in work.data_folder(split).iterdir():
            path.write_bytes(b"")
    images = load_export_images(work, CARD, 0, Image_Processing, with_training=True)
    assert (len(images.pixels), images.labels, images.trained_on) == (2, [], [])
    for path in work.data_folder("test").iterdir():
        path.unlink()
    with pytest.raises(DataError, match="no image left to compare"):
        load_export_images(work, CARD, 0, Image_Processing, with_training=True)
