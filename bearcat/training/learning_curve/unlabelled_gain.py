"""What images without labels add: trainings with the same labelled images, with and without them, are compared."""

from collections.abc import Iterable
from dataclasses import dataclass

from bearcat.training.learning_curve.points import CurvePoint

CHANCE = 0.05  # p-values of at least this: the difference may be chance


@dataclass(frozen=True)
class UnlabelledGain:
    """A training on labelled images alone, and one on the same images and on others without labels."""

    alone: CurvePoint
    both: CurvePoint

    def as_dict(self) -> dict[str, float]:
        """Returns the comparison as report/curve.json has it."""
        return {
            "pictures": self.both.images,
            "unlabelled": self.both.unlabelled,
            "exact_without": self.alone.exact,
            "exact_with": self.both.exact,
            "validated": self.both.validated,
        }

    @property
    def p_value(self) -> float:
        """The p-value of Fisher's exact test (two-sided) of the two exact matches.

        Both come from the same validation images, so the test is cautious: it overlooks small gains rather than
        inventing some.
        """
        from scipy.stats import fisher_exact  # heavy, and rarely needed

        table = [[point.correct, point.validated - point.correct] for point in (self.alone, self.both)]
        return float(fisher_exact(table).pvalue)

    def describe(self) -> str:
        """Returns a sentence about the difference and whether it may be chance."""
        alone, both = self.alone, self.both
        reached = (
            f"With {both.unlabelled:,} images without labels, {both.images:,} labelled images reach an exact match of "
            f"{both.exact:.1%}"
        )
        if both.correct == alone.correct:
            return f"{reached}, as they do alone."
        reached += f" instead of {alone.exact:.1%}"
        if self.p_value >= CHANCE:
            return f"{reached}; the difference is within chance."
        if both.correct > alone.correct:
            return f"{reached}; the gain is more than chance explains."
        return f"{reached}; the loss is more than chance explains, so set SELF_TRAIN = False."


def find_gains(points: Iterable[CurvePoint]) -> list[UnlabelledGain]:
    """Pairs each training with images without labels with the one on the same labelled images alone."""
    points = list(points)
    alone = {point.images: point for point in points if not point.unlabelled}
    return [UnlabelledGain(alone[point.images], point) for point in points if point.unlabelled]
