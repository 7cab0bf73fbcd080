"""The weights that a training starts from: loaded into a new network, and what is chosen by the labelled images."""

from collections.abc import Collection
from pathlib import Path

from bearcat.artifacts.card import Card
from bearcat.artifacts.pretrained import PRETRAINED_FOLDER
from bearcat.core.progress import write_line
from bearcat.modes import MODES, Task
from bearcat.training.sources import TrainingSource

START_IMAGES = 256  # on which the initial weights are measured


def read_imagenet(backbone: str) -> list:
    """Reads the ImageNet weights of a backbone, which are downloaded on first use."""
    from bearcat.artifacts.imagenet import models_folder, read_weights

    write_line(f"ImageNet weights of {backbone}: from {models_folder()}; Keras downloads them if they are not there")
    return read_weights(backbone)


def assign_imagenet(model, backbone: str, weights: list) -> None:
    """Assigns ImageNet weights to the backbone of a model."""
    from bearcat.artifacts.imagenet import assign_weights

    write_line(f"Starting weights from ImageNet: all {assign_weights(model, backbone, weights)} of {backbone} loaded")


def measure_start(model, card: Card, source: TrainingSource, weight_file: Path) -> float:
    """Returns the exact match of initial weights on labelled images that they were not trained on, 0 to 1.

    The pretrained weights were trained on none of them. Weights of an earlier training may have been trained on any
    but the validation images.
    """
    from bearcat.artifacts.weight_interpolation import find_correct

    split = "train" if weight_file.parent == PRETRAINED_FOLDER else "validation"
    return float(find_correct(model, card, *source.sample(START_IMAGES, split)).mean())


def load_starting_weights(model, card: Card, weight_file: Path) -> list[str]:
    """Loads the weights of a file that fit the model, and lists those that do not; returns the paths of the former."""
    from bearcat.artifacts.weight_transfer import start_new_symbols, transfer_weights

    taken, left = transfer_weights(model, card.vocabulary, weight_file)
    if MODES[card.mode].task is Task.TEXT:
        start_new_symbols(model, card.vocabulary, weight_file)
    write_line(f"Starting weights from {weight_file}: {len(taken)} of {len(taken) + len(left)} loaded")
    for name in left:
        write_line(f"  not loaded: {name}")
    return taken


def keep_averages(model, taken: Collection[str]) -> None:
    """Makes batch normalization use the averages of the starting weights, and leave them as they are.

    Those of a few augmented images say less about further images, and a network trained with them forgets more
    (measured in docs/benchmarks.md). Scales and offsets are trained.

    Args:
        model: The model, changed in place.
        taken: Paths of the weights that were loaded; layers whose averages are not among them learn their own.
    """
    from bearcat.networks.layers import FusedBatchNormalization
    from bearcat.training.sanity_check import leaf_layers

    for layer in leaf_layers(model):
        if isinstance(layer, FusedBatchNormalization):
            layer.keeps_averages = layer.moving_mean.path in taken


def choose_colour_mix(model, card: Card, source: TrainingSource) -> None:
    """Chooses the mix of colours from which a network for colour images starts if its weights were made for grey."""
    from bearcat.artifacts.colour_mix import DEFAULT, IMAGES, choose_mix
    from bearcat.artifacts.weight_transfer import takes_greyness

    if not takes_greyness(model):
        return
    chosen = choose_mix(model, card, *source.sample(IMAGES))
    if chosen and chosen.name != DEFAULT:
        write_line(
            f"The starting weights were made for grey images. They are applied to {chosen.name} instead of {DEFAULT}: "
            f"before training, the predictions for {chosen.images} training images are then {chosen.similarity:.0%} "
            f"similar to the labels, instead of {chosen.similarity_of_default:.0%}"
        )


def choose_case(model, card: Card, weight_file: Path, source: TrainingSource) -> None:
    """Chooses the case of the pretrained head from which each letter starts."""
    from bearcat.artifacts.letter_case import IMAGES, choose_letter_case

    has_letters = any(character != character.swapcase() for character in card.characters)
    if MODES[card.mode].task is not Task.TEXT or not has_letters:
        return
    chosen = choose_letter_case(model, card, weight_file, *source.sample(IMAGES))
    if chosen and not chosen.is_as_labelled:
        write_line(
            f"On {chosen.images} training images the starting weights predict letters better in another case than the "
            f"labels': {chosen.describe()}"
        )
