"""A full disk and a missing right, at each step that writes: one message, and what was there before is as it was."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from bearcat.core import errors as trouble
from bearcat.core.errors import words_of
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
# of Path and os, what changes a disk; the first change after the step has begun is refused
CHANGES = {"mkdir": Path, "rename": Path, "unlink": Path, "replace": os}


def refusing(original: Callable, number: int) -> Callable:
    """Return a function that refuses what `original` would change, but for the locks, which no step lives by."""

    def refuse(*arguments: object, **options: object):
        path = str(next(argument for argument in arguments if isinstance(argument, str | Path)))
        if ".locks" in path:
            return original(*arguments, **options)
        raise OSError(number, os.strerror(number), path)

    return refuse


CASES = [(step, number) for step in STEPS for number in REASONS]


@pytest.mark.parametrize(("step", "number"), CASES, ids=lambda value: REASONS.get(value, value))
def test_what_the_disk_refuses_is_one_message_and_nothing_is_lost(
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
    assert outcome.complaint.count("\n") == 1
    assert REASONS[number] in outcome.complaint or os.strerror(number) in outcome.complaint
    after = contents(work)
    assert {name for name in after if ".part" not in name} == before.keys()
    assert all(after[name] == content for name, content in before.items())


FILES = {"cheak_file.py": ".settings.part.py", "pack_dataset.py": ".num_classes.part.json"}


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
@pytest.mark.parametrize("step", FILES)
def test_a_disk_that_is_full_in_earnest_is_told(step: str, tmp_path: Path, works: Path):
    work = make_work(tmp_path / "work")
    (work / FILES[step]).symlink_to(FULL)
    before = contents(work)
    outcome = run_step(step, work, *STEPS[step])
    assert outcome.code == 2
    assert "the disk is full" in outcome.complaint
    assert {name: contents(work)[name] for name in before} == before


@pytest.mark.skipif(not FULL.exists(), reason="needs /dev/full")
def test_tensorflow_s_own_writer_on_a_full_disk_is_told_and_leaves_nothing_half(
    tmp_path: Path, works: Path, monkeypatch: pytest.MonkeyPatch
):
    import tensorflow as tf

    work, writer = make_work(tmp_path / "work"), tf.io.TFRecordWriter
    monkeypatch.setattr(tf.io, "TFRecordWriter", lambda path: writer(str(FULL)))
    outcome = run_step("pack_dataset.py", work)
    assert outcome.code == 2
    assert "the disk is full" in outcome.complaint
    assert not list(work.glob("*train_pack*"))


def tensorflow_s(name: str, message: str) -> Exception:
    """Return an error of TensorFlow."""
    import tensorflow as tf

    return getattr(tf.errors, name)(None, None, message)


# the original's errors, in the words of the libraries that raise them
TOLD = {
    "CUDNN out of memory": ("InternalError", "CUDNN_STATUS_ALLOC_FAILED", trouble._GPU),
    "RNN forward fails": ("InternalError", "Failed to call ThenRnnForward with model config", trouble._GPU),
    "no cudnn handle": ("UnknownError", "Could not create cudnn handle: CUDNN_STATUS_INTERNAL_ERROR", trouble._GPU),
    "cuDNN too old": ("UnimplementedError", "Fail to find the dnn implementation.", trouble._GPU),
    "GPU memory": ("ResourceExhaustedError", "OOM when allocating tensor with shape[16,64]", trouble._MEMORY),
}


@pytest.mark.parametrize("name", TOLD)
def test_what_a_gpu_refuses_is_told_with_what_to_set(name: str):
    error, message, words = TOLD[name]
    assert words_of(tensorflow_s(error, message)) == words


def test_memory_that_is_gone_is_told_and_a_bug_keeps_its_traceback():
    assert "BATCH_SIZE" in words_of(MemoryError())
    for bug in (ValueError("cudnn"), OSError(errno.EBADF, "bad"), tensorflow_s("InvalidArgumentError", "shapes")):
        assert words_of(bug) == ""
