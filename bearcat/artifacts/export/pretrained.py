"""A served model of the pretrained weights as they are, without a training."""

from collections.abc import Callable
from pathlib import Path

from bearcat.artifacts.card import Card
from bearcat.artifacts.export.graph_rewrites import simplify_graph
from bearcat.artifacts.export.publish import export_network, write_onnx
from bearcat.artifacts.keras_files import to_float32
from bearcat.artifacts.pretrained import pretrained_file
from bearcat.artifacts.weight_transfer import transfer_weights
from bearcat.core.errors import ArtifactError
from bearcat.core.files import atomic_write
from bearcat.modes import MODES


def export_pretrained(card: Card, file: Path, build: Callable) -> None:
    """Writes an ONNX file of the pretrained weights.

    Args:
        card: The network, whose input fits the images; see `pretrained_card`.
        file: The ONNX file.
        build: Builds the Keras model that a card describes.
    """
    weights = pretrained_file(card.backbone, MODES[card.mode].task)
    if weights is None:
        raise ArtifactError(f"there are no pretrained weights of {card.backbone} for MODE = {card.mode!r}")
    model = build(card)
    transfer_weights(model, card.vocabulary, weights)
    with atomic_write(file) as part:
        write_onnx(simplify_graph(export_network(to_float32(model), card)), card, part)
