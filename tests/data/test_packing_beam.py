"""Packing with Apache Beam: the records are those of one machine. Needs requirements-beam.txt."""

import json
from pathlib import Path

import pytest

pytest.importorskip("apache_beam", reason="needs Apache Beam: pip install -r requirements-beam.txt")

from apache_beam.io.filesystem import BeamIOError, CompressionTypes, FileMetadata, FileSystem

from bearcat.core.storage import RemotePath
from bearcat.core.workspace import Work
from bearcat.data import tfrecord_index
from bearcat.data.tfrecord_index import load_index
from tests.helpers.captchas import bytes_in
from tests.helpers.faults import contents, image, make_work, run_step
from tests.helpers.packs import assert_same_packs, packed_copy, serialised, step
from tests.helpers.steps import read_report, run_ok

ENHANCED = ("--set", "DATA_ENHANCEMENT=2")


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work with 6 training images, a damaged one and 2 validation images, not packed."""
    work = make_work(tmp_path / "work")
    whole = (work / "train_dataset" / "00_train0.png").read_bytes()
    (work / "train_dataset" / "00_cut.png").write_bytes(whole[:60])
    return work


def test_the_records_are_those_of_one_machine(work: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tfrecord_index, "RECORDS_PER_SHARD", 4)
    other = packed_copy(work, *ENHANCED)
    printed = step(work, "--beam", *ENHANCED)
    assert_same_packs(work, other)
    assert len(load_index(work / "train_pack_dataset").shards) == 5
    assert bytes_in(work / "train_enhance_dataset") == bytes_in(other / "train_enhance_dataset")
    assert printed.count("Left out: ") == 1
    report, expected = (read_report(made, "pack") for made in (work, other))
    report["damaged"] = [message.replace(str(work), str(other)) for message in report["damaged"]]
    assert report | {"seconds": 0} == expected | {"seconds": 0}
    assert len(report["damaged"]) == 1


def test_the_new_pack_replaces_the_old_one(work: Path):
    step(work)
    image(7).save(work / "train_dataset" / "01_new.png")
    step(work, "--beam")
    step(work, "--beam")
    assert_same_packs(work, packed_copy(work))
    for split in ("train", "validation"):
        folder = work / f"{split}_pack_dataset"
        assert {path.name for path in folder.iterdir()} == {"pack.json", *load_index(folder).shards}
    step(work)  # without Beam again
    assert {path.name for path in (work / "train_pack_dataset").iterdir()} == {
        "pack.json", "pack-00000-of-00001.tfrecord"
    }  # fmt: skip


def test_a_failure_leaves_the_old_packs_and_nothing_else(work: Path):
    step(work, "--beam")
    before = contents(work)
    for file in (work / "validation_dataset").iterdir():
        file.write_bytes(b"damaged")
    outcome = run_step("pack_dataset.py", work, "--beam")
    assert outcome.code == 2
    assert "no image for" in outcome.stderr
    assert [name for name in contents(work) if "pack" in name] == [name for name in before if "pack" in name]


def test_files_of_others_are_refused_before_anything_is_packed(work: Path):
    step(work)
    (work / "train_pack_dataset" / "7_mine.png").write_bytes(b"precious")
    before = contents(work)
    outcome = run_step("pack_dataset.py", work, "--beam")
    assert outcome.code == 2
    assert "7_mine.png, which packing did not write" in outcome.stderr
    assert contents(work) == before


def test_workers_are_processes_of_their_own_if_beam_s_options_say_so(work: Path):
    other = packed_copy(work)
    run_ok("pack_dataset.py", "--work", work, "--beam",
           "--beam-options=--direct_num_workers=2 --direct_running_mode=multi_processing")  # fmt: skip
    assert_same_packs(work, other)


def test_a_number_after_beam_is_ignored_and_a_runner_that_there_is_not_is_refused(work: Path):
    assert "--beam 3: the number is no longer needed" in step(work, "--beam", "3")
    before = contents(work)
    outcome = run_step("pack_dataset.py", work, "--beam", "--beam-options=--runner=Nobody")
    assert outcome.code == 2
    assert "Unexpected pipeline runner" in outcome.stderr
    assert contents(work) == before


class RamFileSystem(FileSystem):
    """TensorFlow's storage in memory as a file system of Beam."""

    @classmethod
    def scheme(cls) -> str:
        return "ram"

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def has_dirs(self) -> bool:
        return True

    def mkdirs(self, path: str) -> None:
        _gfile().makedirs(path)

    def _list(self, dir_or_prefix: str):
        for head, _, names in _gfile().walk(dir_or_prefix):
            for name in names:
                yield self.metadata(self.join(head, name))

    def create(self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO):
        file = _gfile().GFile(path, "wb")
        file.write(b"")  # creates it even if nothing follows
        return file

    def open(self, path: str, mime_type: str = "", compression_type: str = CompressionTypes.AUTO):
        return _gfile().GFile(path, "rb")

    def copy(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        raise NotImplementedError

    def rename(self, source_file_names: list[str], destination_file_names: list[str]) -> None:
        for source, destination in zip(source_file_names, destination_file_names, strict=True):
            _gfile().rename(source, destination, overwrite=True)

    def exists(self, path: str) -> bool:
        return _gfile().exists(path)

    def size(self, path: str) -> int:
        return _gfile().stat(path).length

    def last_updated(self, path: str) -> float:
        raise NotImplementedError

    def checksum(self, path: str) -> str:
        raise NotImplementedError

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, self.size(path))

    def delete(self, paths: list[str]) -> None:
        missing = {path: FileNotFoundError(path) for path in paths if not self.exists(path)}
        for path in paths:
            RemotePath(path).remove()
        if missing:
            raise BeamIOError("Delete operation failed", missing)


def _gfile():
    import tensorflow as tf

    return tf.io.gfile


def test_packs_are_written_to_a_storage_that_beam_and_tensorflow_know(work: Path, tmp_path: Path):
    named = f"ram://beam{tmp_path}"
    remote = ("--set", f"PACK_FOLDER='{named}'")
    other = packed_copy(work)
    for _ in range(2):
        step(work, "--beam", *remote)
        assert_same_packs(work, other, named)
    folder = Work(work).pack_folder("train", named)
    assert [path.name for path in folder.glob("*")] == [*load_index(folder).shards, "pack.json"]
    assert not [*work.glob("*_pack_dataset")]
    assert json.loads((folder / "pack.json").read_text("utf-8"))["count"] == len(serialised(folder))
