"""A full disk and missing permissions, at each step that writes: one message, and no file is lost or changed."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bearcat.core import errors, files
from bearcat.core.errors import message_for
from tests.helpers.faults import contents, make_work, run_step

FULL = Path("/dev/full")
STEPS = {
    "New_work.py": ("new", "made"),
    "init_working_space.py": (),
    "gen_sample_by_captcha.py": (),
    "move_path.py": (),
    "cheak_file.py": ("--apply",),
    "pack_dataset.py": (),
    "delete_file.py": ("--yes",),
}
REASONS = {errno.ENOSPC: "the disk is full", errno.EACCES: "no permission", errno.EROFS: "the disk is read-only"}
# functions of Path and os that change the disk; the first call of a step is refused
CHANGES = {"mkdir": Path, "rename": Path, "unlink": Path, "replace": os}


def refusing(original: Callable, number: int) -> Callable:
    """Returns a function that raises OSError instead of calling `original`, except for lock files."""

    def refuse(*arguments: object, **options: object):
        path = str(next(argument for argument in arguments if isinstance(argument, str | Path)))
        if ".locks" in path:
            return original(*arguments, **options)
        raise OSError(number, os.strerror(number), path)

    return refuse


CASES = [(step, number) for step in STEPS for number in REASONS]


@pytest.mark.parametrize(("step", "number"), CASES, ids=lambda value: REASONS.get(value, value))
def test_a_refusing_disk_gives_one_message_and_nothing_is_lost(
    step: str, number: int, tmp_path: Path, works: Path, monkeypatch: pytest.MonkeyPatch
):
    work = make_work(tmp_path / "work")
    if step == "move_path.py":
        shutil.rmtree(work / "validation_dataset")
    before = contents(work)
    arguments = STEPS[step] if step != "New_work.py" else (str(work / "new"), "made")
    for name, owner in CHANGES.items():
        monkeypatch.setattr(owner, name, refusing(getattr(owner, name), number))
    outcome = run_step(step, work, *arguments)
    monkeypatch.undo()
    assert outcome.code == 2, outcome
    assert outcome.stderr.count("\n") == 1
    assert REASONS[number] in outcome.stderr or os.strerror(number) in outcome.stderr
    after = contents(work)
    assert {name for name in after if ".part" not in name} == before.keys()
    assert all(after[name] == content for name, content in before.items())


FILES = {"cheak_file.py": "settings.py", "pack_dataset.py": "num_classes.json"}


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("step", FILES)
def test_a_really_full_disk_is_reported(step: str, tmp_path: Path, works: Path, monkeypatch: pytest.MonkeyPatch):
    work, create = make_work(tmp_path / "work"), files._create_temporary

    def create_on_full_disk(path: Path) -> Path:
        part = create(path)
        if path.name == FILES[step]:
            part.unlink()
            part.symlink_to(FULL)
        return part

    monkeypatch.setattr(files, "_create_temporary", create_on_full_disk)
    before = contents(work)
    outcome = run_step(step, work, *STEPS[step])
    assert outcome.code == 2
    assert "the disk is full" in outcome.stderr
    assert {name: contents(work)[name] for name in before} == before


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_a_full_disk_under_tensorflows_writer_is_reported_and_leaves_no_pack(
    tmp_path: Path, works: Path, monkeypatch: pytest.MonkeyPatch
):
    import tensorflow as tf

    work, writer = make_work(tmp_path / "work"), tf.io.TFRecordWriter
    monkeypatch.setattr(tf.io, "TFRecordWriter", lambda path: writer(str(FULL)))
    outcome = run_step("pack_dataset.py", work)
    assert outcome.code == 2
    assert "the disk is full" in outcome.stderr
    assert not list(work.glob("*train_pack*"))


def tensorflow_error(name: str, message: str) -> Exception:
    import tensorflow as tf

    return getattr(tf.errors, name)(None, None, message)


# errors of the libraries → the message that the user gets
LIBRARY_ERRORS = {
    "CUDNN out of memory": ("InternalError", "CUDNN_STATUS_ALLOC_FAILED", errors._GPU),
    "RNN forward fails": ("InternalError", "Failed to call ThenRnnForward with model config", errors._GPU),
    "no cudnn handle": ("UnknownError", "Could not create cudnn handle: CUDNN_STATUS_INTERNAL_ERROR", errors._GPU),
    "cuDNN too old": ("UnimplementedError", "Fail to find the dnn implementation.", errors._GPU),
    "GPU memory": ("ResourceExhaustedError", "OOM when allocating tensor with shape[16,64]", errors._MEMORY),
}


@pytest.mark.parametrize("name", LIBRARY_ERRORS)
def test_gpu_errors_are_reported_with_what_to_set(name: str):
    error, message, expected = LIBRARY_ERRORS[name]
    assert message_for(tensorflow_error(error, message)) == expected


def test_exhausted_memory_is_reported_and_bugs_keep_their_traceback():
    assert "BATCH_SIZE" in message_for(MemoryError())
    for bug in (ValueError("cudnn"), OSError(errno.EBADF, "bad"), tensorflow_error("InvalidArgumentError", "shapes")):
        assert message_for(bug) == ""
