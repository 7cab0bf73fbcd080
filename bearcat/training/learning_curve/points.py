"""The results of the trainings that a learning curve consists of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class CurvePoint:
    """A training on a number of images, and how many of the validation images it predicts correctly.

    Args:
        images: The number of labelled training images.
        correct: The number of validation images with an exact match.
        validated: The number of validation images.
        unlabelled: The number of images without labels that it was trained on too.
    """

    images: int
    correct: int
    validated: int
    unlabelled: int = 0

    @property
    def exact(self) -> float:
        """The exact match, 0 … 1."""
        return self.correct / self.validated

    def as_dict(self) -> dict[str, float]:
        """Returns the point as report/curve.json has it."""
        return {"pictures": self.images, "right": self.correct, "validated": self.validated, "exact": self.exact}

    def describe(self) -> str:
        """Says what was trained on, and with which result."""
        others = f" and {self.unlabelled:,} without labels" if self.unlabelled else ""
        return f"{self.images:,} images{others}: exact match {self.exact:.2%} of {self.validated} validation images"
