"""Training of the pretrained weights with JAX on a GPU: network, losses and augmentation of pretraining/training.py.

The images are kept and augmented on the GPU, and a hundred steps are one call. Images that another process draws at
the same time are added as they come.
"""

import functools
import time
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import keras
import numpy as np
from keras import ops
from tqdm import tqdm

from bearcat.artifacts.card import Card
from bearcat.core.devices import set_precision
from bearcat.data.offline_augmentation import BRIGHTNESS, CONTRAST, MID_GREY, affine_coefficients
from bearcat.networks.optimizers import make_optimizer, scalar_value
from bearcat.networks.registry import MIN_TEXT_WIDTH, TEXT_HEIGHT
from bearcat.training.schedules import cosine_rate
from models import WEIGHT_DECAY
from pretraining import network
from pretraining.images import CHUNK, HELD_OUT, ImageCache
from pretraining.network import MAX_LENGTH
from pretraining.progress import SAVE_SECONDS, Checkpoint, describe_exact, exact_by_kind

BATCH_SIZE = 512
PEAK_RATE = 4e-3
GO_ON_RATE = 2e-3  # from weights that are trained already
STEPS_PER_CALL = 100
SCHEDULE_STEPS = 10_000  # into which the schedule divides the time


def train(
    cache: ImageCache,
    backbone: str,
    seconds: float,
    folder: Path,
    checkpoint: Checkpoint,
    start: Path | None = None,
) -> None:
    """Trains on all images but the first HELD_OUT, and writes <folder>/<backbone>.keras.

    Args:
        cache: The images, which may still be drawn.
        backbone: 'light' or 'tiny'.
        seconds: Duration of the training, with what the checkpoint has spent of it.
        folder: Where the weights go.
        checkpoint: Written every SAVE_SECONDS; if it exists, the training goes on from it.
        start: A file of initial weights.
    """
    card = network.make_card(backbone)
    set_precision("bfloat16")
    model = network.initial_network(card, start)
    peak = GO_ON_RATE if start else PEAK_RATE
    optimizer = make_optimizer("AdamW", peak, WEIGHT_DECAY)
    optimizer.build(model.trainable_variables)
    before = checkpoint.load(model.weights + optimizer.variables)
    learner = Learner(model, optimizer)
    images = DeviceImages(cache, card)
    saved = time.monotonic()
    started = saved - before
    bar = tqdm(total=round(seconds), unit="s", mininterval=10)
    while (spent := time.monotonic() - started) < seconds:
        images.load_new()
        rate = cosine_rate(round(spent / seconds * SCHEDULE_STEPS), SCHEDULE_STEPS, peak)
        loss = learner.train_steps(images, rate)
        bar.update(round(spent) - bar.n)
        bar.set_postfix(steps=learner.calls * STEPS_PER_CALL, images=images.count, loss=f"{loss:.3f}")
        if time.monotonic() - saved > SAVE_SECONDS:
            save(learner, images, card, folder)
            saved = time.monotonic()
            checkpoint.save(model.weights + optimizer.variables, saved - started)
    save(learner, images, card, folder)
    checkpoint.delete()


def save(learner: "Learner", images: "DeviceImages", card: Card, folder: Path) -> None:
    """Saves the model, and prints its exact match on the held-out images."""
    learner.update_model()
    outputs = learner.model.predict(images.held_out[0], batch_size=500, verbose=0)
    print(f"\n{describe_exact(exact_by_kind(outputs, images.held_out[1]))}", flush=True)
    network.save(learner.model, card, folder)


class DeviceImages:
    """Images and targets on the GPU: memory for the whole cache, filled as far as it is drawn."""

    def __init__(self, cache: ImageCache, card: Card):
        self.cache, self.vocabulary = cache, card.vocabulary
        self.count, self._chunks = 0, 0
        capacity = cache.count - HELD_OUT
        self.images = jnp.zeros((capacity, TEXT_HEIGHT, MIN_TEXT_WIDTH), jnp.uint8)
        self.targets = jnp.zeros((capacity, MAX_LENGTH), jnp.int32)
        cache.wait(2)
        images, texts = cache.chunk(0)
        assert CHUNK == HELD_OUT
        self.held_out = images[..., None].astype(np.float32), network.encode(texts, self.vocabulary)

    def load_new(self) -> None:
        """Copies the chunks that were drawn since the last call."""
        while self.cache.is_drawn(self._chunks + 1):
            images, texts = self.cache.chunk(self._chunks + 1)
            targets = network.encode(texts, self.vocabulary)
            self.images = _put(self.images, images, self.count)
            self.targets = _put(self.targets, targets, self.count)
            self.count += len(images)
            self._chunks += 1


@functools.partial(jax.jit, donate_argnums=0)
def _put(whole, part, first):
    return jax.lax.dynamic_update_slice_in_dim(whole, part, first, 0)


class Learner:
    """A model and its optimizer as arrays, and the compiled steps that update them."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer):
        self.model, self.optimizer = model, optimizer
        self.calls = int(scalar_value(optimizer.iterations)) // STEPS_PER_CALL
        self._variables = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        self._state = tuple([jnp.array(variable.value) for variable in group] for group in self._variables)
        self._rate = next(n for n, v in enumerate(optimizer.variables) if v is optimizer._learning_rate)
        self._steps = jax.jit(make_steps(model, optimizer), donate_argnums=0)

    def train_steps(self, images: DeviceImages, rate: float) -> float:
        """Takes STEPS_PER_CALL steps at a learning rate; returns their mean loss."""
        self._state[2][self._rate] = jnp.asarray(rate, jnp.float32)
        key = jax.random.key(self.calls)
        self._state, losses = self._steps(self._state, key, images.images, images.targets, images.count)
        self.calls += 1
        return float(losses.mean())

    def update_model(self) -> None:
        """Copies the arrays into the model and the optimizer; the next steps overwrite the arrays themselves."""
        for variables, values in zip(self._variables, self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(jnp.copy(value))


def make_steps(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Callable:
    """Creates the function that takes STEPS_PER_CALL steps: state, key, images, targets, count → state, losses."""
    losses = network.losses()

    def loss_of(trainable, others, images, expected):
        outputs, others = model.stateless_call(trainable, others, images, training=True)
        outputs["margins"] = outputs["ctc"]
        return sum(weight * loss(expected[name], outputs[name]) for name, (loss, weight) in losses.items()), others

    def take_steps(state, key, images, targets, count):
        def step(state, key):
            trainable, others, of_optimizer = state
            choice, change = jax.random.split(key)
            indices = jax.random.randint(choice, (BATCH_SIZE,), 0, count)
            batch, margins = augment(images[indices][..., None].astype(jnp.float32), change)
            labels = targets[indices]
            expected = {"ctc": labels, "ordinary": labels, "margins": network.steps_in_margins(margins)}
            (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable, others, batch, expected)
            trainable, of_optimizer = optimizer.stateless_apply(of_optimizer, gradients, trainable)
            return (trainable, others, of_optimizer), loss

        return jax.lax.scan(step, state, jax.random.split(key, STEPS_PER_CALL))

    return take_steps


def augment(images, key):
    """Adds margins to images (n, H, W, C) and augments them, as pretraining/training.py does.

    Returns:
        The images, and their margins (n, 2).
    """
    count, shape = images.shape[0], images.shape[1:3]
    uniform = Uniform(key, count)
    coefficients, margins = network.margin_transforms(lambda least: uniform(least, 1.0), jnp.where, shape)
    images = warp(images, coefficients)
    images = warp(images, affine_coefficients(lambda limit: uniform(-limit, limit), jnp.cos, jnp.sin, *shape))
    contrast = jnp.exp(uniform(-np.log1p(CONTRAST), np.log1p(CONTRAST)))[:, None, None, None]
    brightness = uniform(-BRIGHTNESS, BRIGHTNESS)[:, None, None, None]
    return jnp.clip((images - MID_GREY) * contrast + MID_GREY + brightness, 0, 255), jnp.stack(margins, axis=1)


class Uniform:
    """Draws new uniform random numbers (count,) at each call."""

    def __init__(self, key, count: int):
        self._key, self._count = key, count

    def __call__(self, low: float, high: float):
        self._key, key = jax.random.split(self._key)
        return jax.random.uniform(key, (self._count,), minval=low, maxval=high)


def warp(images, coefficients: list):
    """Applies affine transforms, six coefficients (n,) from output to input pixels; edges are repeated."""
    zeros = jnp.zeros_like(coefficients[0])
    transforms = jnp.stack([*coefficients, zeros, zeros], axis=1)
    return ops.image.affine_transform(images, transforms, interpolation="bilinear", fill_mode="nearest")
