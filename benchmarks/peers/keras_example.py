"""Keras' captcha_ocr example, reimplemented from its description: convolutions, two LSTMs, CTC.

Grey images of 200×50, read column by column; two convolutions with pooling, a dense layer, two bidirectional LSTMs;
Adam at 1e-3, batches of 16, at most 100 epochs, early stopping after ten without a smaller validation loss, best
weights restored. The network returns logits in place of probabilities, which is equivalent for CTC.
"""

import io

import numpy as np
from PIL import Image

from bearcat.core.workspace import Work
from benchmarks.peers.recogniser import Progress, Recogniser, characters_of, collapse, indices_of, labelled

WIDTH, HEIGHT = 200, 50
DOWNSAMPLING = 4  # of both poolings together
EPOCHS, PATIENCE, BATCH = 100, 10, 16


def train(work: Work, seconds: int, limit: int) -> Recogniser:
    """Trains until early stopping or the limit ends it."""
    import keras
    import tensorflow as tf

    from bearcat.networks.metrics import ExactMatch

    splits = {split: labelled(work.data_folder(split)) for split in ("train", "validation")}
    characters = characters_of([item for items in splits.values() for item in items])
    keras.utils.set_random_seed(0)
    model = build(len(characters) + 1)
    model.compile(keras.optimizers.Adam(), keras.losses.CTC(), metrics=[ExactMatch("CTC")], jit_compile=False)
    images = {split: np.stack([pixels(item.path.read_bytes()) for item in items]) for split, items in splits.items()}
    targets = padded([indices_of(items, characters) for items in splits.values()])
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
    train_seconds = progress.seconds
    best_classes = tf.function(lambda image: tf.argmax(model(image[None], training=False)[0], axis=-1))
    return Recogniser(
        lambda image: collapse(best_classes(pixels(image)).numpy(), characters),
        model.count_params(),
        train_seconds,
        progress.seconds_to_good,
    )


def build(classes: int):
    """Builds the network: images (N, WIDTH, HEIGHT, 1) in [0, 1] → logits (N, WIDTH / 4, classes)."""
    import keras
    from keras import layers

    convolution = {"activation": "relu", "kernel_initializer": "he_normal", "padding": "same"}
    outputs = inputs = keras.Input((WIDTH, HEIGHT, 1))
    for filters in (32, 64):
        outputs = layers.MaxPooling2D(2)(layers.Conv2D(filters, 3, **convolution)(outputs))
    outputs = layers.Reshape((WIDTH // DOWNSAMPLING, HEIGHT // DOWNSAMPLING * 64))(outputs)
    outputs = layers.Dropout(0.2)(layers.Dense(64, activation="relu")(outputs))
    for units in (128, 64):
        outputs = layers.Bidirectional(layers.LSTM(units, return_sequences=True, dropout=0.25))(outputs)
    return keras.Model(inputs, layers.Dense(classes)(outputs), name="keras_example")


def pixels(image: bytes) -> np.ndarray:
    """Returns an image (WIDTH, HEIGHT, 1), float32 in [0, 1]."""
    grey = Image.open(io.BytesIO(image)).convert("L").resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR)
    return np.asarray(grey, np.float32).T[..., None] / 255


def padded(splits: list[list[list[int]]]) -> list[np.ndarray]:
    """Returns the targets (N, longest) of each split, int32, padded with 0."""
    longest = max(len(label) for split in splits for label in split)
    return [np.array([label + [0] * (longest - len(label)) for label in split], np.int32) for split in splits]
