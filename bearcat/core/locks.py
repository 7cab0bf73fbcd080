"""Locks on the parts of a work: a step is refused while another one changes the same part."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bearcat.core.errors import WorkError
from bearcat.core.files import write_json

FOLDER = ".locks"
SHARD_SECONDS = 10  # how long a shard waits for others that start at the same moment
# script → the parts of a work that it changes; app.py and the scripts not listed only read
CHANGES = {
    "init_working_space": ("checkpoints",),
    "gen_sample_by_captcha": ("data",),
    "move_path": ("data",),
    "cheak_file": ("settings",),
    "pack_dataset": ("data", "packs"),
    "train": ("checkpoints",),
    "save_model": ("models",),
    "test": ("scores",),
    "strength": ("strength",),
    "read_folder": ("predictions",),
    "delete_file": ("data", "packs"),
}


class WorkLock:
    """Locks the parts of a work that a script changes, so that no other process changes them meanwhile.

    The lock is held until `release` or the end of the process, even if the process is killed.

    Args:
        work: The work folder.
        script: The name of the script, without suffix.
        changes: The parts of the work to lock; None for those that CHANGES lists for the script.
        shard: One of several shards of a job, such as 2-of-4. Shards of the same script and number run side by side;
            anything else is refused.

    Raises:
        WorkError: Another process holds a lock; the message names the process.
    """

    def __init__(self, work: Path, script: str, changes: Sequence[str] | None = None, shard: str = ""):
        self._work, self._script, self._folder = work, script, work / FOLDER
        self._locks: list[FileLock] = []
        _HELD.append(self)
        for part in CHANGES.get(script, ()) if changes is None else changes:
            self._folder.mkdir(exist_ok=True)
            whole = self._acquire(part, part, SHARD_SECONDS if shard else 0)
            own = f"{part}-{script}-{shard}" if shard else part
            # while this process holds the whole part, nobody else can start a shard
            others = [self._acquire(name, part) for name in self._shards_of_other_jobs(part, shard)]
            if shard:
                self._acquire(own, part)
                for lock in (whole, *others):
                    lock.release()
            self._write_owner(own)

    def _shards_of_other_jobs(self, part: str, shard: str) -> list[str]:
        """Returns the lock names of all shards, except those of the same script and number of shards."""
        start, end = f"{part}-{self._script}-", f"-of-{shard.rpartition('-')[2]}"
        names = sorted(path.stem for path in self._folder.glob(f"{part}-*.lock"))
        return [name for name in names if not (shard and name.startswith(start) and name.endswith(end))]

    def _acquire(self, name: str, part: str, seconds: float = 0) -> FileLock:
        lock = FileLock(self._folder / f"{name}.lock")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            self.release()
            owner = owner_of(self._folder / f"{name}.json")
            raise WorkError(
                f"{owner} is changing the {part} of {self._work}: wait until it has ended, or stop it"
            ) from None
        self._locks.append(lock)
        return lock

    def _write_owner(self, name: str) -> None:
        write_json(self._folder / f"{name}.json", {"script": self._script, "process": os.getpid()}, sync=False)

    def release(self) -> None:
        """Releases the lock."""
        for lock in self._locks:
            lock.release()
        if self in _HELD:
            _HELD.remove(self)


_HELD: list[WorkLock] = []


@contextmanager
def hold_lock(work: Path, script: str, part: str) -> Iterator[None]:
    """Locks one part of a work for the duration of a block; raises WorkError if another process holds it."""
    lock = WorkLock(work, script, (part,))
    try:
        yield
    finally:
        lock.release()


def release_all() -> None:
    """Releases all locks of this process at the end of a step, since the process may live on."""
    while _HELD:
        _HELD.pop().release()


def owner_of(file: Path) -> str:
    """Returns the script and the process that hold a lock."""
    try:
        owner = json.loads(file.read_text(encoding="utf-8"))
        return f"{owner['script']}.py (process {owner['process']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another step"  # it has just started and has not written its name yet
