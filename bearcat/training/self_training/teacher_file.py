"""The teacher of the second round: made from the best checkpoint of the first, and kept beside the checkpoints."""

from pathlib import Path

import keras
import numpy as np

from bearcat.artifacts.card import Card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.artifacts.keras_files import load_evaluated, load_model
from bearcat.artifacts.pretrained import find_pretrained, origin_of
from bearcat.artifacts.weight_interpolation import find_correct, interpolate_weights
from bearcat.core.files import atomic_write

FILE_NAME = "teacher.keras"


def make_teacher(folder: Path, card: Card, pixels: np.ndarray, labels: list[str]) -> keras.Model:
    """Makes the teacher from the best checkpoint of a folder and writes it there.

    Args:
        folder: The checkpoint folder.
        card: The network.
        pixels: Labelled images uint8 (n, H, W, C), none of whose correct predictions interpolation may cost.
        labels: Their labels.

    Raises:
        CheckpointError: There is no checkpoint.
    """
    best = best_checkpoint(folder).path
    model, pretrained = load_evaluated(best), find_pretrained(origin_of(best))
    if pretrained:
        interpolate_weights(model, card, pretrained, lambda: find_correct(model, card, pixels, labels))
    with atomic_write(folder / FILE_NAME) as part:
        model.save(part)
    return model


def load_teacher(folder: Path) -> keras.Model | None:
    """Loads the teacher of an interrupted second round; None if its file is gone.

    Raises:
        ArtifactError: The file is damaged.
    """
    path = folder / FILE_NAME
    return load_model(path) if path.is_file() else None
