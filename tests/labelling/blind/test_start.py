"""How `app.py --label --blind` starts, what it refuses, and what becomes of the answers."""

import subprocess
import sys
from pathlib import Path

import pytest
import requests

from bearcat.core.errors import DataError, LabelError, ServiceError
from bearcat.core.workspace import Work
from bearcat.labelling.blind.records import FILE, read_answers, record_answer
from bearcat.labelling.blind.start import open_blind
from tests.helpers.blind import LABELS, answer_to, write_images
from tests.helpers.services import running
from tests.helpers.steps import ROOT, run_refused
from utils import Image_Processing


def test_app_py_serves_the_page_and_says_where_the_answers_are(work: Work):
    write_images(work.data_folder("test"))
    with running(work.path, "--label", "--blind") as service:
        here = {"origin": service.address}
        assert "blind.js" in service.get("/", headers={"Accept": "text/html"}).text
        assert service.post(json={"person": ""}).status_code == 405  # the API is another service
        begun = requests.post(f"{service.address}/begin", json={"person": ""}, headers=here, timeout=10)
        person = begun.json()["person"]
        assert service.get(f"/image/0?person={person}").headers["content-type"] == "image/png"
        answer = {"person": person, "number": 0, "typed": "7K4B", "milliseconds": 2000, "paused": False}
        assert requests.post(f"{service.address}/answer", json=answer, headers=here, timeout=10).json()["answered"] == 1
        service.process.terminate()
        output = service.process.stdout.read()
        assert service.process.wait(20) == 0
    assert f"Answers saved in {work.path / FILE}: 1" in output
    assert output.splitlines()[-1].startswith("Next: python strength.py")
    assert "Traceback" not in service.log()


def test_no_step_that_clears_a_work_removes_the_answers(work: Work):
    image = write_images(work.data_folder("test"), LABELS[:1]) / f"{LABELS[0]}_0.png"
    record_answer(work, answer_to(image))
    work.make_folders()
    (work.folder("checkpoint") / "epoch.keras").write_bytes(b"of an earlier training")
    assert work.archive_training()
    command = [sys.executable, ROOT / "delete_file.py", "--work", work.path, "--yes"]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    assert not image.exists()
    assert [answer.typed for answer in read_answers(work)] == [LABELS[0]]


def test_incorrect_use_is_refused_with_one_message(work: Work):
    start = ("app.py", "--work", work.path)
    for options, message in {
        ("--blind",): "--blind is an option of the labelling page: add --label",
        ("--label", "--blind", "--no-training"): "remove --no-training: --blind never trains",
        ("--label", "--blind", "--queue", "3"): "--label takes no --queue",
        ("--label", "--blind", "--host", "0.0.0.0"): "add a --token",
        ("--label", "--blind", "--set", "MODE=NUM_CLASSES"): "--blind is for texts",
    }.items():
        refusal = run_refused(*start, *options)
        assert message in refusal
        assert refusal.count("\n") == 1


def test_the_folder_is_a_path_or_one_in_the_work(work: Work, tmp_path: Path):
    write_images(tmp_path / "mine", LABELS[:1])
    write_images(work.folder("report") / "sweep" / "test_dataset", LABELS[:2])
    write_images(work.data_folder("test"))
    found = {"": 4, "report/sweep/test_dataset": 2, str(tmp_path / "mine"): 1}
    assert {name: len(open_blind(name, work, "CTC", Image_Processing).images) for name in found} == found


@pytest.mark.parametrize("mode", ["NUM_CLASSES", "EFFICIENTDET"])
def test_labels_that_nobody_types_are_refused(work: Work, mode: str):
    with pytest.raises(ServiceError, match=f"MODE = '{mode}' labels are not texts"):
        open_blind("", work, mode, Image_Processing)


def test_folders_without_labelled_images_are_refused(work: Work, folder: Path):
    with pytest.raises(DataError, match=r"test_dataset is missing: fill it with python move_path\.py or"):
        open_blind("", work, "CTC", Image_Processing)
    with pytest.raises(DataError, match=f"--label none: no such folder, neither as it is nor in the work {work.path};"):
        open_blind("none", work, "CTC", Image_Processing)
    with pytest.raises(LabelError, match="the file name has no label"):
        open_blind(str(folder), work, "CTC", Image_Processing)
    write_images(work.data_folder("test") / "cat")
    with pytest.raises(LabelError, match="lies in a sub-folder"):
        open_blind("", work, "CTC", Image_Processing)


def test_case_counts_unless_the_setting_or_the_labels_ignore_it(work: Work):
    write_images(work.data_folder("test"), ("Ab", "c3"))
    assert not open_blind("", work, "CTC", Image_Processing).ignore_case
    folded = open_blind("", work, "CTC", Image_Processing, ignore_case=True)
    assert ([image.label for image in folded.images], folded.ignore_case) == (["ab", "c3"], True)
