"""A session of labelling: which images of a folder are open, which one is next, and what was done with each.

The folder is only read. What was confirmed lies in the work's data, by which the next session knows it: there is no
state to keep. Many threads may ask at a time.
"""

import logging
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bearcat.core.errors import ImageError
from bearcat.data.codecs import Prediction
from bearcat.data.images import open_image
from bearcat.labelling.copies import Copies, Copy
from bearcat.labelling.queue import LabellingQueue, QueuedImage, Status
from bearcat.labelling.translations import LabellingError
from bearcat.modes import MODES, Task

FINAL = ("there", "gone", "changed")  # refusals after which an image can't be labelled in this session
Read = Callable[[Path], Prediction]

log = logging.getLogger("bearcat.labelling.session")


@dataclass
class Symbols:
    """What labels are made of; `known` are those seen so far, None where nobody can say."""

    mode: str
    known: set[str] | None = None
    used: set[str] = field(default_factory=set)

    @property
    def are_classes(self) -> bool:
        """Tell whether a whole label is one symbol."""
        return MODES[self.mode].task is Task.CLASSIFICATION

    def note(self, label: str) -> None:
        """Remember what a confirmed label is made of."""
        symbols = MODES[self.mode].symbols(label)
        self.used.update(symbols)
        if self.known is not None:
            self.known.update(symbols)


class Labelling:
    """Hands out images, the least sure reading first, and takes their labels."""

    def __init__(
        self, pile: LabellingQueue, copies: Copies, symbols: Symbols, read: Read | None = None, unit: str = ""
    ):
        self.pile = pile
        self.copies = copies
        self.symbols = symbols
        self.unit = unit  # the name of what reads; '' where nothing does, and images come by name
        self._read = read
        self._history: list[tuple[QueuedImage, Copy | None]] = []
        self._current: QueuedImage | None = None
        self._lock = threading.RLock()

    def look_at_all(self, stop: threading.Event | None = None) -> None:
        """Open every image, and read it where there is a unit; damaged ones are named in the log and left out."""
        for image in self.pile.images:
            if stop and stop.is_set():
                return
            status, prediction = self._look_at(image.path)
            with self._lock:
                image.status, image.prediction, image.text = status, prediction, prediction.text if prediction else ""

    def current(self) -> QueuedImage | None:
        """Return the image to be shown: the same one until something is done with it; None where none is open."""
        with self._lock:
            if not (self._current and self._current.status is Status.OPEN):
                self._current = min(self._with(Status.OPEN), key=self._urgency, default=None)
            return self._current

    def confirm(self, number: int, label: str) -> Copy:
        """Write an image under its label and return the copy; raise LabellingError or WorkError where it can't be."""
        with self._lock:
            image = self._open(number)
            try:
                copy = self.copies.write(image.path, image.digest, label)
            except LabellingError as refusal:
                if refusal.word in FINAL:
                    image.status = Status.LEFT_OUT
                raise
            image.status, image.text = Status.LABELLED, copy.label
            self.symbols.note(copy.label)
            self._history.append((image, copy))
            return copy

    def skip(self, number: int) -> None:
        """Leave an image for the end."""
        with self._lock:
            image = self._open(number)
            image.status = Status.SKIPPED
            self._history.append((image, None))

    def back(self) -> Copy | None:
        """Undo the last confirmation or skip of this session, show its image, and return the copy taken back.

        Raises LabellingError, and forgets that step, where the copy may not be removed (see Copies.take_back).
        """
        with self._lock:
            if not self._history:
                raise LabellingError("nothing_back")
            image, copy = self._history[-1]
            try:
                if copy:
                    self.copies.take_back(copy)
            except LabellingError:
                self._history.pop()
                raise
            self._history.pop()
            image.status, self._current = Status.OPEN, image
            return copy

    def open_skipped(self) -> None:
        """Show the skipped images once more."""
        with self._lock:
            for image in self._with(Status.SKIPPED):
                image.status = Status.OPEN
            self._history = [(image, copy) for image, copy in self._history if copy]

    def image(self, number: int) -> QueuedImage:
        """Return the image of a number; raise LabellingError where there is none."""
        if not 0 <= number < len(self.pile.images):
            raise LabellingError("unknown")
        return self.pile.images[number]

    def about(self) -> list[str]:
        """Say in words what there is to do, and what reads."""
        pile = self.pile
        lines = [f"{pile.folder}: {len(pile.images)} images to label"]
        if pile.known or pile.duplicates:
            lines[0] += f"; {pile.known} are in the work's data already, {pile.duplicates} are there twice"
        if self.unit:
            return [*lines, f"The unit {self.unit} reads them, the least sure come first."]
        return [*lines, "There is no trained unit that reads such labels yet: type what you see."]

    @property
    def labelled(self) -> int:
        """Return how many images were labelled in this session."""
        return self.counts()[Status.LABELLED]

    def counts(self) -> Counter[Status]:
        """Return how many images are in each status."""
        with self._lock:
            return Counter(image.status for image in self.pile.images)

    def damaged(self) -> list[str]:
        """Return the names of the damaged images."""
        return [image.path.name for image in self._with(Status.DAMAGED)]

    @property
    def can_go_back(self) -> bool:
        return bool(self._history)

    def _with(self, status: Status) -> Iterator[QueuedImage]:
        return (image for image in self.pile.images if image.status is status)

    def _open(self, number: int) -> QueuedImage:
        image = self.image(number)
        if image.status not in (Status.OPEN, Status.SKIPPED):
            raise LabellingError("not_open")
        return image

    @staticmethod
    def _urgency(image: QueuedImage) -> tuple[float, int]:
        return image.prediction.confidence if image.prediction else 0.0, image.number

    def _look_at(self, path: Path) -> tuple[Status, Prediction | None]:
        try:
            if self._read:
                return Status.OPEN, self._read(path)
            open_image(path)
        except (ImageError, OSError) as error:
            log.warning("Left out: %s", error)
            return Status.DAMAGED, None
        except Exception:
            log.exception("%s could not be read", path)  # a person still can
        return Status.OPEN, None
