"""Tiles of images: what rules out that two are the same, and the part in which large images differ."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bearcat.data.comparison import TileMeans, find_oversize, look_same

PAGE = (720, 440)


def draw_page(
    path: Path, text: str, place: tuple[int, int] = (540, 208), size: tuple[int, int] = PAGE, **options
) -> Path:
    """Writes a screenshot of a page that is always the same but for a small captcha."""
    page = Image.new("RGB", size, "#f6f7f9")
    draw = ImageDraw.Draw(page)
    for line in range(20, size[1], 40):
        draw.text((30, line), "the quick brown fox jumps over the lazy dog", fill="#444", font_size=18)
    draw.text(place, text, fill="black", font_size=26)
    page.save(path, **options)
    return path


def test_tile_means_rule_out_only_what_differs(tmp_path: Path):
    rng = np.random.default_rng(0)
    pages = [draw_page(tmp_path / f"{text}.png", text) for text in ("1000", "1001", "ab3d", "ab3b")]
    pages.append(draw_page(tmp_path / "again.jpg", "1000", quality=70))
    for number in range(4):
        noise = rng.integers(0, 256, (40, 120, 3), np.uint8) // (number + 1)
        pages.append(tmp_path / f"noise{number}.png")
        Image.fromarray(noise).save(pages[-1])
    means = {path: TileMeans.of_file(path) for path in pages}
    ruled_out = {pair for pair in combinations(pages, 2) if means[pair[0]].rules_out(means[pair[1]])}
    same = {pair for pair in combinations(pages, 2) if look_same(*pair)}
    assert same == {(pages[0], pages[4])}
    assert not same & ruled_out
    assert len(ruled_out) > len(means)


def test_the_means_of_a_huge_image_are_few(tmp_path: Path):
    Image.new("RGB", (3000, 2000)).save(tmp_path / "a.png")
    means = TileMeans.of_file(tmp_path / "a.png")
    assert means.means.nbytes <= 4 * 3 * 24_000
    assert TileMeans.of_file(tmp_path / "none.png") is None


def test_the_only_part_in_which_screenshots_differ_is_found(tmp_path: Path):
    pages = [draw_page(tmp_path / f"{number}.png", f"{number:04}") for number in range(1000, 9000, 1100)]
    found = find_oversize(pages)
    assert found.size == PAGE
    left, top, right, bottom = found.box
    assert 520 < left < right < 620
    assert 200 <= top < bottom < 250
    assert "720×440" in found.text
    assert found.todo.startswith("crop them")


@pytest.mark.parametrize("kind", ["moving", "few"])
def test_large_images_without_a_fixed_part_are_only_large(tmp_path: Path, kind: str):
    places = [
        (20 + 80 * n, 20 + 50 * n) if kind == "moving" else (540, 208) for n in range(8 if kind == "moving" else 4)
    ]
    pages = [draw_page(tmp_path / f"{n}.png", str(n), place) for n, place in enumerate(places)]
    found = find_oversize(pages)
    assert found.box is None
    assert "far larger than captchas" in found.text
    assert found.todo.startswith("if the captcha fills only a part")


def test_captchas_are_not_too_large(tmp_path: Path):
    pages = [draw_page(tmp_path / f"{n}.png", str(n), (20, 20), (640, 480)) for n in range(8)]
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert find_oversize(pages) is None
    assert find_oversize([tmp_path / "broken.png"]) is find_oversize([]) is None
