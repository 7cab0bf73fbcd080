"""Confidence intervals of proportions."""

import math

Z = 1.959964  # quantile of the normal distribution for 95 %, two-sided


def wilson_interval(successes: float, trials: float) -> tuple[float, float]:
    """Wilson score interval of a proportion (Wilson 1927) at 95 % confidence."""
    proportion, spread = successes / trials, Z * Z / trials
    middle = (proportion + spread / 2) / (1 + spread)
    half = Z * math.sqrt(proportion * (1 - proportion) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
