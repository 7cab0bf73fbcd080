"""Images that no step reads are found on all levels, with the reason."""

from pathlib import Path

import pytest
from PIL import Image

from bearcat.core.files import atomic_write
from bearcat.data.labels.left_out import DEEPER, FORMAT, HIDDEN, SUB_FOLDER, SUFFIX, files_left_out
from bearcat.data.labels.listing import list_images
from tests.helpers.label_files import put


def put_image(path: Path, form: str = "PNG") -> None:
    """Writes an image, whatever its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        Image.new("RGB", (8, 6)).save(file, form)


def left_out(folder: Path) -> dict[str, tuple[str, ...]]:
    return {one.reason: one.names for one in files_left_out(folder)}


def test_nothing_is_left_out_of_what_is_read(tmp_path: Path):
    put(tmp_path, "ab_1.png", ".5042_1.png", "cat/1.jpg", "cat/.3_1.gif", "a_1.tiff", "a_1.jfif")
    put(tmp_path, "labels.csv", "ab_1.xml", "notes", ".DS_Store", "Thumbs.db", "data.zip")
    assert files_left_out(tmp_path) == files_left_out(tmp_path / "absent") == []
    assert len(list_images(tmp_path)) == 6


def test_images_more_than_one_folder_deep_are_left_out(tmp_path: Path):
    put(tmp_path, "cat/1.png", "shapes/square/1.png", "shapes/a/b/c/2.svg", "shapes/square/notes.txt", "shapes/3.png")
    assert left_out(tmp_path) == {DEEPER: ("shapes/a/b/c/2.svg", "shapes/square/1.png")}
    (one,) = files_left_out(tmp_path)
    assert str(one).startswith(f"{tmp_path.name}: 2 images more than one folder deep are left out: shapes/a/b/c/2.svg,")
    assert f"up into {tmp_path.name}" in str(one)


def test_a_set_whose_sub_folders_are_not_read_leaves_out_all_of_their_images(tmp_path: Path):
    put(tmp_path, "ab_1.png", "ab_2.svg", "cat/1.png", "cat/a/b/2.png", "cat/3.svg", "cat/._4.png", "cat/notes.txt")
    found = files_left_out(tmp_path, with_sub_folders=False)
    names = ("cat/1.png", "cat/3.svg", "cat/a/b/2.png")
    assert {one.reason: one.names for one in found} == {SUB_FOLDER: names, FORMAT: ("ab_2.svg",)}
    assert str(found[0]).startswith(f"{tmp_path.name}: 3 images in sub-folders are left out: cat/1.png,")
    assert str(found[0]).endswith(f"; move them up into {tmp_path.name}")


def test_formats_that_are_not_read_are_left_out(tmp_path: Path):
    put(tmp_path, "ab_1.svg", "cat/1.HEIC", "cat/2.avif", "cat/3.tga", "cat/1.txt")
    assert left_out(tmp_path) == {FORMAT: ("ab_1.svg", "cat/1.HEIC", "cat/2.avif", "cat/3.tga")}


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF"])
def test_an_image_without_an_image_suffix_is_known_by_its_content(tmp_path: Path, form: str):
    put_image(tmp_path / "ab_1.php", form)
    put_image(tmp_path / "cat" / "1", form)
    (tmp_path / "note").write_bytes(b"BMW is no image")
    assert left_out(tmp_path) == {SUFFIX: ("ab_1.php", "cat/1")}


def test_hidden_images_are_left_out_and_other_hidden_files_do_not_count(tmp_path: Path):
    put_image(tmp_path / ".old.png")
    put_image(tmp_path / ".3+4=_1.png")
    put_image(tmp_path / "cat" / ".trashed-1700-1_1.png")
    put_image(tmp_path / ".ipynb_checkpoints" / "ab_1.png")
    put_image(tmp_path / "cat" / ".git" / "ab_1.png")
    put(tmp_path, "._ab_1.png", ".ab_2.png.icloud", ".DS_Store")
    assert left_out(tmp_path) == {HIDDEN: (".3+4=_1.png", ".old.png", "cat/.trashed-1700-1_1.png")}
    assert list_images(tmp_path) == []


@pytest.mark.parametrize("name", ["ab_1.png", "5042_000.png", ".5042_000.png"])
def test_what_a_killed_write_leaves_behind_is_neither_read_nor_left_out(tmp_path: Path, name: str):
    with atomic_write(tmp_path / name) as part:
        put_image(part)
        left_behind = part.read_bytes()
    part.write_bytes(left_behind)
    assert list_images(tmp_path) == [tmp_path / name]
    assert files_left_out(tmp_path) == []


def test_links_do_not_lead_out_of_the_data_set(tmp_path: Path):
    put(tmp_path, "elsewhere/1.png", "elsewhere/deep/2.png", "train_dataset/cat/1.png")
    try:
        (tmp_path / "train_dataset" / "dog").symlink_to(tmp_path / "elsewhere")
        (tmp_path / "train_dataset" / "up").symlink_to(tmp_path)
    except OSError:
        pytest.skip("needs the right to make links")
    assert files_left_out(tmp_path / "train_dataset") == []
    assert len(list_images(tmp_path / "train_dataset")) == 2


def test_few_names_are_shown_and_escaped(tmp_path: Path):
    put(tmp_path, *(f"{number}\u202e.svg" for number in range(5)))
    (one,) = files_left_out(tmp_path)
    assert r": 0\u202e.svg, 1\u202e.svg, 2\u202e.svg, …; convert" in str(one)
