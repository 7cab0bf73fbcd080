"""The models of App_model that are being served: loaded, checked, and replaced while the service runs."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from bearcat.artifacts.card import Card, find_models
from bearcat.artifacts.inference import Recogniser
from bearcat.core.errors import ArtifactError, BearcatError
from bearcat.modes import MODES, Task
from bearcat.serving.answers import make_answer

POLL_SECONDS = 1.0

log = logging.getLogger("bearcat.serving.model_store")
FileState = tuple[int, int, int]  # modification time in ns, size, inode
LoadModel = Callable[[Path], Recogniser]
T = TypeVar("T")


class ModelStore(Mapping[str, Callable[..., dict]]):
    """Model name → function from an image's bytes and options to the payload of an answer, sorted by name.

    Args:
        folder: App_model.
        load: Loads a model from its file.
    """

    def __init__(self, folder: Path, load: LoadModel):
        self.folder = folder
        self._load = load
        self._models: dict[str, Recogniser] = {}
        self._seen: dict[str, FileState] = {}  # at the last poll
        self._tried: dict[str, FileState] = {}  # of the files that were loaded or rejected

    def __getitem__(self, name: str) -> Callable[..., dict]:
        return partial(make_answer, self._models[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def load_all(self) -> None:
        """Loads all models of the folder; rejected ones are logged.

        Raises:
            ArtifactError: No model can be served.
        """
        paths = find_models(self.folder)
        self._seen = _file_states(paths)
        errors = {name: error for name, path in paths.items() if (error := self._try(name, path))}
        if not self._models:
            raise next(iter(errors.values()))
        for name, error in errors.items():
            log.error("model %s rejected: %s", name, error)

    def refresh(self) -> None:
        """Loads files that are new or changed, once they stayed the same for two polls, and drops deleted ones."""
        try:
            paths = find_models(self.folder)
        except ArtifactError:
            paths = {}
        states, before = _file_states(paths), self._seen
        self._seen = states
        for name in self._models.keys() - states.keys():
            self._models = {other: model for other, model in self._models.items() if other != name}
            self._tried.pop(name, None)
            log.info("model %s removed", name)
        for name, state in states.items():
            if state == before.get(name) != self._tried.get(name):
                self._replace(name, paths[name])

    async def watch(self) -> None:
        """Refreshes the models for ever; an error is logged and does not end it."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await asyncio.to_thread(self.refresh)
            except Exception:
                log.exception("cannot look for models in %s", self.folder)

    def recogniser(self, name: str) -> Recogniser:
        """Returns the loaded model of a name."""
        return self._models[name]

    def describe(self) -> list[dict]:
        """Returns a description of each model, as GET /models answers."""
        return [_describe(name, model.card) for name, model in self._models.items()]

    def view(self, of: Callable[[Recogniser], T]) -> "ModelView[T]":
        """Returns a mapping from model names to something of each model; it follows later changes of the store."""
        return ModelView(self, of)

    def _replace(self, name: str, path: Path) -> None:
        is_known, error = name in self._models, self._try(name, path)
        if error:
            log.error("model %s rejected: %s%s", name, error, "; still serving the previous one" * is_known)
        else:
            log.info("model %s loaded", name)

    def _try(self, name: str, path: Path) -> BearcatError | None:
        """Serves a model if it is good, else keeps the previous one of its name; returns what is wrong."""
        self._tried[name] = self._seen[name]
        try:
            model = self._load(path)
            check_model(model, path)
        except Exception as error:  # noqa: BLE001  a broken file can raise anything; what is being served goes on
            return error if isinstance(error, BearcatError) else ArtifactError(f"{path}: {error!r}")
        # a new dict, since requests read the old one meanwhile
        self._models = dict(sorted((self._models | {name: model}).items()))
        return None


class ModelView(Mapping[str, T]):
    """Model name → something of the model that is currently served under it."""

    def __init__(self, store: ModelStore, of: Callable[[Recogniser], T]):
        self._store = store
        self._of = of

    def __getitem__(self, name: str) -> T:
        return self._of(self._store.recogniser(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._store)

    def __len__(self) -> int:
        return len(self._store)


def _file_states(paths: dict[str, Path]) -> dict[str, FileState]:
    """Returns the state by which a changed file is recognised; a file that has just been deleted is left out."""
    states = {}
    for name, path in paths.items():
        try:
            status = path.stat()
        except OSError:
            continue
        states[name] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return states


def check_model(recogniser: Recogniser, path: Path) -> None:
    """Runs a model on a blank image.

    Raises:
        ArtifactError: Its output does not fit its card, or is not finite.
    """
    card = recogniser.card
    logits = recogniser.engine.logits(np.full((1, *card.spec.shape), 255, np.float32))
    codec = card.make_codec()
    classes = codec.probabilities(logits).shape[-1]
    expected = len(card.characters) + (MODES[card.mode].task is not Task.DETECTION)  # boxes have no blank class
    if classes != expected:
        raise ArtifactError(f"{path} has {classes} output classes, but its card says {expected}: save it again")
    if not np.isfinite(logits).all():
        raise ArtifactError(f"{path} outputs NaN or infinity for a blank image: train it again")
    codec.decode(logits)


def _describe(name: str, card: Card) -> dict:
    return {
        "name": name,
        "mode": card.mode,
        "backbone": card.backbone,
        "vocabulary_size": len(card.characters),
        "input": card.spec.as_dict(),
        "metrics": dict(card.metrics),
    }
