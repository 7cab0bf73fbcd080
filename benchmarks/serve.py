"""Load our service and ddddocr's model behind a plain FastAPI endpoint in turn, from one client.

Reads:  the unit that is named, else it makes an untrained one of the default CTC network at 64×160
Writes: a table on the screen
Next:   put it into README.md where it differs
"""

import argparse
import base64
import importlib.util
import io
import multiprocessing
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
from captcha.image import ImageCaptcha

from bearcat.core.workspace import create_work
from benchmarks.load_client import load, make_request

ROOT = Path(__file__).resolve().parent.parent
HEIGHT, WIDTH = 64, 160
CHARACTERS = tuple("0123456789abcdefghijklmnopqrstuvwxyz")
CONNECTIONS = (1, 8, 64)
IMAGES = 50
WARM_UP = 100  # requests before any is counted
START_SECONDS = 60
SOAK_PART = 1000


def main() -> None:
    """Print one line of a Markdown table for each service and number of connections, then the long run of ours."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000, metavar="N", help="at each number of connections (2000)")
    parser.add_argument("--soak", type=int, default=50_000, metavar="N", help="of the long run (50000; 0: none)")
    parser.add_argument("--unit", type=Path, help="an ONNX file of save_model.py")
    arguments = parser.parse_args()
    images = draw_images()
    with tempfile.TemporaryDirectory() as folder:
        ours = [sys.executable, "app.py", "--work", str(make_work(Path(folder), arguments.unit)), "--no-page", "--port"]
        print("| service | connections | requests/s | p50 | p99 | CPU a request | memory | first answer |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        measure("Bearcat", ours, images, arguments.requests)
        if importlib.util.find_spec("ddddocr"):
            theirs = [sys.executable, "-m", "benchmarks.ddddocr_service"]
            measure("ddddocr", theirs, images, arguments.requests)
        else:
            print("ddddocr is left out, it is not installed: pip install ddddocr")
        if arguments.soak:
            soak(ours, images, arguments.soak)


def draw_images() -> list[str]:
    """Return images of four characters as base64."""
    random, generator = np.random.default_rng(0), ImageCaptcha(WIDTH, HEIGHT)
    images = []
    for _ in range(IMAGES):
        buffer = io.BytesIO()
        generator.generate_image("".join(random.choice(CHARACTERS, 4))).save(buffer, "PNG")
        images.append(base64.b64encode(buffer.getvalue()).decode("ascii"))
    return images


def make_work(folder: Path, unit: Path | None) -> Path:
    """Make a work with the unit that is served."""
    work = create_work(folder, "benchmark", activate=False)
    work.make_folders()
    file = work.folder("App_model") / "ctc.onnx"
    if unit:
        shutil.copyfile(unit, file)
    else:
        # a process of its own, since TensorFlow would take memory and threads from what is measured
        maker = multiprocessing.get_context("spawn").Process(target=make_unit, args=(file,))
        maker.start()
        maker.join()
    return work.path


def make_unit(file: Path) -> None:
    """Write an untrained unit of the default CTC network; it costs what a trained one does."""
    from bearcat.artifacts.card import Card, write_card
    from bearcat.artifacts.export import publish
    from bearcat.core.devices import start_tensorflow
    from bearcat.core.settings_file import AUTO
    from bearcat.training.config import Recipe
    from models import build_for

    device = start_tensorflow(use_gpu=False, seed=0)
    card = Card("ctc", "CTC", AUTO, CHARACTERS, HEIGHT, WIDTH, 1, 8)
    model, card, _ = build_for(card, Recipe(precision="float32"), device)
    checkpoint = file.parent.parent / "untrained.keras"
    model.save(checkpoint)
    write_card(checkpoint, {"card": vars(card)})
    pixels = np.random.default_rng(0).integers(0, 255, (4, *card.spec.shape), np.uint8)
    publish(checkpoint, file.stem, file.parent.parent / "model", file.parent, pixels)


@contextmanager
def started(command: list[str], image: str) -> Iterator[tuple[str, psutil.Process, float]]:
    """Start a service on a free port; yield its address, its process, and the seconds to its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url, began = f"http://127.0.0.1:{port}/", time.perf_counter()
    with subprocess.Popen(
        [*command, str(port)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while not answers(url, image):
                if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                    raise SystemExit(f"{' '.join(command)} {port} does not serve")
                time.sleep(0.01)
            yield url, psutil.Process(process.pid), time.perf_counter() - began
        finally:
            process.terminate()


def answers(url: str, image: str) -> bool:
    """Tell whether a service reads an image."""
    body = make_request(url, image).partition(b"\r\n\r\n")[2]
    try:
        with urllib.request.urlopen(url, body, timeout=START_SECONDS) as answer:
            return answer.status == 200
    except OSError:
        return False


def measure(name: str, command: list[str], images: list[str], requests: int) -> None:
    """Print the lines of one service."""
    with started(command, images[0]) as (url, process, first):
        load(url, images, 1, WARM_UP)
        for connections in CONNECTIONS:
            before = cpu_seconds(process)
            seconds, all_seconds = load(url, images, connections, requests)
            cpu = 1000 * (cpu_seconds(process) - before) / requests
            cells = [name, str(connections), f"{requests / all_seconds:.0f}"]
            cells += [f"{1000 * np.percentile(seconds, share):.1f} ms" for share in (50, 99)]
            cells += [f"{cpu:.2f} ms", f"{megabytes(process):.0f} MB", f"{first:.2f} s"]
            print(f"| {' | '.join(cells)} |", flush=True)


def soak(command: list[str], images: list[str], requests: int) -> None:
    """Print how slow the slowest and how large the service is at the start and at the end of a long run."""
    with started(command, images[0]) as (url, process, _):
        load(url, images, 1, WARM_UP)
        first, _ = load(url, images, 1, SOAK_PART)
        before = megabytes(process)
        load(url, images, CONNECTIONS[-1], max(1, requests - 2 * SOAK_PART))
        last, _ = load(url, images, 1, SOAK_PART)
        slow = [1000 * np.percentile(seconds, 99) for seconds in (first, last)]
        print(f"\nOf {requests} requests p99 at one connection: first {slow[0]:.1f} ms, last {slow[1]:.1f} ms")
        print(f"Memory: first {before:.0f} MB, last {megabytes(process):.0f} MB")


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time that a service has taken."""
    times = process.cpu_times()
    return times.user + times.system


def megabytes(process: psutil.Process) -> float:
    """Return the resident memory of a service."""
    return process.memory_info().rss / 1e6


if __name__ == "__main__":
    main()
