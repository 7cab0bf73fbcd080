"""Which images trials learn from and are tested on, and what a trial's work holds."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from bearcat.core.errors import DataError, SettingsError
from bearcat.core.workspace import Work, create_work
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import LabelledImage, read_labels
from bearcat.data.vocabulary import Vocabulary
from bearcat.strength import samples
from bearcat.strength.samples import (
    Case,
    Samples,
    case_of,
    check_mode,
    digest_of,
    draw_labelled,
    load_samples,
    make_trial_work,
    tell_characters,
)
from utils import Image_Processing

SETTINGS = SimpleNamespace(MODE="CTC", IGNORE_CASE=False, SEED=0)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """A work with 12 images to learn from, 2 of them for validation, and 4 to test on."""
    work = create_work(tmp_path, "work", activate=False)
    work.make_folders()
    for split, count in (("train", 10), ("validation", 2), ("test", 4)):
        for number in range(count):
            image = f"{split}{number}".encode()
            (work.data_folder(split) / f"{split[0]}{number}B_{number}.png").write_bytes(image)
    return work


def labels(images: list[LabelledImage]) -> list[str]:
    return [item.label for item in images]


def with_labels(*texts: str) -> Samples:
    return Samples([LabelledImage(Path(f"{text}.png"), text) for text in texts], [])


def test_training_and_validation_images_are_learned_from_and_the_others_tested(work: Work):
    found = load_samples(work, SETTINGS, Image_Processing)
    assert labels(found.pool) == [*(f"t{number}B" for number in range(10)), "v0B", "v1B"]
    assert labels(found.tested) == [f"t{number}B" for number in range(4)]
    folded = load_samples(work, SimpleNamespace(**vars(SETTINGS) | {"IGNORE_CASE": True}), Image_Processing)
    assert labels(folded.tested)[0] == "t0b"


def test_a_work_needs_no_validation_images(work: Work):
    for path in work.data_folder("validation").iterdir():
        path.unlink()
    assert len(load_samples(work, SETTINGS, Image_Processing).pool) == 10


def test_images_that_are_learned_from_are_not_tested(work: Work):
    content = {path: path.read_bytes() for path in list_images(work.data_folder("test"))}
    first, *others = content
    (work.data_folder("validation") / "copy_9.png").write_bytes(content[first])
    found = load_samples(work, SETTINGS, Image_Processing)
    assert ([item.path for item in found.tested], found.seen) == (others, 1)
    for number, path in enumerate(others):
        (work.data_folder("train") / f"copy_{number}.png").write_bytes(content[path])
    with pytest.raises(DataError, match="test_dataset are in train_dataset or validation_dataset too"):
        load_samples(work, SETTINGS, Image_Processing)


def test_some_of_many_images_are_tested_the_same_each_time(work: Work, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(samples, "MOST_TESTED", 3)
    tested = load_samples(work, SETTINGS, Image_Processing).tested
    assert len({item.path for item in tested}) == 3
    assert load_samples(work, SETTINGS, Image_Processing).tested == tested


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("train", "train_dataset holds no images: put labelled ones there, or label some: python app.py --label"),
        ("test", "test_dataset holds no images, and readers are tested on unseen ones: python move_path.py takes some"),
    ],
)
def test_the_message_says_which_step_is_missing(work: Work, split: str, message: str):
    for name in {split, "validation"}:
        for path in work.data_folder(name).iterdir():
            path.unlink()
    with pytest.raises(DataError, match=message):
        load_samples(work, SETTINGS, Image_Processing)


@pytest.mark.parametrize("mode", ["EFFICIENTDET", "NUM_CLASSES"])
def test_only_modes_of_texts_are_measured(mode: str):
    check_mode(SETTINGS)
    with pytest.raises(SettingsError, match=f"MODE = '{mode}' predicts no texts.*one of ORDINARY, CTC, CTC_TINY"):
        check_mode(SimpleNamespace(MODE=mode))


def test_a_draw_of_more_labels_contains_that_of_fewer(work: Work):
    pool = load_samples(work, SETTINGS, Image_Processing).pool
    few, more = (draw_labelled(pool, count, 0, 0) for count in (4, 8))
    assert more[:4] == few
    assert len({item.path for item in more}) == 8
    assert draw_labelled(pool, 4, 1, 0) != few != draw_labelled(pool, 4, 0, 1)
    assert draw_labelled(pool, 0, 0, 0) == []


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (("1B", "2C3"), Restriction("123BCbc", "2-3")),  # one case: the images may show the other
        (("1b", "2C3"), Restriction("123Cb", "2-3")),
        (("straße",), Restriction("AERSTaerstß", "6-6")),
        (("a" * 65,), Restriction("Aa")),
        (tuple(map(chr, range(0x4E00, 0x4E00 + 1025))), Restriction(length="1-1")),
    ],
)
def test_the_pretrained_weights_are_told_characters_and_lengths(texts: tuple[str, ...], told: Restriction):
    assert with_labels(*texts).told() == told


@pytest.mark.parametrize(
    ("texts", "case"), [(("12",), Case.NONE), (("a1", "b2"), Case.SAME), (("a1", "B2"), Case.DIFFERENT)]
)
def test_what_upper_and_lower_case_count_as(texts: tuple[str, ...], case: Case):
    assert case_of(texts) is case


def test_characters_and_lengths_are_those_of_all_labels():
    found = Samples([LabelledImage(Path("1.png"), "ab")], [LabelledImage(Path("2.png"), "cbd")])
    assert (found.characters, found.lengths) == ("abcd", (2, 3))


@pytest.mark.parametrize(("count", "held_out"), [(10, 2), (1, 1), (12, 2), (0, 0)])
def test_a_trial_gets_copies_with_their_labels(work: Work, count: int, held_out: int):
    found = load_samples(work, SETTINGS, Image_Processing)
    chosen = draw_labelled(found.pool, count, 0, 0)
    path = work.folder("report") / "strength" / "trial"
    made = make_trial_work(work, path, found, chosen)
    made = make_trial_work(work, path, found, chosen)  # replaces it
    splits = {split: read_labels(made.data_folder(split))[0] for split in ("train", "validation", "test")}
    assert labels(splits["validation"]) == labels(chosen[:held_out])
    assert labels(splits["train"]) == labels(chosen[held_out:])
    assert labels(splits["test"]) == labels(found.tested)
    assert [item.path.read_bytes() for item in splits["test"]] == [b"test0", b"test1", b"test2", b"test3"]
    assert made.settings_file.read_text(encoding="utf-8") == work.settings_file.read_text(encoding="utf-8")
    assert "".join(Vocabulary.load(made.vocabulary_file).characters) == found.characters
    assert len(list_images(work.data_folder("train"))) == 10


def test_labels_that_a_table_needs_quotes_for_are_kept(work: Work):
    texts = ['a,"b', "007", "3+4=", "你好"]
    items = [LabelledImage(path, text) for path, text in zip(list_images(work.data_folder("test")), texts, strict=True)]
    made = make_trial_work(work, work.folder("report") / "trial", Samples([], items), [])
    assert labels(read_labels(made.data_folder("test"))[0]) == texts


def test_the_characters_of_a_trial_are_folded_as_its_labels_are(work: Work):
    tell_characters(work, ["aB", "b1"], ignore_case=True)
    assert Vocabulary.load(work.vocabulary_file).characters == ("1", "a", "b")


def test_a_digest_changes_with_settings_images_and_toolkit(work: Work, monkeypatch: pytest.MonkeyPatch):
    def digest(seed: int = 0) -> str:
        return digest_of(work, load_samples(work, SETTINGS, Image_Processing), vars(SETTINGS) | {"SEED": seed})

    seen = [digest()]
    assert digest() == seen[0]
    seen.append(digest(seed=1))
    (work.data_folder("train") / "new_1.png").write_bytes(b"new")
    seen.append(digest())
    os.utime(work.data_folder("test") / "t0B_0.png", (1, 1))
    seen.append(digest())
    monkeypatch.setattr(samples, "fingerprint", lambda path: "other weights")
    seen.append(digest())
    monkeypatch.setattr(samples, "__version__", "9.9")
    seen.append(digest())
    assert len(set(seen)) == 6


def test_weights_that_may_have_seen_the_captcha_are_not_used(work: Work):
    (work.folder("weight") / "own.keras").write_bytes(b"weights")
    found = load_samples(work, SETTINGS, Image_Processing)
    made = make_trial_work(work, work.folder("report") / "trial", found, found.pool)
    assert list(made.folder("weight").iterdir()) == []
