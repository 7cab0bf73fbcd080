"""The order of the queue: labels that teach most come early, and a fifth of the images is shown at random.

What a prediction chooses is harder than average, or in the grid easier: a score measured on such images says nothing
about the others. Hence a fifth of the queue, which the content of the files decides, is never chosen. It is shown in
between, and only it may go into the test set.
"""

from collections.abc import Callable, Iterable

from bearcat.labelling.predictors import Predictor
from bearcat.labelling.queue import LabellingQueue, QueuedImage, Status
from bearcat.labelling.symbols import LabelSymbols

RANDOM_SHARE = 5  # one image of so many is random
FEWEST_IMAGES = 20  # in a folder that has random ones
DIGITS = 8  # of a digest, in hexadecimal
GRID_SIZE = 20  # images
GRID_CONFIDENCE = 0.8  # at least
MAX_GRID_TEXT = 32  # characters: people compare longer ones with their image one by one


def is_random(image: QueuedImage, queue: LabellingQueue) -> bool:
    """Whether an image belongs to the part of the queue that is shown at random."""
    # with those of earlier sessions, so that what was set apart stays so
    is_large = len(queue.images) + queue.already_labelled >= FEWEST_IMAGES
    return is_large and int(image.digest[:DIGITS], 16) % RANDOM_SHARE == 0


def next_image(
    queue: LabellingQueue, predictor: Predictor | None, symbols: LabelSymbols, labelled: Iterable[QueuedImage]
) -> QueuedImage | None:
    """Returns the open image to be labelled next, None if there is none; sets its `is_chosen`.

    Before any prediction the images come by file name. Otherwise images whose prediction a person marked as wrong
    come first, then those with the highest `value_of_label`; of the random ones, as many as RANDOM_SHARE asks for.

    Args:
        queue: The images.
        predictor: Who predicts, None if nobody does yet.
        symbols: The labels so far.
        labelled: The images that were labelled in this session.
    """
    opened = list(queue.with_status(Status.OPEN))
    if not opened or not any(image.predictor for image in opened):
        return opened[0] if opened else None
    drawn = [image for image in opened if is_random(image, queue)]
    others = [image for image in opened if not is_random(image, queue)]
    done = [is_random(image, queue) for image in labelled]
    is_due = sum(done) * RANDOM_SHARE < len(done)
    if marked := [image for image in others if image.is_marked]:
        return marked[0]
    if drawn and (is_due or not others):
        return min(drawn, key=lambda image: image.digest)
    rarity = rarity_in(symbols)
    chosen = max(others, key=lambda image: (image.predictor is not None, value_of_label(image, rarity), -image.number))
    chosen.is_chosen = True
    return chosen


def value_of_label(image: QueuedImage, rarity: Callable[[str], float]) -> float:
    """Returns how much a label is expected to teach, 0 … 2: how unsure its prediction is, and how rare its symbols are.

    That is 1 − confidence, plus the rarity of the symbol that is rarest, each weighted by its own confidence.
    """
    prediction = image.prediction
    if prediction is None:
        return 1.0
    rarest = max((rarity(symbol) * confidence for symbol, confidence in prediction.parts), default=0)
    return 1 - prediction.confidence + rarest


def rarity_in(symbols: LabelSymbols) -> Callable[[str], float]:
    """Returns the function that says how rare a symbol is in the labels, 0 before the first label.

    It is 1 if no label has the symbol and falls to 0 if as many labels have it as have the average symbol.
    """
    counts = symbols.counts
    average = counts.total() / max(1, sum(count > 0 for count in counts.values()))
    return lambda symbol: max(0.0, 1 - counts[symbol] / average) if average else 0.0


def grid_candidates(queue: LabellingQueue) -> list[QueuedImage]:
    """Returns the images that the grid may offer, the most confident first."""
    found = [
        image
        for image in queue.with_status(Status.OPEN)
        if image.prediction
        and image.prediction.confidence >= GRID_CONFIDENCE
        and 0 < len(image.text) <= MAX_GRID_TEXT
        and not image.is_marked
        and not is_random(image, queue)
    ]
    return sorted(found, key=lambda image: (-image.prediction.confidence if image.prediction else 0, image.number))


def grid_of(candidates: list[QueuedImage]) -> list[QueuedImage]:
    """Returns the next grid, sorted by text, so that an odd one stands out."""
    return sorted(candidates[:GRID_SIZE], key=lambda image: (image.text, image.number))
