"""Choosing who goes where: the shares, the seed, classes, and duplicates on one side."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.errors import DataError
from bearcat.data import splitting
from bearcat.data.splitting import apportion, find_duplicates, plan_split
from tests.helpers.splits import Pile


@pytest.mark.parametrize(("pictures", "share", "each"), [(50, 0.1, 5), (100, 0.25, 25), (4, 0.1, 1), (3, 0.01, 1)])
def test_each_set_gets_its_share_of_all_images_and_at_least_one(tmp_path: Path, images: int, share: float, each: int):
    pile = Pile(tmp_path, images)
    split = pile.plan(share)
    assert split.counts == {"validation": each, "test": each}
    pile.run(split)
    assert len(pile.names(pile.folder)) == images - 2 * each
    for name, folder in pile.targets.items():
        assert pile.names(folder) == split.moves[name]
    assert pile.contents() == list(range(images))


def test_the_same_seed_chooses_the_same_and_another_seed_others(tmp_path: Path):
    pile = Pile(tmp_path, 60)
    assert pile.plan(seed=3) == pile.plan(seed=3)
    assert pile.plan(seed=3) != pile.plan(seed=4)


def test_the_choice_does_not_hang_on_the_order_in_which_images_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pile = Pile(tmp_path, 30)
    expected = pile.plan()
    in_order = splitting.list_images
    monkeypatch.setattr(splitting, "list_images", lambda folder: in_order(folder)[::-1])
    assert pile.plan() == expected


def test_the_choice_is_spread_over_the_pile(tmp_path: Path):
    moves = Pile(tmp_path, 100).plan(0.2).moves
    numbers = sorted(int(name[3:6]) for name in moves["validation"])
    assert numbers[0] < 34 and numbers[-1] > 66
    assert not set(moves["validation"]) & set(moves["test"])


def test_planning_moves_nothing(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    pile.plan()
    assert len(pile.names(pile.folder)) == 20
    assert not pile.sets.journal.exists()


def test_a_set_that_has_images_is_left_alone(tmp_path: Path):
    pile = Pile(tmp_path, 20)
    pile.targets["test"].mkdir()
    (pile.targets["test"] / "own_1.png").write_text("999")
    split = pile.plan()
    assert split.counts == {"validation": 2}
    pile.run(split)
    assert pile.names(pile.targets["test"]) == ["own_1.png"]
    with pytest.raises(DataError, match="nothing to split") as error:
        pile.plan()
    assert "--undo" in str(error.value)


@pytest.mark.parametrize("pictures", [0, 1, 2])
def test_too_few_images_are_refused(tmp_path: Path, images: int):
    pile = Pile(tmp_path, images)
    with pytest.raises(DataError) as error:
        pile.plan()
    assert str(pile.folder) in str(error.value)


def test_each_class_keeps_its_share(tmp_path: Path):
    pile = Pile(tmp_path, classes={"cat": 60, "dog": 30, "owl": 10})
    for names in pile.plan(0.1, class_of=pile.class_of).moves.values():
        assert Counter(map(pile.class_of.get, names)) == {"cat": 6, "dog": 3, "owl": 1}


def test_each_class_keeps_one_image_in_training(tmp_path: Path):
    pile = Pile(tmp_path, classes={"cat": 1, "dog": 2, "owl": 7})
    moves = pile.plan(0.3, class_of=pile.class_of).moves
    left = Counter(pile.class_of.values()) - Counter(pile.class_of[name] for names in moves.values() for name in names)
    assert left.keys() == {"cat", "dog", "owl"}
    assert left["cat"] == 1


def test_classes_of_one_image_each_leave_nothing_to_split(tmp_path: Path):
    pile = Pile(tmp_path, classes={str(number): 1 for number in range(10)})
    with pytest.raises(DataError, match="none of them can go to validation"):
        pile.plan(0.1, class_of=pile.class_of)


@pytest.mark.parametrize(
    ("sizes", "seats", "given"),
    [
        ({"a": 60, "b": 30, "c": 10}, 10, {"a": 6, "b": 3, "c": 1}),
        ({"a": 66, "b": 25, "c": 9}, 10, {"a": 7, "b": 2, "c": 1}),  # the largest remainders are 9 and 6 tenths
        ({"a": 5, "b": 1}, 6, {"a": 4, "b": 0}),  # one of each stays
        ({"a": 8}, 3, {"a": 3}),
    ],
)
def test_seats_are_shared_out_by_largest_remainders(sizes: dict, seats: int, given: dict):
    assert apportion(sizes, seats, {name: size - 1 for name, size in sizes.items()}, "0") == given


def test_equal_remainders_are_drawn_by_the_seed():
    sizes = dict.fromkeys("abcdefghij", 5)
    drawn = [apportion(sizes, 4, sizes, str(seed)) for seed in range(5)]
    assert all(sorted(given.values()) == [0] * 6 + [1] * 4 for given in drawn)
    assert len({tuple(given.items()) for given in drawn}) > 1


def test_duplicates_and_images_of_one_stem_stay_on_one_side(tmp_path: Path):
    pile = Pile(tmp_path, 40)
    groups = [[f"ab_{n:03}.png" for n in range(start, start + 4)] for start in range(0, 40, 4)]
    (pile.folder / "ab_007.gif").write_text("7")
    for seed in range(5):
        moves = plan_split(pile.folder, pile.targets, 0.2, seed, None, groups).moves
        side_of = {name: split for split, names in moves.items() for name in names}
        for group in groups:
            assert len({side_of.get(name) for name in group}) == 1
        assert side_of.get("ab_007.gif") == side_of.get("ab_007.png")
        assert all(4 <= len(names) <= 8 for names in moves.values())


def test_a_pile_of_duplicates_cannot_be_split(tmp_path: Path):
    pile = Pile(tmp_path, 10)
    with pytest.raises(DataError, match="none of them can go to validation"):
        plan_split(pile.folder, pile.targets, 0.1, 0, None, [pile.names(pile.folder)])


def test_the_duplicates_of_a_pile_are_found_by_bytes_and_by_looks_across_classes(tmp_path: Path):
    chance = np.random.default_rng(0)
    for name in ("cat/1.png", "dog/1.png", "owl/1.png"):
        (tmp_path / name).parent.mkdir()
        image = Image.fromarray(chance.integers(0, 256, (60, 160), np.uint8))
        image.save(tmp_path / name)
    (tmp_path / "dog" / "2.png").write_bytes((tmp_path / "cat" / "1.png").read_bytes())
    Image.open(tmp_path / "owl" / "1.png").save(tmp_path / "owl" / "1.jpg", quality=90)
    (tmp_path / "broken.png").write_bytes(b"no image")
    assert find_duplicates(tmp_path) == [["cat/1.png", "dog/2.png"], ["owl/1.jpg", "owl/1.png"]]
