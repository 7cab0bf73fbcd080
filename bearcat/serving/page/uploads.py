"""The folder of the page's uploads: it never holds more than a budget, since the oldest files are deleted."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from bearcat.serving.protocol import RequestError

UPLOAD_SECONDS = 3600  # after which an upload is deleted, one to two times that by gradio
MAX_UPLOADS = 2**28  # bytes of all uploads
MAX_ARRIVING = MAX_UPLOADS // 2  # bytes of uploads that arrive at a time; more could delete each other
MAX_FILES = 1000  # uploads that are kept
EMPTY_SECONDS = 60  # a younger empty folder may be about to get its file


class UploadFolder:
    """Uploads on the disk: each new one makes room for itself.

    gradio limits the size of one upload only, and deletes neither folders nor what is left of interrupted uploads.

    Args:
        folder: The folder, which nothing else writes to. Files that it has already, such as those of the page's
            examples, are kept.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._kept = frozenset(_files(folder))
        self._arriving = 0  # bytes
        self._deleting = asyncio.Lock()

    @asynccontextmanager
    async def room_for(self, size: int) -> AsyncIterator[None]:
        """Keeps room for an upload while it arrives.

        Raises:
            RequestError: 413 if it could never fit, 503 if too many others arrive.
        """
        if size > MAX_ARRIVING:
            raise RequestError(413, f"the upload has {size:,} bytes: at most {MAX_ARRIVING:,} are allowed")
        if self._arriving + size > MAX_ARRIVING:
            raise RequestError(503, "too many uploads arrive at the same time: try again", {"Retry-After": "1"})
        self._arriving += size
        try:
            await self._trim()
            yield
        finally:
            self._arriving -= size
        await self._trim()  # one upload may consist of many files

    async def _trim(self) -> None:
        async with self._deleting:
            await asyncio.to_thread(self.trim, MAX_UPLOADS - self._arriving)

    def trim(self, size: int) -> None:
        """Deletes the oldest uploads until at most MAX_FILES with that many bytes are left, and expired ones."""
        expired = time.time() - 2 * UPLOAD_SECONDS
        uploads = sorted(((*_age_and_size(file), file) for file in _files(self._folder) - self._kept), reverse=True)
        total = 0
        for number, (changed, bytes_, file) in enumerate(uploads):
            total += bytes_
            if number >= MAX_FILES or total > size or changed < expired:
                with suppress(OSError):  # Windows: it is being read
                    os.unlink(file)
        for folder, _, _ in os.walk(self._folder, topdown=False):
            with suppress(OSError):  # it has files
                if folder != str(self._folder) and os.stat(folder).st_mtime < time.time() - EMPTY_SECONDS:
                    os.rmdir(folder)


def _files(folder: Path) -> set[str]:
    return {os.path.join(parent, name) for parent, _, names in os.walk(folder) for name in names}


def _age_and_size(file: str) -> tuple[float, int]:
    """Returns when a file was written or moved to its place, and its size; nothing if it is gone."""
    try:
        status = os.stat(file)
    except OSError:
        return 0, 0
    return max(status.st_mtime, status.st_ctime), status.st_size
