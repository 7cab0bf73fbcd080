"""Load test: our service, then ddddocr's model behind a plain FastAPI endpoint, from one client.

Reads:  the ONNX file of --model; by default it exports an untrained CTC network for 64×160 images
Writes: a table on the screen
Next:   update docs/benchmarks.md
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
WARM_UP = 100  # requests before the measurement
START_SECONDS = 60
SOAK_SAMPLE = 1000  # requests at the start and the end of the long run


def main() -> None:
    """Prints a Markdown table with a row per service and number of connections, then the long run of our service."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--requests", type=int, default=2000, metavar="N", help="requests per number of connections (2000)"
    )
    parser.add_argument(
        "--soak", type=int, default=50_000, metavar="N", help="requests of the long run (50000; 0: no long run)"
    )
    parser.add_argument("--model", "--unit", type=Path, help="an ONNX file of save_model.py")
    arguments = parser.parse_args()
    images = draw_images()
    with tempfile.TemporaryDirectory() as folder:
        ours = [
            sys.executable,
            "app.py",
            "--work",
            str(make_work(Path(folder), arguments.model)),
            "--no-page",
            "--port",
        ]
        print("| service | connections | requests/s | p50 | p99 | CPU per request | memory | first answer |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- |")
        measure("Bearcat", ours, images, arguments.requests)
        if importlib.util.find_spec("ddddocr"):
            theirs = [sys.executable, "-m", "benchmarks.ddddocr_service"]
            measure("ddddocr", theirs, images, arguments.requests)
        else:
            print("Without ddddocr, which is not installed: pip install ddddocr")
        if arguments.soak:
            soak(ours, images, arguments.soak)


def draw_images() -> list[str]:
    """Generates images of four characters as base64."""
    random, generator = np.random.default_rng(0), ImageCaptcha(WIDTH, HEIGHT)
    images = []
    for _ in range(IMAGES):
        buffer = io.BytesIO()
        generator.generate_image("".join(random.choice(CHARACTERS, 4))).save(buffer, "PNG")
        images.append(base64.b64encode(buffer.getvalue()).decode("ascii"))
    return images


def make_work(folder: Path, model: Path | None) -> Path:
    """Creates a work with the model to serve."""
    work = create_work(folder, "benchmark", activate=False)
    work.make_folders()
    file = work.folder("App_model") / "ctc.onnx"
    if model:
        shutil.copyfile(model, file)
    else:
        # in its own process, since TensorFlow would take memory and threads from the measurement
        maker = multiprocessing.get_context("spawn").Process(target=export_untrained, args=(file,))
        maker.start()
        maker.join()
    return work.path


def export_untrained(file: Path) -> None:
    """Exports an untrained network of the default CTC kind; it is as fast as a trained one."""
    from bearcat.artifacts.card import Card, write_card
    from bearcat.artifacts.export.publish import publish
    from bearcat.core.devices import start_tensorflow
    from bearcat.core.settings_file import AUTO
    from bearcat.data.images import InputSpec
    from bearcat.training.config import TrainingConfig
    from models import build_for

    device = start_tensorflow(use_gpu=False, seed=0)
    card = Card("ctc", "CTC", AUTO, CHARACTERS, InputSpec(HEIGHT, WIDTH, 1), 8)
    model, card, _ = build_for(card, TrainingConfig(precision="float32"), device)
    checkpoint = file.parent.parent / "untrained.keras"
    model.save(checkpoint)
    write_card(checkpoint, card)
    pixels = np.random.default_rng(0).integers(0, 255, (4, *card.spec.shape), np.uint8)
    publish(checkpoint, file.stem, file.parent.parent / "model", file.parent, pixels)


@contextmanager
def started(command: list[str], image: str) -> Iterator[tuple[str, psutil.Process, float]]:
    """Starts a service on a free port; yields its URL, its process, and the seconds until its first answer."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url, began = f"http://127.0.0.1:{port}/", time.perf_counter()
    with subprocess.Popen(
        [*command, str(port)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            while not answers(url, image):
                if process.poll() is not None or time.perf_counter() - began > START_SECONDS:
                    raise SystemExit(f"{' '.join(command)} {port} does not answer")
                time.sleep(0.01)
            yield url, psutil.Process(process.pid), time.perf_counter() - began
        finally:
            process.terminate()


def answers(url: str, image: str) -> bool:
    """Whether a service answers a request."""
    body = make_request(url, image).partition(b"\r\n\r\n")[2]
    try:
        with urllib.request.urlopen(url, body, timeout=START_SECONDS) as answer:
            return answer.status == 200
    except OSError:
        return False


def measure(name: str, command: list[str], images: list[str], requests: int) -> None:
    """Measures one service and prints its rows."""
    with started(command, images[0]) as (url, process, first):
        load(url, images, 1, WARM_UP)
        for connections in CONNECTIONS:
            before = cpu_seconds(process)
            seconds, all_seconds = load(url, images, connections, requests)
            cpu = 1000 * (cpu_seconds(process) - before) / requests
            cells = [name, str(connections), f"{requests / all_seconds:.0f}"]
            cells += [f"{1000 * np.percentile(seconds, percent):.1f} ms" for percent in (50, 99)]
            cells += [f"{cpu:.2f} ms", f"{megabytes(process):.0f} MB", f"{first:.2f} s"]
            print(f"| {' | '.join(cells)} |", flush=True)


def soak(command: list[str], images: list[str], requests: int) -> None:
    """Prints the latency and memory of a service at the start and the end of a long run."""
    with started(command, images[0]) as (url, process, _):
        load(url, images, 1, WARM_UP)
        first, _ = load(url, images, 1, SOAK_SAMPLE)
        before = megabytes(process)
        load(url, images, CONNECTIONS[-1], max(1, requests - 2 * SOAK_SAMPLE))
        last, _ = load(url, images, 1, SOAK_SAMPLE)
        p99 = [1000 * np.percentile(seconds, 99) for seconds in (first, last)]
        print(f"\n{requests} requests, p99 at one connection: first {p99[0]:.1f} ms, last {p99[1]:.1f} ms")
        print(f"Memory: first {before:.0f} MB, last {megabytes(process):.0f} MB")


def cpu_seconds(process: psutil.Process) -> float:
    """Returns the CPU time of a service so far."""
    times = process.cpu_times()
    return times.user + times.system


def megabytes(process: psutil.Process) -> float:
    """Returns the resident memory of a service."""
    return process.memory_info().rss / 1e6


if __name__ == "__main__":
    main()
