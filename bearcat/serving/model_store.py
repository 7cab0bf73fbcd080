"""The units of App_model at work: loaded once they are whole and pass a self-check, and replaced while serving."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bearcat.artifacts.card import find_units
from bearcat.core.errors import ArtifactError, BearcatError
from bearcat.modes import MODES, Task

POLL_SECONDS = 1.0

log = logging.getLogger("bearcat.serving.model_store")
Stamp = tuple[int, int, int]
Load = Callable[[Path, str], Any]  # App_model and a unit's name → a Predict_Image


class UnitFolder(Mapping):
    """Name → a function from an image's bytes to an answer, of the units that are served now, sorted by name.

    `load` makes a unit from the folder and its name.
    """

    def __init__(self, folder: Path, load: Load):
        self.folder = folder
        self._load = load
        self._units: dict[str, Any] = {}
        self._seen: dict[str, Stamp] = {}  # at the last look
        self._tried: dict[str, Stamp] = {}  # of the files that were loaded or refused

    def __getitem__(self, name: str) -> Callable[..., dict]:
        return self._units[name].api

    def __iter__(self) -> Iterator[str]:
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)

    def load_all(self) -> None:
        """Load what is there; raise ArtifactError where not one unit can be served."""
        paths = find_units(self.folder)
        self._seen = stamps_of(paths)
        errors = {name: error for name in paths if (error := self._try(name))}
        if not self._units:
            raise next(iter(errors.values()))
        for name, error in errors.items():
            log.error("unit %s is refused: %s", name, error)

    def refresh(self) -> None:
        """Take up what has changed in the folder since the last look, and has not changed between the two."""
        try:
            paths = find_units(self.folder)
        except ArtifactError:
            paths = {}
        stamps, before = stamps_of(paths), self._seen
        self._seen = stamps
        for name in self._units.keys() - stamps.keys():
            self._units = {other: unit for other, unit in self._units.items() if other != name}
            self._tried.pop(name, None)
            log.info("unit %s was taken away", name)
        for name, stamp in stamps.items():
            if stamp == before.get(name) != self._tried.get(name):
                self._take_up(name)

    async def watch(self) -> None:
        """Look for changes for ever; a look that fails is no reason not to look again."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                log.exception("%s could not be looked through", self.folder)

    def cards(self) -> list[dict]:
        """Return what GET /models says of each unit."""
        return [describe(name, unit.recogniser.card) for name, unit in self._units.items()]

    def mode(self, name: str) -> str:
        """Return a unit's MODE."""
        return self._units[name].recogniser.card.mode

    def reader(self, name: str) -> Callable:
        """Return a function from an image to a reading; raise ArtifactError for a unit that has gone."""
        if name not in self._units:
            raise ArtifactError(f"the unit {name!r} was taken away: load the page again")
        return self._units[name].predict

    def _take_up(self, name: str) -> None:
        known, error = name in self._units, self._try(name)
        if error:
            log.error("unit %s is refused: %s%s", name, error, "; the one before goes on serving" * known)
        else:
            log.info("unit %s is served", name)

    def _try(self, name: str) -> BearcatError | None:
        """Serve a unit if it is good, else keep what was served before under its name; return what is wrong."""
        self._tried[name] = self._seen[name]
        try:
            unit = self._load(self.folder, name)
            check_unit(unit.recogniser, self.folder / name)
        except Exception as error:  # noqa: BLE001  a file from elsewhere may break in any way; what serves goes on
            return error if isinstance(error, BearcatError) else ArtifactError(f"{self.folder / name}: {error!r}")
        # a new dict, since requests read the old one meanwhile
        self._units = dict(sorted((self._units | {name: unit}).items()))
        return None


class View(Mapping):
    """Name → something of the units that are served now."""

    def __init__(self, units: UnitFolder):
        self._units = units

    def __iter__(self) -> Iterator[str]:
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)


class Readers(View):
    """Name → a function from an image's path to a reading, always by the unit that is served now."""

    def __getitem__(self, name: str) -> Callable:
        return lambda image: self._units.reader(name)(image)


class Modes(View):
    """Name → MODE."""

    def __getitem__(self, name: str) -> str:
        return self._units.mode(name)


def stamps_of(paths: dict[str, Path]) -> dict[str, Stamp]:
    """Return what tells a file from the one that was there before; a file that has just gone has none."""
    stamps = {}
    for name, path in paths.items():
        try:
            state = path.stat()
        except OSError:
            continue
        stamps[name] = (state.st_mtime_ns, state.st_size, state.st_ino)
    return stamps


def check_unit(recogniser, where: Path) -> None:
    """Let a unit read a blank image; raise ArtifactError where its output is not what its card says."""
    card = recogniser.card
    logits = recogniser.engine.logits(np.full((1, *card.spec.shape), 255, np.float32))
    codec = card.make_codec()
    rows = codec.probabilities(logits).shape[-1]
    expected = len(card.characters) + (MODES[card.mode].task is not Task.DETECTION)  # a box has no row for the blank
    if rows != expected:
        raise ArtifactError(f"{where} answers with {rows} rows, its card speaks of {expected}: save it again")
    if not np.isfinite(logits).all():
        raise ArtifactError(f"{where} answers a blank image with numbers that are none: train it again")
    codec.decode(logits)


def describe(name: str, card) -> dict:
    """Return what a client may want to know of a unit."""
    return {
        "name": name,
        "mode": card.mode,
        "backbone": card.backbone,
        "vocabulary_size": len(card.characters),
        "input": card.spec.as_dict(),
        "metrics": dict(card.metrics),
    }
