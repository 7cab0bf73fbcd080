"""Makes a predictor for the page while people label: guesses of the pretrained weights, then trainings on the labels.

No failure reaches the page: it is logged with one line, and the page goes on with what it has.
"""

import importlib.util
import logging
import math
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bearcat.artifacts.card import ONNX_SUFFIX
from bearcat.artifacts.pretrained import pretrained_card, pretrained_characters
from bearcat.core.errors import BearcatError, RecordError
from bearcat.core.locks import hold_lock
from bearcat.core.workspace import Work
from bearcat.data.labels.listing import list_images, name_in
from bearcat.data.labels.reading import LabelledImage, read_labels
from bearcat.data.labels.text import fold_case
from bearcat.data.vocabulary import Vocabulary
from bearcat.labelling.background.process import BackgroundProcess
from bearcat.labelling.background.scratch import FOLDER, SETTINGS, make_training_work
from bearcat.labelling.copies import SCRIPT
from bearcat.labelling.predictors import Guesser, Kind, Predictor
from bearcat.labelling.session import LabellingSession
from bearcat.modes import MODES, Task

LOCKED = "labelling"  # the part of the work that belongs to one page
FIRST_LABELS = 20  # from which there is a training
GROWTH = 1.5  # how many times as many labels the next training needs
MOST_LABELS = 1000  # more are worth a training that takes its time
TRAIN_SECONDS = 40
MOST_COMPARED = 300  # labels on which a new model is compared with the present one
GUESS_LIMIT, TRAIN_LIMIT = 600, 1800  # seconds after which a process is stopped; TRAIN_SECONDS come on top
POLL_SECONDS = 0.5
NAME = "guess"  # of the model of the pretrained weights

log = logging.getLogger("bearcat.labelling.background")


@dataclass(frozen=True)
class BackgroundPlan:
    """What runs beside the page.

    Args:
        settings: The settings of the work.
        overrides: Settings of the command line, NAME=VALUE.
        load: Loads a model from a folder, as `Predict_Image` does.
        label_of: Parses the label from a file's path.
        build: Import path of the builder of networks, `models.build_for`.
        trains: Whether to train on the labels.
        seconds: Duration of a training.
    """

    settings: SimpleNamespace
    overrides: Sequence[str]
    load: Callable[[Path], Any]
    label_of: Callable[[Path], str]
    build: str
    trains: bool = True
    seconds: int = TRAIN_SECONDS


class Background:
    """Replaces the predictor of a session by better ones.

    Attributes:
        activity: What runs now: Kind.GUESS is being made, or Kind.TRAINED; None: nothing.
        labels: The number of labels of the training that runs now, or of the last one.
        failed: Whether the last process failed.

    Args:
        session: The session.
        plan: What to run.
    """

    def __init__(self, session: LabellingSession, plan: BackgroundPlan):
        self.session, self.plan = session, plan
        self.work = session.copies.work
        self.activity: Kind | None = None
        self.failed = False
        # a model of the work counts as trained on the labels that there are
        self.labels = session.symbols.labels if session.predictor else 0
        self._folder = self.work.folder("report") / FOLDER
        self._guesser: Guesser | None = None
        self._has_validation = bool(list_images(self.work.data_folder("validation")))
        self._learnt: set[str] = set()  # the images that the present model of kind TRAINED was trained on

    @property
    def can_run(self) -> bool:
        """Whether TensorFlow is installed, which the page itself does not need."""
        return importlib.util.find_spec("tensorflow") is not None

    def summary(self) -> list[str]:
        """Returns lines that say what will run beside the page."""
        if not self.can_run:
            return ["TensorFlow is not installed: nothing is guessed, and there is no training beside the page."]
        lines = []
        if self._is_guessing_wanted:
            lines.append(
                "The pretrained weights will guess them as soon as they are prepared."
                if self._characters()
                else f"The pretrained weights know no character of {self.work.vocabulary_file.name}: no guesses."
            )
        if self._trains:
            lines.append(f"From {FIRST_LABELS} labels on, trainings beside the page improve the predictions.")
        return lines

    @property
    def _is_guessing_wanted(self) -> bool:
        return self.session.predictor is None and MODES[self.session.symbols.mode].task is Task.TEXT

    @property
    def _trains(self) -> bool:
        """Whether to train: only labels that a model of the work has not learnt can say whether another is better."""
        return self.plan.trains and (self._has_validation or not self._is_present(Kind.MODEL))

    def _is_present(self, kind: Kind) -> bool:
        return self.session.predictor is not None and self.session.predictor.kind is kind

    @property
    def labels_needed(self) -> int:
        """How many more labels the next training waits for; 0 if there will be none."""
        needed = max(FIRST_LABELS, round(GROWTH * self.labels))
        will_be = self._trains and self.can_run and needed <= MOST_LABELS
        return max(0, needed - self.session.symbols.labels) if will_be else 0

    def run(self, stop: threading.Event) -> None:
        """Works until it is asked to stop; then nothing is left of it."""
        if not self.can_run:
            return
        try:
            with hold_lock(self.work.path, SCRIPT, LOCKED):
                try:
                    self._run(stop)
                finally:
                    shutil.rmtree(self._folder, ignore_errors=True)
        except BearcatError as error:
            log.warning("No guesses and no training beside this page: %s", error)

    def _run(self, stop: threading.Event) -> None:
        if self._is_guessing_wanted and self._characters():
            self._attempt(Kind.GUESS, self._make_guesses, stop)
        while not stop.wait(POLL_SECONDS):
            self._restrict_guesses()
            if self._is_due:
                self._attempt(Kind.TRAINED, self._train, stop)

    @property
    def _is_due(self) -> bool:
        count = self.session.symbols.labels
        return self._trains and max(FIRST_LABELS, GROWTH * self.labels) <= count <= MOST_LABELS

    def _attempt(self, kind: Kind, action: Callable[[threading.Event], None], stop: threading.Event) -> None:
        """Runs an action; whatever goes wrong is logged with one line."""
        self.activity, self.failed = kind, False
        try:
            action(stop)
        except Exception as error:  # noqa: BLE001  labelling goes on, whatever it is
            self.failed = True
            log_failure(kind, error)
        finally:
            self.activity = None

    def _make_guesses(self, stop: threading.Event) -> None:
        images = [image.path for image in self.session.queue.images]
        card = pretrained_card(NAME, images, self._characters(), self.plan.settings)
        folder = self._folder / NAME
        arguments = [card.to_json(), str(folder / f"{NAME}{ONNX_SUFFIX}"), self.plan.build]
        # at full priority, since a person waits for it
        process = BackgroundProcess(f"{__package__}.guess", arguments, self._folder / "guess.txt", is_urgent=True)
        if self._finish(process, stop, GUESS_LIMIT):
            self._guesser = Guesser(self.plan.load(folder))
            self.session.use(self._guesser.first())

    def _characters(self) -> tuple[str, ...]:
        """Returns the characters of the weights that are in the work's vocabulary, all if it has none yet."""
        try:
            return pretrained_characters(Vocabulary.load(self.work.vocabulary_file).characters)
        except RecordError:
            return pretrained_characters()

    def _restrict_guesses(self) -> None:
        """Has the images guessed again if the labels say more about the texts than before."""
        if not (self._guesser and self._is_present(Kind.GUESS)):
            return
        try:
            restricted = self._guesser.after(self.session.symbols_so_far())
        except Exception as error:  # noqa: BLE001  the present guesses stay
            self._guesser = None
            log_failure(Kind.GUESS, error)
            return
        if restricted:
            self.session.use(restricted)

    def _train(self, stop: threading.Event) -> None:
        self.labels = self.session.symbols.labels
        part = make_training_work(self.work, self._folder / "training")
        settings = SETTINGS | {"TRAIN_SECONDS": self.plan.seconds}
        overrides = [*self.plan.overrides, *(f"{name}={value!r}" for name, value in settings.items())]
        process = BackgroundProcess(f"{__package__}.steps", [str(part.path), *overrides], self._folder / "training.txt")
        if self._finish(process, stop, TRAIN_LIMIT + self.plan.seconds):
            model = self.plan.load(part.folder("App_model"))
            trained = Predictor(model.predict, kind=Kind.TRAINED, labels=self.labels)
            if not self._present_is_better(trained, part):
                self.session.use(trained)
                folder = part.data_folder("train")
                self._learnt = {name_in(folder, path) for path in list_images(folder)}

    def _present_is_better(self, trained: Predictor, part: Work) -> bool:
        """Whether the present predictor is right more often than a new model, on labels that neither has learnt.

        Guesses under the right restriction can be better than what 20 labels teach: zfjw 98 % to 93 % of 25 labels.
        """
        present = self.session.predictor
        if present is None:
            return False
        folder, ignores_case = part.data_folder("validation"), self.plan.settings.IGNORE_CASE
        held_out = [
            image
            for image in read_labels(folder, self.plan.label_of)[0]
            if self._has_validation or name_in(folder, image.path) not in self._learnt
        ]
        held_out = held_out[:: max(1, math.ceil(len(held_out) / MOST_COMPARED))]
        return count_correct(present, held_out, ignores_case) > count_correct(trained, held_out, ignores_case)

    def _finish(self, process: BackgroundProcess, stop: threading.Event, limit: float) -> bool:
        """Waits for a process, for so many seconds at most.

        Returns:
            Whether it has done its work; False if it was stopped.

        Raises:
            BearcatError: It failed, or took too long.
        """
        deadline = time.monotonic() + limit
        try:
            while process.is_running:
                if stop.wait(POLL_SECONDS):
                    return False
                if time.monotonic() > deadline:
                    raise BearcatError(f"stopped, since it had not ended after {limit / 60:.0f} minutes")
                self._restrict_guesses()
            if not process.succeeded:
                raise BearcatError(process.last_line())
            return True
        finally:
            process.stop()


def count_correct(predictor: Predictor, images: Sequence[LabelledImage], ignores_case: bool = False) -> int:
    """Returns the number of images whose whole label is predicted, upper or lower case."""
    fold = fold_case if ignores_case else str
    return sum(fold(predictor.predict(image.path).text) == fold(image.label) for image in images)


def log_failure(kind: Kind, error: Exception) -> None:
    """Logs with one line what failed and why."""
    what = "The guesses of the pretrained weights" if kind is Kind.GUESS else "The training in the background"
    log.warning("%s failed, labelling goes on: %s", what, error or repr(error))
