"""Initial weights: a file in a work's `weight` folder, or the pretrained weights. Does not import TensorFlow."""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from types import SimpleNamespace

from bearcat.artifacts.card import IMAGENET, KERAS_SUFFIX, Card, read_card
from bearcat.core.errors import ArtifactError
from bearcat.core.settings_file import AUTO
from bearcat.data.images import ImageKinds, InputSpec
from bearcat.modes import MODES, Task, choose_backbone
from bearcat.networks.registry import IMAGENET_BACKBONE

PRETRAINED = "pretrained"  # the value of WEIGHTS that asks for them
PRETRAINED_FOLDER = Path(__file__).parent / "pretrained"
WEIGHT_SUFFIXES = (KERAS_SUFFIX, ".h5")
# of a network with the pretrained weights as they are: the best of the modes if no length is known
UNTRAINED_MODE, UNTRAINED_BACKBONE = "CTC", "light"
LARGEST_SIDE = 2048  # pixels, of its input


def find_weight_file(folder: Path) -> Path | None:
    """Finds the file in a work's `weight` folder; None if there is none.

    Raises:
        ArtifactError: There are several.
    """
    found = folder.glob("*") if folder.is_dir() else ()
    # a kill may leave a hidden file, which is incomplete
    files = sorted(path for path in found if path.suffix in WEIGHT_SUFFIXES and not path.name.startswith("."))
    if len(files) > 1:
        raise ArtifactError(f"{folder} holds {len(files)} files of weights: keep only the one to start from")
    return files[0] if files else None


def initial_weights_file(folder: Path, weights: str | None, backbone: str, task: Task) -> Path | None:
    """The file that a training starts from: one in `folder`, else the pretrained weights if `weights` asks for them.

    Args:
        folder: The work's `weight` folder.
        weights: The value of WEIGHTS.
        backbone: The backbone to train.
        task: What the mode predicts.
    """
    return find_weight_file(folder) or (pretrained_file(backbone, task) if weights == PRETRAINED else None)


def resolve_backbone(card: Card, on_gpu: bool, folder: Path, weights: str | None) -> str:
    """The backbone to train: 'auto' becomes that of the initial weights, else the device's default.

    The default on a GPU has no pretrained weights and learns nothing from a few labels, so that pretrained weights
    decide even there. An .h5 file does not say which network it belongs to, and ImageNet weights exist for many.

    Args:
        card: Describes the network; its backbone may be 'auto'.
        on_gpu: Whether the network is trained on a GPU.
        folder: The work's `weight` folder.
        weights: The value of WEIGHTS.
    """
    if card.backbone != AUTO:
        return card.backbone
    own, light = find_weight_file(folder), choose_backbone(AUTO, card.mode, on_gpu=False)
    if own and own.suffix == KERAS_SUFFIX:
        initial = read_card(own)[0]
        if initial.mode == card.mode or initial.backbone in (MODES[card.mode].auto_backbones or ()):
            return initial.backbone
    if not own and weights == IMAGENET:
        return IMAGENET_BACKBONE
    is_pretrained = not own and weights == PRETRAINED and pretrained_file(light, MODES[card.mode].task)
    return light if is_pretrained else choose_backbone(AUTO, card.mode, on_gpu)


def resolve_preprocessing(backbone: str, folder: Path, weights: str | None) -> str:
    """How the network has to scale pixels for its initial weights; see `Card.preprocessing`.

    Args:
        backbone: The backbone to train.
        folder: The work's `weight` folder.
        weights: The value of WEIGHTS.
    """
    own = find_weight_file(folder)
    if own is None:
        return IMAGENET if weights == IMAGENET else ""
    initial = read_card(own)[0] if own.suffix == KERAS_SUFFIX else None
    return initial.preprocessing if initial and initial.backbone == backbone else ""


def pretrained_file(backbone: str, task: Task) -> Path | None:
    """The pretrained weights of a backbone, which exist for modes that read text; None if there are none."""
    path = PRETRAINED_FOLDER / f"{backbone}.keras"
    return path if task is Task.TEXT and path.is_file() else None


def pretrained_characters(among: Collection[str] | None = None) -> tuple[str, ...]:
    """The characters of the pretrained weights that are in `among`; by default those of Latin captchas.

    The weights know other scripts too, which they would predict in any image, and Cyrillic letters that look Latin.
    """
    weights = pretrained_file(UNTRAINED_BACKBONE, Task.TEXT)
    known = read_card(weights)[0].characters if weights else ()
    if among is None:
        return tuple(character for character in known if character.isascii() or not character.isalnum())
    return tuple(character for character in known if character in among)


def pretrained_card(name: str, images: Sequence[Path], characters: Sequence[str], settings: SimpleNamespace) -> Card:
    """Describes a network for the pretrained weights as they are, with an input as high and wide as images.

    Grey, since the weights were made for grey images and only labels tell what else suits colour.

    Args:
        name: The name of the model.
        images: The images to predict.
        characters: What it can predict, of `pretrained_characters`.
        settings: The settings of the work.
    """
    sizes = ImageKinds.of_files(images).sizes or ((1, 1),)
    width, height = (min(LARGEST_SIDE, max(sides)) for sides in zip(*sizes, strict=True))
    spec = InputSpec(height, width, 1, settings.FRAMES, settings.LAYOUT)
    return Card(name, UNTRAINED_MODE, UNTRAINED_BACKBONE, tuple(characters), spec, settings.CAPTCHA_LENGTH)


def origin_of(weight_file: Path) -> str:
    """Fingerprint of the pretrained weights that a file goes back to, over any number of trainings; '' for none."""
    if weight_file.parent == PRETRAINED_FOLDER:
        return fingerprint(weight_file)
    if weight_file.suffix != KERAS_SUFFIX:
        return ""
    payload = read_card(weight_file)[1]
    # saved models keep it beside the card, checkpoints in the training configuration
    return payload.get("origin") or payload.get("recipe", {}).get("origin", "")


def find_pretrained(origin: str) -> Path | None:
    """The pretrained weights with this fingerprint; None if they are not among the current ones."""
    return next((path for path in PRETRAINED_FOLDER.glob(f"*{KERAS_SUFFIX}") if fingerprint(path) == origin), None)


def knows_nearly_all(weight_file: Path, characters: Collection[str]) -> bool:
    """Whether a .keras file of weights knows nine of ten characters or more, letters in either case."""
    known = set(read_card(weight_file)[0].characters)
    return 10 * sum(bool(known & {one, one.swapcase()}) for one in characters) >= 9 * len(characters)


def fingerprint(path: Path) -> str:
    """The first 16 hexadecimal digits of a file's SHA-256."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
