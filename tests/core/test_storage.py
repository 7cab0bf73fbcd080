"""Folders at a URL behave as local ones do; errors of a storage are one message."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import RecordError
from bearcat.core.storage import Place, RemotePath, place_of, reached, remove, save_json


@pytest.fixture(params=["local", "ram"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A folder that does not exist yet, on the disk and in TensorFlow's storage in memory."""
    return tmp_path / "packs" if request.param == "local" else RemotePath(f"ram://bucket{tmp_path}/packs")


def test_a_setting_names_a_folder_of_the_work_another_folder_or_a_storage(tmp_path: Path):
    assert place_of(tmp_path, None) == tmp_path
    assert place_of(tmp_path, "packs") == tmp_path / "packs"
    assert place_of(tmp_path, str(tmp_path / "other")) == tmp_path / "other"
    assert place_of(tmp_path, "gs://bucket/mine") == RemotePath("gs://bucket/mine")
    assert str(RemotePath("gs://bucket/mine/") / "a.json") == "gs://bucket/mine/a.json"
    assert (RemotePath("gs://bucket/mine/") / "a.json").name == "a.json"
    assert RemotePath("gs://bucket/mine/").name == "mine"


def test_local_and_remote_folders_behave_alike(folder: Place):
    assert not folder.is_file()
    assert list(folder.glob("*")) == []
    folder.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("part-2.json", "part-1.json", "else.txt"):
        save_json(folder / name, {"名": name})
    assert sorted(file.name for file in folder.glob("part-*.json")) == ["part-1.json", "part-2.json"]
    assert json.loads((folder / "part-1.json").read_text(encoding="utf-8-sig")) == {"名": "part-1.json"}
    save_json(folder / "part-2.json", {"名": "new"})
    assert "new" in (folder / "part-2.json").read_text(encoding="utf-8")
    for name in ("part-1.json", "part-2.json", "part-2.json"):
        remove(folder / name)
    assert [file.name for file in folder.glob("*")] == ["else.txt"]
    assert not folder.is_file()
    with pytest.raises(FileNotFoundError):
        (folder / "part-2.json").read_text(encoding="utf-8")
    remove(folder)
    assert list(folder.glob("*")) == []


def test_a_scheme_that_tensorflow_does_not_know_is_refused_with_those_it_knows():
    for ask in (
        RemotePath.is_file,
        RemotePath.mkdir,
        lambda path: path.read_text("utf-8"),
        lambda path: list(path.glob("*")),
    ):
        with pytest.raises(RecordError, match=r"nowhere://a/b, which this TensorFlow cannot reach: it knows .*gs://"):
            ask(RemotePath("nowhere://a/b"))


def test_an_error_of_a_storage_is_one_message():
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
