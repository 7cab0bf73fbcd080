"""Measure training beyond one process: two workers on this machine against one, and millions of records as a stream.

Reads:  nothing
Writes: tables on the screen; a work and packs in a temporary folder, or in --folder, which a second run reuses
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.many; python -m benchmarks.many --records 2000000
"""

import argparse
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from bearcat.core.settings_file import change_settings_file
from bearcat.core.workspace import Work, create_work
from bearcat.data.images import InputSpec
from bearcat.data.tfrecord_index import INDEX, TFRecordIndex, load_index
from bearcat.modes import Task
from benchmarks.demo import DIGITS, SETTINGS

ROOT = Path(__file__).resolve().parent.parent
LR = 2e-3
BATCH_SIZE = 32  # of each replica
SPEC = InputSpec(16, 48, 1)
DISTINCT, RECORDS_PER_BATCH, ROWS = 1000, 256, 10
GATHERS, REDUCTIONS = 200, 50  # that are timed


@dataclass(frozen=True)
class Run:
    """One training; `cores` has for each worker the cores that it may use."""

    name: str
    cores: list[list[int]]
    batch_size: int
    lr: float
    epochs: int


RUNS = [
    Run("1, both cores", [[0, 1]], 2 * BATCH_SIZE, LR * math.sqrt(2), 5),
    Run("1, one core", [[0]], BATCH_SIZE, LR, 1),
    Run("2, a core each", [[0], [1]], BATCH_SIZE, LR, 5),
]


def main() -> None:
    """Prints the tables that the arguments name."""
    arguments = parse_arguments()
    if arguments.exchange:
        return print_exchange(arguments.exchange)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.records:
            stream(folder / f"records_{arguments.records}", arguments.records)
        else:
            compare([RUNS[number] for number in arguments.runs], make_digits(folder))


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, help="stream this number of records through the text pipeline")
    parser.add_argument("--runs", type=int, nargs="+", default=range(len(RUNS)), help="rows of the table, from 0")
    parser.add_argument("--folder", type=Path, help="keep the work and the packs here")
    parser.add_argument("--exchange", type=int, help=argparse.SUPPRESS)  # for the workers that this benchmark starts
    return parser.parse_args()


def make_digits(folder: Path) -> Work:
    """Returns a packed work of the demo's digits."""
    if (folder / "digits").is_dir():
        return Work(folder / "digits")
    work = create_work(folder, "digits", activate=False)
    change_settings_file(work.settings_file, SETTINGS)
    config = json.loads(work.captcha_config_file.read_text(encoding="utf-8")) | DIGITS
    work.captcha_config_file.write_text(json.dumps(config), encoding="utf-8")
    for script in ("init_working_space.py", "gen_sample_by_captcha.py", "pack_dataset.py"):
        subprocess.run([sys.executable, script, "--work", str(work.path)], cwd=ROOT, check=True, capture_output=True)
    return work


def compare(runs: list[Run], digits: Work) -> None:
    """Prints one line of a Markdown table per training, and the cost of communication between workers."""
    print("| workers | images per step | time per step | images/s | exact match |\n| --- | --- | --- | --- | --- |")
    for run in runs:
        report = train(run, digits)
        size = run.batch_size * len(run.cores)
        rate, exact = report["images_per_second"], report["best"]["val_exact"]
        result = f"{exact:.1%} after {run.epochs} epochs"
        print(f"| {run.name} | {size} | {1000 * size / rate:.0f} ms | {rate:.0f} | {result} |", flush=True)
    if any(len(run.cores) > 1 for run in runs):
        command = [sys.executable, "-m", "benchmarks.many", "--exchange", str(report["parameters"])]
        print(run_together(command, [[0], [1]])[0].splitlines()[-1])


def train(run: Run, digits: Work) -> dict:
    """Trains in a copy of the work, and returns train.json."""
    with tempfile.TemporaryDirectory() as folder:
        work = Work(Path(shutil.copytree(digits.path, Path(folder) / "digits")))
        values = {"BATCH_SIZE": run.batch_size, "LR": run.lr, "EPOCHS": run.epochs}
        options = [option for name, value in values.items() for option in ("--set", f"{name}={value}")]
        run_together([sys.executable, "train.py", "--work", str(work.path), *options], run.cores)
        return json.loads(work.report_file("train").read_text(encoding="utf-8"))


def run_together(command: list[str], cores: list[list[int]]) -> list[str]:
    """Runs a command once per worker, each pinned to its cores if the system can; returns the outputs."""
    addresses = [f"127.0.0.1:{port}" for port in free_ports(len(cores))]
    processes = []
    for index, own in enumerate(cores):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        environment = os.environ | {"PYTHONUTF8": "1", "TF_CONFIG": json.dumps(config)}
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, encoding="utf-8")
        if hasattr(psutil.Process, "cpu_affinity"):
            psutil.Process(process.pid).cpu_affinity(own)
        processes.append(process)
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        raise SystemExit(f"{' '.join(command)} failed:\n" + "\n".join(outputs))
    return outputs


def free_ports(count: int) -> list[int]:
    """Returns free ports of this machine."""
    taken = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in taken]
    for one in taken:
        one.close()
    return ports


def print_exchange(parameters: int) -> None:
    """As a worker: prints how long an all_gather takes, and an all-reduce of the gradients."""
    from bearcat.core.devices import start_tensorflow
    from bearcat.training.cluster import worker_for
    from bearcat.training.distribution import start_replicas

    device = start_tensorflow(use_gpu=False)
    replicas = start_replicas("multi_worker", worker_for("multi_worker"), device)
    import tensorflow as tf

    gradients = tf.ones([parameters])

    @tf.function
    def add_up():
        return replicas.strategy.run(
            lambda: tf.distribute.get_replica_context().all_reduce("SUM", tf.identity(gradients))
        )

    replicas.any_of(False)
    add_up()
    gathering = seconds_each(lambda: replicas.any_of(False), GATHERS)
    reducing = seconds_each(lambda: replicas.strategy.experimental_local_results(add_up())[0].numpy(), REDUCTIONS)
    print(
        f"all_gather takes {1000 * gathering:.1f} ms, all-reduce of {parameters:,} gradients {1000 * reducing:.1f} ms"
    )


def seconds_each(action, times: int) -> float:
    """Returns the mean time of an action."""
    started = time.perf_counter()
    for _ in range(times):
        action()
    return (time.perf_counter() - started) / times


def stream(folder: Path, count: int) -> None:
    """Reads all records once, shuffled and in batches, as a training does; prints the memory meanwhile."""
    from bearcat.training.text_pipeline import training_batches

    if not (folder / INDEX).is_file():
        write_records(folder, count)
    index = load_index(folder)
    size = sum(file.stat().st_size for file in folder.iterdir()) / 1e9
    print(f"{count:,} records in {len(index.shards)} files, {size:.1f} GB")
    print("| records read | seconds | records/s | memory |\n| --- | --- | --- | --- |")
    steps, started = count // RECORDS_PER_BATCH, time.perf_counter()
    batches = training_batches(folder, index, index.longest_label, RECORDS_PER_BATCH, 0, strength=None)
    for step, _ in enumerate(batches.take(steps), start=1):
        if step % (steps // ROWS) == 0:
            seconds, read = time.perf_counter() - started, step * RECORDS_PER_BATCH
            held = psutil.Process().memory_info().rss / 2**20
            print(f"| {read:,} | {seconds:.0f} | {read / seconds:,.0f} | {held:,.0f} MB |", flush=True)


def write_records(folder: Path, count: int) -> None:
    """Packs some small images again and again."""
    from bearcat.data.tfrecords import write_pack

    index = TFRecordIndex(SPEC, ["a"], Task.TEXT, longest_label=1, steps_needed={"CTC": 1})
    write_pack(folder, repeat_records(count), count, index)


def repeat_records(count: int) -> Iterator:
    """Yields records of DISTINCT images."""
    from bearcat.data.tfrecords import Record

    images = np.random.default_rng(0).integers(0, 256, (DISTINCT, *SPEC.shape), np.uint8)
    for number in range(count):
        yield Record(images[number % DISTINCT], "a", f"a_{number}.png", [1])


if __name__ == "__main__":
    main()
