"""The data of a training, checked against the settings: packs for the text and class modes, images with boxes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import SimpleNamespace
from typing import Any, Protocol

from bearcat.artifacts.card import Card
from bearcat.core.errors import DataError
from bearcat.core.workspace import Work
from bearcat.data.images import ImageKinds
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.tfrecord_index import check_pack, load_index
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES, Task
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
    def kinds(self) -> ImageKinds:
        """The sizes and colours of the training images; empty for packs of earlier versions."""

    @property
    def label_lengths(self) -> tuple[int, ...]:
        """The smallest and the largest length of the texts; empty for other tasks and packs of earlier versions."""

    def sample(self, count: int) -> tuple[Any, list[str]]:
        """Returns pixels uint8 (n, H, W, C) of at most so many training images without augmentation, and their labels.

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
    def kinds(self) -> ImageKinds:
        return self._indices["train"].kinds

    @property
    def label_lengths(self) -> tuple[int, ...]:
        indices = self._indices.values()
        is_known = all(index.task is Task.TEXT and index.shortest_label for index in indices)
        return (min(index.shortest_label for index in indices), self.longest_label) if is_known else ()

    @property
    def longest_label(self) -> int:
        """The length of the longest label of both sets."""
        return max(index.longest_label for index in self._indices.values())

    def sample(self, count: int) -> tuple[Any, list[str]]:
        from bearcat.data.tfrecords import read_records

        self._check_records("train")
        first = next(read_records(self._folders["train"], self._indices["train"], batch_size=count))
        return first["image"], [label.decode("utf-8") for label in first["label"]]

    def check(self, model, card: Card) -> None:
        """Raises DataError if the longest label exceeds CAPTCHA_LENGTH or the time steps of the network."""
        steps = model.output_shape[1]
        needed = max(index.steps_needed[card.mode] for index in self._indices.values())
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
        settings, width = self._settings, card.make_codec().target_width(self.longest_label)
        shape, augment = (width, settings.BATCH_SIZE), strength if settings.AUGMENT else None
        return (
            training_batches(self._folders["train"], self._indices["train"], *shape, seed, augment, replicas.worker),
            validation_batches(self._folders["validation"], self._indices["validation"], *shape, replicas),
        )

    def _check_records(self, split: str) -> None:
        """Raises RecordError if a file of a pack is damaged; each pack is read once."""
        from bearcat.data.tfrecords import check_records

        if split not in self._checked:
            check_records(self._folders[split], self._indices[split])
            self._checked.add(split)


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

    @cached_property
    def kinds(self) -> ImageKinds:
        return ImageKinds.of_files([item.path for item in self.data["train"]])

    @property
    def label_lengths(self) -> tuple[int, ...]:
        return ()

    def sample(self, count: int) -> tuple[Any, list[str]]:
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
