"""Which change costs machines most for the least loss of legibility."""

from collections.abc import Mapping, Sequence
from typing import Any

MIN_LEGIBILITY_LOSS = 0.05  # a smaller difference of the proxy means nothing

Row = Mapping[str, Any]


def rank_variants(base: Row, variants: Sequence[Row]) -> list[dict[str, Any]]:
    """Returns the losses of each variant: those that are harder for machines before the others, best first.

    Of the harder ones, those that were trained more often come first: of many single trainings, the most extreme ones
    are in part chance.

    Args:
        base: The row of the configuration as it is: its `exact`, `interval` and `legibility`.
        variants: Those of the variants, with `key`, `value` and `draws`.

    Returns:
        For each variant `key`, `value`, `draws`, `machine_loss`, `legibility_loss` (None if it is not known), `ratio`:
        the first loss per the second, and `intervals_apart`: whether its interval and that of the base do not overlap.
    """
    return sorted((_losses(base, variant) for variant in variants), key=_rank)


def is_harder(losses: Row) -> bool:
    """Whether machines read less of a variant than of the base, by more than the intervals explain."""
    return losses["intervals_apart"] and losses["machine_loss"] > 0


def identity(row: Row) -> tuple[str, str]:
    """Returns what tells the change of a row from other ones."""
    return row["key"], repr(row["value"])


def _rank(losses: Row) -> tuple[float, ...]:
    harder = is_harder(losses)
    return not harder, -losses["draws"] if harder else 0, -losses["ratio"]


def _losses(base: Row, variant: Row) -> dict[str, Any]:
    machine = base["exact"] - variant["exact"]
    is_known = base["legibility"] is not None and variant["legibility"] is not None
    legibility = base["legibility"] - variant["legibility"] if is_known else None
    (low, high), (other_low, other_high) = base["interval"], variant["interval"]
    return {
        "key": variant["key"],
        "value": variant["value"],
        "draws": variant["draws"],
        "machine_loss": machine,
        "legibility_loss": legibility,
        "ratio": machine / max(MIN_LEGIBILITY_LOSS, legibility or 0.0),
        "intervals_apart": other_high < low or other_low > high,
    }
