"""Which names and which model the page of boxes starts with, and the steps that train on what it wrote."""

import shutil
from pathlib import Path

import numpy as np

from bearcat.core.workspace import Work
from bearcat.data.labels.boxes import BoxLabels, write_voc
from bearcat.data.split_journal import SplitFolders, run_split
from bearcat.data.splitting import Split
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.start import next_commands
from tests.helpers.box_labelling import BOXES, READ, SIZE, boxes_read, noise, open_boxes
from tests.helpers.detections import write_detector
from tests.helpers.labelling import open_session, train_set
from tests.helpers.services import write_model
from utils import Predict_Image


def test_names_are_known_from_label_files_the_model_and_the_session(folder: Path, work: Work):
    work.make_folders()
    for name in ("a", "b", "none"):
        noise(9, SIZE).save(work.data_folder("train") / f"{name}.png")
    write_voc(work.data_folder("train") / "a.xml", "a.png", BoxLabels(*SIZE, ("owl",), np.array([[1, 2, 11, 12]])))
    (work.folder("label") / "b.txt").write_text("0 0.5 0.5 0.4 0.4\n", encoding="utf-8")
    (work.folder("label") / "classes.txt").write_text("traffic light\n", encoding="utf-8")
    session = open_boxes(folder, work)
    assert session.symbols.known == {"owl", "traffic light"}
    session.confirm(0, BOXES)
    assert session.symbols.known == {"owl", "traffic light", "好", "fire hydrant"}
    write_detector(work.folder("App_model") / "clicks.onnx", [])
    assert open_boxes(folder, work, Predict_Image).symbols.known >= {"owl", "好", "妤", "天"}


def test_a_model_of_another_task_proposes_nothing(folder: Path, work: Work):
    write_model(work.folder("App_model") / "text.onnx")
    session = open_boxes(folder, work, Predict_Image)
    assert (session.model_name, session.symbols.known) == ("", set())
    shutil.rmtree(work.folder("App_model"))
    write_detector(work.folder("App_model") / "clicks.onnx", [])
    assert open_boxes(folder, work, Predict_Image).model_name == "clicks"
    assert open_session(folder, work, "CTC", Predict_Image).model_name == ""


def test_the_steps_that_follow_read_what_was_labelled(folder: Path, work: Work):
    session = open_boxes(folder, work)
    for number in range(3):
        session.confirm(number, BOXES)
    first = "python move_path.py, python cheak_file.py --apply, python pack_dataset.py, python train.py"
    assert ", ".join(next_commands(work, session.symbols)).startswith(first)
    name = min(train_set(work)).replace(".xml", ".png")
    run_split(Split({"validation": [name]}), SplitFolders.of(work))
    assert sorted(path.suffix for path in work.data_folder("validation").iterdir()) == [".png", ".xml"]
    assert list(boxes_read(work).values()) == [READ, READ]
    Vocabulary(("好",)).save(work.vocabulary_file)
    assert next_commands(work, session.symbols)[0] == "python pack_dataset.py --extend"
