"""Runs a script that is killed before its n-th change of the disk, without a chance to clean up.

python tests/helpers/killed.py N FOLDER SCRIPT ARGUMENTS …

Changes below FOLDER are counted: files opened for writing, renamed or deleted, folders made or removed. With fewer
than N changes the script ends normally.
"""

import os
import runpy
import signal
import sys
from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.utime"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # on Windows either ends a process at once


def kill_at(number: int, folder: str) -> None:
    """Kills this process before its n-th change below a folder; lock files do not count."""
    left = [number]

    def watch(event: str, arguments: tuple) -> None:
        if event not in CHANGES and not (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
            return
        path = os.fsdecode(arguments[0]) if isinstance(arguments[0], str | bytes | os.PathLike) else ""
        if not path.startswith(folder) or ".locks" in path:
            return
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), KILL)

    sys.addaudithook(watch)


if __name__ == "__main__":
    number, folder, script, *arguments = sys.argv[1:]
    kill_at(int(number), folder)
    sys.argv = [script, *arguments]
    sys.path.insert(0, str(Path(script).parent))
    runpy.run_path(script, run_name="__main__")
