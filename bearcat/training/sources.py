"""The data of a training, checked against the settings: packs for the text and class modes, images with boxes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Protocol

from bearcat.artifacts.card import Card
from bearcat.core.errors import DataError
from bearcat.core.workspace import UNLABELLED_SPLIT, Work
from bearcat.data.images import ImageKinds
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.tfrecord_index import check_pack, load_index, load_unlabelled_index
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES, Task, why_not_self_trained
from bearcat.networks.registry import PIXELS_PER_STEP, is_light, width_for_steps
from bearcat.training.distribution import SINGLE_REPLICA, Replicas

SPLITS = ("train", "validation")


class TrainingSource(Protocol):
    """Training and validation images of a work, with their vocabulary."""

    vocabulary: Vocabulary

    @property
    def count(self) -> int:
        """The number of training images."""

    @property
    def labelled(self) -> int:
        """The number of training images without augmented copies."""

    @property
    def validated(self) -> int:
        """The number of validation images."""

    @property
    def unlabelled(self) -> int:
        """The number of images without labels to train on."""

    @property
    def kinds(self) -> ImageKinds:
        """The sizes and colours of the training images; empty for packs of earlier versions."""

    @property
    def label_lengths(self) -> tuple[int, ...]:
        """The smallest and the largest length of the texts; empty for other tasks and packs of earlier versions."""

    def sample(self, count: int, split: str = "train") -> tuple[Any, list[str]]:
        """Returns pixels uint8 (n, H, W, C) of at most so many images of a split, not augmented, and their labels.

        There are none for images with boxes.
        """

    def check(self, model, card: Card) -> None:
        """Raises DataError if the labels do not fit the network."""

    def batches(
        self, card: Card, seed: int, strength: Callable, replicas: Replicas = SINGLE_REPLICA
    ) -> tuple[Any, Any]:
        """Returns the data sets of a training.

        Args:
            card: The network.
            seed: Seed of the order of the training images.
            strength: Augmentation strength of a batch by its number; see `text_pipeline.training_batches`.
            replicas: The replicas that train; the data sets are for those of this process.

        Returns:
            Endless training batches, and the validation batches once.

        Raises:
            DataError: There are fewer images than replicas.
            RecordError: A file of a pack is damaged.
        """

    def mixed_batches(self, card: Card, seed: int, strength: Callable, labelled: int) -> Any:
        """Returns endless batches for self-training; see `text_pipeline.mixed_batches`.

        Args:
            card: The network.
            seed: Seed of the order of the images.
            strength: See `batches`.
            labelled: The number of labelled images per batch.

        Raises:
            RecordError: A file of the pack of images without labels is damaged.
        """


class PackedImages:
    """The packs of a work, for the text and class modes.

    Raises:
        RecordError: A pack is missing, or was made with other settings.
    """

    def __init__(self, work: Work, settings: SimpleNamespace):
        self._settings = settings
        self._checked: set[str] = set()
        self._folders = {split: work.pack_folder(split, settings.PACK_FOLDER) for split in SPLITS}
        self._indices = {split: load_index(folder) for split, folder in self._folders.items()}
        # packs know in which order their targets are: those of earlier versions in that of the labels
        direction = self._indices["train"].direction
        ignore_case = settings.IGNORE_CASE and MODES[settings.MODE].task is Task.TEXT
        self.vocabulary = replace(Vocabulary.load(work.vocabulary_file), direction=direction, ignore_case=ignore_case)
        card = Card.from_settings(settings, self.vocabulary)
        for split, index in self._indices.items():
            check_pack(self._folders[split], index, card.spec, self.vocabulary, MODES[card.mode].task)
        self._labelled = list(self._indices.values())
        self._folders[UNLABELLED_SPLIT] = work.pack_folder(UNLABELLED_SPLIT, settings.PACK_FOLDER)
        unlabelled = (
            load_unlabelled_index(self._folders[UNLABELLED_SPLIT], card.spec) if uses_unlabelled(settings) else None
        )
        if unlabelled:
            self._indices[UNLABELLED_SPLIT] = unlabelled

    @property
    def count(self) -> int:
        return self._indices["train"].count

    @property
    def labelled(self) -> int:
        return self.count // (1 + int(self._settings.DATA_ENHANCEMENT))

    @property
    def validated(self) -> int:
        return self._indices["validation"].count

    @property
    def unlabelled(self) -> int:
        return self._indices[UNLABELLED_SPLIT].count if UNLABELLED_SPLIT in self._indices else 0

    @property
    def kinds(self) -> ImageKinds:
        return self._indices["train"].kinds

    @property
    def label_lengths(self) -> tuple[int, ...]:
        is_known = all(index.task is Task.TEXT and index.shortest_label for index in self._labelled)
        return (min(index.shortest_label for index in self._labelled), self.longest_label) if is_known else ()

    @property
    def longest_label(self) -> int:
        """The length of the longest label of both sets."""
        return max(index.longest_label for index in self._labelled)

    def sample(self, count: int, split: str = "train") -> tuple[Any, list[str]]:
        from bearcat.data.tfrecords import read_records

        self._check_records(split)
        first = next(read_records(self._folders[split], self._indices[split], batch_size=count))
        return first["image"], [label.decode("utf-8") for label in first["label"]]

    def check(self, model, card: Card) -> None:
        """Raises DataError if the longest label exceeds CAPTCHA_LENGTH or the time steps of the network."""
        steps = model.output_shape[1]
        needed = max(index.steps_needed[card.mode] for index in self._labelled)
        if needed > steps:
            raise DataError(
                f"the longest label needs {needed} positions or time steps, the network has {steps}: set "
                f"CAPTCHA_LENGTH = {needed} (ORDINARY) or IMAGE_WIDTH = {width_for(needed, card)} or more (CTC), "
                "then run python pack_dataset.py"
            )
        if MODES[card.mode].codec.uses_captcha_length and self.longest_label > card.captcha_length:
            raise DataError(
                f"the longest label has {self.longest_label} characters, CAPTCHA_LENGTH is {card.captcha_length}: "
                f"set CAPTCHA_LENGTH = {self.longest_label} or more, or MODE = 'CTC', which has no limit"
            )

    def batches(
        self, card: Card, seed: int, strength: Callable, replicas: Replicas = SINGLE_REPLICA
    ) -> tuple[Any, Any]:
        from bearcat.training.text_pipeline import training_batches, validation_batches

        for split in SPLITS:
            self._check_records(split)  # now, rather than after hours of training
        replicas.shard_size(self.count)  # raises if a replica would have none
        width, size = self._target_width(card), self._settings.BATCH_SIZE
        strength_used = strength if self._settings.AUGMENT else None
        return (
            training_batches(
                self._folders["train"], self._indices["train"], width, size, seed, strength_used, replicas.worker
            ),
            validation_batches(self._folders["validation"], self._indices["validation"], width, size, replicas),
        )

    def mixed_batches(self, card: Card, seed: int, strength: Callable, labelled: int) -> Any:
        from bearcat.training.text_pipeline import mixed_batches, training_batches

        self._check_records(UNLABELLED_SPLIT)
        width, strength_used = self._target_width(card), strength if self._settings.AUGMENT else None

        def batches(name: str, size: int, augmented: Callable | None):
            return training_batches(self._folders[name], self._indices[name], width, size, seed, augmented)

        others = batches(UNLABELLED_SPLIT, self._settings.BATCH_SIZE - labelled, None)
        return mixed_batches(batches("train", labelled, strength_used), others, strength_used)

    def _target_width(self, card: Card) -> int:
        return card.make_codec().target_width(self.longest_label)

    def _check_records(self, split: str) -> None:
        """Raises RecordError if a file of a pack is damaged; each pack is read once."""
        from bearcat.data.tfrecords import check_records

        if split not in self._checked:
            check_records(self._folders[split], self._indices[split])
            self._checked.add(split)


def uses_unlabelled(settings: SimpleNamespace) -> bool:
    """Whether a training learns from images without labels, if there are any."""
    return not why_not_self_trained(settings.MODE, settings.SELF_TRAIN)


def width_for(steps: int, card: Card) -> int:
    """Returns the IMAGE_WIDTH that gives a network this number of time steps."""
    return width_for_steps(steps, card.spec.height) if is_light(card.backbone) else steps * PIXELS_PER_STEP


class BoxedImages:
    """Images with boxes as they lie in the work, for the detection mode.

    Args:
        data: Split → images, without damaged ones.
        vocabulary: The class names.
        settings: The settings of the work.
        extract: Decodes an image file to the network's input; see `box_pipeline.load_images`.
    """

    def __init__(
        self,
        data: Mapping[str, Sequence[LabelledImage]],
        vocabulary: Vocabulary,
        settings: SimpleNamespace,
        extract: Callable,
    ):
        self.data, self.vocabulary = data, vocabulary
        self._settings, self._extract = settings, extract

    @property
    def count(self) -> int:
        return len(self.data["train"])

    @property
    def labelled(self) -> int:
        return self.count

    @property
    def validated(self) -> int:
        return len(self.data["validation"])

    @property
    def unlabelled(self) -> int:
        return 0

    @cached_property
    def kinds(self) -> ImageKinds:
        return ImageKinds.of_files([item.path for item in self.data["train"]])

    @property
    def label_lengths(self) -> tuple[int, ...]:
        return ()

    def sample(self, count: int, split: str = "train") -> tuple[Any, list[str]]:
        """Returns nothing."""
        return (), []

    def check(self, model, card: Card) -> None:
        """Accepts all data: there is no limit to the number or size of objects."""

    def batches(
        self, card: Card, seed: int, strength: Callable, replicas: Replicas = SINGLE_REPLICA
    ) -> tuple[Any, Any]:
        """See `TrainingSource.batches`; the augmentation of images with boxes does not fade."""
        from bearcat.training.box_pipeline import load_images, training_batches, validation_batches
        from bearcat.training.text_pipeline import interleave_shards

        settings, size = self._settings, self._settings.BATCH_SIZE

        def images(split: str, indices: range, sharers: int = 1):
            return load_images(self.data[split], card.characters, card.spec, self._extract, indices, sharers)

        replicas.shard_size(self.count)  # raises if a replica would have none
        own = range(replicas.worker.number, self.count, replicas.worker.count)
        augmented = training_batches(images("train", own), self.count, size, seed, settings.AUGMENT, settings.MOSAIC)
        if not replicas.strategy:
            return augmented, validation_batches(images("validation", range(self.validated)), size)
        end = replicas.shard_size(self.validated) * replicas.count
        shards = [
            images("validation", range(index, end, replicas.count), replicas.local_count)
            for index in replicas.local_indices
        ]
        return augmented, interleave_shards([validation_batches(shard, size) for shard in shards])

    def mixed_batches(self, card: Card, seed: int, strength: Callable, labelled: int) -> Any:
        """Raises TypeError: boxes of unlabelled images are not learnt."""
        raise TypeError("images with boxes have no images without labels")
