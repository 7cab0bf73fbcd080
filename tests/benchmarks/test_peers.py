"""The comparison with peers: what counts as correct, their networks, and the table."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.core.workspace import create_work
from benchmarks.peers import __main__ as peers
from benchmarks.peers import crnn, keras_example
from benchmarks.peers.measure import PEERS, Peer, measure, time_prediction
from benchmarks.peers.recogniser import Progress, collapse

LABELS = ("12", "21", "22", "11")


def png(text: str, seed: int) -> bytes:
    """Returns a noisy image of a text."""
    noise = np.random.default_rng(seed).integers(200, 256, (24, 60), np.uint8)
    image = Image.fromarray(noise)
    ImageDraw.Draw(image).text((12, 4), text, 0)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A set as benchmarks/real_sets.py reads it."""
    path = tmp_path / "twos.zip"
    with zipfile.ZipFile(path, "w") as files:
        for number in range(24):
            label = LABELS[number % 4]
            files.writestr(f"{'test' if number < 4 else 'train'}/{label}_{number}.png", png(label, number))
    return path


@pytest.fixture
def work(tmp_path: Path):
    """A work with images for training and validation."""
    made = create_work(tmp_path / "works", "twos", activate=False)
    made.make_folders()
    for number, split in enumerate(["train"] * 8 + ["validation"] * 4):
        label = LABELS[number % 4]
        (made.data_folder(split) / f"{label}_{number}.png").write_bytes(png(label, number))
    return made


def test_repeats_and_blanks_are_removed():
    assert collapse([0, 1, 1, 0, 1, 2, 2, 0, 0], ["a", "b"]) == "aab"
    assert collapse([], ["a"]) == collapse([0, 0], ["a"]) == ""


def test_the_keras_example_has_the_layers_that_it_describes():
    """By hand: convolutions 320 and 18,496, dense 49,216, LSTMs 197,632 and 164,352, head 1,419."""
    model = keras_example.build(11)
    assert model.input_shape == (None, 200, 50, 1)
    assert model.output_shape == (None, 50, 11)
    assert model.count_params() == 320 + 18_496 + 49_216 + 197_632 + 164_352 + 1_419


def test_the_keras_example_trains_and_predicts(work):
    recogniser = keras_example.train(work, 0, 1)  # ends after its first epoch
    assert recogniser.train_seconds > 0
    assert set(recogniser.predict(png("12", 0))) <= {"1", "2"}


def test_the_crnn_has_the_shape_of_its_configuration_and_trains(work):
    """The width is halved twice and loses one column; features are 128 filters in 3 rows."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    logits = crnn.build(11)(torch.zeros(2, 1, 64, 224))
    assert logits.shape == (57, 2, 11)
    recogniser = crnn.train(work, 0, 1)
    assert set(recogniser.predict(png("12", 0))) <= {"1", "2"}


def test_a_progress_keeps_the_first_time_that_the_exact_match_was_good():
    progress = Progress(0)
    progress.observe(0.94)
    assert progress.seconds_to_good is None
    progress.observe(0.95)
    first = progress.seconds_to_good
    progress.observe(1.0)
    assert progress.seconds_to_good == first is not None
    assert not progress.is_over
    assert Progress(1e-9).is_over


def test_prediction_is_timed_image_by_image():
    seen = []
    times = time_prediction(lambda image: str(seen.append(image)), [b"1", b"2"])
    assert seen == [b"1", b"2"] * 2  # the first round warms up
    assert times["milliseconds"] >= 0 <= times["cpu_milliseconds"]


def test_each_row_is_measured_once_and_missing_peers_are_named(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    measured = []

    def fake_measure(task: dict, data: Path) -> dict:
        measured.append((task["set"], data))
        figures = {"right": 3, "images": 4, "parameters": 1234, "train_seconds": 61.4, "seconds_to_enough": None}
        return figures | {"milliseconds": 1.26, "cpu_milliseconds": 2.0}

    monkeypatch.setattr(peers, "measure_alone", fake_measure)
    monkeypatch.setitem(PEERS, "CRNN", Peer(crnn.train, lambda: False))
    results = tmp_path / "results.json"
    chosen = ["peers", str(archive.parent), "--peers", "Bearcat", "CRNN", "--results", str(results)]
    monkeypatch.setattr("sys.argv", chosen)
    peers.main()
    peers.main()
    assert measured == [("twos", archive.parent)]
    assert json.loads(results.read_text(encoding="utf-8"))["right"] == 3
    screen = capsys.readouterr().out
    assert "CRNN is skipped: it is not installed" in screen
    # Wilson's interval of 3 in 4
    assert "| twos | Bearcat | 75.0% [30.1%, 95.4%] | 61 s | – | 1,234 | 1.3 ms | 2.0 ms |" in screen


def test_an_unknown_set_is_refused(archive: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr("sys.argv", ["peers", str(archive.parent), "--sets", "threes"])
    with pytest.raises(SystemExit) as end:
        peers.main()
    assert end.value.code == 2
    assert "no such set among twos: threes" in capsys.readouterr().err


def test_bearcat_is_trained_by_its_own_steps(archive: Path):
    row = measure({"set": "twos", "peer": "Bearcat", "labels": 0, "seconds": 1, "limit": 0}, archive.parent)
    assert row["images"] == 4
    assert row["train_seconds"] > 0 < row["milliseconds"]
    assert row["parameters"] > 500_000
