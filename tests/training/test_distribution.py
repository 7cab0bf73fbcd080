"""Training of several replicas: two halves of a CPU for every mode; two workers over loopback, one of which is lost."""

import csv
import json
import shutil
import socket
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bearcat.artifacts.checkpoints import list_checkpoints
from bearcat.core.devices import Device, choose_precision
from bearcat.core.errors import DataError, SettingsError
from bearcat.data import tfrecord_index
from bearcat.data.tfrecord_index import TFRecordIndex
from bearcat.data.tfrecords import write_pack
from bearcat.modes import MODES
from bearcat.training.callbacks import CosineSchedule
from bearcat.training.cluster import ALONE, EXAMPLE, Worker, read_worker, worker_for
from bearcat.training.distribution import Replicas, choose_strategy
from bearcat.training.resume import next_rate
from bearcat.training.schedules import FEW_FAMILIAR_IMAGES, cosine_rate, few_images_rate, scale_rate
from tests.helpers.records import EMPTY_INDEX, make_records
from tests.helpers.steps import run_fresh, run_ok, run_refused, run_together

TRAINED_MODES = sorted(MODES.keys() - {"CTC"})
CHIEF_AND_TWO = '{"cluster": {"chief": ["a:1"], "worker": ["b:1", "c:1"]}, "task": {"type": "worker", "index": 1}}'


def test_tf_config_numbers_the_workers_from_the_chief():
    assert read_worker(EXAMPLE) == Worker(0, 2)
    assert read_worker(CHIEF_AND_TWO) == Worker(2, 3)
    assert read_worker(EXAMPLE).is_chief
    assert not read_worker(CHIEF_AND_TWO).is_chief


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        EXAMPLE.replace("0}", "2}"),
        EXAMPLE.replace('"worker", "', '"ps", "'),
        EXAMPLE.replace(":5007", ""),
        '{"cluster": {"worker": "10.0.0.1:5007"}, "task": {"type": "worker", "index": 0}}',
        CHIEF_AND_TWO.replace('["a:1"]', '["a:1", "d:1"]'),
    ],
)
def test_an_invalid_tf_config_is_refused(text: str):
    with pytest.raises(SettingsError, match="TF_CONFIG"):
        read_worker(text)


def test_only_strategies_of_several_workers_read_tf_config(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert worker_for("auto") == ALONE
    with pytest.raises(SettingsError, match="needs TF_CONFIG"):
        worker_for("multi_worker")
    monkeypatch.setenv("TF_CONFIG", CHIEF_AND_TWO)
    assert worker_for("auto") == worker_for("multi_worker") == Worker(2, 3)
    assert worker_for("single") == worker_for("mirrored") == ALONE


@pytest.mark.parametrize(
    ("setting", "workers", "gpus", "chosen"),
    [
        ("auto", 1, 0, "single"),
        ("auto", 1, 1, "single"),
        ("auto", 1, 2, "mirrored"),
        ("auto", 2, 2, "multi_worker"),
        ("single", 1, 2, "single"),
        ("mirrored", 1, 0, "mirrored"),
    ],
)
def test_auto_depends_on_workers_and_gpus(setting: str, workers: int, gpus: int, chosen: str):
    assert choose_strategy(setting, Worker(0, workers), Device("", gpus > 0, gpus)) == chosen


def test_the_learning_rate_is_scaled_for_the_replicas():
    assert scale_rate(0.1, "SGD", 4) == pytest.approx(0.4)
    assert scale_rate(0.1, "AdamW", 4) == pytest.approx(0.2)
    assert scale_rate(0.1, "AdamW", 1) == 0.1


def test_several_replicas_do_not_train_in_float16():
    assert choose_precision("auto", True, False, replicas=2) == "bfloat16"
    with pytest.raises(SettingsError, match="PRECISION = 'float16'"):
        choose_precision("float16", True, False, replicas=2)


def small_pack(folder: Path, monkeypatch: pytest.MonkeyPatch) -> TFRecordIndex:
    """Writes a pack of 20 records in 5 shards."""
    monkeypatch.setattr(tfrecord_index, "RECORDS_PER_SHARD", 4)
    return write_pack(folder, make_records(20), 20, EMPTY_INDEX)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_workers_divide_the_records_by_file_and_none_sees_another_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
):
    from bearcat.training.text_pipeline import training_batches

    index = small_pack(tmp_path / "pack", monkeypatch)
    seen = []
    for worker in range(workers):
        batches = training_batches(tmp_path / "pack", index, 3, 1, 0, None, Worker(worker, workers))
        numbers = [int(images[0, 0, 0, 0]) for images, _ in batches.take(20)]
        again = training_batches(tmp_path / "pack", index, 3, 1, 0, None, Worker(worker, workers))
        assert [int(images[0, 0, 0, 0]) for images, _ in again.take(20)] == numbers
        seen.append(set(numbers))
    assert sorted(number for numbers in seen for number in numbers) == list(range(20))
    assert max(map(len, seen)) - min(map(len, seen)) <= 1 + (workers > 5)


def test_all_replicas_validate_the_same_number_of_images_in_the_same_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from bearcat.training.text_pipeline import validation_batches

    index, strategy = small_pack(tmp_path / "pack", monkeypatch), SimpleNamespace(num_replicas_in_sync=6)
    seen = []
    for worker in range(3):
        replicas = Replicas(Worker(worker, 3), strategy)
        steps = replicas.validation_steps(index.count, 2)
        assert (replicas.local_count, steps) == (2, 2)
        sizes = []
        for images, _ in validation_batches(tmp_path / "pack", index, 3, 2, replicas).take(2 * steps):
            seen += images[:, 0, 0, 0].numpy().astype(int).tolist()
            sizes.append(len(images))
        assert sizes == [2, 2, 1, 1]
    assert len(seen) == len(set(seen)) == 18


def test_fewer_images_than_replicas_are_refused():
    with pytest.raises(DataError, match="each replica needs at least one"):
        Replicas(ALONE, SimpleNamespace(num_replicas_in_sync=6)).shard_size(5)


@pytest.fixture(scope="module")
def steps() -> dict[str, dict]:
    """Mode → a training step of one replica, and the same of two; each loss and metric once: CTC has CTC_TINY's."""
    return json.loads(run_ok("tests/helpers/replicas.py", *TRAINED_MODES).splitlines()[-1])


@pytest.mark.parametrize("mode", TRAINED_MODES)
def test_a_step_of_two_replicas_is_a_step_of_one_with_both_batches(mode: str, steps: dict[str, dict]):
    result = steps[mode]
    assert result["replicas"] == 2
    assert result["two"]["loss"] == pytest.approx(result["one"]["loss"], rel=1e-4)
    assert result["two"]["valid"] == pytest.approx(result["one"]["valid"], rel=1e-3)
    assert result["largest_gap"] < 1e-4


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory, copy_digits: Callable[..., Path]) -> Path:
    """A packed work of tiny digits for CTC."""
    work = copy_digits(tmp_path_factory.mktemp("works"), MODE="CTC", BACKBONE="tiny", MIN_EPOCH_STEPS=6)
    run_ok("pack_dataset.py", "--work", work)
    return work


@pytest.fixture
def digits_work(packed: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may train in."""
    return Path(shutil.copytree(packed, tmp_path / "digits"))


def test_a_training_on_two_halves_of_the_cpu_resumes_with_one_replica(digits_work: Path, tmp_path: Path):
    options = ("--work", digits_work, "--set", "WEIGHT_AVERAGE=True", "--set", "MIN_EPOCH_STEPS=2")
    mirrored = ("--set", "STRATEGY=mirrored", "--set", "EPOCHS=2")
    printed = run_ok("tests/helpers/worker.py", tmp_path / "losses.json", 0, *options, *mirrored)
    assert "2 replicas (mirrored): 2 × 8 = 16 images per step" in printed
    printed = run_ok("train.py", *options, "--set", "EPOCHS=3")
    assert "Resuming after epoch 2" in printed
    images = len(list((digits_work / "train_dataset").iterdir()))
    assert f"The learning rate is set to {few_images_rate(0.002, images, FEW_FAMILIAR_IMAGES):.3g}" in printed
    assert epochs_of(digits_work) == [1, 2, 3]


def test_the_learning_rate_of_a_checkpoint_is_scaled_for_the_replicas():
    of_four = {"lr": 0.002, "optimizer": "AdamW", "replicas": 4}
    assert next_rate(0.0005, of_four, of_four) == 0.0005
    assert next_rate(0.0005, of_four, of_four | {"replicas": 1}) == pytest.approx(0.00025)
    assert next_rate(0.0005, of_four | {"optimizer": "SGD"}, of_four | {"optimizer": "SGD", "replicas": 2}) == 0.00025
    assert next_rate(0.0005, of_four, of_four | {"lr": 0.001}) == 0.002
    of_one = {"lr": 0.002, "optimizer": "AdamW"}  # a checkpoint made before there were replicas
    assert next_rate(0.0005, of_one, of_four) == pytest.approx(0.001)


def test_a_resumed_cosine_schedule_counts_epochs_of_any_number_of_steps():
    model = SimpleNamespace(optimizer=SimpleNamespace(learning_rate=0.0))
    schedule = CosineSchedule(steps=100, peak=1.0, done=50)
    schedule.set_model(model)
    rates = []
    for step in range(50):
        schedule.on_train_batch_begin(step)
        rates.append(model.optimizer.learning_rate)
    assert rates == [cosine_rate(step, 100, 1.0) for step in range(50, 100)]


def epochs_of(work: Path) -> list[int]:
    """Returns the epochs in the CSV file of a training."""
    with (work / "CSVLogger" / "training.csv").open(encoding="utf-8", newline="") as file:
        return [int(row["epoch"]) for row in csv.DictReader(file)]


def free_ports() -> list[int]:
    """Returns two free ports of this machine."""
    with closing(socket.socket()) as one, closing(socket.socket()) as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in (one, other)]


def run_workers(
    script: str, *arguments: object, each: tuple[tuple, ...] = ((), ()), run: Callable = run_together
) -> list[tuple[str, str, int]]:
    """Runs a script as two workers, each with arguments of its own before the others; returns output, errors, code."""
    cluster = {"worker": [f"127.0.0.1:{port}" for port in free_ports()]}
    tasks = [{"type": "worker", "index": index} for index in range(len(each))]
    configs = [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": task})} for task in tasks]
    done = run([(script, *own, *arguments) for own in each], configs)
    return [(worker.stdout, worker.stderr, worker.returncode) for worker in done]


def train_on_two(
    work: Path, records: Path, dies: tuple[int, int] = (0, 0), run: Callable = run_together
) -> list[tuple[str, str, int]]:
    """Trains as two workers that record each step; `dies` says after which step each kills itself (see worker.py)."""
    records.mkdir(exist_ok=True)
    each = tuple((records / f"{worker}.json", die) for worker, die in enumerate(dies))
    return run_workers("tests/helpers/worker.py", "--work", work, "--set", "EPOCHS=3", each=each, run=run)


def run_first_fresh(commands: list[tuple], environments: list[dict[str, str]]) -> list[subprocess.CompletedProcess]:
    """Runs the first script in a new interpreter, which exits as a user's does, and the second in a fork."""
    with ThreadPoolExecutor() as threads:
        fresh = threads.submit(run_fresh, commands[:1], environments[:1])
        return [*run_together(commands[1:], environments[1:]), *fresh.result()][::-1]


def recorded_steps(records: Path) -> list[list[float]]:
    """Returns the losses of each worker's steps."""
    return [json.loads((records / f"{worker}.json").read_text(encoding="utf-8")) for worker in range(2)]


def test_workers_with_different_settings_are_refused(digits_work: Path):
    each = (("--set", "LR=0.001"), ("--set", "LR=0.002"))
    workers = run_workers("train.py", "--work", digits_work, "--set", "EPOCHS=1", each=each)
    for (printed, errors, code), rate in zip(workers, (0.001, 0.002), strict=True):
        assert code == 2, errors
        assert "waiting for the others" in printed
        assert f"the workers differ in LR, here {rate}" in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize("dies", [(-2, 0), (2, 0), (0, -2)], ids=str)
def test_the_end_of_one_worker_ends_the_other(digits_work: Path, tmp_path: Path, dies: tuple[int, int]):
    ended = train_on_two(digits_work, tmp_path, dies=dies)
    own, others = (ended[number] for number in (dies.index(0) ^ 1, dies.index(0)))
    assert own[2] != 0
    assert others[2] == 2, others
    assert "has lost another one" in others[1]
    assert "Traceback" not in own[1] + others[1]


@dataclass(frozen=True)
class Interrupted:
    """A training of two workers, the second of which was killed after 9 steps, and which then both resumed."""

    work: Path
    first: Path
    second: Path
    ended: list[tuple[str, str, int]]
    resumed: list[tuple[str, str, int]]


@pytest.fixture(scope="module")
def interrupted(packed: Path, tmp_path_factory: pytest.TempPathFactory) -> Interrupted:
    """Trains on two workers; tests must not change the work."""
    folder = tmp_path_factory.mktemp("interrupted")
    work, first, second = shutil.copytree(packed, folder / "digits"), folder / "first", folder / "second"
    ended = train_on_two(work, first, dies=(0, 9), run=run_first_fresh)
    return Interrupted(work, first, second, ended, train_on_two(work, second))


def test_a_lost_worker_ends_the_other_and_both_resume_together(interrupted: Interrupted):
    (_, errors, code), (_, _, killed) = interrupted.ended
    assert killed != 0
    assert code == 2, errors
    assert "has lost another one" in errors
    assert "Traceback" not in errors
    for worker, (printed, errors, code) in enumerate(interrupted.resumed):
        assert code == 0, errors
        assert f"2 replicas (multi_worker, this is worker {worker} of 2)" in printed
        assert "Resuming after epoch 1" in printed
    assert epochs_of(interrupted.work) == [1, 2, 3]
    assert [checkpoint.epoch for checkpoint in list_checkpoints(interrupted.work / "checkpoint")] == [1, 2, 3]


def test_two_workers_agree_step_by_step_and_end_with_the_same_weights(interrupted: Interrupted):
    chief, killed = recorded_steps(interrupted.first)
    assert len(killed) == 9
    assert chief[:8] == killed[:8]
    chief, other = recorded_steps(interrupted.second)
    assert len(chief) == 12
    assert chief == other
    weights = [np.load(interrupted.second / f"{worker}.npz") for worker in range(2)]
    assert len(weights[0].files) > 10
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0].files)


def test_keras_still_needs_multi_worker_fit():
    (printed, errors, code), _ = run_workers("tests/helpers/upstream.py")
    assert code == 0, errors
    for part, runs in json.loads(printed.splitlines()[-1]).items():
        assert not runs, (
            f"Keras has fixed it ({part}): MultiWorkerFit in bearcat/training/multi_worker.py no longer needs it"
        )


def test_a_learning_curve_is_refused_with_several_workers(packed: Path):
    printed = run_refused("train.py", "--curve", "--work", packed, TF_CONFIG=EXAMPLE)
    assert "--curve trains on one machine" in printed
