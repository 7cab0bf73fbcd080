"""Files that have the form of checkpoints: archives with a card, but without weights."""

import json
import zipfile
from pathlib import Path

from bearcat.artifacts.card import CARD_MEMBER, Card
from bearcat.artifacts.checkpoints import checkpoint_name
from bearcat.data.images import InputSpec
from tests.helpers.services import SIDE

CARD = Card("captcha", "ORDINARY", "light", ("a", "b"), InputSpec(SIDE, SIDE, 1), 1, {"val_exact": 0.9})
OLD, NEW, WORSE = (checkpoint_name(*figures) for figures in ((1, 1, 0.5, 0), (2, 0.9, 0.4, 0), (3, 0.9, 0.6, 0)))


def write_checkpoint(file: Path) -> Path:
    """Writes such a file and returns its path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(CARD_MEMBER, json.dumps({"card": CARD.to_dict()}))
    return file
