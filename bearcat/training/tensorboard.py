"""What the network reads of some validation images each few epochs, as images for TensorBoard."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from bearcat.artifacts.card import Card
from bearcat.core.fonts import find_font, fonts_with
from bearcat.data.vocabulary import BLANK_INDEX
from bearcat.detection.drawing import FOUND_COLOUR, PAPER, TRUE_COLOUR, draw_found
from bearcat.modes import MODES, Task

EVERY = 5  # epochs; and after the first
SHOWN = 8  # images
LEAST_WIDTH = 240  # pixels
LINE = 26  # pixels: the height of a line of text


class ShowPredictions(keras.callbacks.Callback):
    """Writes the first validation images with what they show and what is read of them now."""

    def __init__(self, folder: Path, card: Card, batches):
        super().__init__()
        self._folder, self._card, self._batches = folder, card, batches
        self._codec, self._sample = card.make_codec(), None

    def on_epoch_end(self, epoch, logs=None):
        if epoch and (epoch + 1) % EVERY:
            return
        images, labels = self._first_images()
        logits = keras.ops.convert_to_numpy(self.model(images, training=False))
        pairs = zip(images, labels, self._codec.decode(logits), strict=True)
        drawn = np.stack([np.asarray(self._draw(*one)) for one in pairs])
        with tf.summary.create_file_writer(str(self._folder)).as_default():
            tf.summary.image("validation images", drawn, step=epoch + 1, max_outputs=SHOWN)

    def _first_images(self) -> tuple[np.ndarray, list[str]]:
        if self._sample is None:
            images, targets = next(iter(self._batches))
            images = np.asarray(images)[:SHOWN]
            is_text = MODES[self._card.mode].task is not Task.DETECTION
            labels = [self._label(rows) for rows in np.asarray(targets)[:SHOWN]] if is_text else [""] * len(images)
            self._sample = images, labels
        return self._sample

    def _label(self, rows: np.ndarray) -> str:
        return self._card.vocabulary.decode(rows[rows != BLANK_INDEX])

    def _draw(self, pixels: np.ndarray, label: str, prediction) -> Image.Image:
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8).squeeze())
        return draw_prediction(image, label, prediction.text) if label else draw_found(image, prediction)


def draw_prediction(image: Image.Image, label: str, text: str) -> Image.Image:
    """Return an image with its label and what was read of it below, green where right, red where wrong."""
    scale = max(1, -(-LEAST_WIDTH // image.width))
    width, height = image.width * scale, image.height * scale
    canvas = Image.new("RGB", (width, height + 2 * LINE), PAPER)
    canvas.paste(image.convert("RGB").resize((width, height)))
    pen, colours = ImageDraw.Draw(canvas), (TRUE_COLOUR, TRUE_COLOUR if text == label else FOUND_COLOUR)
    for number, (words, shown, colour) in enumerate(zip(("true", "read"), (label, text), colours, strict=True)):
        line = f"{words}  {drawable(shown)}"
        pen.text((4, height + number * LINE), line, fill=colour, font=find_font(line, LINE - 8))
    return canvas


def drawable(text: str) -> str:
    """Return a text that some font can show: as it is, else with codes for what no font of the system has."""
    return text if text.isascii() or fonts_with(text) else text.encode("ascii", "backslashreplace").decode("ascii")
