"""Checkpoints of a pretraining, which may be ended at any moment and continued; exact match by kind of image."""

import zipfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np

from bearcat.core.files import atomic_write
from bearcat.networks.metrics import DECODERS, align_left
from pretraining.plans import AS_BEFORE, plan_of

SAVE_SECONDS = 120.0  # between two checkpoints
OUTPUTS = {"ctc": "CTC", "ordinary": "ORDINARY"}  # output of the network → mode


class Checkpoint:
    """Variables of a network and its optimizer, with the time that was spent on them, in one file."""

    def __init__(self, path: Path):
        self.path = path

    def save(self, variables: Sequence[keras.Variable], seconds: float) -> None:
        """Writes the values of variables, atomically."""
        values = {str(number): np.asarray(variable) for number, variable in enumerate(variables)}
        with atomic_write(self.path) as part:
            np.savez(part, seconds=seconds, **values)

    def load(self, variables: Sequence[keras.Variable]) -> float:
        """Assigns the values of the file, if there is one, to variables; returns the seconds spent on them, or 0."""
        if not self.path.is_file():
            return 0.0
        try:
            with np.load(self.path) as values:
                for number, variable in enumerate(variables):
                    variable.assign(values[str(number)])
                return float(values["seconds"])
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise SystemExit(
                f"{self.path} is not a checkpoint of this network ({error}): delete it to start anew"
            ) from None

    def delete(self) -> None:
        """Deletes the file, after the training has ended."""
        self.path.unlink(missing_ok=True)


def exact_by_kind(outputs: dict[str, np.ndarray], targets: np.ndarray) -> dict[str, dict[str, float]]:
    """Mode → kind of image → exact match on the first images.

    Args:
        outputs: Output of the network → logits (n, …), as Model.predict returns them.
        targets: Encoded texts (n, MAX_LENGTH).
    """
    kinds = [plan_of(number)[0].kind for number in range(len(targets))]
    exact = {}
    for name, mode in OUTPUTS.items():
        predicted = np.asarray(keras.ops.convert_to_numpy(align_left(*DECODERS[mode](outputs[name]))))
        width = max(predicted.shape[1], targets.shape[1])
        padded = [np.pad(one, ((0, 0), (0, width - one.shape[1]))) for one in (predicted, targets)]
        correct = (padded[0] == padded[1]).all(axis=1)
        groups: dict[str, list[bool]] = defaultdict(list)
        for kind, is_correct in zip(kinds, correct, strict=True):
            groups[kind].append(is_correct)
            if kind != AS_BEFORE:
                groups["all others"].append(is_correct)
        exact[mode] = {kind: float(np.mean(of_kind)) for kind, of_kind in sorted(groups.items())}
    return exact


def describe_exact(exact: dict[str, dict[str, float]]) -> str:
    """Formats the result of `exact_by_kind`, a line per mode."""
    return "\n".join(
        f"{mode}: " + ", ".join(f"{kind} {share:.1%}" for kind, share in of_mode.items())
        for mode, of_mode in exact.items()
    )
