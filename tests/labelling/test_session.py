"""The labelling page: what is shown in which order, what is written where, taken back, refused, and left alone."""

import io
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from PIL import Image
from starlette.testclient import TestClient

from bearcat.core.errors import DataError, ImageError, LabelError, ServiceError, SettingsError, WorkError
from bearcat.core.locks import changing
from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.data.labels import label_of_name, read_label_table, read_labels, set_label
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.app import FILES, make_labelling_app
from bearcat.labelling.copies import MOST_LABEL, digest_of
from bearcat.labelling.queue import Status
from bearcat.labelling.session import Labelling
from bearcat.labelling.start import check_reach, next_commands, open_labelling
from bearcat.labelling.translations import WORDS, LabellingError
from tests.helpers.services import make_work, png, running
from tests.helpers.steps import ROOT, run_wrongly
from utils import Predict_Image

HERE = {"origin": "http://127.0.0.1:5006"}
DIE = "import sys; sys.path[:0] = sys.argv[1:3]; from test_labelling import confirm_and_die; confirm_and_die()"


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work in which nothing was trained."""
    return Work(make_work(tmp_path / "work"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four images, a damaged one, one that is there twice, and what is no image."""
    folder = tmp_path / "new"
    (folder / "sub").mkdir(parents=True)
    for name, light in {"a.png": 10, "b.png": 250, "c": 126, "d.jpg": 200}.items():
        (folder / name).write_bytes(png(light))
    (folder / "again.png").write_bytes(png(250))
    (folder / "broken.png").write_bytes(png()[:40])
    (folder / "notes.txt").write_text("no image", encoding="utf-8")
    (folder / ".hidden.png").write_bytes(png(7))
    (folder / "sub" / "deep.png").write_bytes(png(8))
    return folder


def open_session(folder: Path, work: Work, mode: str = "CTC", load=None, label_of=label_of_name) -> Labelling:
    """Return a session whose images have all been looked at."""
    labelling = open_labelling(folder, work, mode, "captcha", load, label_of)
    labelling.look_at_all()
    return labelling


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def walk(labelling: Labelling) -> list[str]:
    """Return the names in the order in which they are shown, each skipped."""
    names = []
    while image := labelling.current():
        names.append(image.path.name)
        labelling.skip(image.number)
    return names


def train_set(work: Work) -> dict[str, bytes]:
    return contents(work.data_folder("train")) if work.data_folder("train").is_dir() else {}


def test_without_a_unit_images_come_by_name_and_damaged_ones_are_named(
    folder: Path, work: Work, caplog: pytest.LogCaptureFixture
):
    labelling = open_session(folder, work)
    assert walk(labelling) == ["a.png", "again.png", "c", "d.jpg"]
    assert labelling.damaged() == ["broken.png"]
    assert "broken.png" in caplog.text
    assert (labelling.pile.known, labelling.pile.duplicates) == (0, 1)
    assert all(image.text == "" for image in labelling.pile.images)


def test_with_a_unit_the_least_sure_prediction_comes_first(folder: Path, tmp_path: Path):
    work = Work(make_work(tmp_path / "trained", captcha={}))
    labelling = open_session(folder, work, "ORDINARY", Predict_Image)
    assert labelling.unit == "captcha"
    sure = {image.path.name: image.prediction.confidence for image in labelling.pile.images if image.prediction}
    assert sure["c"] < 0.99 < sure["a.png"]
    assert walk(labelling) == sorted(sure, key=lambda name: (sure[name], name))
    predictions = {image.path.name: image.text for image in labelling.pile.images}
    assert predictions == {"a.png": "a", "again.png": "b", "broken.png": "", "c": "a", "d.jpg": "b"}
    first = Predict_Image(work.folder("App_model")).predict(folder / "c")
    assert labelling.pile.images[3].prediction == first


def test_a_unit_that_fails_leaves_the_image_to_the_person(folder: Path, work: Work):
    labelling = open_session(folder, work)

    def read(path: Path) -> Prediction:
        if path.name == "broken.png":
            raise ImageError("damaged")
        if path.name == "a.png":
            raise ZeroDivisionError
        return Prediction("xy", (0.9, {"c": 0.1, "d.jpg": 0.5, "again.png": 0.99}[path.name]))

    again = Labelling(labelling.pile, labelling.copies, labelling.symbols, read, "made up")
    again.look_at_all()
    assert walk(again) == ["a.png", "c", "d.jpg", "again.png"]


def test_a_confirmed_image_is_copied_to_the_byte_and_the_folder_is_as_it_was(folder: Path, work: Work):
    before = contents(folder)
    labelling = open_session(folder, work)
    copy = labelling.confirm(labelling.current().number, " 5206 ")
    digest = digest_of(png(10))
    assert copy.path == work.data_folder("train") / f"5206_{digest[:12]}.png"
    assert train_set(work) == {copy.path.name: png(10)}
    for label in ("x", "y"):
        labelling.confirm(labelling.current().number, label)
    assert contents(folder) == before
    assert not [path for path in work.path.rglob("*") if ".part" in path.name]
    labels = {item.label for item in read_labels(work.data_folder("train"))[0]}
    assert labels == {"5206", "x", "y"}


@pytest.mark.parametrize(("form", "name", "suffix"), [("JPEG", "a.png", ".jpg"), ("JPEG", "a.JPEG", ".jpeg"),
    ("GIF", "a", ".gif"), ("WEBP", "a.php", ".webp"), ("BMP", "a.jpg", ".bmp")])  # fmt: skip
def test_a_copy_has_the_suffix_of_what_it_is(tmp_path: Path, work: Work, form: str, name: str, suffix: str):
    (tmp_path / "new").mkdir()
    Image.new("RGB", (20, 10), "red").save(tmp_path / "new" / name, form)
    labelling = open_session(tmp_path / "new", work)
    assert labelling.confirm(0, "ab").path.suffix == suffix


def test_a_restart_shows_only_what_is_not_in_the_data_yet(folder: Path, work: Work):
    labelling = open_session(folder, work)
    labelling.confirm(0, "one")
    copy = labelling.confirm(labelling.current().number, "two")
    work.data_folder("validation").mkdir()
    copy.path.rename(work.data_folder("validation") / "renamed_by-hand.png")
    again = open_session(folder, work)
    assert again.pile.known == 3  # that which is there twice counts twice
    assert walk(again) == ["c", "d.jpg"]


def test_a_image_that_was_added_meanwhile_is_not_added_again(folder: Path, work: Work):
    labelling, other = open_session(folder, work), open_session(folder, work)
    copy = labelling.confirm(0, "one")
    with pytest.raises(LabellingError, match="in the work's data already, as train_dataset/one_"):
        other.confirm(0, "another")
    assert train_set(work) == {copy.path.name: png(10)}
    assert other.current().number != 0
    with pytest.raises(LabellingError, match="meanwhile"):
        other.confirm(0, "another")


def test_back_takes_back_what_this_session_wrote_and_nothing_else(folder: Path, work: Work):
    labelling = open_session(folder, work)
    with pytest.raises(LabellingError, match="nothing to take back"):
        labelling.back()
    copy = labelling.confirm(0, "wrong")
    skipped = labelling.current()
    labelling.skip(skipped.number)
    assert labelling.back() is None
    assert labelling.current() is skipped
    assert labelling.back() == copy
    assert train_set(work) == {}
    assert (labelling.current().number, labelling.current().text) == (0, "wrong")
    labelling.confirm(0, "right")
    assert [name.partition("_")[0] for name in train_set(work)] == ["right"]
    assert (folder / "a.png").read_bytes() == png(10)


@pytest.mark.parametrize("change", ["copy changed", "copy moved", "source changed", "source gone"])
def test_a_copy_that_is_not_what_its_source_is_stays(folder: Path, work: Work, change: str):
    labelling = open_session(folder, work)
    copy = labelling.confirm(0, "one")
    changed = copy.path if change.startswith("copy") else copy.source
    if change.endswith("changed"):
        changed.write_bytes(b"of somebody")
    else:
        changed.rename(changed.with_name("elsewhere.png"))
    before = contents(work.path) | contents(folder)
    with pytest.raises(LabellingError, match="moved or changed since"):
        labelling.back()
    assert contents(work.path) | contents(folder) == before
    assert not labelling.can_go_back


@pytest.mark.parametrize(("label", "word"), [
    ("", "empty"), (" \t", "empty"), ("a_b", "which ends a label"), ("a\nb", "cannot be seen"),
    ("a\x00", "cannot be seen"), ("\ud800", "cannot be seen"), ("x" * (MOST_LABEL + 1), "too long"),
    ("𠀀" * 60, "too long"), ("3/4", "labels.csv"),
    ("../../x", "labels.csv"), ("..", "labels.csv"), (".hidden", "labels.csv"), ("a\\b", "labels.csv"),
    ("1*2=?", r"\* \?"), ("C:x", "labels.csv"),
])  # fmt: skip
def test_a_label_that_no_file_name_can_hold_is_refused_and_nothing_is_written(
    folder: Path, work: Work, label: str, word: str
):
    labelling = open_session(folder, work)
    before = contents(work.path) | contents(folder)
    with pytest.raises(LabellingError, match=word):
        labelling.confirm(0, label)
    assert {name for name in contents(work.path) | contents(folder) if ".locks" not in name} == {
        name for name in before if ".locks" not in name
    }
    assert labelling.current().number == 0


def test_names_of_another_form_in_utils_py_are_noticed(folder: Path, work: Work):
    labelling = open_session(folder, work, label_of=lambda path: path.stem)
    with pytest.raises(LabellingError, match=r"extraction_label in utils\.py"):
        labelling.confirm(0, "ab")
    assert train_set(work) == {}


TABLES = [
    ("labels.csv", "file,label\nold.png,a\n", "1/2,3"),
    ("labels.csv", '\ufefffile,label\r\n"old.png","a"', 'say "x" / ?'),
    ("labels.tsv", "old.png\ta\n", "1/2 = ?"),
    ("labels.txt", "old.png a\n", "1/2=?"),
    ("labels.txt", "old.png,a\n", "1/2, 3"),
    ("labels.csv", "", "plain"),
]


@pytest.mark.parametrize(("name", "text", "label"), TABLES)
def test_a_table_beside_the_images_gets_a_line_and_loses_none(
    folder: Path, work: Work, name: str, text: str, label: str
):
    table = work.data_folder("train") / name
    table.parent.mkdir()
    table.write_bytes(text.encode())
    labelling = open_session(folder, work)
    copy = labelling.confirm(0, label)
    assert table.read_bytes().startswith(text.encode())
    assert read_label_table(table)[copy.path.name] == label
    assert ("old.png" in text) == ("old.png" in read_label_table(table))
    assert [item.label for item in read_labels(table.parent)[0]] == [label]
    before = table.read_bytes()
    labelling.back()
    assert "".join(table.read_bytes().decode().split()) == "".join(text.split())
    labelling.confirm(0, label)
    assert table.read_bytes() == before


def test_a_table_that_cannot_hold_a_label_is_left_as_it_is(folder: Path, work: Work):
    table = work.data_folder("train") / "labels.txt"
    table.parent.mkdir()
    table.write_text("old.png a\n", encoding="utf-8")
    labelling = open_session(folder, work)
    with pytest.raises(LabellingError, match="cannot hold the label"):
        labelling.confirm(0, "two words")
    table.write_text("three words here\n", encoding="utf-8")
    with pytest.raises(LabellingError, match="line 1"):
        labelling.confirm(0, "word")
    assert train_set(work) == {"labels.txt": b"three words here\n"}
    assert labelling.current().number == 0


def test_a_line_is_put_in_the_place_of_one_that_a_killed_process_left(tmp_path: Path):
    table = tmp_path / "labels.csv"
    table.write_bytes(b"file,label\na.png,x\nb.png,y\n")
    set_label(table, "a.png", "z/1")
    assert table.read_bytes() == b"file,label\nb.png,y\na.png,z/1\n"
    set_label(table, "a.png", None)
    set_label(table, "none.png", None)
    assert table.read_bytes() == b"file,label\nb.png,y\n"
    table.write_bytes(b'file,label\n"a\nb.png",y\n')
    with pytest.raises(LabelError, match="lines of another form"):
        set_label(table, 'b.png"', "q")
    assert table.read_bytes() == b'file,label\n"a\nb.png",y\n'


def test_a_source_that_has_changed_or_gone_is_left_out(folder: Path, work: Work):
    labelling = open_session(folder, work)
    (folder / "a.png").write_bytes(png(11))
    with pytest.raises(LabellingError, match="has changed since"):
        labelling.confirm(0, "ab")
    (folder / "again.png").unlink()
    with pytest.raises(LabellingError, match="not there any more"):
        labelling.confirm(1, "ab")
    assert train_set(work) == {}
    assert walk(labelling) == ["c", "d.jpg"]


def test_a_name_that_is_taken_is_not_overwritten(folder: Path, work: Work):
    labelling = open_session(folder, work)
    taken = work.data_folder("train") / f"ab_{digest_of(png(10))[:12]}.png"
    taken.parent.mkdir()
    taken.write_bytes(b"another")
    with pytest.raises(LabellingError, match="left as it is"):
        labelling.confirm(0, "ab")
    assert taken.read_bytes() == b"another"


def test_while_another_step_changes_the_data_nothing_is_written_or_taken_back(folder: Path, work: Work):
    labelling = open_session(folder, work)
    copy = labelling.confirm(0, "ab")
    with changing(work.path, "move_path", "data"):
        for act in (lambda: labelling.confirm(1, "cd"), labelling.back):
            with pytest.raises(WorkError, match=r"move_path\.py \(process \d+\) is changing the data of"):
                act()
        with pytest.raises(WorkError):
            open_session(folder, work)
    with changing(work.path, "train", "checkpoints"):
        assert labelling.back() == copy  # forgotten by no refusal, and kept from by no training


def confirm_and_die() -> None:
    """Confirm an image as another process, which is killed before its n-th change in the training set."""
    from killed import kill_at

    work, folder, number = Work(Path(sys.argv[3])), Path(sys.argv[4]), int(sys.argv[5])
    labelling = open_session(folder, work)
    kill_at(number, str(work.data_folder("train")))
    labelling.confirm(0, sys.argv[6])


@pytest.mark.parametrize("moment", [1, 2, 3, 4, 5, 6, 7])
def test_a_kill_at_any_moment_leaves_a_whole_copy_or_none(folder: Path, work: Work, moment: int):
    before = contents(folder)
    command = [
        sys.executable,
        "-c",
        DIE,
        str(ROOT),
        str(ROOT / "tests"),
        str(work.path),
        str(folder),
        str(moment),
        "one",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode in (0, -9, 15), done.stderr
    whole = f"one_{digest_of(png(10))[:12]}.png"
    seen = {name: content for name, content in train_set(work).items() if not name.startswith(".")}
    assert seen in ({}, {whole: png(10)})
    labelling = open_session(folder, work)
    assert (labelling.current().path.name == "a.png") == (not seen)
    if not seen:
        labelling.confirm(0, "two")
        assert list(train_set(work)) == [whole.replace("one", "two")]  # what the killed one left has gone
    assert contents(folder) == before


def test_many_at_once_write_each_image_once(tmp_path: Path, work: Work):
    folder = tmp_path / "new"
    folder.mkdir()
    for number in range(20):
        (folder / f"{number}.png").write_bytes(png(number))
    labelling, told = open_session(folder, work), []

    def confirm_all() -> None:
        for number in range(20):
            try:
                labelling.confirm(number, "ab")
            except LabellingError as refusal:
                told.append(refusal.word)

    threads = [threading.Thread(target=confirm_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(train_set(work)) == 20
    assert told == ["not_open"] * 60


def test_classes_are_known_from_the_unit_and_from_the_data(folder: Path, tmp_path: Path, work: Work):
    (work.data_folder("train") / "cat").mkdir(parents=True)
    (work.data_folder("train") / "cat" / "1.png").write_bytes(png(1))
    (work.data_folder("train") / "fire hydrant_1.png").write_bytes(png(2))
    labelling = open_session(folder, work, "NUM_CLASSES")
    assert labelling.symbols.known == {"cat", "fire hydrant"}
    labelling.confirm(0, "traffic light")
    assert labelling.symbols.known == {"cat", "fire hydrant", "traffic light"}
    assert open_session(folder, work, "CTC").symbols.known is None
    trained = Work(make_work(tmp_path / "trained", captcha={}))
    assert open_session(folder, trained, "CTC", Predict_Image).symbols.known == {"a", "b"}
    of_other_kind = open_session(folder, trained, "NUM_CLASSES", Predict_Image)
    assert (of_other_kind.unit, of_other_kind.symbols.known) == ("", set())


def test_the_next_steps_are_those_that_the_work_needs(folder: Path, work: Work):
    labelling = open_session(folder, work)
    labelling.confirm(0, "ab")
    first = "python move_path.py, python cheak_file.py --apply, python pack_dataset.py, python train.py"
    assert ", ".join(next_commands(work, labelling.symbols)).startswith(first)
    for name in ("validation_dataset", "checkpoint"):
        work.folder(name).mkdir()
        (work.folder(name) / "1_a.png").write_bytes(png())
    Vocabulary(("a", "b")).save(work.vocabulary_file)
    pack, *later = next_commands(work, labelling.symbols)
    assert (pack, later[:2]) == ("python pack_dataset.py", ["python init_working_space.py --go-on", "python train.py"])
    labelling.confirm(1, "ac")
    assert next_commands(work, labelling.symbols)[0] == "python pack_dataset.py --extend"


def test_a_folder_that_cannot_be_labelled_is_refused(folder: Path, work: Work, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("no image", encoding="utf-8")
    work.data_folder("train").mkdir()
    for path, word in {"empty": "holds no images", "none": "is no folder", "new/a.png": "is no folder"}.items():
        with pytest.raises(DataError, match=word):
            open_session(tmp_path / path, work)
    with pytest.raises(DataError, match="part of the work's own train_dataset"):
        open_session(work.data_folder("train"), work)
    with pytest.raises(SettingsError, match="boxes for labels"):
        open_session(folder, work, "EFFICIENTDET")


@pytest.fixture
def client(folder: Path, work: Work):
    """A browser's window on the page."""
    labelling = open_labelling(folder, work, "CTC", "captcha", Predict_Image, label_of_name)
    app = make_labelling_app(labelling, lambda: next_commands(work, labelling.symbols))
    with TestClient(app, base_url=HERE["origin"], headers=HERE) as client:
        while client.get("/state").json()["looked_at"] < 1:
            pass
        yield client


def test_the_page_walks_through_the_images(client: TestClient, work: Work):
    state = client.get("/state").json()
    assert (state["image"]["name"], state["left"], state["damaged"]) == ("a.png", 4, ["broken.png"])
    state = client.post("/confirm", json={"number": 0, "label": "ab"}).json()
    assert (state["said"], state["labelled"], state["left"]) == ("saved", 1, 3)
    assert state["values"]["file"] in train_set(work)
    state = client.post("/skip", json={"number": state["image"]["number"]}).json()
    assert (state["skipped"], state["image"]["name"]) == (1, "c")
    assert client.post("/again", json={}).json()["image"]["name"] == "c"
    state = client.post("/back", json={}).json()
    assert (state["said"], state["image"]["name"], state["image"]["text"]) == ("taken_back", "a.png", "ab")
    assert train_set(work) == {}
    refused = client.post("/confirm", json={"number": 0, "label": "a_b"})
    assert refused.status_code == 409
    assert refused.json()["wrong"] == WORDS["en"]["blank"]
    assert refused.json()["image"]["name"] == "a.png"


def test_a_image_is_shown_as_the_network_sees_it(client: TestClient):
    answer = client.get("/image/0")
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).getpixel((0, 0)) == (10, 10, 10)


def test_its_files_are_there_and_ask_nothing_of_other_machines(client: TestClient):
    for path in FILES:
        answer = client.get(path)
        assert answer.status_code == 200
        assert "http" not in answer.text.replace("http://www.w3.org/2000/svg", "")
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_it_speaks_the_browsers_language(client: TestClient):
    chinese = {"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}
    assert client.get("/words", headers=chinese).json()["words"] == WORDS["zh"]
    assert client.get("/words", headers={"accept-language": "de,en"}).json()["language"] == "en"
    refused = client.post("/confirm", json={"number": 0, "label": "a_b"}, headers=chinese)
    assert refused.json()["wrong"] == WORDS["zh"]["blank"]
    assert WORDS["en"].keys() == WORDS["zh"].keys()


@pytest.mark.parametrize("number", ["99", "-1", "0/../../etc/passwd", "..%2f..%2fetc%2fpasswd", "a.png", "1.0"])
def test_no_path_leads_to_a_file(client: TestClient, number: str):
    assert client.get(f"/image/{number}").status_code in (404, 409)
    assert client.get(f"/{number}").status_code == 404


BAD_BODIES = [
    ({"json": {"number": "0", "label": "ab"}}, 400),
    ({"json": {"number": True, "label": "ab"}}, 400),
    ({"json": {"number": 0, "label": ["ab"]}}, 400),
    ({"json": {"number": 0, "label": "ab", "path": "/etc/passwd"}}, 400),
    ({"json": {"number": 0}}, 400),
    ({"json": [0, "ab"]}, 400),
    ({"json": {"number": 99, "label": "ab"}}, 409),
    ({"json": {"number": -1, "label": "ab"}}, 409),
    ({"json": {"number": 4, "label": "x" * 5000}}, 413),
    ({"content": "{", "headers": {"content-type": "application/json"}}, 400),
    ({"content": "[" * 3000, "headers": {"content-type": "application/json"}}, 400),
    ({"data": {"number": "0", "label": "ab"}}, 415),
    ({"content": '{"number": 0, "label": "ab"}', "headers": {"content-type": "text/plain"}}, 415),
]


@pytest.mark.parametrize(("request_", "status"), BAD_BODIES)
def test_a_bad_body_changes_nothing(client: TestClient, work: Work, request_: dict, status: int):
    assert client.post("/confirm", **request_).status_code == status
    assert train_set(work) == {}
    assert client.get("/confirm").status_code == client.put("/confirm", json={}).status_code == 405


FOREIGN = [
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "http://localhost:5006"},
    {"origin": ""},
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"host": "evil.example:5006", "origin": "http://evil.example:5006"},
    {"host": "127.0.0.1.evil.example", "origin": "http://127.0.0.1.evil.example"},
    {"host": "127.0.0.1:5006@evil.example"},
    {"host": ""},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_what_another_site_sends_is_refused(client: TestClient, work: Work, headers: dict[str, str]):
    for path, fields in (("confirm", {"number": 0, "label": "ab"}), ("skip", {"number": 0}), ("back", {})):
        answer = client.post(f"/{path}", json=fields, headers=headers)
        assert answer.status_code == answer.json()["return_code"] == 403
    assert train_set(work) == {}
    assert client.get("/state").json()["skipped"] == 0
    if headers.keys() != {"origin"}:  # a GET changes nothing, and no page of another site can read its answer
        assert client.get("/state", headers=headers).status_code == 403
        assert client.get("/image/0", headers=headers).status_code == 403


def test_a_request_without_an_origin_writes_nothing(folder: Path, work: Work):
    labelling = open_session(folder, work)
    with TestClient(make_labelling_app(labelling, list), base_url=HERE["origin"]) as client:
        assert client.post("/confirm", json={"number": 0, "label": "ab"}).status_code == 403
        assert client.get("/state").status_code == 200
    assert train_set(work) == {}


def test_a_link_to_the_page_may_be_followed_and_a_tunnel_may_lead_to_it(client: TestClient, work: Work):
    link = {"sec-fetch-site": "cross-site", "sec-fetch-dest": "document"}
    assert client.get("/", headers=link).status_code == 200
    assert client.get("/state", headers=link).status_code == 403
    tunnel = {"host": "localhost:8080", "origin": "http://localhost:8080", "sec-fetch-site": "same-origin"}
    assert client.post("/confirm", json={"number": 0, "label": "ab"}, headers=tunnel).status_code == 200


def test_other_machines_need_the_token(folder: Path, work: Work):
    labelling = open_session(folder, work)
    app = make_labelling_app(labelling, list, "0.0.0.0", "open-sesame")
    with TestClient(app, base_url="http://pc.example:5006", headers={"origin": "http://pc.example:5006"}) as client:
        for method, path in (("GET", "/"), ("GET", "/image/0"), ("POST", "/confirm"), ("GET", "/labelling.js")):
            assert client.request(method, path, json={"number": 0, "label": "ab"}).status_code == 401
        assert client.get("/?token=open-sesame").status_code == 200
        assert client.post("/confirm", json={"number": 0, "label": "ab"}).status_code == 200
        foreign = {"origin": "http://evil.example"}
        assert client.post("/confirm", json={"number": 1, "label": "ab"}, headers=foreign).status_code == 403
    assert len(train_set(work)) == 1
    with pytest.raises(ServiceError, match="--token"):
        check_reach("0.0.0.0", None)
    check_reach("0.0.0.0", "open-sesame")
    for host in ("127.0.0.1", "::1", "localhost", "127.0.0.53"):
        check_reach(host, None)


def test_a_full_or_forbidden_disk_is_told_in_words(client: TestClient, work: Work, monkeypatch: pytest.MonkeyPatch):
    def refuse(part: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr("bearcat.core.files.os.replace", refuse)
    monkeypatch.setattr("bearcat.core.locks.write_json", lambda *args, **options: None)
    answer = client.post("/confirm", json={"number": 0, "label": "ab"})
    monkeypatch.undo()
    assert answer.status_code == 500
    assert "the disk is full" in answer.json()["wrong"]
    assert train_set(work) == {}
    assert client.post("/confirm", json={"number": 0, "label": "ab"}).status_code == 200


def test_app_py_serves_it_and_says_what_comes_next(folder: Path, tmp_path: Path):
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
        told = service.process.stdout.read()
        assert service.process.wait(20) == 0
    assert "1 images labelled" in told
    assert told.splitlines()[-1].startswith("Next: python move_path.py  (then python cheak_file.py --apply")
    assert "Traceback" not in service.log()
    assert len(os.listdir(work / "train_dataset")) == 1


def test_wrong_use_is_one_message(folder: Path, work: Work, tmp_path: Path):
    start = ("app.py", "--work", work.path, "--label")
    message = run_wrongly(*start, folder, "--workers", 2, "--no-page")
    assert "--label takes no --workers, --no-page" in message
    assert message.count("\n") == 1
    assert "give a --token" in run_wrongly(*start, folder, "--host", "0.0.0.0")
    assert "is no folder" in run_wrongly(*start, tmp_path / "none")
    assert "boxes for labels" in run_wrongly(*start, folder, "--set", "MODE=EFFICIENTDET")
    assert train_set(work) == {}


def test_when_all_is_labelled_it_says_so_and_serves_nothing(folder: Path, work: Work):
    labelling = open_session(folder, work)
    for image in labelling.pile.images:
        if image.status is Status.OPEN:
            labelling.confirm(image.number, "ab")
    (folder / "broken.png").unlink()
    done = subprocess.run(
        [sys.executable, str(ROOT / "app.py"), "--work", str(work.path), "--label", str(folder)],
        capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "0 images to label; 5 are in the work's data already" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("Next: python move_path.py")
