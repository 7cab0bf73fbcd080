"""Texts that sets share: more than by chance is a leak, as much as by chance is none."""

import random

import pytest

from bearcat.reports.dataset.text_overlap import group_by_text, measure_overlap, measure_repetition

LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


def draw(count: int, characters: str = LETTERS, length: int = 4, seed: int = 0) -> list[str]:
    drawn = random.Random(seed)
    return ["".join(drawn.choices(characters, k=length)) for _ in range(count)]


def sums(count: int) -> list[str]:
    drawn = random.Random(1)
    return [f"{drawn.randrange(10)}{drawn.choice('+-x')}{drawn.randrange(10)}=" for _ in range(count)]


@pytest.mark.parametrize("texts", [2, 5, 10, 30])
def test_a_pool_of_few_texts_is_a_leak(texts: int):
    pool = draw(texts) * 40
    random.Random(2).shuffle(pool)
    overlap = measure_overlap(pool[20:], pool[:20])
    assert (overlap.seen, overlap.images, overlap.texts) == (20, 20, texts)
    assert overlap.chance < 0.2
    assert overlap.is_leak
    assert measure_repetition(pool).is_leak


@pytest.mark.parametrize(
    ("texts", "chance"),
    [(draw(1000, "0123456789"), 0.09), (draw(400, "01234", 2), 1), (sums(600), 0.84), (draw(1000), 0)],
)
def test_texts_that_repeat_by_chance_are_no_leak(texts: list[str], chance: float):
    overlap = measure_overlap(texts[100:], texts[:100])
    assert overlap.chance == pytest.approx(chance, abs=0.05)
    assert overlap.seen / overlap.images == pytest.approx(chance, abs=0.1)
    assert not overlap.is_leak
    assert not measure_repetition(texts).is_leak


def test_images_of_a_text_are_grouped_if_the_texts_are_few_and_fit_into_a_set():
    pool = {str(number): text for number, text in enumerate(draw(30) * 8)}
    groups = group_by_text(pool, 0.1)
    assert sorted(map(len, groups)) == [8] * 30
    assert all(len({pool[name] for name in group}) == 1 for group in groups)
    assert group_by_text(pool, 0.03) == []  # 8 images are more than the set of 7 can take
    assert group_by_text({str(number): text for number, text in enumerate(draw(200, "0123456789"))}, 0.1) == []
    assert group_by_text({}, 0.1) == []
