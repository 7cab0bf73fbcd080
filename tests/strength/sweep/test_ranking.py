"""The order of changes: what programs lose per legibility lost, what is chance, what was trained several times."""

import pytest

from bearcat.core.intervals import wilson_interval
from bearcat.strength.sweep.ranking import is_harder, rank_variants


def row(key: str, correct: int, legibility: float | None = 0.8, draws: int = 1) -> dict:
    return {
        "key": key,
        "value": 1,
        "draws": draws,
        "exact": correct / 300,
        "interval": wilson_interval(correct, 300),
        "legibility": legibility,
    }


def order(base: dict, *variants: dict) -> list[str]:
    return [one["key"] for one in rank_variants(base, variants)]


def test_the_most_that_programs_lose_per_legibility_comes_first():
    base = row("", 200)
    dear, cheap, free = row("dear", 50, 0.2), row("cheap", 120, 0.7), row("free", 150, 0.79)
    assert order(base, dear, cheap, free) == ["free", "cheap", "dear"]
    ranked = rank_variants(base, [cheap])[0]
    assert ranked["machine_loss"] == pytest.approx(80 / 300)
    assert ranked["legibility_loss"] == pytest.approx(0.1)
    assert ranked["ratio"] == pytest.approx(80 / 300 / 0.1)


def test_a_tiny_loss_of_legibility_does_not_count_as_less_than_it_can_be_measured():
    base = row("", 200)
    assert order(base, row("more", 100, 0.751), row("less", 120, 0.799)) == ["more", "less"]
    assert order(base, row("more legible", 120, 0.95), row("less legible", 119, 0.78)) == [
        "less legible",
        "more legible",
    ]


def test_what_chance_explains_and_what_is_easier_come_last():
    base = row("", 200)
    assert order(base, row("easier", 290), row("chance", 195, 0.8), row("harder", 100, 0.1)) == [
        "harder",
        "chance",
        "easier",
    ]
    losses = rank_variants(base, [row("easier", 290), row("chance", 195), row("harder", 100)])
    assert {one["key"]: one["intervals_apart"] for one in losses} == {"easier": True, "chance": False, "harder": True}
    assert [one["key"] for one in losses if is_harder(one)] == ["harder"]


def test_of_the_harder_ones_those_that_were_trained_several_times_come_first():
    base = row("", 200)
    assert order(base, row("extreme", 20), row("repeated", 120, draws=3)) == ["repeated", "extreme"]
    assert order(base, row("less", 195, draws=3), row("more", 190)) == ["more", "less"], "both are chance"


def test_without_legibility_only_what_programs_lose_counts():
    base = row("", 200, None)
    assert order(base, row("b", 120, None), row("a", 50, None)) == ["a", "b"]
    assert rank_variants(base, [row("a", 50, None)])[0]["legibility_loss"] is None
