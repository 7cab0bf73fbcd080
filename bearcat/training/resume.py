"""Go on with a training that was stopped: from its newest whole checkpoint, with the optimizer's state."""

import math
from dataclasses import dataclass
from pathlib import Path

import keras
from tqdm import tqdm

from bearcat.artifacts.card import Card, read_card
from bearcat.artifacts.checkpoints import Checkpoint, list_checkpoints, newest_checkpoint
from bearcat.artifacts.keras_files import load_model
from bearcat.core.devices import set_precision
from bearcat.core.errors import CheckpointError
from bearcat.core.files import PART
from bearcat.core.settings_file import AUTO
from bearcat.networks.optimizers import value_of
from bearcat.training.distribution import SOLO, Team
from bearcat.training.schedules import scaled_rate

OF_RATE_OR_ORIGIN = ("lr", "fraction", "replicas", "origin")  # of a recipe: what may change half-way, or does not


@dataclass(frozen=True)
class Resumed:
    """What a checkpoint holds: the model with its optimizer, its card, its origin, and the history that led there."""

    model: keras.Model
    card: Card
    precision: str
    origin: str
    history: list[dict]
    checkpoint: Checkpoint


def load_newest(folder: Path, card: Card, recipe: dict, team: Team = SOLO) -> Resumed | None:
    """Return what the newest whole epoch left; None where there is none.

    The learning rate goes on as `next_rate` says.
    Broken files that are newer are set aside under another name. Raises CheckpointError where the checkpoint's
    network is not the one that the settings and the vocabulary ask for.
    """
    checkpoint = agree_on_newest(folder, team)
    if checkpoint is None:
        return None
    saved_card, payload = read_card(checkpoint.path)
    saved_recipe = payload.get("recipe", {})  # checkpoints of the first version have none
    differences = [*saved_card.differences(card), *recipe_differences(saved_recipe, recipe)]
    if differences:
        raise CheckpointError(
            f"{checkpoint.path} does not fit what the settings ask for now:\n  " + "\n  ".join(differences) + "\n"
            "Set it back to go on with the old training; or start anew: python init_working_space.py (keeps it),\n"
            "with what it has learnt so far: python init_working_space.py --go-on"
        )
    if team.replicas > 1 and saved_recipe["precision"] == "float16":
        raise CheckpointError(
            f"{checkpoint.path} was trained in float16, which several replicas cannot: go on with one, --set "
            "STRATEGY=single; or start from what it has learnt: python init_working_space.py --go-on"
        )
    set_precision(saved_recipe["precision"])  # Keras finds the optimizer's state under that policy alone
    with team.scope():
        model = load_model(checkpoint.path, compile=True)
    stood = value_of(model.optimizer.learning_rate)
    rate = next_rate(stood, saved_recipe, recipe)
    if not math.isclose(rate, stood, rel_tol=1e-6):
        model.optimizer.learning_rate = rate
        tqdm.write(f"The learning rate is set to {rate:.3g}")
    origin = saved_recipe.get("origin", "")
    return Resumed(model, saved_card, saved_recipe["precision"], origin, payload["history"], checkpoint)


def next_rate(stood: float, saved: dict, now: dict) -> float:
    """Return the learning rate to go on with: where it stood, scaled where the number of replicas is another one.

    Where LR is no longer what it was, it starts again from there.
    """
    if now["lr"] != saved["lr"]:
        return scaled_rate(now["lr"] * saved.get("fraction", 1.0), now["optimizer"], now["replicas"])
    after, before = (scaled_rate(1.0, now["optimizer"], recipe.get("replicas", 1)) for recipe in (now, saved))
    return stood * after / before


def agree_on_newest(folder: Path, team: Team) -> Checkpoint | None:
    """Return the newest whole checkpoint, the chief's for all workers; set aside what is broken.

    Raises CheckpointError where a worker does not see the chief's.
    """
    checkpoint = tidy_newest(folder) if team.worker.is_chief else None
    epoch = int(team.from_chief(checkpoint.epoch if checkpoint else 0))
    if not team.worker.is_chief:
        checkpoint = next((one for one in list_checkpoints(folder) if one.epoch == epoch), None)
    lacking = team.heard(float(epoch > 0 and checkpoint is None))
    if any(lacking):
        raise CheckpointError(
            f"worker {lacking.index(1)} finds no checkpoint of epoch {epoch} in {folder}, from which the chief goes "
            "on: let all workers have one work folder, on a disk that they share"
        )
    return checkpoint


def tidy_newest(folder: Path) -> Checkpoint | None:
    """Return the newest whole checkpoint; clear what a kill left, and set aside newer ones that are broken."""
    clear_parts(folder)
    checkpoint, broken = newest_checkpoint(folder)
    for path in broken:
        path.rename(path.with_name(f"broken-{path.name}"))
        tqdm.write(f"{path} is broken and set aside as broken-{path.name}")
    return checkpoint


def recipe_differences(saved: dict, now: dict) -> list[str]:
    """Say, one line each, what of a training cannot be changed half-way; learning rate and replicas can."""
    return [
        f"{name.upper()}: {saved.get(name)!r} there, {value!r} now"
        for name, value in now.items()
        if name not in OF_RATE_OR_ORIGIN and value not in (saved.get(name), AUTO)
    ]


def clear_parts(folder: Path) -> None:
    """Remove what a killed run had half written."""
    for path in folder.glob(f".*{PART}*"):
        path.unlink()
