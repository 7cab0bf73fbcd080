"""How `app.py --label` starts and what it prints at its end."""

import os
import subprocess
import sys
from pathlib import Path

import requests

from bearcat.core.workspace import Work
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.queue import Status
from bearcat.labelling.start import next_commands
from tests.helpers.labelling import open_session, train_set
from tests.helpers.services import make_work, png, running
from tests.helpers.steps import ROOT, run_refused
from utils import Predict_Image


def test_symbols_are_known_from_the_model_and_the_data(folder: Path, tmp_path: Path, work: Work):
    (work.data_folder("train") / "cat").mkdir(parents=True)
    (work.data_folder("train") / "cat" / "1.png").write_bytes(png(1))
    (work.data_folder("train") / "fire hydrant_1.png").write_bytes(png(2))
    session = open_session(folder, work, "NUM_CLASSES")
    assert session.symbols.known == {"cat", "fire hydrant"}
    session.confirm(0, "traffic light")
    assert session.symbols.known == {"cat", "fire hydrant", "traffic light"}
    assert open_session(folder, work, "CTC").symbols.known is None
    trained = Work(make_work(tmp_path / "trained", captcha={}))
    assert open_session(folder, trained, "CTC", Predict_Image).symbols.known == {"a", "b"}
    of_other_kind = open_session(folder, trained, "NUM_CLASSES", Predict_Image)
    assert (of_other_kind.model_name, of_other_kind.symbols.known) == ("", set())


def test_the_next_commands_are_those_that_the_work_needs(folder: Path, work: Work):
    session = open_session(folder, work)
    session.confirm(0, "ab")
    first = "python move_path.py, python cheak_file.py --apply, python pack_dataset.py, python train.py"
    assert ", ".join(next_commands(work, session.symbols)).startswith(first)
    for name in ("validation_dataset", "checkpoint"):
        work.folder(name).mkdir()
        (work.folder(name) / "1_a.png").write_bytes(png())
    Vocabulary(("a", "b")).save(work.vocabulary_file)
    pack, *later = next_commands(work, session.symbols)
    assert (pack, later[:2]) == ("python pack_dataset.py", ["python init_working_space.py --go-on", "python train.py"])
    session.confirm(1, "ac")
    assert next_commands(work, session.symbols)[0] == "python pack_dataset.py --extend"


def test_app_py_serves_the_page_and_prints_the_next_commands(folder: Path, tmp_path: Path):
    work = make_work(tmp_path / "trained", captcha={})
    with running(work, "--label", folder) as service:
        here = {"origin": service.address}
        assert "labelling.js" in service.get("/", headers={"Accept": "text/html"}).text
        answer = requests.post(f"{service.address}/confirm", json={"number": 0, "label": "b"}, headers=here, timeout=10)
        while answer.status_code == 409:  # not looked at yet
            answer = requests.post(answer.url, json={"number": 0, "label": "b"}, headers=here, timeout=10)
        assert answer.json()["labelled"] == 1
        assert service.post(data={"img": "AAAA"}).status_code == 405  # the API is another service
        service.process.terminate()
        output = service.process.stdout.read()
        assert service.process.wait(20) == 0
    assert "1 images labelled" in output
    assert output.splitlines()[-1].startswith("Next: python move_path.py  (then python cheak_file.py --apply")
    assert "Traceback" not in service.log()
    assert len(os.listdir(work / "train_dataset")) == 1


def test_incorrect_use_is_refused_with_one_message(folder: Path, work: Work, tmp_path: Path):
    start = ("app.py", "--work", work.path, "--label")
    message = run_refused(*start, folder, "--workers", 2, "--no-page")
    assert "--label takes no --workers, --no-page" in message
    assert message.count("\n") == 1
    assert "add a --token" in run_refused(*start, folder, "--host", "0.0.0.0")
    assert "not a folder" in run_refused(*start, tmp_path / "none")
    assert "unlabelled_dataset: not a folder" in run_refused(*start)
    assert "add --label" in run_refused(*start[:-1], "--no-training")
    assert train_set(work) == {}


def test_nothing_is_served_if_all_images_are_labelled(folder: Path, work: Work):
    session = open_session(folder, work)
    for image in session.queue.images:
        if image.status is Status.OPEN:
            session.confirm(image.number, "ab")
    (folder / "broken.png").unlink()
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--work", str(work.path), "--label", str(folder)],
        capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "0 images to label; 5 are already in the data sets" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Next: python move_path.py")
