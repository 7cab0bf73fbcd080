"""The process that makes a model of the pretrained weights, for `python -m`; nothing but this imports Keras.

Usage: python -m bearcat.labelling.background.guess CARD FILE BUILD
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from bearcat.artifacts.card import Card
from bearcat.artifacts.pretrained import pretrained_file
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import ArtifactError
from bearcat.core.files import atomic_write
from bearcat.labelling.background.child import end_with_page
from bearcat.modes import MODES
from bearcat.training.config import TrainingConfig


def main() -> None:
    """Writes the model that the command line describes: its card as JSON, the file, the import path of the builder."""
    end_with_page()
    card, file, build = sys.argv[1:]
    module, _, name = build.rpartition(".")
    device = start_tensorflow(use_gpu=False)
    export_pretrained(
        Card.from_json(card, Path(file)),
        Path(file),
        lambda card: getattr(importlib.import_module(module), name)(card, TrainingConfig(), device)[0],
    )


def export_pretrained(card: Card, file: Path, build: Callable) -> None:
    """Writes an ONNX file of the pretrained weights.

    Args:
        card: The network, whose input fits the images.
        file: The ONNX file.
        build: Builds the Keras model that a card describes.
    """
    from bearcat.artifacts.export.graph_rewrites import simplify_graph
    from bearcat.artifacts.export.publish import export_network, write_onnx
    from bearcat.artifacts.keras_files import to_float32
    from bearcat.artifacts.weight_transfer import transfer_weights

    weights = pretrained_file(card.backbone, MODES[card.mode].task)
    if weights is None:
        raise ArtifactError(f"there are no pretrained weights of {card.backbone} for MODE = {card.mode!r}")
    model = build(card)
    transfer_weights(model, card.vocabulary, weights)
    with atomic_write(file) as part:
        write_onnx(simplify_graph(export_network(to_float32(model), card)), card, part)


if __name__ == "__main__":
    main()
