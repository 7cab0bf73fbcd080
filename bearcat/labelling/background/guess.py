"""The process that makes a model of the pretrained weights, for `python -m`.

Usage: python -m bearcat.labelling.background.guess CARD FILE BUILD
"""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

from bearcat.artifacts.card import Card
from bearcat.core.devices import start_tensorflow
from bearcat.labelling.background.child import end_with_parent
from bearcat.training.config import TrainingConfig


def main() -> None:
    """Writes the model that the command line describes: its card as JSON, the file, the import path of the builder."""
    end_with_parent()
    card, file, build = sys.argv[1:]
    write_guesser(Card.from_json(card, Path(file)), Path(file), build)


def write_guesser(card: Card, file: Path, build: str) -> None:
    """Writes the model that a card describes, built by the function with this import path."""
    device = start_tensorflow(use_gpu=False)
    from bearcat.artifacts.export.pretrained import export_pretrained  # imports Keras

    build_for = import_named(build)
    export_pretrained(card, file, lambda card: build_for(card, TrainingConfig(), device)[0])


def import_named(path: str) -> Callable:
    """Imports a function or a class by its import path, such as models.build_for."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


if __name__ == "__main__":
    main()
