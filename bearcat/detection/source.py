"""What EFFICIENTDET is trained on: pictures and their VOC labels as they lie in the work. Imports TensorFlow late."""

from collections.abc import Sequence
from types import SimpleNamespace

from bearcat.annotations import LabelledImage
from bearcat.artifact import Card
from bearcat.vocabulary import Vocabulary


class BoxedPictures:
    """The labelled pictures of training and validation, damaged ones already left out."""

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
        """Return how many pictures there are to train on."""
        return len(self.data["train"])

    @property
    def validated(self) -> int:
        """Return how many pictures there are to validate with."""
        return len(self.data["validation"])

    def check(self, model, card: Card) -> None:
        """Do nothing: any number of objects of any size can be learnt from."""

    def batches(self, card: Card, seed: int) -> tuple:
        """Return endless training batches, and all validation batches once."""
        from bearcat.detection.datasets import pictures_of, training_batches, validation_batches

        settings = self._settings
        train, validation = (
            pictures_of(self.data[split], card.characters, card.spec, self._extract)
            for split in ("train", "validation")
        )
        size = settings.BATCH_SIZE
        augmented = training_batches(train, self.count, size, seed, settings.AUGMENT, settings.MOSAIC)
        return augmented, validation_batches(validation, size)
