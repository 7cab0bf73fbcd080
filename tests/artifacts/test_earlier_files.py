"""Files that an earlier version wrote are served, loaded and resumed as they were: see tests/data/earlier_files."""

import gzip
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from bearcat.artifacts.attention import Locator
from bearcat.artifacts.card import Card
from bearcat.artifacts.inference import KerasEngine, OnnxEngine, Recogniser
from bearcat.core.workspace import Work
from bearcat.data.tfrecord_index import load_index
from bearcat.data.tfrecords import read_records
from bearcat.data.vocabulary import Vocabulary
from bearcat.settings_rules import load_settings
from callback import CallBack
from tests.helpers.replicas import draw_batch
from tests.helpers.steps import ROOT, run_ok
from utils import Image_Processing, Predict_Image

EARLIER = ROOT / "tests" / "data" / "earlier_files"
MODES = ["ordinary", "num_classes", "ctc", "ctc_tiny", "efficientdet"]


@pytest.fixture(params=MODES)
def earlier(request: pytest.FixtureRequest) -> Path:
    """The folder of a mode's files."""
    return EARLIER / request.param


def expected(folder: Path) -> dict[str, dict]:
    """Returns file name → what the earlier version answered."""
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def assert_output_is(output: np.ndarray, row: dict) -> None:
    """Compares a network's output (1, …) with what the earlier version's was."""
    assert list(output.shape) == row["output_shape"]
    assert output.reshape(-1)[: len(row["output_first"])] == pytest.approx(row["output_first"], abs=1e-3)
    assert [output.mean(), output.std()] == pytest.approx([row["output_mean"], row["output_std"]], abs=1e-3)


def test_a_served_file_answers_as_before(earlier: Path, tmp_path: Path):
    served = tmp_path / "App_model" / "captcha.onnx"
    served.parent.mkdir()
    served.write_bytes(gzip.decompress((earlier / "served.onnx.gz").read_bytes()))
    predictor = Predict_Image(served.parent)
    card = predictor.recogniser.card
    for name, row in expected(earlier).items():
        prediction = predictor.predict(earlier / name)
        assert prediction.text == row["text"]
        assert prediction.confidences == pytest.approx(row["confidences"], abs=1e-4)
        answer = predictor.api((earlier / name).read_bytes())
        assert answer.keys() == row["answer"].keys() | {"time"}
        assert answer["result"] == row["answer"]["result"]
        pixels = Image_Processing.extraction_image(earlier / name, card.spec)[np.newaxis].astype(np.float32)
        assert_output_is(np.asarray(predictor.recogniser.engine.logits(pixels)), row)


def test_a_saved_keras_model_computes_what_it_did(earlier: Path):
    engine = KerasEngine(earlier / "model.keras")
    for name, row in expected(earlier).items():
        pixels = Image_Processing.extraction_image(earlier / name, engine.card.spec)[np.newaxis].astype(np.float32)
        assert_output_is(engine.logits(pixels), row)


def test_a_keras_model_attends_to_the_same_columns_as_the_served_file(tmp_path: Path):
    folder, served = EARLIER / "ordinary", tmp_path / "captcha.onnx"
    served.write_bytes(gzip.decompress((folder / "served.onnx.gz").read_bytes()))
    for name, row in expected(folder).items():
        found, of_keras = (
            Locator(recogniser).locate(recogniser.extract(folder / name), row["text"])
            for recogniser in (Recogniser(OnnxEngine(served)), Recogniser(KerasEngine(folder / "model.keras")))
        )
        assert len(found) == len(row["text"])
        for one, other in zip(found, of_keras, strict=True):
            assert other.weights == pytest.approx(one.weights, abs=1e-3)


@pytest.fixture
def work(earlier: Path, works: Path, latin_font: Path) -> Work:
    """A work as the earlier version left it, with its checkpoint but without images."""
    work = Work(works / earlier.name)
    work.path.mkdir()
    shutil.copyfile(earlier / "num_classes.json", work.path / "num_classes.json")
    defaults, own = ((folder / "settings.txt").read_text(encoding="utf-8") for folder in (EARLIER, earlier))
    work.settings_file.write_text(defaults + own, encoding="utf-8")
    config = json.loads((earlier / "captcha_config.json").read_text(encoding="utf-8"))
    config |= {"fonts": [str(latin_font)]} if config.get("kind") == "click" else {}
    (work.path / "captcha_config.json").write_text(json.dumps(config), encoding="utf-8")
    work.folder("checkpoint").mkdir()
    (checkpoint,) = earlier.glob("epoch_0001-*.keras")
    shutil.copyfile(checkpoint, work.folder("checkpoint") / checkpoint.name)
    return work


@pytest.mark.parametrize("earlier", sorted(set(MODES) - {"ctc"}), indirect=True)
def test_a_checkpoint_is_resumed_with_its_optimizer(work: Work):
    settings = load_settings(ROOT / "settings.py", work.settings_file, [], lambda note: None)
    card = Card.from_settings(settings, Vocabulary.load(work.vocabulary_file), on_gpu=False)
    call_back = CallBack(work, settings, card)
    model = call_back.resume()
    assert call_back.epochs_done == 1
    steps = int(model.optimizer.iterations)
    assert steps > 1
    model.run_eagerly = True  # one step is faster without tracing
    losses = model.train_on_batch(*draw_batch(call_back.card), return_dict=True)
    assert np.isfinite(losses["loss"])
    assert int(model.optimizer.iterations) == steps + 1


# text, classes and boxes: those of the other modes differ from CTC's in nothing that these steps read
@pytest.mark.parametrize("earlier", ["num_classes", "ctc", "efficientdet"], indirect=True)
def test_all_steps_run_in_a_work(earlier: Path, work: Work):
    (checkpoint,) = work.folder("checkpoint").iterdir()
    kept = shutil.copyfile(checkpoint, work.path / checkpoint.name)
    run_ok("init_working_space.py", "--work", work.path)
    shutil.copyfile(kept, work.folder("checkpoint") / checkpoint.name)
    for script in ("gen_sample_by_captcha.py", "pack_dataset.py"):
        run_ok(script, "--work", work.path)
    if earlier.name != "ctc":
        return
    printed = run_ok("train.py", "--work", work.path, "--set", "EPOCHS=2")
    assert checkpoint.name in printed
    assert len(list(work.folder("checkpoint").glob("epoch_0002-*.keras"))) == 1
    report = json.loads((work.folder("report") / "train.json").read_text(encoding="utf-8"))
    assert report["epochs_run"] == 2


def test_a_pack_is_read(tmp_path: Path):
    folder = EARLIER / "ordinary" / "validation_pack_dataset"
    index = load_index(folder)
    assert (index.count, index.spec.height, index.spec.width, index.spec.channels) == (8, 24, 48, 1)
    labels = [label.decode() for batch in read_records(folder, index) for label in batch["label"]]
    assert len(labels) == 8
    assert set("".join(labels)) <= set("0123")
