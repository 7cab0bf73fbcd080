"""What the page reads and changes of gradio's inside, in one place; with each: why gradio's own settings do not do.

tests/serving/page/test_gradio_patches.py checks for each patch that gradio still needs it. gradio's version is pinned
because of this module: after a new version passes those tests, the pin may be widened.
"""

import asyncio
import logging
import os
import sys
from types import SimpleNamespace

import gradio
import gradio.queueing
from gradio.queueing import Queue
from gradio.state_holder import SessionState

from bearcat.serving.protocol import short_repr

MAX_VISITS = 100  # whose history is kept, the latest ones
MAX_UNREAD = 32  # answers that wait for their visitors to read them; each has up to 2 MB
MAX_EVENTS_OF_VISIT = 8  # that wait, and as many whose answer was not read
MAX_KNOWN_FILES = 4000  # paths that gradio remembers before those of deleted files are forgotten

log = logging.getLogger("bearcat.serving.page.mount")


def patch(page: gradio.Blocks) -> None:
    """Applies the patches of a page; called before it is mounted."""
    limit_visits(page)
    keep_no_answers()
    log_errors()


def check_paths(page: gradio.Blocks) -> None:
    """Makes gradio check the paths that clients send; called after the page was mounted.

    Only `launch()` sets this, and without it any file of the machine could be read. Paths that are not marked as files
    escape the check even so, hence Handlers.check_upload.
    """
    page.has_launched = True


def limit_visits(page: gradio.Blocks) -> None:
    """Limits how many visits gradio keeps the state of: `launch()` has no such argument, and 10,000 are the default."""
    page.state_session_capacity = MAX_VISITS


def keep_no_answers() -> None:
    """Stops gradio from keeping each visit's latest answers, megabytes of images, for links that the page lacks."""
    SessionState._update_value_in_config = _keep_no_value


def _keep_no_value(state: SessionState, key: int, value: object) -> None:
    """Replaces `SessionState._update_value_in_config`."""


def log_errors() -> None:
    """Logs errors of events in a line each.

    Most are due to what a client sent. gradio prints their tracebacks to stderr, where a full pipe would stop the
    service.
    """
    gradio.queueing.traceback = SimpleNamespace(print_exc=_log_error)  # type: ignore[assignment]


def _log_error() -> None:
    """Replaces `traceback.print_exc` in gradio's queue."""
    log.warning("an event of the page failed: %s", short_repr(str(sys.exception())))


def pass_file_unread(image: gradio.Image) -> None:
    """Hands the path of an upload to the handlers.

    gradio would decode the file first, with every format that Pillow knows, and might encode it again.
    """
    image.preprocess = lambda payload: payload.path if payload else None


def event_numbers(page: gradio.Blocks) -> frozenset[int]:
    """Returns the numbers of the page's events, for which gradio would answer 500 if they do not exist."""
    return frozenset(page.fns)


def is_known(page: gradio.Blocks, visit: str) -> bool:
    """Whether a visit has events; if not, gradio would answer with a traceback in the log and a cut connection."""
    return visit in page._queue.pending_messages_per_session


def is_busy(page: gradio.Blocks, visit: str) -> bool:
    """Whether too many events of a visit wait; forgets what visits have read, and answers that nobody reads.

    gradio keeps such answers without a bound, and the name of every visit for ever.
    """
    queue = page._queue
    _forget_read(queue)
    _forget_unread(queue)
    if sum(map(len, page.temp_file_sets)) > MAX_KNOWN_FILES:
        forget_files(page)
    if len(_unread(queue, visit)) >= MAX_EVENTS_OF_VISIT:
        _forget_answers(queue, visit)
    return len(_waiting(queue, visit)) >= MAX_EVENTS_OF_VISIT


def _forget_read(queue: Queue) -> None:
    """Forgets visits whose events have all been answered and read."""
    events, messages = queue.pending_event_ids_session, queue.pending_messages_per_session
    for visit in {*events, *messages}:
        if not events.get(visit):
            _forget_answers(queue, visit)


def _forget_unread(queue: Queue) -> None:
    """Forgets the answers of the visits that have waited longest, until few enough are unread."""
    unread = {visit: len(_unread(queue, visit)) for visit in queue.pending_event_ids_session}
    excess = sum(unread.values()) - MAX_UNREAD
    for visit, number in unread.items():
        if excess <= 0:
            return
        if number:
            _forget_answers(queue, visit)
            excess -= number


def _waiting(queue: Queue, visit: str) -> set[str]:
    return queue.pending_event_ids_session.get(visit, set()) & queue.event_ids_to_events.keys()


def _unread(queue: Queue, visit: str) -> set[str]:
    return queue.pending_event_ids_session.get(visit, set()) - queue.event_ids_to_events.keys()


def _forget_answers(queue: Queue, visit: str) -> None:
    """Forgets the answers to a visit; without a place for those to come its waiting events would stop the queue."""
    if waiting := _waiting(queue, visit):
        queue.pending_event_ids_session[visit] = waiting
        queue.pending_messages_per_session[visit] = asyncio.Queue()
    else:
        queue.pending_event_ids_session.pop(visit, None)
        queue.pending_messages_per_session.pop(visit, None)


def forget_files(page: gradio.Blocks) -> None:
    """Forgets the paths of deleted files, which gradio would remember for ever."""
    for paths in page.temp_file_sets:
        paths.intersection_update([path for path in paths if os.path.exists(path)])
