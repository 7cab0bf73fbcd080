"""Predictions on some validation images, as images for TensorBoard."""

from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image, ImageDraw

from bearcat.artifacts.card import Card
from bearcat.core.fonts import find_font, fonts_with
from bearcat.detection.drawing import BACKGROUND, FOUND_COLOUR, TRUE_COLOUR, draw_detections
from bearcat.modes import MODES, Task

EVERY = 5  # epochs between two images; the first epoch is shown too
SHOWN = 8  # images
MIN_WIDTH = 240  # pixels
LINE_HEIGHT = 26  # pixels


class ShowPredictions(keras.callbacks.Callback):
    """Writes the first validation images with their labels and the current predictions.

    Args:
        folder: The log folder.
        card: The network.
        batches: The validation batches.
    """

    def __init__(self, folder: Path, card: Card, batches):
        super().__init__()
        self._folder, self._card, self._batches = folder, card, batches
        self._codec = card.make_codec()
        self._sample: tuple[np.ndarray, list[str]] | None = None

    def on_epoch_end(self, epoch, logs=None):
        if epoch and (epoch + 1) % EVERY:
            return
        self._sample = self._sample or self._first_images()
        images, labels = self._sample
        logits = keras.ops.convert_to_numpy(self.model(images, training=False))
        triples = zip(images, labels, self._codec.decode(logits), strict=True)
        drawn = np.stack([np.asarray(self._draw(*triple)) for triple in triples])
        with tf.summary.create_file_writer(str(self._folder)).as_default():
            tf.summary.image("validation images", drawn, step=epoch + 1, max_outputs=SHOWN)

    def _first_images(self) -> tuple[np.ndarray, list[str]]:
        images, targets = next(iter(self._batches))
        images = np.asarray(images)[:SHOWN]
        if MODES[self._card.mode].task is Task.DETECTION:
            return images, [""] * len(images)
        return images, [self._label(indices) for indices in np.asarray(targets)[:SHOWN]]

    def _label(self, indices: np.ndarray) -> str:
        return self._card.vocabulary.decode(indices)

    def _draw(self, pixels: np.ndarray, label: str, prediction) -> Image.Image:
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8).squeeze())
        return draw_prediction(image, label, prediction.text) if label else draw_detections(image, prediction)


def draw_prediction(image: Image.Image, label: str, text: str) -> Image.Image:
    """Draws label and predicted text below an image; the prediction in green if correct, otherwise in red."""
    scale = max(1, -(-MIN_WIDTH // image.width))
    width, height = image.width * scale, image.height * scale
    canvas = Image.new("RGB", (width, height + 2 * LINE_HEIGHT), BACKGROUND)
    canvas.paste(image.convert("RGB").resize((width, height)))
    pen, colours = ImageDraw.Draw(canvas), (TRUE_COLOUR, TRUE_COLOUR if text == label else FOUND_COLOUR)
    lines = (f"label  {printable(label)}", f"predicted  {printable(text)}")
    for number, (line, colour) in enumerate(zip(lines, colours, strict=True)):
        pen.text((4, height + number * LINE_HEIGHT), line, fill=colour, font=find_font(line, LINE_HEIGHT - 8))
    return canvas


def printable(text: str) -> str:
    """Returns a text as it is if some font of the system has its characters, otherwise with escape codes."""
    return text if text.isascii() or fonts_with(text) else text.encode("ascii", "backslashreplace").decode("ascii")
