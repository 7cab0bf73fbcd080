"""Packing: the vocabulary of labels, checks before packing, and edits of Image_Processing that reach the records."""

import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import BlankImageError, DataError, ImageError, LabelError, SettingsError
from bearcat.core.workspace import create_work
from bearcat.data.codecs import TEXT_CODECS, make_codec
from bearcat.data.images import ImageKinds, InputSpec, Source, extract_pixels
from bearcat.data.labels.reading import LabelledImage, label_of_name, labelled_images
from bearcat.data.packing import Packer, load_boxed_splits, shuffled, vocabulary_for
from bearcat.data.tfrecords import read_records
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES
from tests.helpers.animations import save_animation
from tests.helpers.images import draw_bar
from utils import Image_Processing

SPEC = InputSpec(8, 12, 1)
TEXT, CLASSES = TEXT_CODECS["CTC"], TEXT_CODECS["NUM_CLASSES"]


class Inverted:
    """An edited Image_Processing: white is black, and labels are in capitals."""

    @staticmethod
    def extraction_image(source: Source, spec: InputSpec) -> np.ndarray:
        return 255 - extract_pixels(source, spec)

    @staticmethod
    def extraction_data(folder: Path, label_folder: Path | None = None) -> list[LabelledImage]:
        return labelled_images(folder, lambda path: label_of_name(path).upper())


def items(*labels: str) -> list[LabelledImage]:
    return [LabelledImage(Path(f"{label}_{number}.png"), label) for number, label in enumerate(labels)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two images with a bar and a damaged one."""
    folder = tmp_path / "train_dataset"
    folder.mkdir()
    for name in ("ab_1.png", "b_2.png"):
        draw_bar(folder, name, (12, 8))
    (folder / "a_3.png").write_bytes(b"damaged")
    return folder


def test_pixels_and_labels_are_those_of_image_processing(folder: Path, tmp_path: Path):
    data = Inverted.extraction_data(folder)
    packer = Packer(SPEC, make_codec("CTC", Vocabulary(("A", "B")), 0), Inverted)
    packer.check(data)
    index = packer.write(data, tmp_path / "pack", seed=0)
    assert (index.count, index.spec, index.characters, index.longest_label) == (2, SPEC, ["A", "B"], 2)
    (batch,) = read_records(tmp_path / "pack", index)
    assert sorted(label.decode() for label in batch["label"]) == ["AB", "B"]
    for name, pixels in zip(batch["file"], batch["image"], strict=True):
        np.testing.assert_array_equal(pixels, 255 - extract_pixels(folder / name.decode(), SPEC))
    assert len(packer.damaged) == 1
    assert "a_3.png" in packer.damaged[0]
    assert index.kinds == ImageKinds(((12, 8),), ("grey",))


def test_a_damaged_image_has_no_record(folder: Path):
    packer = Packer(SPEC, make_codec("CTC", Vocabulary(("a", "b")), 0), Inverted)
    with pytest.raises(ImageError, match=r"a_3\.png"):
        packer.record(LabelledImage(folder / "a_3.png", "a"))


def test_a_blank_image_is_no_text_but_may_be_a_class(folder: Path, tmp_path: Path):
    Image.new("RGB", (9, 5), "#ddd").save(folder / "a_4.png")
    save_animation(folder / "b_5.gif", [Image.new("RGB", (12, 8), "white"), Image.open(folder / "ab_1.png")])
    data = labelled_images(folder)
    vocabulary = Vocabulary(("a", "ab", "b"))
    texts = Packer(SPEC, make_codec("CTC", vocabulary, 0), Image_Processing)
    assert texts.write(data, tmp_path / "texts", seed=0).count == 2
    _, blank, animated = sorted(texts.damaged)
    assert "a_4.png is blank" in blank
    assert re.search(r"b_5\.gif is blank: .* with FRAMES = 'first', but it has 2 frames: python cheak_file", animated)
    classes = Packer(SPEC, make_codec("NUM_CLASSES", vocabulary, 0), Image_Processing)
    assert classes.write(data, tmp_path / "classes", seed=0).count == 4
    assert sorted(path.name for path in classes.blank) == ["a_4.png", "b_5.gif"]
    texts = Packer(replace(SPEC, frames="darkest"), make_codec("CTC", vocabulary, 0), Image_Processing)
    assert texts.write(data, tmp_path / "texts", seed=0).count == 3


@pytest.mark.parametrize("mode", ["CTC", "ORDINARY", "NUM_CLASSES"])
def test_an_image_without_a_label_has_no_target_and_must_show_something(folder: Path, tmp_path: Path, mode: str):
    Image.new("RGB", (12, 8), "#ddd").save(folder / "a_4.png")
    packer = Packer(SPEC, make_codec(mode, Vocabulary(("a", "b")), 2), Image_Processing)
    data = [LabelledImage(path, "") for path in sorted(folder.glob("*.png"))]
    index = packer.write(data, tmp_path / "pack", seed=0)
    assert (index.count, index.longest_label, index.shortest_label) == (2, 0, 0)
    (batch,) = read_records(tmp_path / "pack", index)
    assert not batch["target"].any()
    assert set(batch["label"]) == {b""}
    damaged, blank = sorted(packer.left_out, key=str)
    assert "a_3.png is not in a supported format" in str(damaged)
    assert isinstance(blank, BlankImageError)
    assert not packer.blank


def test_columns_of_right_to_left_texts_are_refused():
    vocabulary = Vocabulary(("א", "ב"), "rtl")
    packer = Packer(replace(SPEC, layout="vertical"), make_codec("CTC", vocabulary, 0), Image_Processing)
    with pytest.raises(SettingsError, match=r"LAYOUT = 'vertical' is not for right-to-left texts, .* LAYOUT = 'line'"):
        packer.check(items("אב"))
    Packer(SPEC, make_codec("CTC", vocabulary, 0), Image_Processing).check(items("אב"))


def test_boxes_see_the_frames_together_and_blank_images_without_objects_are_right(works: Path):
    work = create_work(works, "boxes")
    work.make_folders()
    for split in ("train", "validation"):
        folder = work.data_folder(split)
        draw_bar(folder, "bar.png", (16, 12))
        Image.new("RGB", (16, 12), "#ccc").save(folder / "nothing.png")
        Image.new("RGB", (16, 12), "#ccc").save(folder / "blank.png")
        save_animation(folder / "late.gif", [Image.new("RGB", (16, 12), "white"), Image.open(folder / "bar.png")])
        for name in ("bar", "blank", "late"):
            (folder / f"{name}.txt").write_text("0 0.5 0.5 0.4 0.4\n", encoding="utf-8")
        (folder / "nothing.txt").touch()
        (folder / "classes.txt").write_text("bar\n", encoding="utf-8")
    codec = MODES["EFFICIENTDET"].codec
    for frames, kept in (("first", ["bar", "nothing"]), ("darkest", ["bar", "late", "nothing"])):
        data, _, left_out = load_boxed_splits(work, Image_Processing, codec, frames=frames)
        assert [item.path.stem for item in data["train"]] == kept
        assert len(left_out) == 2 * (4 - len(kept))
        assert all("is blank" in message for message in left_out)


def test_an_image_that_an_edited_extraction_empties_is_named(folder: Path):
    def whiten(source: Source, spec: InputSpec) -> np.ndarray:
        return extract_pixels(source, spec) | 255

    packer = Packer(SPEC, make_codec("CTC", Vocabulary(("a",)), 0), SimpleNamespace(extraction_image=whiten))
    with pytest.raises(ImageError, match=r"ab_1\.png is blank: .* after Image_Processing\.extraction_image"):
        packer.record(LabelledImage(folder / "ab_1.png", "a"))


def test_packing_only_damaged_images_keeps_the_old_pack(folder: Path, tmp_path: Path):
    packer = Packer(SPEC, make_codec("CTC", Vocabulary(("A", "B")), 0), Inverted)
    data = Inverted.extraction_data(folder)
    packer.write(data, tmp_path / "pack", seed=0)
    before = {path.name: path.read_bytes() for path in (tmp_path / "pack").iterdir()}
    with pytest.raises(DataError, match=rf"no image for {tmp_path / 'pack'} could be read"):
        packer.write([item for item in data if item.path.name == "a_3.png"], tmp_path / "pack", seed=0)
    assert {path.name: path.read_bytes() for path in (tmp_path / "pack").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_longest_labels_are_checked_first():
    packer = Packer(SPEC, make_codec("ORDINARY", Vocabulary(("a", "b")), 2), Inverted)
    packer.check(items("ab", "b"))
    with pytest.raises(LabelError, match=r"abba_1\.png.*CAPTCHA_LENGTH = 4"):
        packer.check(items("aba", "abba"))


def test_the_order_depends_on_the_seed_alone():
    data = items(*"abcdefgh")
    assert shuffled(data, 1) == shuffled(data, 1) != shuffled(data, 2)
    assert sorted(item.label for item in shuffled(data, 1)) == list("abcdefgh")


def test_a_vocabulary_is_made_kept_extended_or_renewed(tmp_path: Path):
    file = tmp_path / "num_classes.json"
    assert vocabulary_for(items("ba", "ab"), file, TEXT).characters == ("a", "b")
    assert vocabulary_for(items("ba", "ab"), file, CLASSES).characters == ("ab", "ba")
    Vocabulary(("b", "a")).save(file)
    assert vocabulary_for(items("ab", "ba"), file, TEXT).characters == ("b", "a")
    assert vocabulary_for(items("ab", "c"), file, TEXT, extend=True).characters == ("b", "a", "c")
    assert vocabulary_for(items("ab", "ba"), file, TEXT, renew=True).characters == ("a", "b")


def test_labels_that_do_not_fit_the_vocabulary_are_refused_with_an_example(tmp_path: Path):
    file = tmp_path / "num_classes.json"
    Vocabulary(("a",)).save(file)
    with pytest.raises(LabelError, match=r"(?s)new: b\).*for example ab_1\.png.*--extend.*--renew"):
        vocabulary_for(items("a", "ab"), file, TEXT)
    with pytest.raises(DataError, match="all labels are empty"):
        vocabulary_for(items(""), file, TEXT)


def test_the_direction_is_that_of_all_texts(tmp_path: Path):
    file, data = tmp_path / "num_classes.json", items("אב", "12")
    assert vocabulary_for(data, file, TEXT) == Vocabulary(("1", "2", "א", "ב"), "rtl")
    vocabulary_for(data, file, TEXT).save(file)
    assert vocabulary_for(data, file, TEXT).direction == "rtl"
    assert vocabulary_for(items("ab", "12"), file, TEXT, renew=True).direction == ""
    assert vocabulary_for(data, file, CLASSES, renew=True).direction == ""
