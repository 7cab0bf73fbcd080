"""Run a script that kills itself, with no chance to clean up, before its n-th change of the disk.

python tests/helpers/killed.py N FOLDER SCRIPT ARGUMENTS …: the changes counted are those beneath FOLDER: files opened to be
written, renamed, deleted, folders made. Where there are fewer than N, the script ends as it always does.
"""

import os
import runpy
import signal
import sys
from pathlib import Path

CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.utime"}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
KILL = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process at once by either


def kill_at(number: int, folder: str) -> None:
    """Let this process die before its n-th change beneath a folder, the locks' own files left out."""
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
