"""Exact and near duplicates are found; captchas that only look alike are not duplicates."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.core.errors import ImageError
from bearcat.core.workspace import Work
from bearcat.data import duplicates
from bearcat.data.comparison import TileMeans, look_same
from bearcat.data.duplicates import MAX_NEIGHBOURS, digest_of, digests_in_data, fingerprint, group_duplicates
from tests.data.test_comparison import draw_page


def draw(path: Path, text: str, colour: str = "black", size: tuple[int, int] = (120, 40), **options) -> Path:
    """Writes an image of clean text, the same each time."""
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).text((10, 8), text, fill=colour, font_size=20)
    image.save(path, **options)
    return path


def groups(paths: list[Path], **options) -> list[set[str]]:
    return [
        {path.name for path in group} for group in group_duplicates([fingerprint(path) for path in paths], **options)
    ]


def test_files_with_the_same_bytes_are_duplicates(tmp_path: Path):
    paths = [draw(tmp_path / name, "ab3d") for name in ("a.png", "b.png")]
    assert groups(paths, distance=-1) == groups(paths) == [{"a.png", "b.png"}]


def test_a_recompressed_or_shrunk_image_is_a_near_duplicate(tmp_path: Path):
    original = draw(tmp_path / "a.png", "ab3d")
    draw(tmp_path / "b.jpg", "ab3d", quality=60)
    Image.open(original).resize((90, 30), Image.Resampling.BILINEAR).save(tmp_path / "c.png")
    paths = sorted(tmp_path.iterdir())
    assert groups(paths) == [{"a.png", "b.jpg", "c.png"}]
    assert groups(paths, distance=-1) == []


@pytest.mark.parametrize(("text", "other"), [("1000", "1001"), ("ab3d", "ab3b"), ("il1l", "il11"), ("OO0O", "OOOO")])
def test_captchas_that_differ_in_one_character_are_not_duplicates(tmp_path: Path, text: str, other: str):
    assert groups([draw(tmp_path / "a.png", text), draw(tmp_path / "b.png", other)]) == []


def test_images_of_different_colours_are_not_duplicates(tmp_path: Path):
    paths = [draw(tmp_path / f"{name}.png", "ab3d", colour) for name, colour in (("a", "red"), ("b", "#4c4c4c"))]
    assert groups(paths) == []


def test_images_of_different_proportions_are_not_duplicates(tmp_path: Path):
    paths = [tmp_path / "a.png", tmp_path / "b.png"]
    for path, size in zip(paths, ((100, 40), (40, 100)), strict=True):
        Image.new("RGB", size, "white").save(path)
    assert not look_same(*paths)


def test_a_missing_file_is_not_a_duplicate(tmp_path: Path):
    assert not look_same(draw(tmp_path / "a.png", "ab3d"), tmp_path / "b.png")


def test_many_copies_are_one_group(tmp_path: Path):
    paths = [draw(tmp_path / f"{n}.jpg", "ab3d", quality=50 + n % 45) for n in range(MAX_NEIGHBOURS + 4)]
    assert groups(paths) == [{path.name for path in paths}]


def test_a_damaged_file_has_no_fingerprint(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"a\.png"):
        fingerprint(tmp_path / "a.png")


def test_screenshots_of_one_page_are_told_apart_without_comparing_them_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pages = [draw_page(tmp_path / f"{number}.png", f"{number:04}") for number in range(1000, 2200, 100)]
    pages.append(draw_page(tmp_path / "again.jpg", "1000", quality=80))
    compared = []
    monkeypatch.setattr(duplicates, "look_same", lambda *pair: compared.append(pair) or look_same(*pair))
    assert groups(pages) == [{"1000.png", "again.jpg"}]
    assert len(compared) < 15  # of 78 pairs


@pytest.mark.parametrize("limit", ["MAX_REFUSED", "MAX_REFUSED_PIXELS", "MAX_OPENED"])
def test_the_search_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str):
    rng, paths = np.random.default_rng(0), []
    for number in range(40):  # of different sizes, so that they have to be compared in full
        paths.append(tmp_path / f"{number}.png")
        image = Image.fromarray(rng.integers(0, 2, (1, 1, 3), np.uint8) + np.zeros((60, 80 + number % 4, 3), np.uint8))
        ImageDraw.Draw(image).rectangle([0, 0, 80, 60], fill=(10 * number % 256, 90, 200))
        image.save(paths[-1])
    fingerprints = [fingerprint(path) for path in paths]
    looked = []
    monkeypatch.setattr(duplicates, "_near_pairs", lambda hashes, distance: combinations(range(len(hashes)), 2))
    monkeypatch.setattr(
        duplicates.TileMeans, "of_file", lambda path: looked.append(path) or TileMeans.of(Image.open(path))
    )
    monkeypatch.setattr(duplicates, "MEANS_KEPT", 4)
    group_duplicates(fingerprints)
    unbounded = len(looked)
    monkeypatch.setattr(duplicates, limit, {"MAX_REFUSED": 9, "MAX_REFUSED_PIXELS": 50_000, "MAX_OPENED": 1}[limit])
    looked.clear()
    group_duplicates(fingerprints)
    assert len(looked) < unbounded / 2


def test_the_digests_of_the_labelled_sets_are_those_of_images_of_the_given_sizes(tmp_path: Path):
    work = Work(tmp_path)
    work.make_folders()
    for name, content in {
        "train_dataset/cat/1.png": b"train",
        "validation_dataset/a_1.png": b"valid",
        "test_dataset/a_1.png": b"longer",
        "test_dataset/notes.txt": b"notes",
        "unlabelled_dataset/a_1.png": b"other",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    assert digests_in_data(work, {5}) == {digest_of(b"train"), digest_of(b"valid")}
    assert digests_in_data(work, set()) == set()
