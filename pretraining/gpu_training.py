"""Train the base recogniser with JAX, on a GPU: the same network, losses and changes as pretraining/training.py.

The images lie on the GPU and are changed there; a hundred steps are one call. Images that are drawn meanwhile
are taken in as they come.
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

from bearcat.core.devices import set_precision
from bearcat.data.offline_augmentation import BRIGHTNESS, CONTRAST, affine_rows
from bearcat.networks.metrics import ExactMatch
from bearcat.networks.optimizers import make_optimizer
from bearcat.networks.registry import HEIGHT, LEAST_WIDTH
from bearcat.training.schedules import cosine_rate
from models import WEIGHT_DECAY
from pretraining import network
from pretraining.images import CHUNK, HELD_OUT, Pile
from pretraining.network import LONGEST

BATCH = 512
PEAK_RATE = 4e-3
STEPS = 100  # in one call
MOMENTS = 10_000  # of the schedule
SAVE_EVERY = 120.0  # seconds
MIDDLE = 127.5  # grey level


def train(pile: Pile, backbone: str, seconds: float, folder: Path, start: Path | None = None) -> None:
    """Train on the pile's images but the first HELD_OUT, and write <folder>/<backbone>.keras."""
    card = network.make_card(backbone)
    set_precision("bfloat16")
    model = network.begin(card, start)
    optimizer = make_optimizer("AdamW", PEAK_RATE, WEIGHT_DECAY)
    optimizer.build(model.trainable_variables)
    learner = Learner(model, optimizer)
    store = Store(pile, card)
    started = saved = time.monotonic()
    bar = tqdm(total=round(seconds), unit="s", mininterval=10)
    while (spent := time.monotonic() - started) < seconds:
        store.take_in()
        rate = cosine_rate(round(spent / seconds * MOMENTS), MOMENTS, PEAK_RATE)
        loss = learner.learn(store, rate)
        bar.update(round(spent) - bar.n)
        bar.set_postfix(steps=learner.rounds * STEPS, images=store.count, loss=f"{loss:.3f}")
        if time.monotonic() - saved > SAVE_EVERY:
            finish(learner, store, card, folder)
            saved = time.monotonic()
    finish(learner, store, card, folder)


def finish(learner: "Learner", store: "Store", card, folder: Path) -> None:
    """Put what was learnt into the model, say how well it reads the held-out images, and save it."""
    learner.put_back()
    for mode, figure in read_held_out(learner.model, store).items():
        print(f"\n{mode}: {figure:.1%} of {HELD_OUT} held out", flush=True)
    network.save(learner.model, card, folder)


def read_held_out(model: keras.Model, store: "Store") -> dict[str, float]:
    """Return mode → the share of the held-out images that are read right."""
    outputs = model.predict(store.held_out[0], batch_size=500, verbose=0)
    figures = {}
    for name, mode in (("ctc", "CTC"), ("ordinary", "ORDINARY")):
        metric = ExactMatch(mode)
        metric.update_state(store.held_out[1], outputs[name])
        figures[mode] = float(metric.result())
    return figures


class Store:
    """The images and targets on the GPU: room for all of a pile, filled as far as it is drawn."""

    def __init__(self, pile: Pile, card):
        self.pile, self.vocabulary = pile, card.vocabulary
        self.count, self._chunks = 0, 0
        room = pile.count - HELD_OUT
        self.images = jnp.zeros((room, HEIGHT, LEAST_WIDTH), jnp.uint8)
        self.targets = jnp.zeros((room, LONGEST), jnp.int32)
        pile.wait(2)
        images, texts = pile.chunk(0)
        assert CHUNK == HELD_OUT
        self.held_out = images[..., None].astype(np.float32), network.encode(texts, self.vocabulary)

    def take_in(self) -> None:
        """Copy the chunks that have been drawn since."""
        while self.pile.is_drawn(self._chunks + 1):
            images, texts = self.pile.chunk(self._chunks + 1)
            targets = network.encode(texts, self.vocabulary)
            self.images = _put(self.images, images, self.count)
            self.targets = _put(self.targets, targets, self.count)
            self.count += len(images)
            self._chunks += 1


@functools.partial(jax.jit, donate_argnums=0)
def _put(whole, part, first):
    return jax.lax.dynamic_update_slice_in_dim(whole, part, first, 0)


class Learner:
    """A model and its optimizer as arrays, and the compiled steps that change them."""

    def __init__(self, model: keras.Model, optimizer: keras.optimizers.Optimizer):
        self.model, self.optimizer, self.rounds = model, optimizer, 0
        self._variables = model.trainable_variables, model.non_trainable_variables, optimizer.variables
        self._state = tuple([jnp.array(variable.value) for variable in group] for group in self._variables)
        self._rate = next(n for n, v in enumerate(optimizer.variables) if v is optimizer._learning_rate)
        self._steps = jax.jit(make_steps(model, optimizer), donate_argnums=0)

    def learn(self, store: Store, rate: float) -> float:
        """Take STEPS steps at a learning rate and return their mean loss."""
        self._state[2][self._rate] = jnp.asarray(rate, jnp.float32)
        key = jax.random.key(self.rounds)
        self._state, losses = self._steps(self._state, key, store.images, store.targets, store.count)
        self.rounds += 1
        return float(losses.mean())

    def put_back(self) -> None:
        """Give the model and the optimizer copies of the values that they have come to; the next steps reuse these."""
        for variables, values in zip(self._variables, self._state, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(jnp.copy(value))


def make_steps(model: keras.Model, optimizer: keras.optimizers.Optimizer) -> Callable:
    """Return a function that takes STEPS steps: state, key, images, targets, count → state, losses."""
    losses = network.losses()

    def loss_of(trainable, others, images, expected):
        outputs, others = model.stateless_call(trainable, others, images, training=True)
        outputs["margins"] = outputs["ctc"]
        return sum(weight * loss(expected[name], outputs[name]) for name, (loss, weight) in losses.items()), others

    def take_steps(state, key, images, targets, count):
        def step(state, key):
            trainable, others, of_optimizer = state
            choice, change = jax.random.split(key)
            rows = jax.random.randint(choice, (BATCH,), 0, count)
            batch, margins = changed(images[rows][..., None].astype(jnp.float32), change)
            labels = targets[rows]
            expected = {"ctc": labels, "ordinary": labels, "margins": network.columns_within(margins)}
            (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trainable, others, batch, expected)
            trainable, of_optimizer = optimizer.stateless_apply(of_optimizer, gradients, trainable)
            return (trainable, others, of_optimizer), loss

        return jax.lax.scan(step, state, jax.random.split(key, STEPS))

    return take_steps


def changed(images, key):
    """Return images (N, H, W, 1) set apart and jittered, and their margins (N, 2), as pretraining/training.py has them."""
    count, shape = images.shape[0], images.shape[1:3]
    draw = Draw(key, count)
    rows, margins = network.rows_apart(lambda least: draw(least, 1.0), jnp.where, shape)
    images = warp(images, rows)
    images = warp(images, affine_rows(lambda limit: draw(-limit, limit), jnp.cos, jnp.sin, *shape))
    contrast = jnp.exp(draw(-np.log1p(CONTRAST), np.log1p(CONTRAST)))[:, None, None, None]
    brightness = draw(-BRIGHTNESS, BRIGHTNESS)[:, None, None, None]
    return jnp.clip((images - MIDDLE) * contrast + MIDDLE + brightness, 0, 255), jnp.stack(margins, axis=1)


class Draw:
    """Draws numbers (count,) from ranges, each time others."""

    def __init__(self, key, count: int):
        self._key, self._count = key, count

    def __call__(self, least: float, most: float):
        self._key, now = jax.random.split(self._key)
        return jax.random.uniform(now, (self._count,), minval=least, maxval=most)


def warp(images, rows: list):
    """Return images moved by maps, given as six numbers (N,), from output to input pixels; edges are repeated."""
    nothing = jnp.zeros_like(rows[0])
    maps = jnp.stack([*rows, nothing, nothing], axis=1)
    return ops.image.affine_transform(images, maps, interpolation="bilinear", fill_mode="nearest")
