"""The index of a pack: its file format, and packs of earlier versions."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bearcat.core.errors import RecordError
from bearcat.core.storage import save_json
from bearcat.data.codecs import Task, make_codec
from bearcat.data.images import ImageKinds, InputSpec
from bearcat.data.tfrecord_index import (
    INDEX,
    TFRecordIndex,
    check_pack,
    check_replaceable,
    load_index,
    load_unlabelled_index,
    publish,
    remove_pack,
    shard_names,
)
from bearcat.data.vocabulary import Vocabulary

# as packs have always had it
VALUES = {
    "count": 2,
    "shards": ["pack-00000-of-00001.tfrecord"],
    "height": 16,
    "width": 32,
    "channels": 1,
    "characters": ["0", "1"],
    "unit": "character",
    "longest_label": 3,
    "steps_needed": {"ORDINARY": 3, "NUM_CLASSES": 1, "CTC": 5, "CTC_TINY": 5},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the index of a pack and an empty shard."""
    (tmp_path / VALUES["shards"][0]).touch()
    (tmp_path / INDEX).write_text(json.dumps(VALUES), encoding="utf-8")
    return tmp_path


def test_an_index_of_an_earlier_version_is_read_and_written_with_the_same_keys(folder: Path):
    index = load_index(folder)
    assert index.spec == InputSpec(16, 32, 1)
    assert index.task is Task.TEXT
    assert list(index.to_dict().items()) == list(VALUES.items())
    save_json(folder / INDEX, index.to_dict())
    assert json.loads((folder / INDEX).read_text(encoding="utf-8")) == VALUES


def test_the_kinds_of_the_images_are_part_of_the_index_if_they_are_known(folder: Path):
    index = replace(load_index(folder), kinds=ImageKinds(((40, 20),), ("grey",)))
    assert index.to_dict() == VALUES | {"image_sizes": [[40, 20]], "image_colours": ["grey"]}
    assert TFRecordIndex.from_dict(index.to_dict()) == index
    (folder / INDEX).write_text(json.dumps(VALUES | {"image_sizes": [[40]]}), encoding="utf-8")
    with pytest.raises(RecordError, match="damaged or of another version"):
        load_index(folder)


def test_the_frames_are_part_of_the_index_unless_it_is_the_first(folder: Path):
    index = replace(load_index(folder), spec=InputSpec(16, 32, 1, "last"))
    assert index.to_dict() == VALUES | {"frames": "last"}
    assert TFRecordIndex.from_dict(index.to_dict()) == index
    message = r"holds images of 16×32×1 \(FRAMES = 'last'\), the settings ask for 16×32×1:"
    with pytest.raises(RecordError, match=message):
        check_pack(folder, index, InputSpec(16, 32, 1), Vocabulary(("0", "1")), Task.TEXT)


def test_the_layout_is_part_of_the_index_unless_it_is_a_line(folder: Path):
    index = replace(load_index(folder), spec=InputSpec(16, 32, 1, layout="two_lines"))
    assert index.to_dict() == VALUES | {"layout": "two_lines"}
    assert TFRecordIndex.from_dict(index.to_dict()) == index
    with pytest.raises(RecordError, match=r"holds images of 16×32×1 \(LAYOUT = 'two_lines'\), the settings ask for"):
        check_pack(folder, index, InputSpec(16, 32, 1), Vocabulary(("0", "1")), Task.TEXT)


def test_the_index_of_labels_says_how_many_steps_they_need():
    codec = make_codec("CTC", Vocabulary(("0", "1")), 0)
    index = TFRecordIndex.for_labels(InputSpec(16, 32, 1), codec, ["01", "110"])
    expected = VALUES | {"count": 0, "shards": [], "steps_needed": VALUES["steps_needed"] | {"CTC": 4, "CTC_TINY": 4}}
    assert index.to_dict() == expected | {"shortest_label": 2}
    assert TFRecordIndex.from_dict(index.to_dict()) == index


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([], "'height' is missing"),
        ({name: value for name, value in VALUES.items() if name != "unit"}, "'unit' is missing"),
        (VALUES | {"unit": "word"}, "'word' is not a valid Task"),
        (VALUES | {"count": "2"}, "count must be int, not '2'"),
        (VALUES | {"height": None}, "height must be int, not None"),
        (VALUES | {"shards": [1]}, "shards must be list"),
        (VALUES | {"more": 1}, "more"),
    ],
)
def test_a_damaged_index_is_refused(folder: Path, values: object, message: str):
    (folder / INDEX).write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(RecordError, match=rf"is damaged or of another version \(.*{message}"):
        load_index(folder)


def test_publishing_deletes_what_the_new_index_does_not_name(folder: Path):
    new = shard_names("pack-new", 1)
    for name in (*new, "beam-new-count", "part-1-of-2.json", "Thumbs.db"):
        (folder / name).touch()
    (folder / "beam-temp-pack-new-1").mkdir()
    publish(folder, TFRecordIndex.from_dict(VALUES | {"shards": new}))
    assert {path.name for path in folder.iterdir()} == {*new, INDEX, "Thumbs.db"}


def test_files_of_earlier_and_interrupted_packings_may_be_deleted(folder: Path):
    for name in ("part-1-of-2.json", ".pack.part.json", "beam-temp-pack-1", "pack-1-of-2-ab12-00000.tfrecord"):
        (folder / name).touch()
    check_replaceable(folder)
    (folder / "mine.tfrecord").touch()
    with pytest.raises(RecordError, match=r"holds mine\.tfrecord"):
        check_replaceable(folder)


def test_the_order_of_symbols_is_part_of_the_index_unless_it_is_that_of_the_labels(folder: Path):
    vocabulary = Vocabulary(("1", "א", "ב"), "rtl")
    index = TFRecordIndex.for_labels(InputSpec(16, 32, 1), make_codec("CTC", vocabulary, 0), ["אאב"])
    assert index.to_dict()["direction"] == "rtl"
    assert (index.longest_label, index.steps_needed["CTC"]) == (3, 4)
    assert TFRecordIndex.from_dict(index.to_dict()) == index
    earlier = replace(index, direction="")
    with pytest.raises(RecordError, match="symbols had another order than in the other pack"):
        check_pack(folder, earlier, InputSpec(16, 32, 1), vocabulary, Task.TEXT)


def test_the_pack_of_images_without_labels_may_be_absent_and_fits_the_input_whatever_the_vocabulary(folder: Path):
    assert load_unlabelled_index(folder, InputSpec(16, 32, 1)) == load_index(folder)
    assert load_unlabelled_index(folder / "absent", InputSpec(16, 32, 1)) is None
    with pytest.raises(RecordError, match=r"holds images of 16×32×1, the settings ask for 16×32×3: run python pack_"):
        load_unlabelled_index(folder, InputSpec(16, 32, 3))
    (folder / VALUES["shards"][0]).unlink()
    with pytest.raises(RecordError, match=f"lacks {VALUES['shards'][0]}"):
        load_unlabelled_index(folder, InputSpec(16, 32, 1))


def test_only_what_packing_wrote_is_removed(folder: Path):
    (folder / "mine.png").touch()
    remove_pack(folder)
    assert [path.name for path in folder.iterdir()] == ["mine.png"]
    remove_pack(folder)
    remove_pack(folder / "absent")
