"""When to lower the learning rate, when to stop and which epoch was best, as plain functions of the figures so far."""

import math
from dataclasses import dataclass

FACTOR = 0.5
LEAST_GAIN = 1e-3  # a smaller fall of the validation loss is none; several small ones add up
# what ended a training, in train.json
INTERRUPT = "interrupt"
EARLY_STOP = "early stop"
ALL_EPOCHS = "all epochs"
TIME_UP = "time is up"
TIME_SPENT = "time_spent"  # seconds of TRAIN_SECONDS, among an epoch's figures
WARM_UP = 0.05  # share of the steps in which a cosine schedule's rate rises
FEW_IMAGES = 100
BARREN_PATIENCE = 3  # times as patient while nothing is read right


def scaled_rate(lr: float, optimizer: str, replicas: int) -> float:
    """Return the learning rate for batches of so many replicas, of the one that is right for one of them.

    With SGD it grows as the batch does (Goyal et al. 2017); where a step's length hardly hangs on the gradient's, as
    with all others here, as the root of it (Malladi et al. 2022).
    """
    return lr * (replicas if optimizer == "SGD" else math.sqrt(replicas))


def rate_for(lr: float, images: int) -> float:
    """Return the learning rate for so many labelled images of one that is right for many: below 100 as their root.

    What the base has learnt outweighs what so few can teach (benchmarks/README.md).
    """
    return lr * min(1.0, math.sqrt(images / FEW_IMAGES))


def cosine_rate(step: int, steps: int, peak: float) -> float:
    """Return the learning rate of a step: up to `peak` in a straight line, then down along half a cosine to 0.

    Loshchilov and Hutter 2017 (SGDR, equation 5) without restarts.
    """
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return peak * (step + 1) / warm_up
    done = min(1.0, (step - warm_up) / max(1, steps - warm_up))
    return peak * (1 + math.cos(math.pi * done)) / 2


@dataclass
class PlateauRule:
    """Lower the learning rate after `lr_patience` epochs without a gain, stop after `early_patience`.

    While not one captcha is read right, the training has yet to bear fruit (CTC first learns to say nothing, and
    may stay there for hundreds of steps): then the learning rate is kept and the patience is three times as long.
    Feeding it the epochs of an interrupted run brings it to where that run stood.
    """

    lr_patience: int
    early_patience: int
    best: float = float("inf")
    epochs_without_gain: int = 0
    bears_fruit: bool = False

    def observe(self, val_loss: float, val_exact: float) -> None:
        """Take in the figures of an epoch."""
        first_fruit = val_exact > 0 and not self.bears_fruit
        self.bears_fruit |= val_exact > 0
        gain = val_loss < self.best - LEAST_GAIN
        self.best = val_loss if gain else self.best
        self.epochs_without_gain = 0 if gain or first_fruit else self.epochs_without_gain + 1

    @property
    def lowers(self) -> bool:
        """Tell whether the learning rate is to be lowered now."""
        waited = self.epochs_without_gain
        return self.bears_fruit and waited > 0 and waited % self.lr_patience == 0

    @property
    def stops(self) -> bool:
        """Tell whether the training is to stop now."""
        patience = self.early_patience if self.bears_fruit else BARREN_PATIENCE * self.early_patience
        return self.epochs_without_gain >= patience
