"""One of several equal shares of a job, so that several processes or machines do it together: `--shard 2/4`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bearcat.core.errors import SettingsError

MOST_SHARDS = 9999
_NOTATION = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True)
class Shard:
    """Share `number` (from 1) of `count`; raises SettingsError where there is no such share."""

    number: int
    count: int

    def __post_init__(self):
        if not 1 <= self.number <= self.count <= MOST_SHARDS:
            raise SettingsError(
                f"--shard {self}: i/n is expected, i from 1 to n and n up to {MOST_SHARDS}, as in --shard 2/4"
            )

    def __str__(self) -> str:
        """Return the notation that `parse` reads."""
        return f"{self.number}/{self.count}"

    @property
    def name(self) -> str:
        """Return what the names of a share's files have of it."""
        return f"{self.number}-of-{self.count}"

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """Read i/n, as in 2/4; raise SettingsError for anything else."""
        found = _NOTATION.fullmatch(text.strip())
        if not found:
            raise SettingsError(f"--shard {text}: i/n is expected, as in --shard 2/4")
        return cls(*map(int, found.groups()))

    @classmethod
    def all_of(cls, count: int) -> list["Shard"]:
        """Return all the shares of a job that is done in `count` of them."""
        return [cls(number, count) for number in range(1, count + 1)]

    def of(self, items: Sequence) -> Sequence:
        """Return every count-th item from the number-th on: of sorted items each share has some of everywhere."""
        return items[self.number - 1 :: self.count]


def parse_count(text: str) -> int:
    """Read of how many shares a job is; raise SettingsError for anything but a whole number from 1 on."""
    if not text.strip().isdecimal() or not 1 <= int(text) <= MOST_SHARDS:
        raise SettingsError(f"{text!r} is no number of shares: from 1 to {MOST_SHARDS} is expected, as in --join 4")
    return int(text)


WHOLE = Shard(1, 1)
