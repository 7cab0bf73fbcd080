"""The folder of uploads: what it holds at most, and what it deletes first."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from bearcat.serving.page import uploads
from bearcat.serving.page.uploads import UploadFolder
from bearcat.serving.protocol import RequestError


def upload(folder: Path, name: str, size: int = 10) -> Path:
    """Writes a file as gradio does, in a folder of its own."""
    file = folder / name / "a.png"
    file.parent.mkdir()
    file.write_bytes(b"x" * size)
    return file


@pytest.fixture(autouse=True)
def ages(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Seconds since each upload, by the name of its folder, for file systems with coarse times."""
    ages: dict[str, float] = {}

    def age_and_size(file: str) -> tuple[float, int]:
        return time.time() - ages.get(Path(file).parent.name, 0), os.path.getsize(file)

    monkeypatch.setattr(uploads, "_age_and_size", age_and_size)
    return ages


def names(folder: Path) -> set[str]:
    return {file.parent.name for file in folder.rglob("*") if file.is_file()}


def test_the_oldest_uploads_make_room(tmp_path: Path, ages: dict[str, float], monkeypatch: pytest.MonkeyPatch):
    upload(tmp_path, "example")
    folder = UploadFolder(tmp_path)
    ages |= {"example": 9, "first": 3, "second": 2, "third": 1}
    for name in ("third", "first", "second"):
        upload(tmp_path, name)
    monkeypatch.setattr(uploads, "MAX_UPLOADS", 40)
    monkeypatch.setattr(uploads, "MAX_ARRIVING", 20)

    async def add() -> None:
        async with folder.room_for(15):
            assert names(tmp_path) == {"example", "second", "third"}
            upload(tmp_path, "new", 15)
        assert names(tmp_path) == {"example", "second", "third", "new"}

    asyncio.run(add())


def test_an_upload_of_many_files_leaves_at_most_as_many_as_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MAX_FILES", 5)
    folder = UploadFolder(tmp_path)

    async def add() -> None:
        async with folder.room_for(200):
            for number in range(20):
                upload(tmp_path, str(number))

    asyncio.run(add())
    assert len(names(tmp_path)) == 5


def test_uploads_that_arrive_at_a_time_are_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(uploads, "MAX_ARRIVING", 20)
    folder = UploadFolder(tmp_path)

    async def add() -> None:
        async with folder.room_for(15):
            with pytest.raises(RequestError, match="try again") as refusal:
                await folder.room_for(6).__aenter__()
            assert refusal.value.status == 503
        async with folder.room_for(20):
            pass
        with pytest.raises(RequestError) as refusal:
            await folder.room_for(21).__aenter__()
        assert refusal.value.status == 413

    asyncio.run(add())


def test_expired_uploads_and_old_empty_folders_are_deleted(tmp_path: Path, ages: dict[str, float]):
    folder = UploadFolder(tmp_path)
    ages["expired"] = 3 * uploads.UPLOAD_SECONDS
    upload(tmp_path, "expired")
    upload(tmp_path, "recent")
    (tmp_path / "old").mkdir()
    (tmp_path / "about to be filled").mkdir()
    os.utime(tmp_path / "old", (0, 0))
    folder.trim(1000)
    assert names(tmp_path) == {"recent"}
    assert {one.name for one in tmp_path.iterdir()} == {"expired", "recent", "about to be filled"}


def test_the_age_of_a_copied_file_is_that_of_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    file = upload(tmp_path, "copy")
    os.utime(file, (0, 0))
    changed, size = uploads._age_and_size(str(file))
    assert changed > 0
    assert size == 10
    assert uploads._age_and_size(str(tmp_path / "gone")) == (0, 0)
