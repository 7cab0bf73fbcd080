"""A labelling session: which image is shown, and what was done with each of them. Safe to use from many threads.

There is no state to keep: confirmed images lie in the training set, where the next session finds them.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bearcat.core.errors import ImageError
from bearcat.data.codecs import Prediction
from bearcat.data.images import open_image
from bearcat.labelling.copies import Copy, CopyWriter
from bearcat.labelling.queue import LabellingQueue, QueuedImage, Status
from bearcat.labelling.translations import LabellingError
from bearcat.modes import MODES, Task

FINAL = ("already_in_data", "image_gone", "image_changed")  # refusals after which an image is left out
Predict = Callable[[Path], Prediction]

log = logging.getLogger("bearcat.labelling.session")


@dataclass
class LabelSymbols:
    """Symbols of the labels: characters of texts, or whole labels if they are classes.

    Args:
        mode: The value of MODE.
        known: Those of the model, the data and this session; None if unknown: text without a model.
        used: Those of this session's labels.
    """

    mode: str
    known: set[str] | None = None
    used: set[str] = field(default_factory=set)

    @property
    def are_classes(self) -> bool:
        """Whether a whole label is one symbol."""
        return MODES[self.mode].task is Task.CLASSIFICATION

    def add(self, label: str) -> None:
        """Adds the symbols of a confirmed label."""
        symbols = MODES[self.mode].symbols(label)
        self.used.update(symbols)
        if self.known is not None:
            self.known.update(symbols)


class LabellingSession:
    """Hands out the images of a queue and takes their labels.

    Args:
        queue: The images to label.
        copies: Writes the confirmed images.
        symbols: Symbols of the labels, updated with every label.
        predict: Predicts the label of an image file; None if there is no model.
        model_name: Name of the model that predicts.
    """

    def __init__(
        self,
        queue: LabellingQueue,
        copies: CopyWriter,
        symbols: LabelSymbols,
        predict: Predict | None = None,
        model_name: str = "",
    ):
        self.queue = queue
        self.copies = copies
        self.symbols = symbols
        self.model_name = model_name
        self._predict = predict
        self._history: list[tuple[QueuedImage, Copy | None]] = []
        self._current: QueuedImage | None = None
        self._lock = threading.RLock()

    def open_images(self, stop: threading.Event | None = None) -> None:
        """Opens every image of the queue and predicts its label; damaged images are logged and left out."""
        for image in self.queue.images:
            if stop and stop.is_set():
                return
            status, prediction = self._open(image.path)
            with self._lock:
                image.status, image.prediction, image.text = status, prediction, prediction.text if prediction else ""

    def current(self) -> QueuedImage | None:
        """Returns the image to show, the same until it is confirmed or skipped; None if none is open."""
        with self._lock:
            if not (self._current and self._current.status is Status.OPEN):
                self._current = self.queue.next_open()
            return self._current

    def confirm(self, number: int, label: str) -> Copy:
        """Copies an image into the training set under its label.

        Raises:
            LabellingError: The label or the image is refused.
            WorkError: Another step is changing the data of the work.
        """
        with self._lock:
            image = self._unlabelled(number)
            try:
                copy = self.copies.write(image.path, image.digest, label)
            except LabellingError as refusal:
                if refusal.key in FINAL:
                    image.status = Status.LEFT_OUT
                raise
            image.status, image.text = Status.LABELLED, copy.label
            self.symbols.add(copy.label)
            self._history.append((image, copy))
            return copy

    def skip(self, number: int) -> None:
        """Leaves an image for the end."""
        with self._lock:
            image = self._unlabelled(number)
            image.status = Status.SKIPPED
            self._history.append((image, None))

    def undo(self) -> Copy | None:
        """Undoes the last confirmation or skip of this session and shows its image again.

        Returns:
            The copy that was removed, None after a skip.

        Raises:
            LabellingError: There is nothing to undo, or the copy may not be removed; it is then forgotten.
        """
        with self._lock:
            if not self._history:
                raise LabellingError("nothing_to_undo")
            image, copy = self._history[-1]
            try:
                if copy:
                    self.copies.remove(copy)
            except LabellingError:
                self._history.pop()
                raise
            self._history.pop()
            image.status, self._current = Status.OPEN, image
            return copy

    def reopen_skipped(self) -> None:
        """Puts the skipped images back into the queue."""
        with self._lock:
            for image in self.queue.with_status(Status.SKIPPED):
                image.status = Status.OPEN
            self._history = [(image, copy) for image, copy in self._history if copy]

    def summary(self) -> list[str]:
        """Returns lines that say what there is to label, and which model predicts."""
        queue = self.queue
        first = f"{queue.folder}: {len(queue.images)} images to label"
        if queue.already_labelled or queue.duplicates:
            first += f"; {queue.already_labelled} are already in the data sets, {queue.duplicates} are duplicates"
        if self.model_name:
            return [first, f"The model {self.model_name} predicts their labels; the least confident come first."]
        return [first, "No trained model predicts such labels yet: type what you see."]

    @property
    def labelled(self) -> int:
        """Number of images labelled in this session."""
        return self.counts()[Status.LABELLED]

    def counts(self) -> Counter[Status]:
        """Returns the number of images of each status."""
        with self._lock:
            return self.queue.counts()

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

    def _open(self, path: Path) -> tuple[Status, Prediction | None]:
        try:
            if self._predict:
                return Status.OPEN, self._predict(path)
            open_image(path)
        except (ImageError, OSError) as error:
            log.warning("Left out: %s", error)
            return Status.DAMAGED, None
        except Exception:
            log.exception("The label of %s could not be predicted", path)  # a person can still label it
        return Status.OPEN, None
