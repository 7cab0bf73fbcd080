"""The workers of a distributed training, as TF_CONFIG lists them. Free of TensorFlow."""

import json
import os
import re
from dataclasses import dataclass

from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import AUTO

SINGLE, MIRRORED, MULTI_WORKER = "single", "mirrored", "multi_worker"
STRATEGIES = (AUTO, SINGLE, MIRRORED, MULTI_WORKER)
JOBS = ("chief", "worker")  # in the order in which TensorFlow numbers them
EXAMPLE = '{"cluster": {"worker": ["10.0.0.1:5007", "10.0.0.2:5007"]}, "task": {"type": "worker", "index": 0}}'


@dataclass(frozen=True)
class Worker:
    """This process among all `count` workers; number 0 is the chief."""

    number: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this worker writes the checkpoints, logs and reports."""
        return self.number == 0


ALONE = Worker()
_ADDRESS = re.compile(r".+:[0-9]{1,5}")


def worker_for(strategy: str) -> Worker:
    """Returns the worker that this process is under a STRATEGY.

    Raises:
        SettingsError: TF_CONFIG is missing or invalid.
    """
    if strategy in (SINGLE, MIRRORED):
        return ALONE
    text = os.environ.get("TF_CONFIG", "")
    if strategy == MULTI_WORKER and not text:
        raise SettingsError(f"STRATEGY = 'multi_worker' needs TF_CONFIG in the environment of each worker: {EXAMPLE}")
    return read_worker(text) if text else ALONE


def read_worker(text: str) -> Worker:
    """Parses a TF_CONFIG.

    Raises:
        SettingsError: It is not valid JSON, or does not list this worker.
    """
    try:
        config = json.loads(text)
        addresses = dict(config["cluster"])
        job, index = config["task"]["type"], int(config["task"]["index"])
        counts = [len(addresses.get(name, ())) for name in JOBS]
        number = index + sum(counts[: JOBS.index(job)])
        known = addresses.keys() <= set(JOBS) and 0 <= index < len(addresses[job]) and counts[0] <= 1
        listed = all(
            isinstance(several, list) and all(map(_ADDRESS.fullmatch, several)) for several in addresses.values()
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SettingsError(f"TF_CONFIG = {text!r} cannot be used ({error!r}). Example: {EXAMPLE}") from None
    if not (known and listed):
        raise SettingsError(
            f"TF_CONFIG = {text!r} must list every 'worker' (and at most one 'chief') as host:port, and name one of "
            f"them as this process's task. Example: {EXAMPLE}"
        )
    return Worker(number, sum(counts))
