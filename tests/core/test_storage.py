"""A URL's folder answers what the packs ask of a local one; what a storage refuses is one message."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import RecordError
from bearcat.core.storage import Place, RemotePath, place_of, reached, save_json


@pytest.fixture(params=["local", "ram"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A folder that is not there yet, on the disk and in the storage that TensorFlow keeps in memory."""
    return tmp_path / "packs" if request.param == "local" else RemotePath(f"ram://bucket{tmp_path}/packs")


def test_a_setting_names_a_folder_of_the_work_of_the_disk_or_of_a_storage(tmp_path: Path):
    assert place_of(tmp_path, None) == tmp_path
    assert place_of(tmp_path, "packs") == tmp_path / "packs"
    assert place_of(tmp_path, str(tmp_path / "other")) == tmp_path / "other"
    assert place_of(tmp_path, "gs://bucket/mine") == RemotePath("gs://bucket/mine")
    assert str(RemotePath("gs://bucket/mine/") / "a.json") == "gs://bucket/mine/a.json"
    assert (RemotePath("gs://bucket/mine/") / "a.json").name == "a.json"
    assert RemotePath("gs://bucket/mine/").name == "mine"


def test_both_kinds_of_folders_answer_alike(folder: Place):
    assert not folder.is_file()
    assert list(folder.glob("*")) == []
    folder.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("part-2.json", "part-1.json", "else.txt"):
        save_json(folder / name, {"名": name})
    assert sorted(file.name for file in folder.glob("part-*.json")) == ["part-1.json", "part-2.json"]
    assert json.loads((folder / "part-1.json").read_text(encoding="utf-8-sig")) == {"名": "part-1.json"}
    (folder / "part-1.json").replace(folder / "part-2.json")
    assert not (folder / "part-1.json").is_file()
    assert "part-1" in (folder / "part-2.json").read_text(encoding="utf-8")
    (folder / "part-2.json").unlink()
    (folder / "part-2.json").unlink(missing_ok=True)
    assert [file.name for file in folder.glob("*")] == ["else.txt"]
    assert not folder.is_file()
    with pytest.raises(FileNotFoundError):
        (folder / "part-2.json").read_text(encoding="utf-8")


def test_what_tensorflow_cannot_reach_is_told_with_what_it_can():
    for ask in (
        RemotePath.is_file,
        RemotePath.mkdir,
        lambda path: path.read_text("utf-8"),
        lambda path: list(path.glob("*")),
    ):
        with pytest.raises(RecordError, match=r"nowhere://a/b, which this TensorFlow cannot reach: it knows .*gs://"):
            ask(RemotePath("nowhere://a/b"))


def test_what_a_storage_refuses_is_one_message():
    import tensorflow as tf

    with (
        pytest.raises(RecordError, match=r"gs://a/b cannot be reached \(you may not\)"),
        reached(RemotePath("gs://a/b")),
    ):
        raise tf.errors.PermissionDeniedError(None, None, "you may not")
    with pytest.raises(tf.errors.DataLossError), reached(RemotePath("gs://a/b")):
        raise tf.errors.DataLossError(None, None, "a record was cut")
    with pytest.raises(tf.errors.PermissionDeniedError), reached(Path("b")):
        raise tf.errors.PermissionDeniedError(None, None, "you may not")
