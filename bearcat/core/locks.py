"""Of two steps that change the same things of a work, the second one is refused while the first one runs."""

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bearcat.core.errors import WorkError
from bearcat.core.files import write_json

FOLDER = ".locks"
GATE_SECONDS = 10  # how long a part waits for others that begin in the same moment
# what each script changes; app.py and the others only read
CHANGED = {
    "init_working_space": ("checkpoints",),
    "gen_sample_by_captcha": ("data",),
    "move_path": ("data",),
    "cheak_file": ("settings",),
    "pack_dataset": ("data", "packs"),
    "train": ("checkpoints",),
    "save_model": ("units",),
    "test": ("scores",),
    "delete_file": ("data", "packs"),
}


class WorkLock:
    """Held from the start of a step to the end of its process, however that comes: the system lets go of it then."""

    def __init__(self, work: Path, script: str, changed: Sequence[str] | None = None, part: str = ""):
        """Take what a script changes; raise WorkError, with the process that has it, where it is taken.

        `changed` says what it changes now, where that is not what CHANGED says. With a `part`, such as 2-of-4, only
        that one is taken: the same script may take the others of these 4, and nobody the whole or a part of another
        job.
        """
        self._work, self._script, self._folder = work, script, work / FOLDER
        self._locks: list[FileLock] = []
        _HELD.append(self)
        for what in CHANGED.get(script, ()) if changed is None else changed:
            self._folder.mkdir(exist_ok=True)
            gate = self._take(what, what, GATE_SECONDS if part else 0)
            own = f"{what}-{script}-{part}" if part else what
            # whoever has the gate sees all parts that are taken, and no other can be meanwhile
            others = [self._take(name, what) for name in self._parts_of_other_jobs(what, part)]
            if part:
                self._take(own, what)
                for lock in (gate, *others):
                    lock.release()
            self._sign(own)

    def _parts_of_other_jobs(self, what: str, part: str) -> list[str]:
        """Return the names of all parts but those of the same script and count, such as 2-of-4; for the whole, all."""
        first, last = f"{what}-{self._script}-", f"-of-{part.rpartition('-')[2]}"
        names = sorted(path.stem for path in self._folder.glob(f"{what}-*.lock"))
        return [name for name in names if not (part and name.startswith(first) and name.endswith(last))]

    def _take(self, name: str, what: str, seconds: float = 0) -> FileLock:
        lock = FileLock(self._folder / f"{name}.lock")
        try:
            lock.acquire(timeout=seconds)
        except Timeout:
            self.let_go()
            owner = owner_of(self._folder / f"{name}.json")
            raise WorkError(
                f"{owner} is changing the {what} of {self._work}: wait until it has ended, or stop it"
            ) from None
        self._locks.append(lock)
        return lock

    def _sign(self, name: str) -> None:
        write_json(self._folder / f"{name}.json", {"script": self._script, "process": os.getpid()}, sync=False)

    def let_go(self) -> None:
        """Let others change it."""
        for lock in self._locks:
            lock.release()
        if self in _HELD:
            _HELD.remove(self)


_HELD: list[WorkLock] = []


@contextmanager
def changing(work: Path, script: str, what: str) -> Iterator[None]:
    """Hold one thing of a work for as long as the block lasts; raise WorkError where another process has it."""
    lock = WorkLock(work, script, (what,))
    try:
        yield
    finally:
        lock.let_go()


def let_go_of_all() -> None:
    """Let go of what this process holds: a step that has ended changes nothing, though its process may live on."""
    while _HELD:
        _HELD.pop().let_go()


def owner_of(file: Path) -> str:
    """Return the script and the process that hold a lock."""
    try:
        owner = json.loads(file.read_text(encoding="utf-8"))
        return f"{owner['script']}.py (process {owner['process']})"
    except (OSError, ValueError, KeyError, TypeError):
        return "another step"  # it has just begun
