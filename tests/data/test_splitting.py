"""Planning a split: fractions, the seed, classes, and duplicates in one set."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import DataError
from bearcat.data import splitting
from bearcat.data.splitting import apportion, find_duplicates, plan_split
from tests.helpers.splits import ImageFolder


@pytest.mark.parametrize(("images", "fraction", "count"), [(50, 0.1, 5), (100, 0.25, 25), (4, 0.1, 1), (3, 0.01, 1)])
def test_each_set_gets_its_fraction_of_all_images_and_at_least_one(
    tmp_path: Path, images: int, fraction: float, count: int
):
    data = ImageFolder(tmp_path, images)
    split = data.plan(fraction)
    assert split.counts == {"validation": count, "test": count}
    data.run(split)
    assert len(data.names(data.folder)) == images - 2 * count
    for name, folder in data.targets.items():
        assert data.names(folder) == split.moves[name]
    assert data.contents() == list(range(images))


def test_the_split_depends_on_the_seed(tmp_path: Path):
    data = ImageFolder(tmp_path, 60)
    assert data.plan(seed=3) == data.plan(seed=3)
    assert data.plan(seed=3) != data.plan(seed=4)


def test_the_split_does_not_depend_on_the_order_of_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    data = ImageFolder(tmp_path, 30)
    expected = data.plan()
    in_order = splitting.list_images
    monkeypatch.setattr(splitting, "list_images", lambda folder: in_order(folder)[::-1])
    assert data.plan() == expected


def test_the_split_samples_the_whole_folder(tmp_path: Path):
    moves = ImageFolder(tmp_path, 100).plan(0.2).moves
    numbers = sorted(int(name[3:6]) for name in moves["validation"])
    assert numbers[0] < 34 and numbers[-1] > 66
    assert not set(moves["validation"]) & set(moves["test"])


def test_planning_moves_nothing(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    data.plan()
    assert len(data.names(data.folder)) == 20
    assert not data.sets.journal.exists()


def test_a_set_that_has_images_is_left_alone(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    data.targets["test"].mkdir()
    (data.targets["test"] / "own_1.png").write_text("999")
    split = data.plan()
    assert split.counts == {"validation": 2}
    data.run(split)
    assert data.names(data.targets["test"]) == ["own_1.png"]
    with pytest.raises(DataError, match="nothing to split") as error:
        data.plan()
    assert "--undo" in str(error.value)


@pytest.mark.parametrize("images", [0, 1, 2])
def test_too_few_images_are_refused(tmp_path: Path, images: int):
    data = ImageFolder(tmp_path, images)
    with pytest.raises(DataError) as error:
        data.plan()
    assert str(data.folder) in str(error.value)


def test_the_split_is_stratified_by_class(tmp_path: Path):
    data = ImageFolder(tmp_path, classes={"cat": 60, "dog": 30, "owl": 10})
    for names in data.plan(0.1, class_of=data.class_of).moves.values():
        assert Counter(map(data.class_of.get, names)) == {"cat": 6, "dog": 3, "owl": 1}


def test_each_class_keeps_one_image_in_training(tmp_path: Path):
    data = ImageFolder(tmp_path, classes={"cat": 1, "dog": 2, "owl": 7})
    moves = data.plan(0.3, class_of=data.class_of).moves
    left = Counter(data.class_of.values()) - Counter(data.class_of[name] for names in moves.values() for name in names)
    assert left.keys() == {"cat", "dog", "owl"}
    assert left["cat"] == 1


def test_chosen_images_never_go_into_the_test_set(tmp_path: Path):
    data = ImageFolder(tmp_path, 40)
    names = [f"ab_{number:03}.png" for number in range(40)]
    free = {"ab_003.png", "ab_017.png", "ab_031.png", "ab_038.png", "ab_039.png"}
    for seed in range(5):
        split = data.plan(0.1, seed, chosen={*names} - free)
        assert split.counts == {"test": 4, "validation": 4}
        assert set(split.moves["test"]) < free
        assert (split.withheld, split.missing) == (35, 0)
    few = data.plan(0.2, chosen={*names} - free)
    assert (few.moves["test"], few.counts["validation"], few.missing) == (sorted(free), 8, 3)
    assert data.plan(0.1, chosen=()) == data.plan(0.1)


def test_an_image_that_shares_its_group_with_a_chosen_one_is_not_tested_on(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    names = [f"ab_{number:03}.png" for number in range(20)]
    moves = plan_split(data.folder, data.targets, 0.1, 0, None, [names[:10]], names[9:18]).moves
    assert moves["test"] == names[18:]


def test_if_all_images_were_chosen_the_test_set_stays_empty(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    names = [f"ab_{number:03}.png" for number in range(20)]
    split = data.plan(chosen=names)
    assert (split.counts, split.missing) == ({"validation": 2}, 2)
    del data.targets["validation"]
    with pytest.raises(DataError, match=r"none can go to test: .* as do the 20 that the labelling page chose"):
        data.plan(chosen=names)


def test_chosen_images_do_not_matter_if_there_is_a_test_set(tmp_path: Path):
    data = ImageFolder(tmp_path, 20)
    data.targets["test"].mkdir()
    (data.targets["test"] / "own_1.png").write_text("999")
    split = data.plan(chosen=[f"ab_{number:03}.png" for number in range(20)])
    assert (split.counts, split.withheld, split.missing) == ({"validation": 2}, 0, 0)


def test_classes_with_one_image_each_cannot_be_split(tmp_path: Path):
    data = ImageFolder(tmp_path, classes={str(number): 1 for number in range(10)})
    with pytest.raises(DataError, match="none can go to validation"):
        data.plan(0.1, class_of=data.class_of)


@pytest.mark.parametrize(
    ("sizes", "seats", "given"),
    [
        ({"a": 60, "b": 30, "c": 10}, 10, {"a": 6, "b": 3, "c": 1}),
        ({"a": 66, "b": 25, "c": 9}, 10, {"a": 7, "b": 2, "c": 1}),  # the largest remainders are 0.9 and 0.6
        ({"a": 5, "b": 1}, 6, {"a": 4, "b": 0}),  # one image of each class stays
        ({"a": 8}, 3, {"a": 3}),
    ],
)
def test_images_are_apportioned_by_the_largest_remainder_method(sizes: dict, seats: int, given: dict):
    assert apportion(sizes, seats, {name: size - 1 for name, size in sizes.items()}, "0") == given


def test_ties_between_remainders_are_broken_by_the_seed():
    sizes = dict.fromkeys("abcdefghij", 5)
    drawn = [apportion(sizes, 4, sizes, str(seed)) for seed in range(5)]
    assert all(sorted(given.values()) == [0] * 6 + [1] * 4 for given in drawn)
    assert len({tuple(given.items()) for given in drawn}) > 1


def test_duplicates_and_images_of_one_stem_stay_in_one_set(tmp_path: Path):
    data = ImageFolder(tmp_path, 40)
    groups = [[f"ab_{n:03}.png" for n in range(start, start + 4)] for start in range(0, 40, 4)]
    (data.folder / "ab_007.gif").write_text("7")
    for seed in range(5):
        moves = plan_split(data.folder, data.targets, 0.2, seed, None, groups).moves
        set_of = {name: split for split, names in moves.items() for name in names}
        for group in groups:
            assert len({set_of.get(name) for name in group}) == 1
        assert set_of.get("ab_007.gif") == set_of.get("ab_007.png")
        assert all(4 <= len(names) <= 8 for names in moves.values())


def test_a_folder_of_duplicates_cannot_be_split(tmp_path: Path):
    data = ImageFolder(tmp_path, 10)
    with pytest.raises(DataError, match="none can go to validation"):
        plan_split(data.folder, data.targets, 0.1, 0, None, [data.names(data.folder)])


def test_duplicates_are_found_by_bytes_and_by_pixels_across_classes(tmp_path: Path):
    rng = np.random.default_rng(0)
    for name in ("cat/1.png", "dog/1.png", "owl/1.png"):
        (tmp_path / name).parent.mkdir()
        image = Image.fromarray(rng.integers(0, 256, (60, 160), np.uint8))
        image.save(tmp_path / name)
    (tmp_path / "dog" / "2.png").write_bytes((tmp_path / "cat" / "1.png").read_bytes())
    Image.open(tmp_path / "owl" / "1.png").save(tmp_path / "owl" / "1.jpg", quality=90)
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert find_duplicates(tmp_path) == [["cat/1.png", "dog/2.png"], ["owl/1.jpg", "owl/1.png"]]
