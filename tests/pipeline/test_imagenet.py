"""A training that starts from ImageNet weights, which only train.py loads; then everything works without them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from bearcat.artifacts.card import read_card
from bearcat.artifacts.checkpoints import best_checkpoint
from bearcat.data.labels.reading import list_images
from tests.helpers.imagenet import BACKBONE, FILE_NAME, offline_environment, write_published
from tests.helpers.steps import run_fresh, run_ok
from utils import Predict_Image


def test_a_training_starts_from_imagenet_weights_and_resumes_without_them(
    works: Path, copy_digits: Callable[..., Path], tmp_path: Path
):
    work, cache = copy_digits(works, MODE="CTC", BACKBONE=BACKBONE, WEIGHTS="imagenet", EPOCHS=1), tmp_path / "keras"
    run_ok("pack_dataset.py", "--work", work)
    offline = offline_environment(cache)
    (refused,) = run_fresh([("train.py", "--work", work)], [offline])
    assert refused.returncode == 2
    assert f"put that file here by hand: {cache / 'models' / FILE_NAME}" in refused.stderr
    write_published(cache)
    (started,) = run_fresh([("train.py", "--work", work)], [offline])
    assert started.returncode == 0, started.stderr
    assert f"ImageNet weights of {BACKBONE}: from {cache / 'models'}; Keras downloads them if" in started.stdout
    assert f"Starting weights from ImageNet: all 135 of {BACKBONE} loaded" in started.stdout
    card, payload = read_card(best_checkpoint(work / "checkpoint").path)
    assert (card.preprocessing, payload["recipe"]["origin"]) == ("imagenet", "imagenet")
    shutil.rmtree(cache)
    (resumed,) = run_fresh([("train.py", "--work", work, "--set", "EPOCHS=2")], [offline])
    assert resumed.returncode == 0, resumed.stderr
    assert "Resuming after epoch 1" in resumed.stdout
    run_ok("save_model.py", "--work", work)
    predictor = Predict_Image(work / "App_model")
    assert predictor.recogniser.card.preprocessing == "imagenet"
    assert isinstance(predictor.predict(list_images(work / "test_dataset")[0]).text, str)
