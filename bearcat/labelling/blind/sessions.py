"""Sessions of people who type what labelled images show: which image each sees, and what each answered.

Safe to use from many threads. A person knows an image by its place in the session; nothing else of it leaves here.
"""

import logging
import random
import secrets
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bearcat.core.errors import ImageError
from bearcat.core.names import show_name
from bearcat.core.workspace import Work
from bearcat.data.duplicates import digest_of
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.text import have_both_cases
from bearcat.labelling.app import as_png
from bearcat.labelling.blind.records import BlindAnswer, answers_about, read_answers, record_answer, score_answers
from bearcat.labelling.blind.translations import BlindError
from bearcat.labelling.copies import checked_name
from bearcat.labelling.translations import LabellingError

MAX_SECONDS = 60.0  # of an answer; anyone who takes longer has paused
MAX_SESSIONS = 100  # at a time
MIN_ANSWERS = 10  # before the result can be asked for: a single answer shall not be told right or wrong
PERSON_BYTES = 8  # of a session's random name

log = logging.getLogger("bearcat.labelling.session")


@dataclass
class BlindSession:
    """A person's session.

    Args:
        person: Its random name.
        shown: The images in the order in which they were shown; the last one is the current one.
        answers: The answers so far.
        is_finished: Whether no image is shown any more, but the result.
        digest: SHA-256 of the current image's file; '' if it was not sent yet.
        sent: When the current image was sent first.
        times_sent: How often it was.
    """

    person: str
    shown: list[LabelledImage] = field(default_factory=list)
    answers: list[BlindAnswer] = field(default_factory=list)
    is_finished: bool = False
    digest: str = ""
    sent: float = 0.0
    times_sent: int = 0

    @property
    def number(self) -> int | None:
        """The number of the current image; None once the session is finished."""
        return None if self.is_finished else len(self.shown) - 1

    @property
    def can_finish(self) -> bool:
        """Whether the person may ask for the result."""
        return self.is_finished or len(self.answers) >= MIN_ANSWERS

    def show(self, image: LabelledImage | None) -> None:
        """Makes an image the current one; None finishes the session."""
        self.digest, self.times_sent = "", 0
        if image is None:
            self.is_finished = True
        else:
            self.shown.append(image)


class BlindSessions:
    """Hands out the images of a folder and takes what people type.

    Args:
        work: Takes the answers.
        folder: The folder of the images.
        images: The images, whose labels are texts.
    """

    def __init__(self, work: Work, folder: Path, images: Sequence[LabelledImage]):
        self.work = work
        self.folder = folder.resolve()
        self.images = images
        self.ignore_case = not have_both_cases(image.label for image in images)
        self.answered = 0
        self._counts = Counter(answer.file for answer in answers_about(read_answers(work), folder))
        self._damaged: set[str] = set()
        self._sessions: dict[str, BlindSession] = {}
        self._random = random.Random()
        self._lock = threading.RLock()

    def begin(self, person: str = "") -> BlindSession:
        """Returns the session of a name, a new one if there is none of that name."""
        with self._lock:
            if person in self._sessions:
                return self._sessions[person]
            if len(self._sessions) == MAX_SESSIONS:
                del self._sessions[next(iter(self._sessions))]  # the oldest
            session = BlindSession(secrets.token_hex(PERSON_BYTES))
            self._sessions[session.person] = session
            session.show(self._choose(session))
            return session

    def image(self, person: str, number: int, frames: str) -> bytes:
        """Returns the current image of a session as PNG; its time begins.

        Args:
            person: Name of the session.
            number: Number of the image.
            frames: What becomes of an animation, a value of FRAMES.

        Raises:
            BlindError: There is no such session, another image is open, or the file is gone or damaged: then the next
                image is open.
        """
        with self._lock:
            session = self._open(person, number)
            image = session.shown[number]
        try:
            digest, png = digest_of(image.path.read_bytes()), as_png(image.path, frames)
        except (ImageError, OSError, MemoryError) as error:
            log.warning("%s left out: %s", show_name(image.name), str(error) or "out of memory")
            with self._lock:
                self._damaged.add(image.name)
                if session.number == number:
                    session.show(self._choose(session))
            raise BlindError("image_gone") from None
        with self._lock:
            if session.number == number:
                if not session.times_sent:
                    session.sent = time.monotonic()
                session.digest, session.times_sent = digest, session.times_sent + 1
        return png

    def answer(self, person: str, number: int, typed: str | None, seconds: float, paused: bool) -> BlindSession:
        """Saves an answer and opens the next image.

        Args:
            person: Name of the session.
            number: Number of the image.
            typed: What was typed; None if the image cannot be read.
            seconds: What the browser measured: at most the time since the image was sent is believed.
            paused: Whether the browser saw a pause.

        Raises:
            BlindError: There is no such session, the image is not open or was not sent, or the text is refused.
        """
        with self._lock:
            session = self._open(person, number)
            if not session.times_sent:
                raise BlindError("not_shown")
            image, typed = session.shown[number], None if typed is None else _checked(typed)
            seconds = min(seconds, time.monotonic() - session.sent)
            answer = BlindAnswer(
                person=person,
                folder=self.folder,
                file=image.name,
                sha256=session.digest,
                label=image.label,
                typed=typed,
                seconds=round(min(seconds, MAX_SECONDS), 3),
                # an image that was loaded again had been seen before its time began in the browser
                paused=paused or session.times_sent > 1 or seconds > MAX_SECONDS,
                ignore_case=self.ignore_case,
            )
            record_answer(self.work, answer)
            session.answers.append(answer)
            self._counts[image.name] += 1
            self.answered += 1
            session.show(self._choose(session))
            return session

    def finish(self, person: str) -> BlindSession:
        """Ends a session, whose result can then be shown; raises BlindError if it has fewer than MIN_ANSWERS."""
        with self._lock:
            session = self._known(person)
            if not session.can_finish:
                raise BlindError("too_few", limit=MIN_ANSWERS)
            session.is_finished = True
            return session

    def state(self, session: BlindSession) -> dict[str, Any]:
        """Returns what a page shows of a session: its result only once no more answers are taken."""
        with self._lock:
            scores = score_answers(session.answers) if session.is_finished else None
            return {
                "person": session.person,
                "number": session.number,
                "answered": len(session.answers),
                "remaining": 0 if session.is_finished else len(self._left(session)) + 1,  # and the current one
                "can_finish": session.can_finish,
                "ignore_case": self.ignore_case,
                "result": asdict(scores) if scores else None,
            }

    def _known(self, person: str) -> BlindSession:
        if person not in self._sessions:
            raise BlindError("no_session")
        return self._sessions[person]

    def _open(self, person: str, number: int) -> BlindSession:
        session = self._known(person)
        if number != session.number:
            raise BlindError("not_open")
        return session

    def _left(self, session: BlindSession) -> list[LabelledImage]:
        """Returns the images that a session has not shown yet."""
        seen = {image.name for image in session.shown} | self._damaged
        return [image for image in self.images if image.name not in seen]

    def _choose(self, session: BlindSession) -> LabelledImage | None:
        """Returns the image to show next: at random, one of those with the fewest answers; None if none is left."""
        left = self._left(session)
        fewest = min((self._counts[image.name] for image in left), default=0)
        return self._random.choice([image for image in left if self._counts[image.name] == fewest]) if left else None


def _checked(typed: str) -> str:
    """Returns what was typed as labels are cleaned; raises BlindError if it is refused."""
    try:
        return checked_name(typed)
    except LabellingError as error:
        raise BlindError(error.key, **error.values) from None
