"""Labels that a program made are told from labels that people read off images."""

import hashlib
import random
import uuid
from datetime import datetime, timedelta

import pytest

from bearcat.reports.dataset.unlikely_labels import describe_unlikely, find_better_part, has_underscores

RANDOM = random.Random(4)
TEXTS = ["".join(RANDOM.choices("abcdefghjkmnpqrstuvwxyz23456789", k=4)) for _ in range(60)]
DIGITS = [f"{RANDOM.randrange(10_000):04}" for _ in range(60)]
HASHES = [hashlib.md5(text.encode()).hexdigest() for text in TEXTS]
UUIDS = [str(uuid.UUID(text)) for text in HASHES]
TIMES = [f"{datetime(2025, 3, 1) + timedelta(minutes=7 * n):%Y%m%d%H%M%S}" for n in range(60)]


@pytest.mark.parametrize(
    ("labels", "what"),
    [
        ([f"{n:04}" for n in range(1, 61)], "consecutive numbers"),
        ([str(n) for n in range(60)], "consecutive numbers"),
        ([f"img{n}" for n in range(8, 68)], "consecutive numbers"),
        ([f"{n:04}" for n in range(80) if n % 5], "consecutive numbers"),
        ([str(1_741_000_000 + 977 * n) for n in range(60)], "time stamps"),
        ([str(1_741_000_000_123 + 977 * n) for n in range(60)], "time stamps"),
        (TIMES, "time stamps"),
        (["2025-03-01 10.20.30"] * 6, "time stamps"),
        (UUIDS, "UUIDs"),
        (HASHES, "hashes"),
        (TEXTS, ""),
        (DIGITS, ""),
        (sorted(set(DIGITS)), ""),
        ([text[:2] for text in DIGITS], ""),
        ([f"{a}+{b}=" for a in range(8) for b in range(8)], ""),
        (["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"], ""),  # too few to tell numbers from images of digits
        (["1", "2"], ""),
    ],
)
def test_what_labels_are(labels: list[str], what: str):
    assert describe_unlikely(labels) == what


@pytest.mark.parametrize(
    ("template", "index"),
    [
        ("captcha_{n:04}", None),
        ("captcha_{text}", 1),
        ("{n:04}_{text}", 1),
        ("{hash}_{text}_2", 1),
        ("img_{n:04}_{text}", 2),
        ("captcha_{hash}", None),
    ],
)
def test_the_part_of_a_name_that_looks_like_the_label(template: str, index: int | None):
    stems = [template.format(n=n, text=text, hash=HASHES[n]) for n, text in enumerate(TEXTS)]
    assert find_better_part(stems) == index


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{a}_{b}_{n:03}", True),  # ab_cd_001, case 21
        ("{text}_{n:03}", False),
        ("{text}_{hex}_{n}", False),
        ("{text}_{n}_1", False),
        ("{digits}_{hash}", False),
        ("{digits}_{hex}7_{n}", False),
        ("{hex}_{n:02}{digits}_{n}", False),
    ],
)
def test_underscores_inside_texts(template: str, expected: bool):
    stems = [
        template.format(n=n, text=text, a=text[:2], b=text[2:], digits=DIGITS[n], hash=HASHES[n], hex=HASHES[n][:4])
        for n, text in enumerate(TEXTS)
    ]
    assert has_underscores(stems) is expected


def test_an_underscore_at_different_places_leaves_labels_of_different_lengths():
    stems = [f"{text[: n % 3 + 1]}_{text[n % 3 + 1 :]}_{n}" for n, text in enumerate(TEXTS)]
    assert has_underscores(stems)


def test_classes_named_by_several_words():
    names = ("fire_hydrant", "traffic_light", "bus")
    assert has_underscores([f"{name}_{n}" for name in names for n in range(10)])
    assert not has_underscores([f"{name}_{site}_{n}" for name in "abc" for site in ("one", "two") for n in range(10)])
