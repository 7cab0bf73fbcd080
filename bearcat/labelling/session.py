"""A labelling session: which image is shown, and what was done with each of them. Safe to use from many threads.

There is no state to keep but how each image was chosen (`offers`): confirmed images lie in the training set, where the
next session finds them.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bearcat.core.errors import ImageError
from bearcat.data.images import open_image
from bearcat.labelling.copies import Copy, CopyWriter
from bearcat.labelling.offers import Offer, record_offer
from bearcat.labelling.order import GRID_SIZE, grid_candidates, grid_of, is_random, next_image
from bearcat.labelling.predictors import Predicted, Predictor
from bearcat.labelling.queue import LabellingQueue, QueuedImage, Status
from bearcat.labelling.symbols import LabelSymbols
from bearcat.labelling.translations import LabellingError

FINAL = ("already_in_data", "image_gone", "image_changed")  # refusals after which an image is left out
NOT_YET_LABELLED = (Status.WAITING, Status.OPEN, Status.SKIPPED)
IDLE_SECONDS = 0.2  # between looks for images to predict

log = logging.getLogger("bearcat.labelling.session")


@dataclass(frozen=True)
class Confirmation:
    """What became of a grid: the copies, and the refusals of those images that stay open."""

    copies: list[Copy]
    refusals: list[LabellingError]


class LabellingSession:
    """Hands out the images of a queue and takes their labels.

    Args:
        queue: The images to label.
        copies: Writes the confirmed images.
        symbols: Symbols of the labels, updated with every label.
        predictor: Predicts the labels; None if nobody does yet.
    """

    def __init__(
        self, queue: LabellingQueue, copies: CopyWriter, symbols: LabelSymbols, predictor: Predictor | None = None
    ):
        self.queue = queue
        self.copies = copies
        self.symbols = symbols
        self.predictor = predictor
        self._history: list[list[tuple[QueuedImage, Copy | None]]] = []  # what is undone at once
        self._current: QueuedImage | None = None
        self._lock = threading.RLock()

    def use(self, predictor: Predictor) -> None:
        """Replaces the predictor; `open_images` then predicts all open images again."""
        with self._lock:
            self.predictor = predictor

    def keep_predicting(self, stop: threading.Event) -> None:
        """Opens the images, and predicts them again whenever the predictor is replaced, until it is asked to stop."""
        while not stop.wait(IDLE_SECONDS):
            self.open_images(stop)

    def symbols_so_far(self) -> LabelSymbols:
        """Returns a copy of the symbols, which other threads cannot change."""
        with self._lock:
            return deepcopy(self.symbols)

    def open_images(self, stop: threading.Event | None = None) -> None:
        """Opens every new image of the queue, and predicts the labels that the present predictor has not predicted.

        Damaged images are logged and left out.
        """
        for image in self.queue.images:
            if stop and stop.is_set():
                return
            predictor = self.predictor
            is_new = image.status is Status.WAITING
            if not is_new and (image.status not in NOT_YET_LABELLED or image.predictor is predictor):
                continue
            status, prediction = self._open(image.path, predictor)
            with self._lock:
                if image.status in NOT_YET_LABELLED:  # and was not labelled meanwhile
                    image.predict(prediction, predictor)
                    image.status = status if is_new or status is Status.DAMAGED else image.status

    def current(self) -> QueuedImage | None:
        """Returns the image to show, the same until it is confirmed or skipped; None if none is open."""
        with self._lock:
            if not (self._current and self._current.status is Status.OPEN):
                labelled = self.queue.with_status(Status.LABELLED)
                self._current = next_image(self.queue, self.predictor, self.symbols, labelled)
            return self._current

    def grid(self) -> tuple[list[QueuedImage], int]:
        """Returns the images to confirm at once, sorted by text, and how many may be confirmed so in all."""
        with self._lock:
            candidates = grid_candidates(self.queue)
            return grid_of(candidates), len(candidates)

    def confirm(self, number: int, label: Any) -> Copy:
        """Copies an image into the training set under its label, of the kind that `copies` takes.

        Raises:
            LabellingError: The label or the image is refused.
            WorkError: Another step is changing the data of the work.
        """
        with self._lock:
            image = self._unlabelled(number)
            copy = self._write(image, label)
            self._history.append([(image, copy)])
            return copy

    def confirm_many(self, labels: Sequence[tuple[int, str]], marked: Iterable[int] = ()) -> Confirmation:
        """Copies the images of a grid into the training set.

        Args:
            labels: The number and the label of each image that is confirmed.
            marked: The numbers of those whose prediction is wrong; they are shown next, one by one. So are images
                that are refused.

        Raises:
            LabellingError: There are too many images, or none of such a number.
            WorkError: Another step is changing the data of the work.
        """
        with self._lock:
            wrong = [self.queue.image(number) for number in marked]
            confirmed = [(self.queue.image(number), label) for number, label in labels]
            if len(wrong) + len(confirmed) > GRID_SIZE:
                raise LabellingError("too_many", limit=GRID_SIZE)
            for image in (*wrong, *(image for image, _ in confirmed)):
                image.is_chosen = True
            for image in wrong:
                self._mark(image)
            done: list[tuple[QueuedImage, Copy | None]] = []
            refusals = []
            try:
                for image, label in confirmed:
                    try:
                        done.append((self._unlabelled(image.number), self._write(image, label)))
                    except LabellingError as refusal:
                        self._mark(image)
                        refusals.append(refusal)
            finally:
                if done:
                    self._history.append(done)
            return Confirmation([copy for _, copy in done if copy], refusals)

    def _mark(self, image: QueuedImage) -> None:
        """Has an image shown next, unless it was labelled or left out."""
        if image.status in NOT_YET_LABELLED:
            image.is_marked, self._current = True, None

    def _write(self, image: QueuedImage, label: Any) -> Copy:
        if image.is_chosen or is_random(image, self.queue):
            record_offer(self.copies.work, image.digest, Offer.CHOSEN if image.is_chosen else Offer.RANDOM)
        try:
            copy = self.copies.write(image.path, image.digest, label)
        except LabellingError as refusal:
            if refusal.key in FINAL:
                image.status = Status.LEFT_OUT
            raise
        image.status, image.text = Status.LABELLED, copy.label
        self.symbols.add(copy.label)
        return copy

    def skip(self, number: int) -> None:
        """Leaves an image for the end."""
        with self._lock:
            image = self._unlabelled(number)
            image.status = Status.SKIPPED
            self._history.append([(image, None)])

    def undo(self) -> list[Copy]:
        """Undoes the last confirmation, grid or skip of this session and shows its image again.

        Returns:
            The copies that were removed, none after a skip.

        Raises:
            LabellingError: There is nothing to undo, or a copy may not be removed; it is then forgotten.
        """
        with self._lock:
            if not self._history:
                raise LabellingError("nothing_to_undo")
            group, undone, refusal = self._history[-1], [], None
            while group:
                image, copy = group[-1]
                try:
                    if copy:
                        self.copies.remove(copy)
                        self.symbols.remove(copy.label)
                        undone.append(copy)
                    image.status, self._current = Status.OPEN, image
                except LabellingError as error:
                    refusal = refusal or error
                group.pop()
            self._history.pop()
            if refusal:
                raise refusal
            return undone

    def reopen_skipped(self) -> None:
        """Puts the skipped images back into the queue."""
        with self._lock:
            for image in self.queue.with_status(Status.SKIPPED):
                image.status = Status.OPEN
            self._history = [group for group in self._history if any(copy for _, copy in group)]

    def summary(self) -> list[str]:
        """Returns lines that say what there is to label, and which model predicts."""
        queue = self.queue
        first = f"{queue.folder}: {len(queue.images)} images to label"
        if queue.already_labelled or queue.duplicates:
            first += f"; {queue.already_labelled} are already in the data sets, {queue.duplicates} are duplicates"
        if self.model_name:
            return [first, f"The model {self.model_name} predicts their labels; those that teach most come first."]
        return [first, "No trained model predicts such labels yet."]

    @property
    def model_name(self) -> str:
        """Name of the trained model that predicts; '' if there is none."""
        return self.predictor.name if self.predictor else ""

    @property
    def labelled(self) -> int:
        """Number of images labelled in this session."""
        return self.counts()[Status.LABELLED]

    def counts(self) -> Counter[Status]:
        """Returns the number of images of each status."""
        with self._lock:
            return self.queue.counts()

    def predicted(self) -> float:
        """Returns the share of the unlabelled images that the present predictor has predicted; 1 if nobody predicts."""
        with self._lock:
            left = [image for image in self.queue.images if image.status in NOT_YET_LABELLED]
            if not (left and self.predictor):
                return 1.0
            return sum(image.predictor is self.predictor for image in left) / len(left)

    def damaged(self) -> list[str]:
        """Returns the names of the damaged images."""
        return [image.name for image in self.queue.with_status(Status.DAMAGED)]

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return bool(self._history)

    def _unlabelled(self, number: int) -> QueuedImage:
        image = self.queue.image(number)
        if image.status not in (Status.OPEN, Status.SKIPPED):
            raise LabellingError("not_open")
        return image

    @staticmethod
    def _open(path: Path, predictor: Predictor | None) -> tuple[Status, Predicted | None]:
        try:
            if predictor:
                return Status.OPEN, predictor.predict(path)
            open_image(path)
        except (ImageError, OSError) as error:
            log.warning("Left out: %s", error)
            return Status.DAMAGED, None
        except Exception:
            log.exception("The label of %s could not be predicted", path)  # a person can still label it
        return Status.OPEN, None
