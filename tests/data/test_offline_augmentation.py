"""Offline augmentation: small changes, never mirrored, repeatable, and the original stays unchanged."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageOps

from bearcat.core.errors import ImageError
from bearcat.data import offline_augmentation
from bearcat.data.labels.reading import label_of_name, list_images
from bearcat.data.offline_augmentation import BRIGHTNESS, CONTRAST, SHIFT_X, augment, is_augmented, write_copies

COPIES = 30


def draw_image(width: int = 60, height: int = 40, ink: str = "#204080", paper: str = "#f0e8d8") -> Image.Image:
    """Returns an image of an asymmetric shape, an F with a dot beside its foot, away from the edges."""
    image = Image.new("RGB", (width, height), paper)
    drawer = ImageDraw.Draw(image)
    for box in ((0.3, 0.2, 0.4, 0.8), (0.3, 0.2, 0.65, 0.32), (0.3, 0.45, 0.55, 0.57), (0.6, 0.7, 0.7, 0.8)):
        drawer.rectangle([round(part * side) for part, side in zip(box, (width, height) * 2, strict=True)], ink)
    return image


def make_copies(image: Image.Image, count: int = COPIES) -> list[Image.Image]:
    """Returns augmented images, one per seed."""
    return [augment(image, np.random.default_rng(seed)) for seed in range(count)]


def correlation(one: Image.Image, other: Image.Image) -> float:
    """Returns the correlation of two images' grey levels at the shift with the highest one."""
    levels = [np.asarray(image.convert("L"), float) for image in (one, other)]
    first, second = (np.fft.fft2((grey - grey.mean()) / grey.std()) for grey in levels)
    return float(np.fft.ifft2(first * second.conj()).real.max() / levels[0].size)


def ink_centre(image: Image.Image) -> np.ndarray:
    """Returns the centre of gravity (x, y) of the dark pixels."""
    grey = np.asarray(image.convert("L"), float)
    rows, columns = np.nonzero(grey < (grey.min() + grey.max()) / 2)
    return np.array([columns.mean(), rows.mean()])


def write_source(folder: Path, name: str = "ab3d_0001.png") -> Path:
    """Writes an image to augment."""
    folder.mkdir(exist_ok=True)
    draw_image().save(folder / name)
    return folder / name


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Returns file name → content."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_pixels_depend_on_the_seed():
    first, again = make_copies(draw_image()), make_copies(draw_image())
    contents = [image.tobytes() for image in first]
    assert contents == [image.tobytes() for image in again]
    assert len(set(contents)) == COPIES


@pytest.mark.parametrize("size", [(4, 4), (60, 40), (41, 90), (400, 30), (7, 300)])
def test_size_and_mode_stay_and_the_given_image_is_not_changed(size: tuple[int, int]):
    image = draw_image(*size)
    before = image.tobytes()
    for copy in make_copies(image, 4):
        assert (copy.size, copy.mode) == (size, "RGB")
    assert image.tobytes() == before


@pytest.mark.parametrize("size", [(60, 40), (200, 50), (40, 60)])
def test_no_copy_is_a_mirror_image(size: tuple[int, int]):
    image = draw_image(*size)
    mirrors = [ImageOps.mirror(image), ImageOps.flip(image), image.rotate(180)]
    for copy in make_copies(image):
        assert correlation(copy, image) > max(correlation(copy, mirror) for mirror in mirrors) + 0.05


def test_a_mirror_image_would_be_detected():
    image = draw_image()
    assert correlation(ImageOps.mirror(image), image) < correlation(image, image) - 0.3


def test_pixels_from_outside_repeat_the_edge(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(offline_augmentation, "NOISE", 0.0)
    for paper in ("white", "black", "#c00000"):
        for copy in make_copies(Image.new("RGB", (50, 30), paper)):
            assert len(copy.getcolors()) == 1


def test_brightness_changes_within_the_limits_in_both_directions(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(offline_augmentation, "NOISE", 0.0)
    paper = np.array([np.asarray(copy)[0, 0, 0] for copy in make_copies(Image.new("RGB", (20, 20), (160,) * 3))], int)
    assert abs(paper - 160).max() <= BRIGHTNESS + CONTRAST * (160 - 127.5) + 1
    assert paper.min() < 160 - BRIGHTNESS / 2
    assert paper.max() > 160 + BRIGHTNESS / 2


def test_the_shape_moves_but_not_far():
    image = draw_image(100, 60)
    drift = np.array([ink_centre(copy) - ink_centre(image) for copy in make_copies(image)])
    assert drift.std(axis=0).min() > 0.5
    assert np.abs(drift).max() < 100 * SHIFT_X + 5


@pytest.mark.parametrize("size", [(600, 30), (30, 600)])
def test_the_ends_of_a_long_line_stay_inside(size: tuple[int, int]):
    width, height = size
    image = Image.new("RGB", size, "white")
    drawer = ImageDraw.Draw(image)
    marks = [(0.15, 0.5), (0.85, 0.5)] if width > height else [(0.5, 0.15), (0.5, 0.85)]
    for x, y in marks:
        drawer.rectangle((x * width - 4, y * height - 4, x * width + 4, y * height + 4), "black")
    for copy in make_copies(image):
        dark = np.asarray(copy.convert("L")) < 128
        ends = (dark[:, : width // 2], dark[:, width // 2 :]) if width > height else np.split(dark, 2)
        assert min(end.sum() for end in ends) > 45  # of 81 pixels, some lost to a smaller scale


@pytest.mark.parametrize(("ink", "grey"), [("#404040", True), ("#c02020", False)])
def test_grey_stays_grey_and_colour_stays_colour(ink: str, grey: bool):
    image = draw_image(ink=ink, paper="#e0e0e0")
    for copy in make_copies(image):
        pixels = np.asarray(copy, int)
        assert (np.ptp(pixels, axis=2).max() == 0) == grey
        if not grey:
            reddest = np.ptp(pixels, axis=2).argmax()
            assert pixels.reshape(-1, 3)[reddest].argmax() == 0


def test_copies_have_the_label_and_name_of_the_original(tmp_path: Path):
    source = write_source(tmp_path, "ab3d_0001.png").rename(tmp_path / "ab3d_0001.jpg")
    copies = write_copies(source, tmp_path, 3, seed=0)
    assert [path.name for path in copies] == [f"ab3d_0001-jpg-enhanced-{k}.png" for k in (1, 2, 3)]
    assert {label_of_name(path) for path in copies} == {"ab3d"}
    assert list_images(tmp_path) == sorted([*copies, source])
    for path in copies:
        with Image.open(path) as copy:
            assert (copy.format, copy.size, copy.mode) == ("PNG", (60, 40), "RGB")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("中国结_31_7.png", "中国结_31_7-png-enhanced-1.png"),
        ("1+10=_a.b.png", "1+10=_a.b-png-enhanced-1.png"),
        ("{stem}_{0}.png", "{stem}_{0}-png-enhanced-1.png"),
        ("ab-enhanced_1.png", "ab-enhanced_1-png-enhanced-1.png"),
    ],
)
def test_labels_with_any_characters_are_kept(tmp_path: Path, name: str, expected: str):
    source = write_source(tmp_path, name)
    (copy,) = write_copies(source, tmp_path, 1, seed=0)
    assert copy.name == expected
    assert label_of_name(copy) == label_of_name(source)


def test_the_same_seed_and_name_give_the_same_bytes_in_any_folder_and_any_count(tmp_path: Path):
    sources = [write_source(tmp_path / name) for name in ("one", "two")]
    write_copies(sources[0], tmp_path / "one copies", 3, seed=5)
    write_copies(sources[1], tmp_path / "two copies", 1, seed=5)
    whole, part = bytes_in(tmp_path / "one copies"), bytes_in(tmp_path / "two copies")
    assert len(whole) == 3
    assert part.items() <= whole.items()


def test_copies_differ_from_each_other_and_with_the_seed_and_the_name(tmp_path: Path):
    sources = [write_source(tmp_path, name) for name in ("ab_1.png", "ab_2.png")]
    copies = [
        path.read_bytes()
        for source in sources
        for seed in (0, 1)
        for path in write_copies(source, tmp_path / str(seed), 3, seed)
    ]
    assert len(set(copies)) == len(copies) == 12


def test_the_original_is_not_changed(tmp_path: Path):
    source = write_source(tmp_path)
    before = source.read_bytes(), source.stat().st_mtime_ns
    write_copies(source, tmp_path, 3, seed=0)
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before


def test_a_second_run_writes_the_missing_copies_and_keeps_the_others(tmp_path: Path):
    source = write_source(tmp_path / "images")
    folder = tmp_path / "copies"
    copies = write_copies(source, folder, 3, seed=0)
    whole = bytes_in(folder)
    copies[1].unlink()
    copies[0].write_bytes(b"another")
    assert write_copies(source, folder, 3, seed=0) == copies
    assert bytes_in(folder) == whole | {copies[0].name: b"another"}


def test_a_copy_that_cannot_be_written_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    source = write_source(tmp_path)

    def save_half(image: Image.Image, path: Path):
        Path(path).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", save_half)
    with pytest.raises(OSError, match="disk full"):
        write_copies(source, tmp_path, 2, seed=0)
    assert list(tmp_path.iterdir()) == [source]


def test_a_copy_has_no_copies(tmp_path: Path):
    source = write_source(tmp_path)
    (copy,) = write_copies(source, tmp_path, 1, seed=0)
    assert is_augmented(copy)
    assert not is_augmented(source)
    assert write_copies(copy, tmp_path, 5, seed=0) == []
    assert list_images(tmp_path) == sorted([copy, source])


def test_a_count_of_0_writes_nothing(tmp_path: Path):
    assert write_copies(write_source(tmp_path), tmp_path / "copies", 0, seed=0) == []
    assert not (tmp_path / "copies").exists()


def test_a_damaged_original_is_named(tmp_path: Path):
    source = tmp_path / "ab_1.png"
    source.write_bytes(b"no image")
    with pytest.raises(ImageError, match=r"ab_1\.png"):
        write_copies(source, tmp_path, 1, seed=0)
    assert list(tmp_path.iterdir()) == [source]
