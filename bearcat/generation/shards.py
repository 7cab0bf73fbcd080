"""A shard of a job, so that several processes or machines do it together: `--shard 2/4`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from bearcat.core.errors import SettingsError

MAX_SHARDS = 9999
_NOTATION = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")

Item = TypeVar("Item")


@dataclass(frozen=True)
class Shard:
    """Shard `number`, from 1, of `count`; raises SettingsError if there is no such shard."""

    number: int
    count: int

    def __post_init__(self):
        if not 1 <= self.number <= self.count <= MAX_SHARDS:
            raise SettingsError(
                f"--shard {self}: i/n is expected, i from 1 to n and n up to {MAX_SHARDS}, as in --shard 2/4"
            )

    def __str__(self) -> str:
        """The notation that `parse` reads."""
        return f"{self.number}/{self.count}"

    @property
    def name(self) -> str:
        """The shard's part of a file name."""
        return f"{self.number}-of-{self.count}"

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Parses i/n, as in 2/4; raises SettingsError for anything else."""
        found = _NOTATION.fullmatch(text.strip())
        if not found:
            raise SettingsError(f"--shard {text}: i/n is expected, as in --shard 2/4")
        return cls(int(found[1]), int(found[2]))

    def of(self, items: Sequence[Item]) -> Sequence[Item]:
        """Returns every count-th of the items, from the number-th on."""
        return items[self.number - 1 :: self.count]


WHOLE = Shard(1, 1)
