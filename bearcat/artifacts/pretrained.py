"""The weights that a training starts from: a file in a work's `weight` folder, or the base. Free of TensorFlow."""

import hashlib
from pathlib import Path

from bearcat.artifacts.card import KERAS_SUFFIX, Card, read_card
from bearcat.core.errors import ArtifactError
from bearcat.core.settings_file import AUTO
from bearcat.modes import MODES, Task, choose_backbone

BASE = "base"  # what WEIGHTS calls the toolkit's own recogniser
BASE_FOLDER = Path(__file__).parent / "pretrained"
WEIGHT_SUFFIXES = (KERAS_SUFFIX, ".h5")


def find_weight_file(folder: Path) -> Path | None:
    """Return the file of starting weights in a work's `weight` folder; raise ArtifactError where there are several."""
    found = folder.glob("*") if folder.is_dir() else ()
    # a hidden one is what a kill left half written
    files = sorted(path for path in found if path.suffix in WEIGHT_SUFFIXES and not path.name.startswith("."))
    if len(files) > 1:
        raise ArtifactError(f"{folder} holds {len(files)} files of weights: leave the one to start from")
    return files[0] if files else None


def starting_file(folder: Path, weights: str | None, backbone: str, unit: str) -> Path | None:
    """Return the file that a training starts from: a person's own, the base if `weights` asks for it, or None."""
    return find_weight_file(folder) or (base_file(backbone, unit) if weights == BASE else None)


def backbone_to_train(card: Card, on_gpu: bool, folder: Path, weights: str | None) -> str:
    """Return what a card's backbone comes to: 'auto' is the network of the weights that a training starts from.

    These are a unit in the work's `weight` folder, else the base; the networks that 'auto' takes on a GPU otherwise
    have no base, and few labels would teach them nothing. An .h5 file does not say which network it is of.
    """
    if card.backbone != AUTO:
        return card.backbone
    own, light = find_weight_file(folder), choose_backbone(AUTO, card.mode, on_gpu=False)
    if own and own.suffix == KERAS_SUFFIX:
        begun = read_card(own)[0]
        if begun.mode == card.mode or begun.backbone in (MODES[card.mode].auto_backbones or ()):
            return begun.backbone
    from_base = not own and weights == BASE and base_file(light, MODES[card.mode].task)
    return light if from_base else choose_backbone(AUTO, card.mode, on_gpu)


def base_file(backbone: str, unit: str) -> Path | None:
    """Return the base recogniser with a backbone, for modes whose symbols are characters; None where there is none."""
    path = BASE_FOLDER / f"{backbone}.keras"
    return path if unit == Task.TEXT and path.is_file() else None


def origin_of(weight_file: Path) -> str:
    """Return which base weights come from in the end: its fingerprint; empty where they come from none."""
    if weight_file.parent == BASE_FOLDER:
        return fingerprint_of(weight_file)
    if weight_file.suffix != KERAS_SUFFIX:
        return ""
    payload = read_card(weight_file)[1]  # a trained unit's own, or a checkpoint's
    return payload.get("origin") or payload.get("recipe", {}).get("origin", "")


def base_with(fingerprint: str) -> Path | None:
    """Return the base recogniser of a fingerprint; None where it is none of those that are here now."""
    return next((path for path in BASE_FOLDER.glob(f"*{KERAS_SUFFIX}") if fingerprint_of(path) == fingerprint), None)


def fingerprint_of(path: Path) -> str:
    """Return the beginning of the SHA-256 of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
