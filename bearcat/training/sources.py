"""What text and class modes are trained on: the two packs, checked against the settings. Imports TensorFlow late."""

from collections.abc import Sequence
from types import SimpleNamespace

from bearcat.artifacts.card import Card
from bearcat.core.errors import DataError
from bearcat.core.workspace import Work
from bearcat.data.labels import LabelledImage
from bearcat.data.tfrecord_index import check_pack, load_pack_index
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES
from bearcat.networks.registry import PIXELS_A_STEP, is_own, width_with
from bearcat.training.distribution import SOLO, Team

SPLITS = ("train", "validation")


def width_for(steps: int, card: Card) -> int:
    """Return the IMAGE_WIDTH with which a network has so many time steps."""
    return width_with(steps, card.height) if is_own(card.backbone) else steps * PIXELS_A_STEP


class PackedImages:
    """The packs of a work; raises RecordError where they are missing or were made for other settings."""

    def __init__(self, work: Work, settings: SimpleNamespace):
        self.vocabulary = Vocabulary.load(work.vocabulary_file)
        self._settings = settings
        self._folders = {split: work.pack_folder(split, settings.PACK_FOLDER) for split in SPLITS}
        self._indices = {split: load_pack_index(folder) for split, folder in self._folders.items()}
        card = Card.from_settings(settings, self.vocabulary)
        for split, index in self._indices.items():
            check_pack(self._folders[split], index, card.spec, card.characters, MODES[card.mode].task)

    @property
    def count(self) -> int:
        """Return how many images there are to train on."""
        return self._indices["train"].count

    @property
    def labelled(self) -> int:
        """Return how many of them are images that somebody labelled, and no changed copies."""
        return self.count // (1 + int(self._settings.DATA_ENHANCEMENT))

    @property
    def validated(self) -> int:
        """Return how many images there are to validate with."""
        return self._indices["validation"].count

    @property
    def longest_label(self) -> int:
        """Return the length of the longest label of both sets."""
        return max(index.longest_label for index in self._indices.values())

    def check(self, model, card: Card) -> None:
        """Raise DataError where the longest label is longer than CAPTCHA_LENGTH or the network's steps allow."""
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

    def batches(self, card: Card, seed: int, strength, team: Team = SOLO) -> tuple:
        """Return endless training batches, and all validation batches once; of a team, those of this process.

        `strength` is that of AUGMENT, as `training_batches` takes it.

        Raises RecordError where a shard is damaged: hours later would be too late; DataError where a replica got none.
        """
        from bearcat.data.tfrecords import check_records
        from bearcat.training.text_pipeline import training_batches, validation_batches

        for split, folder in self._folders.items():
            check_records(folder, self._indices[split])
        team.share_of(self.count)
        settings, width = self._settings, card.make_codec().target_width(self.longest_label)
        shape, changed = (width, settings.BATCH_SIZE), strength if settings.AUGMENT else None
        return (
            training_batches(self._folders["train"], self._indices["train"], *shape, seed, changed, team.worker),
            validation_batches(self._folders["validation"], self._indices["validation"], *shape, team),
        )


# ---- merged from detection.source: What EFFICIENTDET is trained on: images and their VOC labels as they lie in the work. Imports TensorFlow late.


class BoxedImages:
    """The labelled images of training and validation, damaged ones already left out."""

    def __init__(
        self,
        data: dict[str, Sequence[LabelledImage]],
        vocabulary: Vocabulary,
        settings: SimpleNamespace,
        extract,
    ):
        self.data, self.vocabulary = data, vocabulary
        self._settings, self._extract = settings, extract

    @property
    def count(self) -> int:
        """Return how many images there are to train on."""
        return len(self.data["train"])

    @property
    def labelled(self) -> int:
        """Return how many of them are images that somebody labelled: all."""
        return self.count

    @property
    def validated(self) -> int:
        """Return how many images there are to validate with."""
        return len(self.data["validation"])

    def check(self, model, card: Card) -> None:
        """Do nothing: any number of objects of any size can be learnt from."""

    def batches(self, card: Card, seed: int, strength, team: Team = SOLO) -> tuple:
        """Return endless training batches, and all validation batches once; of a team, those of this process.

        `strength` is for packed images: these are changed as strongly to the end.
        """
        from bearcat.training.box_pipeline import images_of, training_batches, validation_batches
        from bearcat.training.text_pipeline import deal

        settings, size = self._settings, self._settings.BATCH_SIZE

        def images(split: str, numbers: range, sharers: int = 1):
            return images_of(self.data[split], card.characters, card.spec, self._extract, numbers, sharers)

        team.share_of(self.count)
        own = range(team.worker.number, self.count, team.worker.count)
        augmented = training_batches(images("train", own), self.count, size, seed, settings.AUGMENT, settings.MOSAIC)
        if not team.strategy:
            return augmented, validation_batches(images("validation", range(self.validated)), size)
        end = team.share_of(self.validated) * team.replicas
        parts = [images("validation", range(part, end, team.replicas), team.here) for part in team.parts]
        return augmented, deal([validation_batches(part, size) for part in parts])
