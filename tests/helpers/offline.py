"""Runs commands in a network of their own, whose name server answers nothing and remembers what it was asked.

unshare -rnm python tests/helpers/offline.py REPORT COMMANDS   (JSON; the first command serves on PORT)
"""

import contextlib
import fcntl
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

PORT = 5006  # free in a network of one's own
SECONDS = 120
CONTROL = "control.invalid"  # is asked first, to see that the name server is used
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
NO_SUCH_NAME = b"\x81\x83"
UNSHARE = ["unshare", "--map-root-user", "--net", "--mount"]


def why_not() -> str:
    """Returns why commands cannot be run in a network of their own here, '' if they can."""
    if not sys.platform.startswith("linux") or not shutil.which("unshare"):
        return "only Linux has network namespaces, made with unshare"
    done = subprocess.run([*UNSHARE, "true"], capture_output=True, encoding="utf-8")
    return f"namespaces are not allowed here: {done.stderr.strip()}" if done.returncode else ""


def run_offline(service: list, *commands: list, folder: Path) -> dict:
    """Runs a service, and other commands while it runs.

    Args:
        service: Command of a service with a page on PORT.
        commands: The others, which have to end by themselves.
        folder: Home of all of them, with their caches.

    Returns:
        `asked`: the names that were looked up; `codes`: the exit code of each command; `output`: what they printed.
    """
    report = folder / "offline.json"
    texts = [[str(part) for part in command] for command in (service, *commands)]
    environment = {name: value for name, value in os.environ.items() if name not in ("XDG_CACHE_HOME", *_switches())}
    subprocess.run(
        [*UNSHARE, sys.executable, __file__, report, json.dumps(texts)],
        env=environment | {"HOME": str(folder)},
        check=True,
        timeout=2 * SECONDS,
    )
    return json.loads(report.read_text(encoding="utf-8"))


def _switches() -> set[str]:
    """Returns the variables that this process has set itself."""
    from bearcat.core.telemetry import SWITCHES

    return set(SWITCHES)


def _start_network(folder: Path) -> list[str]:
    """Starts the loopback interface and a name server; returns the list of names, which grows."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh", b"lo", IFF_UP))
    (folder / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", folder / "resolv.conf", "/etc/resolv.conf"], check=True)
    server, asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), []
    server.bind(("127.0.0.1", 53))

    def answer() -> None:
        while True:
            query, address = server.recvfrom(4096)
            labels, place = [], 12
            while length := query[place]:
                labels.append(query[place + 1 : place + 1 + length].decode("ascii", "replace"))
                place += 1 + length
            asked.append(".".join(labels))
            server.sendto(query[:2] + NO_SUCH_NAME + query[4:6] + bytes(6) + query[12:], address)

    threading.Thread(target=answer, daemon=True).start()
    return asked


def _wait_for_page(process: subprocess.Popen) -> None:
    deadline = time.monotonic() + SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{PORT}/config", timeout=10):
            return
        time.sleep(0.2)
    raise SystemExit("the page was not served")


def main(report: Path, commands: list[list[str]]) -> None:
    """Runs the commands and writes the report."""
    asked = _start_network(report.parent)
    with contextlib.suppress(OSError):
        socket.getaddrinfo(CONTROL, 80)
    outputs = [report.with_name(f"output-{n}.txt") for n in range(len(commands))]
    processes = []
    for command, output in zip(commands, outputs, strict=True):
        with output.open("w", encoding="utf-8") as file:
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=file, stderr=file))
    service, *others = processes
    try:
        _wait_for_page(service)
        for process in others:
            process.wait(SECONDS)
        service.terminate()
        service.wait(SECONDS)
    finally:
        for process in processes:
            process.kill()
    result = {"asked": asked, "codes": [process.returncode for process in processes]}
    result |= {"output": [output.read_text(encoding="utf-8") for output in outputs]}
    report.write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]))
