"""Exact and near duplicates are found; captchas that only look alike are not duplicates."""

from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from bearcat.core.errors import ImageError
from bearcat.data.duplicates import MAX_NEIGHBOURS, fingerprint, group_duplicates, look_same


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
