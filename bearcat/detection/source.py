"""What EFFICIENTDET is trained on: pictures and their VOC labels as they lie in the work. Imports TensorFlow late."""

from collections.abc import Sequence
from types import SimpleNamespace

from bearcat.annotations import LabelledImage
from bearcat.artifact import Card
from bearcat.distribution import SOLO, Team
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
    def labelled(self) -> int:
        """Return how many of them are pictures that somebody labelled: all."""
        return self.count

    @property
    def validated(self) -> int:
        """Return how many pictures there are to validate with."""
        return len(self.data["validation"])

    def check(self, model, card: Card) -> None:
        """Do nothing: any number of objects of any size can be learnt from."""

    def batches(self, card: Card, seed: int, strength, team: Team = SOLO) -> tuple:
        """Return endless training batches, and all validation batches once; of a team, those of this process.

        `strength` is for packed pictures: these are changed as strongly to the end.
        """
        from bearcat.datasets import deal
        from bearcat.detection.datasets import pictures_of, training_batches, validation_batches

        settings, size = self._settings, self._settings.BATCH_SIZE

        def pictures(split: str, numbers: range, sharers: int = 1):
            return pictures_of(self.data[split], card.characters, card.spec, self._extract, numbers, sharers)

        team.share_of(self.count)
        own = range(team.worker.number, self.count, team.worker.count)
        augmented = training_batches(pictures("train", own), self.count, size, seed, settings.AUGMENT, settings.MOSAIC)
        if not team.strategy:
            return augmented, validation_batches(pictures("validation", range(self.validated)), size)
        end = team.share_of(self.validated) * team.replicas
        parts = [pictures("validation", range(part, end, team.replicas), team.here) for part in team.parts]
        return augmented, deal([validation_batches(part, size) for part in parts])
