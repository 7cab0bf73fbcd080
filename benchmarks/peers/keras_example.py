"""The recipe of Keras' captcha_ocr example, written anew from its description: convolutions, two LSTMs, CTC.

Grey images of 200×50, seen column by column; two convolutions with pooling, a dense layer, two bidirectional LSTMs;
Adam at 1e-3, 16 images a step, at most 100 epochs, ended by ten without a smaller validation loss, whose best
weights are kept. Given logits in place of probabilities, which is the same to CTC.
"""

import io

import numpy as np
from PIL import Image

from bearcat.core.workspace import Work
from benchmarks.peers.readers import Progress, Reader, characters_of, collapse, labelled, rows_of

WIDTH, HEIGHT = 200, 50
POOLED = 4  # times narrower and lower after both poolings
EPOCHS, PATIENCE, BATCH = 100, 10, 16


def train(work: Work, seconds: int, limit: int) -> Reader:
    """Train until the example's early stop, or the limit, ends it."""
    import keras
    import tensorflow as tf

    from bearcat.networks.metrics import ExactMatch

    splits = {split: labelled(work.data_folder(split)) for split in ("train", "validation")}
    characters = characters_of([item for items in splits.values() for item in items])
    keras.utils.set_random_seed(0)
    model = build(len(characters) + 1)
    model.compile(keras.optimizers.Adam(), keras.losses.CTC(), metrics=[ExactMatch("CTC")], jit_compile=False)
    images = {split: np.stack([pixels(item.path.read_bytes()) for item in items]) for split, items in splits.items()}
    targets = padded([rows_of(items, characters) for items in splits.values()])
    progress = Progress(limit)

    def observe(epoch, logs):
        progress.observe(logs["val_exact"])
        model.stop_training |= progress.is_over

    model.fit(
        images["train"],
        targets[0],
        validation_data=(images["validation"], targets[1]),
        epochs=EPOCHS,
        batch_size=BATCH,
        callbacks=[
            keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True),
            keras.callbacks.LambdaCallback(on_epoch_end=observe),
        ],
        verbose=0,
    )
    took = progress.seconds
    best_rows = tf.function(lambda image: tf.argmax(model(image[None], training=False)[0], axis=-1))
    return Reader(
        lambda image: collapse(best_rows(pixels(image)).numpy(), characters),
        model.count_params(),
        took,
        progress.enough_after,
    )


def build(rows: int):
    """Return a network with logits (N, WIDTH / 4, rows) of images (N, WIDTH, HEIGHT, 1) in 0 … 1."""
    import keras
    from keras import layers

    convolution = {"activation": "relu", "kernel_initializer": "he_normal", "padding": "same"}
    outputs = inputs = keras.Input((WIDTH, HEIGHT, 1))
    for filters in (32, 64):
        outputs = layers.MaxPooling2D(2)(layers.Conv2D(filters, 3, **convolution)(outputs))
    outputs = layers.Reshape((WIDTH // POOLED, HEIGHT // POOLED * 64))(outputs)
    outputs = layers.Dropout(0.2)(layers.Dense(64, activation="relu")(outputs))
    for units in (128, 64):
        outputs = layers.Bidirectional(layers.LSTM(units, return_sequences=True, dropout=0.25))(outputs)
    return keras.Model(inputs, layers.Dense(rows)(outputs), name="keras_example")


def pixels(image: bytes) -> np.ndarray:
    """Return an image (WIDTH, HEIGHT, 1), float32 in 0 … 1, its columns first."""
    grey = Image.open(io.BytesIO(image)).convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.float32).T[..., None] / 255


def padded(splits: list[list[list[int]]]) -> list[np.ndarray]:
    """Return the targets (N, longest) of each split, int32, padded with 0."""
    longest = max(len(rows) for split in splits for rows in split)
    return [np.array([rows + [0] * (longest - len(rows)) for rows in split], np.int32) for split in splits]
