"""The measuring sets of kinds that the pretrained weights never saw: reproducible, labelled, and of held-out fonts."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.fonts import fonts_with, system_fonts
from benchmarks.unseen_kinds import __main__ as command
from benchmarks.unseen_kinds.archives import draw_archive, draw_one
from benchmarks.unseen_kinds.canvas import Canvas, glyph
from benchmarks.unseen_kinds.fonts import FAMILIES, find_families
from benchmarks.unseen_kinds.kinds import SETS
from pretraining.fonts import is_held_out


@pytest.fixture(scope="module")
def upright() -> Path:
    found = fonts_with("AJ29", system_fonts())
    if not found:
        pytest.skip("needs a font of the system (Debian: apt-get install fonts-dejavu)")
    return found[0]


@pytest.mark.parametrize("name", SETS)
def test_an_image_depends_on_its_number_alone(name: str, upright: Path):
    fonts = fonts_with(SETS[name].characters, system_fonts())[:3]
    if not fonts:
        pytest.skip(f"needs a font with {SETS[name].characters[:10]}")
    first, again, other = (draw_one(SETS[name], fonts, number) for number in (3, 3, 4))
    assert first == again != other
    low, high = SETS[name].lengths
    assert low <= len(first[0]) <= high
    assert np.asarray(Image.open(io.BytesIO(first[1])).convert("L")).std() > 3


def test_both_sets_of_the_pair_show_the_same_images(upright: Path):
    (drawn, pixels), (folded, same) = (draw_one(SETS[name], [upright], 0) for name in ("case_as_drawn", "case_folded"))
    assert pixels == same
    assert folded == drawn.lower() != drawn


def test_an_archive_has_labelled_files_of_both_splits(tmp_path: Path, upright: Path):
    draw_archive(tmp_path / "staggered.zip", "staggered", [upright], train=2, test=1)
    with zipfile.ZipFile(tmp_path / "staggered.zip") as archive:
        assert [name.partition("/")[0] for name in archive.namelist()] == ["train", "train", "test"]
        assert all(len(Path(name).stem.partition("_")[0]) == 6 for name in archive.namelist())


def test_fonts_are_held_out_of_pretraining(tmp_path: Path):
    for starts, _ in FAMILIES.values():
        for start in starts:
            (tmp_path / f"{start}x.ttf").touch()
            (tmp_path / f"{start}Thin.ttf").touch()
    found = find_families(tmp_path)
    assert [len(found[name]) for name in FAMILIES] == [len(starts) for starts, _ in FAMILIES.values()]
    assert all(is_held_out(path) for paths in found.values() for path in paths)


def test_sets_without_fonts_are_skipped_and_kept_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    monkeypatch.setattr(command, "draw_archive", lambda path, name, fonts: path.touch())
    (tmp_path / "fonts").mkdir()
    (tmp_path / "fonts" / "Lato-Bold.ttf").touch()
    (tmp_path / "staggered.zip").touch()
    names = ["bengali", "outlines", "staggered"]
    assert command.draw_missing(tmp_path, names, tmp_path / "fonts") == ["outlines", "staggered"]
    assert "bengali is skipped: its fonts are not installed (Debian: fonts-beng-extra" in capsys.readouterr().out


def test_what_is_painted_beyond_the_canvas_is_cut_off():
    canvas = Canvas.plain(4, 3, 255, np.random.default_rng(0))
    canvas.paint(np.ones((2, 2), np.float32), -1, -1, (0, 0, 0))
    canvas.paint(np.ones((2, 2), np.float32), 9, 9, (0, 0, 0))
    assert (canvas.pixels[..., 0] == 0).sum() == 1


def test_a_glyph_is_cut_out_and_an_outline_is_hollow(upright: Path):
    whole, ring = glyph("I", upright, 60), glyph("I", upright, 60, ring=2.0)
    assert whole[0].max() > 0.1 and whole[-1].max() > 0.1
    assert ring.mean() < whole.mean()
