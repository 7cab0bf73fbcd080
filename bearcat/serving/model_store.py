"""The models of App_model that are being served: loaded, checked, and replaced while the service runs."""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TypeVar

from bearcat.artifacts.card import Card, find_models
from bearcat.artifacts.inference import Recogniser
from bearcat.artifacts.model_choice import AUTO_MODEL, choose_fitting, expected_images
from bearcat.core.errors import ArtifactError, RequestOptionError
from bearcat.core.names import show_name
from bearcat.data.images import image_kind
from bearcat.serving.answers import make_answer
from bearcat.serving.protection.model_check import CHECK_SECONDS, UncheckedError, check_files, check_model

POLL_SECONDS = 1.0
START_SECONDS = 10.0  # for the check of a model before the service starts; others are served while a slow one goes on

log = logging.getLogger("bearcat.serving.model_store")
FileState = tuple[int, int, int]  # modification time in ns, size, inode
LoadModel = Callable[[Path], Recogniser]
Outcomes = dict[str, ArtifactError | None]  # name of a model → what is wrong with it
T = TypeVar("T")


class ModelStore(Mapping[str, Callable[..., dict]]):
    """Model name → function from an image's bytes and options to the payload of an answer, sorted by name.

    Names are those of the files as `show_name` shows them, so that they can stand in every log, answer and page.

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
        self._rejected: set[str] = set()
        self._stopped = threading.Event()

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
        paths = self._find()
        self._seen = _file_states(paths)
        seconds = START_SECONDS if len(paths) > 1 else CHECK_SECONDS
        outcomes = self._try(paths, seconds)
        if seconds < CHECK_SECONDS:
            outcomes = self._postpone(paths, outcomes)
        errors = {name: error for name, error in outcomes.items() if error}
        if not self._models:
            raise next(iter(errors.values()))
        for name, error in errors.items():
            log.error("model %s rejected: %s", name, error)

    def _postpone(self, paths: dict[str, Path], outcomes: Outcomes) -> Outcomes:
        """Leaves files whose check takes long to `refresh`, or goes on with them if nothing could be served meanwhile.

        Returns:
            The outcomes of the others, or of all.
        """
        slow = {name: paths[name] for name, error in outcomes.items() if isinstance(error, UncheckedError)}
        others = {name: error for name, error in outcomes.items() if name not in slow}
        if not self._models:
            return others | self._try(slow, CHECK_SECONDS)
        for name in slow:
            self._tried.pop(name, None)
            log.warning("model %s is still being checked", name)
        return others

    def refresh(self) -> None:
        """Loads files that are new or changed, once they stayed the same for two polls, and drops deleted ones."""
        try:
            paths = self._find()
        except ArtifactError:
            paths = {}
        states, before = _file_states(paths), self._seen
        self._seen = states
        for name in self._models.keys() - states.keys():
            self._models = {other: model for other, model in self._models.items() if other != name}
            self._tried.pop(name, None)
            log.info("model %s removed", name)
        self._rejected &= states.keys()
        changed = [name for name, state in states.items() if state == before.get(name) != self._tried.get(name)]
        if changed:
            self._replace({name: paths[name] for name in changed})

    async def watch(self) -> None:
        """Refreshes the models for ever; an error is logged and does not end it."""
        try:
            while True:
                await asyncio.sleep(POLL_SECONDS)
                try:
                    await asyncio.to_thread(self.refresh)
                except Exception:
                    log.exception("cannot look for models in %s", show_name(self.folder))
        finally:
            self._stopped.set()  # a check that goes on would delay the end

    def answer_fitting(self, image: bytes, **options: object) -> dict:
        """Answers an image with the only model, or with the one that it fits; the answer's `model` is its name.

        Args:
            image: The encoded image.
            **options: See `make_answer`.

        Raises:
            RequestOptionError: There are several models, and the image fits none or several, or a grid cuts it.
        """
        models = self._models
        name = next(iter(models)) if len(models) == 1 else _choose(models, image, options)
        return make_answer(models[name], image, **options) | {"model": name}

    def recogniser(self, name: str) -> Recogniser:
        """Returns the loaded model of a name."""
        return self._models[name]

    def describe(self) -> list[dict]:
        """Returns a description of each model, as GET /models answers."""
        return [_describe(name, model.card) for name, model in self._models.items()]

    def rejected(self) -> list[str]:
        """Returns the names of the files that are not served as they are now, for GET /health."""
        return sorted(self._rejected)

    def view(self, of: Callable[[Recogniser], T]) -> "ModelView[T]":
        """Returns a mapping from model names to something of each model; it follows later changes of the store."""
        return ModelView(self, of)

    def _find(self) -> dict[str, Path]:
        return {show_name(name): path for name, path in find_models(self.folder).items()}

    def _replace(self, paths: dict[str, Path]) -> None:
        known = set(self._models)
        for name, error in self._try(paths, CHECK_SECONDS).items():
            if error:
                log.error("model %s rejected: %s%s", name, error, "; still serving the previous one" * (name in known))
            else:
                log.info("model %s loaded", name)

    def _try(self, paths: dict[str, Path], seconds: float) -> Outcomes:
        """Serves the models that are good, and keeps the previous ones of the others' names.

        Returns:
            What is wrong with each; those that were not checked since the service stops are left out.
        """
        checked = check_files(list(paths.values()), seconds, self._stopped) if paths else {}
        outcomes = {
            name: checked[path] or self._load_checked(name, path) for name, path in paths.items() if path in checked
        }
        self._tried |= {name: self._seen[name] for name in outcomes if name in self._seen}
        self._rejected = self._rejected - outcomes.keys() | {name for name, error in outcomes.items() if error}
        return outcomes

    def _load_checked(self, name: str, path: Path) -> ArtifactError | None:
        try:
            model = self._load(path)
            check_model(model, path)
        except Exception as error:  # noqa: BLE001  a broken file can raise anything; what is being served goes on
            return error if isinstance(error, ArtifactError) else ArtifactError(show_name(f"{path}: {error!r}"))
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
            status = path.stat() if path.exists() else path.lstat()  # of a link to nowhere its own
        except OSError:
            continue
        states[name] = (status.st_mtime_ns, status.st_size, status.st_ino)
    return states


def _choose(models: Mapping[str, Recogniser], image: bytes, options: dict[str, object]) -> str:
    """Returns the name of the model that an image fits; raises RequestOptionError, see `answer_fitting`."""
    if options.get("grid"):
        raise RequestOptionError(
            f"grid: model = {AUTO_MODEL!r} chooses by the size of whole images, not of cells. Name one of "
            f"{', '.join(models)}"
        )
    return choose_fitting(image_kind(image), {name: expected_images(model.card) for name, model in models.items()})


def _describe(name: str, card: Card) -> dict:
    expected = expected_images(card)
    return {
        "name": name,
        "mode": card.mode,
        "backbone": card.backbone,
        "vocabulary_size": len(card.characters),
        "input": card.spec.as_dict(),
        "label_lengths": card.label_lengths,
        "image_sizes": expected.sizes,
        "image_colours": expected.colours,
        "metrics": dict(card.metrics),
    }
