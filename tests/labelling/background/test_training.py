"""Guesses and a training beside the page with the real processes, from drawn images to predictions."""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.core.workspace import Work
from bearcat.data.labels.reading import label_of_name
from bearcat.labelling.background.supervisor import FIRST_LABELS, Background, BackgroundPlan
from bearcat.labelling.predictors import Kind
from tests.helpers.labelling import draw_text, open_session
from utils import Predict_Image

SECONDS = 600  # at most; TensorFlow starts twice
TEXTS = ["".join(text) for text in itertools.islice(itertools.permutations("2347"), 24)]
SETTINGS = SimpleNamespace(FRAMES="first", LAYOUT="line", CAPTCHA_LENGTH=8, IGNORE_CASE=False)
OVERRIDES = ["EPOCHS=1", "MIN_EPOCH_STEPS=2", "BATCH_SIZE=4"]


def test_the_pretrained_weights_guess_and_a_training_on_the_labels_replaces_them(
    tmp_path: Path, work: Work, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.WARNING, "bearcat.labelling")
    work.make_folders()
    (tmp_path / "drawn").mkdir()
    for number, text in enumerate(TEXTS):
        draw_text(text, number).save(tmp_path / "drawn" / f"{text}.png")
    session = open_session(tmp_path / "drawn", work)
    plan = BackgroundPlan(SETTINGS, OVERRIDES, Predict_Image, label_of_name, "models.build_for", seconds=1)
    background, stop = Background(session, plan), threading.Event()
    thread = threading.Thread(target=background.run, args=(stop,))
    thread.start()
    try:
        wait_until(lambda: session.predictor is not None or background.failed)
        assert caplog.messages == []
        session.open_images()
        guessed = [image.text == image.path.stem for image in session.queue.images]
        assert sum(guessed) > len(TEXTS) / 2
        for _ in range(FIRST_LABELS):
            image = session.current()
            session.confirm(image.number, image.path.stem)
        wait_until(lambda: session.predictor.kind is Kind.TRAINED or background.failed)
        assert caplog.messages == []
        session.open_images()
        assert session.current().predictor.labels == FIRST_LABELS
    finally:
        stop.set()
        thread.join(SECONDS)
    assert not (work.folder("report") / "labelling").exists()


def wait_until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)
