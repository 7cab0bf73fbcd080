"""The rounds of a training with images without labels: whose predictions are learnt, and how much they count.

1. The network starts from the pretrained weights and learns the labelled images. It forgets little if these are few and
   the weights know the characters (`Trainer.is_careful`). Otherwise, if the weights already predict most of the
   labelled images, none of which they were trained on, their predictions of the other images count too, so that
   characters that the labels hardly show are not forgotten. The teacher then is the moving average of the network
   itself (Tarvainen and Valpola 2017, "Mean teachers").
2. The network starts again from the pretrained weights. The teacher is the best network of the first round,
   interpolated with the pretrained weights, and stays as it is. The second network sees many more images than the
   first one, and predicts better than its teacher (Xie et al. 2020, "Self-training with Noisy Student").

This module does not import TensorFlow.
"""

from collections.abc import Sequence
from dataclasses import dataclass

ROUNDS = 2
ROUND = "round"  # metric of an epoch: the round that it belongs to, from 1
WEIGHT = "unlabelled_weight"  # metric of an epoch: see `Round.weight`
USED = "unlabelled_used"  # metric of an epoch: fraction of the images without labels that the teacher is sure of
CONFIDENCE = "unlabelled_confidence"  # metric of an epoch: the teacher's mean confidence of these
RELIABILITY_POWER = 8  # 97 % exact match gives a weight of 0.78, 80 % one of 0.17
MIN_WEIGHT = 0.1  # below it the labelled images are learnt alone
LABELLED_FRACTIONS = {1: 0.5, 2: 0.25}  # round → smallest fraction of a batch that is labelled


@dataclass(frozen=True)
class Round:
    """A round of a training.

    Args:
        number: 1 or 2.
        weight: Weight of an image without label in the loss, 0 to 1; 0 if there are none in the batches.
    """

    number: int = 1
    weight: float = 0.0

    @classmethod
    def of_row(cls, row: dict) -> "Round":
        """Returns the round that an epoch belongs to; epochs of trainings without such images have none."""
        return cls(int(row.get(ROUND, 1)), float(row.get(WEIGHT, 0.0)))

    def labelled_per_batch(self, batch_size: int, labelled: int, unlabelled: int) -> int:
        """Returns how many images of a batch have labels: at least their fraction of all images."""
        fraction = max(LABELLED_FRACTIONS[self.number], labelled / (labelled + unlabelled))
        return min(batch_size - 1, max(1, round(fraction * batch_size)))


def why_labelled_only(replicas: int, batch_size: int) -> str:
    """Returns why a training cannot learn from images without labels; '' if it can."""
    if replicas > 1:
        return "several replicas learn from labelled images only"
    return "" if batch_size > 1 else "with BATCH_SIZE = 1 a step has no room for them"


def first_round(exact: float) -> Round:
    """Returns the first round of a training.

    Args:
        exact: Exact match of the initial weights on labelled images that they were not trained on, 0 to 1.
    """
    weight = exact**RELIABILITY_POWER
    return Round(1, weight if weight >= MIN_WEIGHT else 0.0)


def rows_of_round(history: Sequence[dict], number: int) -> list[dict]:
    """Returns the epochs of a round."""
    return [row for row in history if Round.of_row(row).number == number]


def describe_use(history: Sequence[dict], unlabelled: int) -> dict[str, object]:
    """Returns the entry `self_training` of report/train.json.

    Args:
        history: The epochs, of which there is at least one.
        unlabelled: The number of images without labels.
    """
    last = history[-1]
    used, confidence = last.get(USED, 0.0), last.get(CONFIDENCE, 0.0)
    return {
        "pictures": unlabelled,
        "rounds": Round.of_row(last).number,
        "used": round(used * unlabelled),
        "confidence": round(confidence, 4),
        "first_round_weight": round(Round.of_row(history[0]).weight, 4),
    }
