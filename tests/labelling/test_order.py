"""The order of the queue: what teaches most first, random images in between, and what the grid offers."""

from pathlib import Path

import pytest

from bearcat.data.codecs import Prediction
from bearcat.labelling.order import (
    GRID_SIZE,
    MAX_GRID_TEXT,
    grid_candidates,
    grid_of,
    is_random,
    next_image,
    rarity_in,
    value_of_label,
)
from bearcat.labelling.predictors import Predictor
from bearcat.labelling.queue import LabellingQueue, QueuedImage, Status
from bearcat.labelling.symbols import LabelSymbols

PREDICTOR = Predictor(lambda path: Prediction("", ()))


def predicted(number: int, text: str, confidence: float = 0.9, digest: str = "") -> QueuedImage:
    """Returns an open image of which the first character is as confident as the text, the others are certain."""
    prediction = Prediction(text, (confidence, *[1.0] * (len(text) - 1)))
    digest = digest or f"{number * 5 + 1:064x}"[::-1]
    return QueuedImage(number, Path(f"{number}.png"), digest, Status.OPEN, prediction, PREDICTOR, text)


def queue_of(images: list[QueuedImage]) -> LabellingQueue:
    return LabellingQueue(Path("new"), images, 0, 0)


def symbols_of(*labels: str) -> LabelSymbols:
    symbols = LabelSymbols("CTC")
    symbols.count(labels)
    return symbols


def value(image: QueuedImage, symbols: LabelSymbols) -> float:
    return value_of_label(image, rarity_in(symbols))


def test_before_the_first_label_the_least_confident_prediction_is_worth_most():
    values = [value(predicted(0, text, confidence), symbols_of()) for text, confidence in (("ab", 0.4), ("zz", 0.9))]
    assert values == pytest.approx([0.6, 0.1])


def test_rare_characters_are_worth_more_than_common_ones():
    symbols = symbols_of("aab", "abc", "aac")  # a: 3 labels, b: 2, c: 2; z: none
    common, rare, unsure = predicted(0, "aa"), predicted(1, "za", 0.99), predicted(2, "za", 0.3)
    assert value(common, symbols) == pytest.approx(0.1)
    assert value(rare, symbols) == pytest.approx(0.01 + 0.99)
    assert value(unsure, symbols) == pytest.approx(0.7 + 0.3)  # an unlikely rare character counts for less
    symbols.remove("aac")
    symbols.add("zzz")
    assert value(rare, symbols) < 1


def test_an_image_without_a_prediction_comes_after_those_that_have_one_and_before_the_certain_ones():
    failed, waiting = predicted(0, "a"), predicted(1, "a")
    failed.prediction = waiting.prediction = waiting.predictor = None
    queue = queue_of([waiting, failed, predicted(2, "b", 0.5)])
    order = []
    while image := next_image(queue, PREDICTOR, symbols_of(), []):
        order.append(image.number)
        image.status = Status.SKIPPED
    assert order == [0, 2, 1]


def test_every_fifth_label_is_that_of_a_random_image_and_no_other_random_image_is_chosen():
    images = [predicted(number, "ab", number / 100, f"{number:08x}".ljust(64, "0")) for number in range(50)]
    queue, labelled = queue_of(images), []
    drawn = [image for image in images if is_random(image, queue)]
    assert [image.number for image in drawn] == list(range(0, 50, 5))
    for _ in range(30):
        image = next_image(queue, PREDICTOR, symbols_of(), labelled)
        image.status = Status.LABELLED
        labelled.append(image)
        assert image.is_chosen != is_random(image, queue)
    assert len([image for image in labelled if not image.is_chosen]) == 6
    assert len({image.number for image in labelled}) == 30


def test_a_queue_of_few_images_has_no_random_ones():
    images = [predicted(number, "ab", digest="0" * 64) for number in range(19)]
    assert not any(is_random(image, queue_of(images)) for image in images)
    assert is_random(images[0], queue_of([*images, predicted(19, "ab")]))
    assert is_random(images[0], LabellingQueue(Path("new"), images, 1, 0))  # one was labelled before


def test_without_predictions_images_come_by_name_and_are_not_chosen():
    images = [QueuedImage(number, Path(f"{number}.png"), "0" * 64, Status.OPEN) for number in range(30)]
    image = next_image(queue_of(images), None, symbols_of(), [])
    assert (image.number, image.is_chosen) == (0, False)


def test_a_marked_image_comes_first():
    images = [predicted(0, "ab", 0.1), predicted(1, "ab", 0.95), predicted(2, "ab", 0.2)]
    images[1].is_marked = True
    assert next_image(queue_of(images), PREDICTOR, symbols_of(), []) is images[1]


def test_the_grid_offers_the_most_confident_images_sorted_by_text():
    images = [predicted(number, "yx"[number % 2], 0.8 + number / 1000) for number in range(30)]
    images += [predicted(30, "z", 0.79), predicted(31, ""), predicted(32, "z" * (MAX_GRID_TEXT + 1))]
    images[29].is_marked = True
    images[28].status = Status.SKIPPED
    queue = queue_of(images)
    candidates = grid_candidates(queue)
    offered = [image for image in images[:28] if not is_random(image, queue)]
    assert candidates == offered[::-1]
    grid = grid_of(candidates)
    assert len(grid) == min(GRID_SIZE, len(offered))
    assert [image.text for image in grid] == sorted(image.text for image in grid)
    assert {image.number for image in grid} == {image.number for image in candidates[:GRID_SIZE]}
