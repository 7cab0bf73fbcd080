"""Learning-rate schedules and early stopping, as plain functions of the metrics so far. Free of TensorFlow."""

import math
from dataclasses import dataclass

PLATEAU_FACTOR = 0.5  # of the learning rate, on a plateau
MIN_DELTA = 1e-3  # a smaller decrease of the validation loss is no improvement
# what ended a training, in train.json
INTERRUPT = "interrupt"
EARLY_STOP = "early stop"
ALL_EPOCHS = "all epochs"
TIME_UP = "time is up"
TIME_SPENT = "time_spent"  # metric of an epoch: seconds used of TRAIN_SECONDS
WARM_UP = 0.05  # fraction of the steps in which a cosine schedule rises
FEW_IMAGES = 100  # below which a training lowers the learning rate if it does not start from random weights
FEW_FAMILIAR_IMAGES = 400  # likewise, if these weights know the characters
UNLEARNT_PATIENCE = 3  # multiplies the patience until the first exact match


def scale_rate(lr: float, optimizer: str, replicas: int) -> float:
    """Scales a learning rate for one replica to the larger batch of several.

    Linear for SGD (Goyal et al. 2017). By the square root for all others here, whose step length hardly depends on
    the length of the gradient (Malladi et al. 2022).
    """
    return lr * (replicas if optimizer == "SGD" else math.sqrt(replicas))


def few_images_rate(lr: float, images: int, few: int) -> float:
    """Scales a learning rate for fine-tuning on few labelled images: √(images / few) of it below `few` images.

    A lower rate keeps more of what the pretrained weights have learnt (measured in docs/benchmarks.md).
    """
    return lr * min(1.0, math.sqrt(images / few))


def cosine_rate(step: int, steps: int, peak: float) -> float:
    """Learning rate of a step: a linear warm-up to `peak`, then half a cosine down to 0.

    Loshchilov and Hutter 2017 (SGDR, equation 5) without restarts.
    """
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return peak * (1 + math.cos(math.pi * done)) / 2


def describe_duration(epoch: float, train_seconds: int, epochs: int, cosine: bool) -> str:
    """Returns how long an epoch takes, and how many there will be or how long all of them take.

    Args:
        epoch: Seconds per epoch, estimated.
        train_seconds: The setting TRAIN_SECONDS.
        epochs: The setting EPOCHS.
        cosine: The setting COSINE_SCHEDULER.
    """
    text = f"An epoch takes about {format_seconds(epoch)}"
    if train_seconds and epoch > train_seconds:
        return f"{text}; TRAIN_SECONDS = {train_seconds} ends the training within the first"
    if train_seconds:
        return f"{text}; TRAIN_SECONDS = {train_seconds} leaves time for about {train_seconds / max(epoch, 1e-3):.0f}"
    total = f"{text}, EPOCHS = {epochs} about {format_seconds(epoch * epochs)}"
    return total if cosine else f"{total}; EARLY_PATIENCE usually ends the training before"


def format_seconds(seconds: float) -> str:
    """Returns a duration in the largest unit of which it has at least two."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "1 s"


@dataclass
class PlateauRule:
    """Reduces the learning rate after `lr_patience` epochs without improvement, stops after `early_patience`.

    Until the first exact match on the validation set the rate is kept and the patience is UNLEARNT_PATIENCE times as
    long: CTC first learns to output only blanks, and may take hundreds of steps to leave that plateau.
    Replaying the epochs of an interrupted training restores the state.
    """

    lr_patience: int
    early_patience: int
    best: float = float("inf")
    epochs_without_improvement: int = 0
    has_exact_match: bool = False

    def observe(self, val_loss: float, val_exact: float) -> None:
        """Takes in the metrics of an epoch."""
        is_first_match = val_exact > 0 and not self.has_exact_match
        self.has_exact_match |= val_exact > 0
        improved = val_loss < self.best - MIN_DELTA
        self.best = val_loss if improved else self.best
        self.epochs_without_improvement = 0 if improved or is_first_match else self.epochs_without_improvement + 1

    @property
    def reduces_rate(self) -> bool:
        """Whether the learning rate is to be reduced now."""
        waited = self.epochs_without_improvement
        return self.has_exact_match and waited > 0 and waited % self.lr_patience == 0

    @property
    def stops(self) -> bool:
        """Whether the training is to stop now."""
        patience = self.early_patience if self.has_exact_match else UNLEARNT_PATIENCE * self.early_patience
        return self.epochs_without_improvement >= patience
