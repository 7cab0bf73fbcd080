"""Resuming an interrupted training from its newest intact checkpoint, with the optimizer's state."""

import math
from dataclasses import dataclass
from pathlib import Path

import keras

from bearcat.artifacts.card import Card, read_card
from bearcat.artifacts.checkpoints import Checkpoint, list_checkpoints, newest_checkpoint
from bearcat.artifacts.keras_files import load_model
from bearcat.core.devices import set_precision
from bearcat.core.errors import CheckpointError
from bearcat.core.files import PART
from bearcat.core.progress import write_line
from bearcat.core.settings_file import AUTO
from bearcat.networks.optimizers import scalar_value
from bearcat.training.distribution import SINGLE_REPLICA, Replicas
from bearcat.training.schedules import scale_rate

CHANGEABLE = ("lr", "fraction", "replicas", "origin", "familiar")  # keys of a configuration that need not be equal


@dataclass(frozen=True)
class Resumed:
    """What a checkpoint holds.

    Args:
        model: The model with the optimizer's state.
        card: The checkpoint's card.
        precision: The precision it was trained in.
        origin: Fingerprint of the pretrained weights it started from; '' for none.
        is_familiar: Whether the weights it started from know nearly all characters.
        history: The rows of all epochs up to it.
        checkpoint: The file.
    """

    model: keras.Model
    card: Card
    precision: str
    origin: str
    is_familiar: bool
    history: list[dict]
    checkpoint: Checkpoint


def load_newest(folder: Path, card: Card, config: dict, replicas: Replicas = SINGLE_REPLICA) -> Resumed | None:
    """Loads the newest intact checkpoint and sets its learning rate by `next_rate`.

    Newer files that are broken are renamed to `broken-…`.

    Args:
        folder: The checkpoint folder.
        card: The network that settings and vocabulary ask for.
        config: The training configuration now, as checkpoints keep it.
        replicas: The replicas that train.

    Returns:
        The contents of the checkpoint; None if there is none.

    Raises:
        CheckpointError: The checkpoint is of another network or configuration.
    """
    checkpoint = agree_on_newest(folder, replicas)
    if checkpoint is None:
        return None
    saved_card, payload = read_card(checkpoint.path)
    saved_config = payload.get("recipe", {})  # missing in checkpoints of the first version
    differences = [*saved_card.differences(card), *config_differences(saved_config, config)]
    if differences:
        raise CheckpointError(
            f"{checkpoint.path} does not fit what the settings ask for now:\n  " + "\n  ".join(differences) + "\n"
            "Restore the old settings to resume that training; or start a new one (the old one is kept): "
            "python init_working_space.py\n"
            "or a new one from the weights learnt so far: python init_working_space.py --go-on"
        )
    if replicas.count > 1 and saved_config["precision"] == "float16":
        raise CheckpointError(
            f"{checkpoint.path} was trained in float16, which several replicas cannot do: resume with one replica, "
            "--set STRATEGY=single; or start from its weights: python init_working_space.py --go-on"
        )
    set_precision(saved_config["precision"])  # Keras finds the optimizer's state only under that policy
    with replicas.scope():
        model = load_model(checkpoint.path, compile=True)
    saved_rate = scalar_value(model.optimizer.learning_rate)
    rate = next_rate(saved_rate, saved_config, config)
    if not math.isclose(rate, saved_rate, rel_tol=1e-6):
        model.optimizer.learning_rate = rate
        write_line(f"The learning rate is set to {rate:.3g}")
    start = saved_config.get("origin", ""), saved_config.get("familiar", False)
    return Resumed(model, saved_card, saved_config["precision"], *start, payload["history"], checkpoint)


def next_rate(rate: float, saved: dict, now: dict) -> float:
    """Learning rate to resume with: the checkpoint's, scaled if the number of replicas changed.

    If LR changed, the rate starts again from the new LR.

    Args:
        rate: The learning rate of the checkpoint.
        saved: The configuration of the checkpoint.
        now: The configuration now.
    """
    if now["lr"] != saved["lr"]:
        return scale_rate(now["lr"] * saved.get("fraction", 1.0), now["optimizer"], now["replicas"])
    after, before = (scale_rate(1.0, now["optimizer"], config.get("replicas", 1)) for config in (now, saved))
    return rate * after / before


def agree_on_newest(folder: Path, replicas: Replicas) -> Checkpoint | None:
    """Finds the newest intact checkpoint of the chief on all workers.

    Raises:
        CheckpointError: A worker does not see the chief's checkpoint.
    """
    worker = replicas.worker
    checkpoint = tidy_newest(folder) if worker.is_chief else None
    epoch = int(replicas.broadcast_from_chief(checkpoint.epoch if checkpoint else 0))
    if not worker.is_chief:
        checkpoint = next((one for one in list_checkpoints(folder) if one.epoch == epoch), None)
    missing = replicas.all_gather(float(epoch > 0 and checkpoint is None))
    if any(missing):
        raise CheckpointError(
            f"worker {missing.index(1)} finds no checkpoint of epoch {epoch} in {folder}, from which the chief "
            "resumes: all workers need the same work folder, on a shared disk"
        )
    return checkpoint


def tidy_newest(folder: Path) -> Checkpoint | None:
    """Finds the newest intact checkpoint, removes partial files and renames newer files that are broken."""
    remove_partial_files(folder)
    checkpoint, broken = newest_checkpoint(folder)
    for path in broken:
        path.rename(path.with_name(f"broken-{path.name}"))
        write_line(f"{path} is broken and set aside as broken-{path.name}")
    return checkpoint


def config_differences(saved: dict, now: dict) -> list[str]:
    """Lists, one line each, the settings that differ from the checkpoint's and must not."""
    return [
        f"{name.upper()}: {saved.get(name)!r} in the checkpoint, {value!r} now"
        for name, value in now.items()
        if name not in CHANGEABLE and value not in (saved.get(name), AUTO)
    ]


def remove_partial_files(folder: Path) -> None:
    """Removes the files that a kill left half written."""
    for path in folder.glob(f".*{PART}*"):
        path.unlink()
