"""The training of one work: starting weights, resuming, the epochs, and the report. Imports TensorFlow late."""

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from bearcat.artifacts.card import IMAGENET, Card
from bearcat.artifacts.checkpoints import best_epoch
from bearcat.artifacts.pretrained import (
    initial_weights_file,
    knows_nearly_all,
    origin_of,
    resolve_backbone,
    resolve_preprocessing,
)
from bearcat.core.devices import Device
from bearcat.core.progress import write_line
from bearcat.core.workspace import Work
from bearcat.modes import MODES, Task
from bearcat.training.config import TrainingConfig
from bearcat.training.distribution import SINGLE_REPLICA, Replicas, weights_checksum
from bearcat.training.schedules import (
    ALL_EPOCHS,
    EARLY_STOP,
    FEW_FAMILIAR_IMAGES,
    FEW_IMAGES,
    INTERRUPT,
    TIME_SPENT,
    TIME_UP,
    PlateauRule,
    describe_duration,
    few_images_rate,
    scale_rate,
)
from bearcat.training.self_training.rounds import (
    ROUNDS,
    Round,
    describe_use,
    first_round,
    rows_of_round,
    why_labelled_only,
)
from bearcat.training.sources import SPLITS, TrainingSource
from bearcat.training.starting_weights import (
    assign_imagenet,
    choose_case,
    choose_colour_mix,
    keep_averages,
    load_starting_weights,
    measure_start,
    read_imagenet,
)

WORKER_SEED_STRIDE = 1_000_003  # more than any training has epochs
LABELLED_COMPARED = 500  # images of each set that weight interpolation must not cost
# card, configuration, device, number of replicas → compiled model, with card and configuration without 'auto'
Build = Callable[[Card, TrainingConfig, Device, int], tuple[Any, Card, TrainingConfig]]


class Trainer:
    """Trains the network of a work. A subclass lists the Keras callbacks (see `callback.CallBack`).

    Attributes:
        card: The network; 'auto' is resolved once a model is built or loaded.
        config: The training configuration, likewise.
        history: One row of metrics per epoch, those of interrupted runs included.
        origin: Fingerprint of the pretrained weights that the training started from, or 'imagenet'; '' for none.
        is_familiar: Whether the weights that it started from know nearly all characters.

    Args:
        work: The work.
        settings: Its settings.
        card: The network that settings and vocabulary ask for.
        replicas: The replicas that train.
        labelled: The number of labelled training images; None: many.
        unlabelled: The number of images without labels.
    """

    def __init__(
        self,
        work: Work,
        settings: SimpleNamespace,
        card: Card,
        replicas: Replicas = SINGLE_REPLICA,
        labelled: int | None = None,
        unlabelled: int = 0,
    ):
        self.work, self.settings, self.card, self.replicas = work, settings, card, replicas
        self.labelled = sys.maxsize if labelled is None else labelled
        self.unlabelled = 0 if why_labelled_only(replicas.count, settings.BATCH_SIZE) else unlabelled
        self.round = Round()
        self.origin, self.is_familiar = "", False
        self.config = replace(TrainingConfig.from_settings(settings), lr=self.peak_rate)
        self.history: list[dict] = []
        self.plateau = PlateauRule(settings.LR_PATIENCE, settings.EARLY_PATIENCE)
        self._model: Any = None
        self._schedule: Any = None

    def callbacks(self, steps_per_epoch: int, validation_batches, validated: int) -> list:
        """Returns the Keras callbacks of the training; `validated` is the number of validation images."""
        raise NotImplementedError

    def run(self, source: TrainingSource, device: Device, build: Build) -> None:
        """Starts or resumes the training, and runs the remaining epochs.

        Args:
            source: The training and validation images.
            device: The device that computes.
            build: Builds a compiled model; see `models.build_for`.
        """
        if self.settings.DETERMINISTIC and self.settings.TRAIN_SECONDS and self.replicas.worker.is_chief:
            write_line(
                "DETERMINISTIC = True does not make this training repeatable: with TRAIN_SECONDS the number of steps "
                "depends on the speed of the machine. For the same weights each time set TRAIN_SECONDS = 0, "
                "COSINE_SCHEDULER = True, and EPOCHS to what you have time for"
            )
        with self.replicas.watched():
            images = (source.count, source.validated)
            self.replicas.check_agreement(**vars(self.settings), images=images, card=self.card)
            self._model = self.resume() or self.start(device, build, source)
            checksum = weights_checksum(self._model)
            self.replicas.check_agreement(card=self.card, config=self.config, weights=checksum)
            source.check(self._model, self.card)
            if not self.has_ended:
                self.train_rounds(source, device, build)
                return
        limit = "TRAIN_SECONDS" if self.settings.TRAIN_SECONDS else "EARLY_PATIENCE or EPOCHS"
        write_line(f"This training has ended. To continue it, set a larger {limit}: python train.py --set NAME=VALUE")
        write_line("To train on new images (this training is kept): python init_working_space.py --go-on")
        write_line("To start from the beginning (this training is kept): python init_working_space.py")

    def resume(self):
        """Loads the model of the newest checkpoint with the optimizer's state; returns None if there is none."""
        from bearcat.training.callbacks import write_history
        from bearcat.training.resume import load_newest

        resumed = load_newest(self.work.folder("checkpoint"), self.card, self.checkpoint_config(), self.replicas)
        if resumed is None:
            return None
        self.card = replace(self.card, backbone=resumed.card.backbone, preprocessing=resumed.card.preprocessing)
        self.config = replace(self.config, precision=resumed.precision)
        self.history, self.origin, self.is_familiar = resumed.history, resumed.origin, resumed.is_familiar
        if self.replicas.worker.is_chief:  # a kill between checkpoint and CSV leaves the CSV a row short
            write_history(self.csv_file, self.history)
        self.round = Round.of_row(self.history[-1])
        for row in rows_of_round(self.history, self.round.number):
            self.plateau.observe(row["val_loss"], row["val_exact"])
        write_line(f"Resuming after epoch {resumed.checkpoint.epoch}: {resumed.checkpoint.path.name}")
        return resumed.model

    def start(self, device: Device, build: Build, source: TrainingSource):
        """Builds the model, with the weights from the work's `weight` folder, the pretrained or ImageNet ones."""
        weights, folder = self.settings.WEIGHTS, self.work.folder("weight")
        backbone = resolve_backbone(self.card, device.has_gpu, folder, weights)
        card = replace(self.card, backbone=backbone, preprocessing=resolve_preprocessing(backbone, folder, weights))
        weight_file = initial_weights_file(folder, weights, backbone, MODES[card.mode].task)
        imagenet_weights = None
        if weight_file:
            origin, is_text = origin_of(weight_file), MODES[card.mode].task is Task.TEXT
            self.set_origin(origin, bool(origin) and is_text and knows_nearly_all(weight_file, card.characters))
        elif weights == IMAGENET:
            imagenet_weights = read_imagenet(backbone)
            self.set_origin(IMAGENET)
        with self.replicas.scope():
            model, self.card, self.config = build(card, self.config, device, self.replicas.count)
        if imagenet_weights:
            assign_imagenet(model, backbone, imagenet_weights)
        elif weight_file:
            taken = load_starting_weights(model, self.card, weight_file)
            if self.is_careful:
                keep_averages(model, taken)
            if self.replicas.worker.count == 1:  # rounding could lead workers to different choices
                choose_colour_mix(model, self.card, source)
                choose_case(model, self.card, weight_file, source)
            # with a teacher, a careful round forgot a character that was labelled once (docs/benchmarks.md)
            if self.unlabelled and self.round.number == 1 and not self.is_careful:
                self.round = first_round(measure_start(model, self.card, source, weight_file))
        return model

    def train_rounds(self, source: TrainingSource, device: Device, build: Build) -> None:
        """Runs the remaining epochs of the round and, if there are images without labels, the second round."""
        if source.unlabelled > self.unlabelled and self.replicas.worker.is_chief:
            reason = why_labelled_only(self.replicas.count, self.settings.BATCH_SIZE)
            write_line(f"The {source.unlabelled} images without labels are not used: {reason}")
        is_interrupted = not self._end_reason() and self.train(self._model, source, device)
        if self.round.number < self.rounds and self._end_reason() and not is_interrupted:
            self.begin_second_round(source, device, build)
            self.train(self._model, source, device)

    def begin_second_round(self, source: TrainingSource, device: Device, build: Build) -> None:
        """Makes the teacher from the best checkpoint, and starts again from the initial weights."""
        write_line(
            f"Round 2 of {ROUNDS}: the network starts again, and also learns what its best epoch predicts for "
            f"{self.unlabelled} images without labels"
        )
        self.make_teacher(source)
        self.round = Round(2, 1.0)
        self.plateau, self._schedule = PlateauRule(self.settings.LR_PATIENCE, self.settings.EARLY_PATIENCE), None
        self._model = self.start(device, build, source)

    def make_teacher(self, source: TrainingSource):
        """Makes the teacher of the second round; see `teacher_file.make_teacher`."""
        from bearcat.training.self_training.teacher_file import make_teacher

        pixels, labels = zip(*(source.sample(LABELLED_COMPARED, split) for split in SPLITS), strict=True)
        return make_teacher(self.work.folder("checkpoint"), self.card, np.concatenate(pixels), [*chain(*labels)])

    def train(self, model, source: TrainingSource, device: Device) -> bool:
        """Runs the remaining epochs of a round; before the first epoch, the sanity check.

        Returns:
            Whether Ctrl-C ended it.
        """
        import keras

        settings, replicas = self.settings, self.replicas
        # resuming with the same seed would repeat the order and augmentation of the first epochs
        seed = settings.SEED + self.epochs_done
        keras.utils.set_random_seed(seed + WORKER_SEED_STRIDE * replicas.worker.number)
        steps = max(settings.MIN_EPOCH_STEPS, -(-source.count // (settings.BATCH_SIZE * replicas.count)))
        batches, validation = source.batches(self.card, seed, self.augmentation_strength(steps), replicas)
        replicas.prepare(model, batches)
        if replicas.description:
            size = settings.BATCH_SIZE
            write_line(f"{replicas.description}: {replicas.count} × {size} = {replicas.count * size} images per step")
        if self.peak_rate != settings.LR:
            write_line(f"Initial learning rate {self.peak_rate:.2g}, scaled from LR = {settings.LR:g}")
        if not self.epochs_done:
            self.check_sanity(model, batches, steps, device)
        per_step = settings.BATCH_SIZE * replicas.count
        repeated = steps * per_step // source.count
        note = f" (MIN_EPOCH_STEPS: each image about {repeated} times)" if repeated > 1 else ""
        write_line(
            f"{source.count} images, {steps} steps of {per_step} images per epoch{note}, {self.card.backbone}, "
            f"{model.count_params():,} parameters in {self.config.precision}, on {device.description}"
        )
        if not self.unlabelled and self.round.number == 1:
            return self.fit(model, steps, batches, validation, source.validated)
        from bearcat.training.self_training.teacher import RoundNote, Teacher

        if not self.unlabelled or not self.round.weight:
            return self.fit(model, steps, batches, validation, source.validated, RoundNote(self.round))
        labelled = self.round.labelled_per_batch(settings.BATCH_SIZE, self.labelled, self.unlabelled)
        batches = source.mixed_batches(self.card, seed, self.augmentation_strength(steps), labelled)
        teacher = Teacher(model, self.teacher_of(model, source), self.card.mode, self.round, labelled)
        with teacher.teaching():
            return self.fit(model, steps, batches, validation, source.validated, teacher)

    def teacher_of(self, model, source: TrainingSource):
        """Returns the network that predicts the images without labels in this round."""
        import keras

        from bearcat.training.self_training.teacher_file import load_teacher

        if self.round.number > 1:
            return load_teacher(self.work.folder("checkpoint")) or self.make_teacher(source)
        copy = keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
        return copy

    def fit(self, model, steps_per_epoch: int, batches, validation_batches, validated: int, *further) -> bool:
        """Runs Keras' `fit` for the remaining epochs; Ctrl-C ends it after the current step.

        Args:
            model: The compiled model.
            steps_per_epoch: Training steps per epoch.
            batches: Endless training batches.
            validation_batches: The validation batches.
            validated: The number of validation images.
            *further: Callbacks that add to an epoch's metrics.

        Returns:
            Whether it was ended by Ctrl-C.
        """
        from bearcat.training.callbacks import StopOnInterrupt

        callbacks = self.callbacks(steps_per_epoch, validation_batches, validated)
        with StopOnInterrupt(self.replicas) as interrupt:
            model.fit(
                self.replicas.distribute(batches),
                validation_data=self.replicas.distribute(validation_batches),
                validation_steps=self.replicas.validation_steps(validated, self.settings.BATCH_SIZE),
                initial_epoch=self.epochs_done,
                epochs=self.max_epochs,
                steps_per_epoch=steps_per_epoch,
                callbacks=[*further, *callbacks, interrupt],
                verbose=0,
                shuffle=False,  # the data set shuffles
            )
        return interrupt.interrupted

    def check_sanity(self, model, batches, steps_per_epoch: int, device: Device) -> None:
        """Warns if memory may not suffice or the network cannot fit one batch, and estimates the duration."""
        from bearcat.training.sanity_check import fit_one_batch, memory_warning

        warning = "" if device.has_gpu else memory_warning(model, self.settings.BATCH_SIZE * self.replicas.local_count)
        if warning:
            write_line(warning)
        write_line("A few steps on one batch …")
        check = fit_one_batch(model, batches, self.replicas, self.replica_multiplier, self.settings.LR)
        if not check.learns:
            losses = ", ".join(f"{loss:.3g}" for loss in check.losses)
            write_line(
                f"The loss of one batch does not fall ({losses}): LR is far too low or high, or the labels wrong"
            )
        settings, seconds = self.settings, steps_per_epoch * check.seconds
        write_line(describe_duration(seconds, settings.TRAIN_SECONDS, settings.EPOCHS, settings.COSINE_SCHEDULER))

    def summary(self) -> dict:
        """Returns the contents of report/train.json."""
        best = best_epoch(self.history)
        training_seconds = sum(row["images"] / row["images_per_second"] for row in self.history)
        return {
            "mode": self.card.mode,
            "backbone": self.card.backbone,
            "parameters": self._model.count_params(),
            "epochs_run": len(self.history),
            "best_epoch": best["epoch"],
            "best": best,
            "seconds": round(sum(row["seconds"] for row in self.history), 1),
            "images_per_second": round(sum(row["images"] for row in self.history) / training_seconds, 1),
            "stopped_by": self.stopped_by,
            **({"self_training": describe_use(self.history, self.unlabelled)} if self.unlabelled else {}),
        }

    @property
    def csv_file(self) -> Path:
        """The file with the history as a table."""
        return self.work.folder("CSVLogger") / "training.csv"

    @property
    def epochs_done(self) -> int:
        """The number of epochs so far, those of interrupted runs included."""
        return int(self.history[-1]["epoch"]) if self.history else 0

    @property
    def max_epochs(self) -> int:
        """The epoch after which the round ends at the latest; unlimited with TRAIN_SECONDS."""
        earlier = self.epochs_done - self.epochs_of_round
        return sys.maxsize if self.settings.TRAIN_SECONDS else earlier + self.settings.EPOCHS

    @property
    def epochs_of_round(self) -> int:
        """The number of epochs of this round so far."""
        return len(rows_of_round(self.history, self.round.number))

    @property
    def rounds(self) -> int:
        """The number of rounds: two if there are images without labels."""
        return ROUNDS if self.unlabelled else 1

    @property
    def images(self) -> int:
        """The number of images that are learnt in this round, without augmented copies."""
        return self.labelled + (self.unlabelled if self.round.number > 1 else 0)

    @property
    def seconds_spent(self) -> float:
        """Seconds used of TRAIN_SECONDS in this round."""
        rows = rows_of_round(self.history, self.round.number)
        return rows[-1].get(TIME_SPENT, 0.0) if rows else 0.0

    @property
    def has_ended(self) -> bool:
        """Whether no epoch is left to run."""
        return self._end_reason() is not None and self.round.number >= self.rounds

    @property
    def stopped_by(self) -> str:
        """The reason why the training stopped, as in train.json."""
        return (self._end_reason() if self.round.number >= self.rounds else None) or INTERRUPT

    def _end_reason(self) -> str | None:
        """The reason why this round has ended; None if it has not."""
        limit = self.settings.TRAIN_SECONDS
        if limit and self.seconds_spent >= limit:
            return TIME_UP
        if not limit and self.plateau.stops:
            return EARLY_STOP
        return ALL_EPOCHS if self.epochs_done >= self.max_epochs else None

    @property
    def fine_tuning_multiplier(self) -> float:
        """Learning-rate multiplier for few images: 1 for a training that started from random weights."""
        few = FEW_FAMILIAR_IMAGES if self.is_careful else FEW_IMAGES
        return few_images_rate(1.0, self.images, few) if self.origin else 1.0

    @property
    def is_careful(self) -> bool:
        """Whether this round changes its starting weights little: they know the characters, and images are few.

        The second round reads better if it may change them more (docs/benchmarks.md).
        """
        return self.is_familiar and self.round.number == 1 and self.images < FEW_FAMILIAR_IMAGES

    @property
    def replica_multiplier(self) -> float:
        """Learning-rate multiplier for all replicas."""
        return scale_rate(1.0, self.settings.OPTIMIZER, self.replicas.count)

    @property
    def peak_rate(self) -> float:
        """The highest learning rate of the training."""
        return self.settings.LR * self.fine_tuning_multiplier * self.replica_multiplier

    def set_origin(self, origin: str, is_familiar: bool = False) -> None:
        """Notes the weights that the training starts from, see `origin`; the learning rate depends on them."""
        self.origin, self.is_familiar = origin, is_familiar
        self.config = replace(self.config, lr=self.peak_rate)

    def checkpoint_config(self) -> dict[str, object]:
        """Returns the configuration as checkpoints keep it: LR as set, with what it was scaled by, and the origin."""
        rate = {"lr": self.settings.LR, "fraction": self.fine_tuning_multiplier, "replicas": self.replicas.count}
        return asdict(self.config) | rate | {"origin": self.origin, "familiar": self.is_familiar}

    def schedule(self, steps_per_epoch: int):
        """Returns the callback that sets the learning rate towards a known end; None if the end is not known."""
        from bearcat.training.callbacks import CosineSchedule, TimedCosineSchedule

        settings, replicas = self.settings, self.replicas
        if self._schedule is None and settings.TRAIN_SECONDS:
            self._schedule = TimedCosineSchedule(settings.TRAIN_SECONDS, self.peak_rate, self.seconds_spent, replicas)
        elif self._schedule is None and settings.COSINE_SCHEDULER:
            steps, done = settings.EPOCHS * steps_per_epoch, self.epochs_of_round * steps_per_epoch
            self._schedule = CosineSchedule(steps, self.peak_rate, done, replicas.local_count)
        return self._schedule

    def rate_callbacks(self, steps_per_epoch: int) -> list:
        """Returns the callbacks that set the learning rate of each step; PlateauSchedule sets it per epoch."""
        from bearcat.training.callbacks import LinearWarmUp

        schedule = self.schedule(steps_per_epoch)
        if schedule:
            return [schedule]
        return [LinearWarmUp(steps_per_epoch, self.peak_rate)] if self.replicas.count > 1 else []

    def augmentation_strength(self, steps_per_epoch: int) -> Callable:
        """Returns a function from the number of a batch to its augmentation strength, 1 … 0.

        Augmentation fades out towards a known end if there are enough labelled images.
        """
        from bearcat.training.callbacks import FADE_FROM_IMAGES, constant_strength

        schedule = self.schedule(steps_per_epoch)
        return schedule.strength if schedule and self.labelled >= FADE_FROM_IMAGES else constant_strength
