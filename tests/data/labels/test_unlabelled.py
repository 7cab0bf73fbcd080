"""The images of unlabelled_dataset: each content once, and none that a labelled set has."""

from pathlib import Path

import pytest

from bearcat.core.workspace import UNLABELLED, Work
from bearcat.data.labels.unlabelled import choose_unlabelled, list_unlabelled


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work whose labelled sets have an image each, one of them in a sub-folder."""
    work = Work(tmp_path)
    work.make_folders()
    for name in ("train_dataset/cat/1.png", "validation_dataset/ab_1.png", "test_dataset/ab_1.png"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.partition("_")[0].encode())
    return work


def put(work: Work, **contents: str) -> None:
    """Writes files into unlabelled_dataset: name without suffix → content."""
    for name, content in contents.items():
        (work.folder(UNLABELLED) / f"{name}.png").write_text(content)


def names(paths: list[Path]) -> list[str]:
    return [path.stem for path in paths]


def test_copies_of_labelled_images_and_repeated_ones_are_told_apart(work: Work):
    put(work, a="1", b="train", c="validation", d="test", e="2", f="1", g="train")
    found = choose_unlabelled(work)
    assert names(found.usable) == ["a", "e"]
    assert names(found.labelled) == ["b", "c", "d", "g"]
    assert names(found.repeated) == ["f"]


def test_sub_folders_hidden_files_and_other_files_are_not_images(work: Work):
    put(work, ab="1")
    folder = work.folder(UNLABELLED)
    (folder / "more").mkdir()
    for name in ("more/1.png", ".hidden.png", "notes.txt"):
        (folder / name).write_text(name)
    assert names(list_unlabelled(work)) == ["ab"]


def test_a_work_of_an_earlier_version_has_none(work: Work):
    work.folder(UNLABELLED).rmdir()
    assert list_unlabelled(work) == choose_unlabelled(work).usable == []
