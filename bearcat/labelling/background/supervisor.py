"""Makes a predictor for the page while people label: guesses of the pretrained weights, then trainings on the labels.

No failure reaches the page: it is logged with one line, and the page goes on with what it has.
"""

import importlib.util
import logging
import shutil
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bearcat.artifacts.card import ONNX_SUFFIX, Card, read_card
from bearcat.artifacts.pretrained import pretrained_file
from bearcat.core.errors import BearcatError, RecordError
from bearcat.core.locks import hold_lock
from bearcat.core.workspace import Work
from bearcat.data.images import ImageKinds, InputSpec
from bearcat.data.labels.reading import LabelledImage, read_labels
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
LARGEST_SIDE = 2048  # pixels, of the input
POLL_SECONDS = 0.5
MODE, BACKBONE, NAME = "CTC", "light", "guess"  # of the guesses: the best of the modes if no length is known

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

    @property
    def can_run(self) -> bool:
        """Whether TensorFlow is installed, which the page itself does not need."""
        return importlib.util.find_spec("tensorflow") is not None

    def summary(self) -> list[str]:
        """Returns lines that say what will run beside the page."""
        if not self.can_run:
            return ["TensorFlow is not installed: nothing is guessed, and there is no training beside the page."]
        lines = ["The pretrained weights will guess them in less than a minute."] if self._can_guess else []
        if self.plan.trains:
            lines.append(f"From {FIRST_LABELS} labels on, trainings beside the page improve the predictions.")
        return lines

    @property
    def _can_guess(self) -> bool:
        return self.session.predictor is None and MODES[self.session.symbols.mode].task is Task.TEXT

    @property
    def labels_needed(self) -> int:
        """How many more labels the next training waits for; 0 if there will be none."""
        needed = max(FIRST_LABELS, round(GROWTH * self.labels))
        will_be = self.plan.trains and self.can_run and needed <= MOST_LABELS
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
        if self._can_guess:
            self._attempt(Kind.GUESS, self._make_guesses, stop)
        while not stop.wait(POLL_SECONDS):
            self._restrict_guesses()
            if self._is_due:
                self._attempt(Kind.TRAINED, self._train, stop)

    @property
    def _is_due(self) -> bool:
        count = self.session.symbols.labels
        return self.plan.trains and max(FIRST_LABELS, GROWTH * self.labels) <= count <= MOST_LABELS

    def _attempt(self, kind: Kind, action: Callable[[threading.Event], None], stop: threading.Event) -> None:
        """Runs an action; whatever goes wrong is logged with one line."""
        self.activity, self.failed = kind, False
        try:
            action(stop)
        except Exception as error:  # noqa: BLE001  labelling goes on, whatever it is
            self.failed = True
            what = "The guesses of the pretrained weights" if kind is Kind.GUESS else "The training in the background"
            log.warning("%s failed, labelling goes on: %s", what, error or repr(error))
        finally:
            self.activity = None

    def _make_guesses(self, stop: threading.Event) -> None:
        card = self._card()
        if not card.characters:
            return
        folder = self._folder / NAME
        arguments = [card.to_json(), str(folder / f"{NAME}{ONNX_SUFFIX}"), self.plan.build]
        # at full priority, since a person waits for it
        process = BackgroundProcess(f"{__package__}.guess", arguments, self._folder / "guess.txt", is_urgent=True)
        if self._finish(process, stop):
            self._guesser = Guesser(self.plan.load(folder))
            self.session.use(self._guesser.first())

    def _card(self) -> Card:
        """Describes the network of the guesses: as high and wide as the images, with the characters that it can know.

        Grey, since the weights were made for grey images and only labels tell what else suits colour.
        """
        weights = pretrained_file(BACKBONE, Task.TEXT)
        known = read_card(weights)[0].characters if weights else ()
        sizes = ImageKinds.of_files([image.path for image in self.session.queue.images]).sizes or ((1, 1),)
        width, height = (min(LARGEST_SIDE, max(sides)) for sides in zip(*sizes, strict=True))
        settings = self.plan.settings
        spec = InputSpec(height, width, 1, settings.FRAMES, settings.LAYOUT)
        return Card(NAME, MODE, BACKBONE, self._possible(known), spec, settings.CAPTCHA_LENGTH)

    def _possible(self, known: Sequence[str]) -> tuple[str, ...]:
        """Returns those of the characters that are in the work's vocabulary, all of them if it has none yet."""
        try:
            vocabulary = Vocabulary.load(self.work.vocabulary_file).characters
        except RecordError:
            return tuple(known)
        return tuple(character for character in known if character in vocabulary)

    def _restrict_guesses(self) -> None:
        """Has the images guessed again if the labels say more about the texts than before."""
        predictor = self.session.predictor
        if self._guesser and (predictor is None or predictor.kind is Kind.GUESS):
            restricted = self._guesser.after(self.session.symbols)
            if restricted:
                self.session.use(restricted)

    def _train(self, stop: threading.Event) -> None:
        self.labels = self.session.symbols.labels
        part = make_training_work(self.work, self._folder / "training")
        settings = SETTINGS | {"TRAIN_SECONDS": self.plan.seconds}
        overrides = [*self.plan.overrides, *(f"{name}={value!r}" for name, value in settings.items())]
        process = BackgroundProcess(f"{__package__}.steps", [str(part.path), *overrides], self._folder / "training.txt")
        if self._finish(process, stop):
            model = self.plan.load(part.folder("App_model"))
            trained = Predictor(model.predict, kind=Kind.TRAINED, labels=self.labels)
            if not self._guesses_are_better(trained, part):
                self.session.use(trained)

    def _guesses_are_better(self, trained: Predictor, part: Work) -> bool:
        """Whether the present guesses are right more often than a trained model on the labels it was not trained on.

        Guesses under the right restriction can be better than what 20 labels teach: zfjw 98 % to 93 % of 25 labels.
        """
        guess = self.session.predictor
        if guess is None or guess.kind is not Kind.GUESS:
            return False
        held_out = read_labels(part.data_folder("validation"), self.plan.label_of)[0]
        return count_correct(guess, held_out) > count_correct(trained, held_out)

    def _finish(self, process: BackgroundProcess, stop: threading.Event) -> bool:
        """Waits for a process.

        Returns:
            Whether it has done its work; False if it was stopped.

        Raises:
            BearcatError: It failed.
        """
        try:
            while process.is_running:
                if stop.wait(POLL_SECONDS):
                    return False
                self._restrict_guesses()
            if not process.succeeded:
                raise BearcatError(process.last_line())
            return True
        finally:
            process.stop()


def count_correct(predictor: Predictor, images: Sequence[LabelledImage]) -> int:
    """Returns the number of images whose whole label is predicted."""
    return sum(predictor.predict(image.path).text == image.label for image in images)
