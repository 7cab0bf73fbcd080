"""TensorBoard's images: the first validation images with label and prediction, every few epochs."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from bearcat.artifacts.card import Card
from bearcat.data.images import InputSpec
from bearcat.detection.drawing import FOUND_COLOUR, TRUE_COLOUR
from bearcat.training.tensorboard import EVERY, SHOWN, ShowPredictions, draw_prediction, printable

CARD = Card("captcha", "CTC", "tiny", ("a", "b"), InputSpec(24, 48, 1), 3)


def test_predictions_are_written_after_the_first_and_every_fifth_epoch(tmp_path: Path):
    seen = []

    def network(images, training):
        assert not training
        seen.append(len(images))
        return np.tile(np.array([[[0.0, 5.0, 0.0], [0.0, 0.0, 5.0]]], np.float32), (len(images), 1, 1))

    batches = [(np.full((12, 24, 48, 1), 255, np.float32), np.array([[1, 2, 0]] * 12))]
    shown = ShowPredictions(tmp_path, CARD, batches)
    shown.set_model(network)
    for epoch in range(EVERY):
        shown.on_epoch_end(epoch)
    assert seen == [SHOWN, SHOWN]
    events = EventAccumulator(str(tmp_path), size_guidance={"tensors": 0}).Reload()
    assert [event.step for event in events.Tensors("validation images")] == [1, EVERY]


@pytest.mark.parametrize(("text", "colour"), [("ab", TRUE_COLOUR), ("ax", FOUND_COLOUR), ("", FOUND_COLOUR)])
def test_a_correct_prediction_is_green_and_an_incorrect_one_red(text: str, colour: tuple):
    drawn = draw_prediction(Image.new("L", (48, 24), 255), "ab", text)
    assert drawn.width >= 240
    lower = drawn.crop((0, drawn.height - 26, drawn.width, drawn.height))
    assert colour in {pixel for _, pixel in lower.getcolors(10_000)}


def test_what_no_font_has_is_shown_as_escape_codes():
    assert printable("abc") == "abc"
    assert printable("\U0010fffe") == "\\U0010fffe"
