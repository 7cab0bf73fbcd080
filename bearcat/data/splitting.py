"""Choose which images of a pile go to validation and test: seeded, each class with its share, duplicates on one side."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bearcat.core.errors import DataError, ImageError
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.duplicates import Fingerprint, fingerprint, group_duplicates
from bearcat.data.labels import list_images, name_in

LEAST_LEFT = 1  # images, of each class, that must stay in the pile


@dataclass(frozen=True)
class Split:
    """Which images of the pile go where: split name → their names in the pile (1.png, or cat/1.png)."""

    moves: dict[str, list[str]]

    @property
    def counts(self) -> dict[str, int]:
        return {split: len(names) for split, names in self.moves.items()}


def find_duplicates(pile: Path) -> list[list[str]]:
    """Return the groups of images in the pile that show the same, by their names; damaged ones are in none."""
    images = list_images(pile)
    looked = show_progress(map_in_threads(_fingerprint, images), len(images), "looking for duplicates")
    groups = group_duplicates([one for one in looked if one])
    return [[name_in(pile, path) for path in group] for group in groups]


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        return fingerprint(path)
    except ImageError:
        return None  # cheak_file.py names the damaged ones


def plan_split(
    pile: Path,
    targets: Mapping[str, Path],
    share: float,
    seed: int,
    class_of: Mapping[str, str] | None = None,
    duplicates: Iterable[Sequence[str]] = (),
) -> Split:
    """Choose images for each target folder that has none yet; `share` is that of all images, 0 … 1.

    Each class of `class_of` (image's name → class) gives its share as far as counts allow and keeps one image at
    least; `duplicates` are groups of names that stay together, as do images of one stem, which share their label file.
    The choice hangs on these, the names and the seed alone. Raises DataError where there is nothing to split.
    """
    names = [name_in(pile, path) for path in list_images(pile)]
    if not names:
        raise DataError(f"{pile} holds no images: put yours there, named <label>_<anything>.png")
    empty = _empty(targets)
    each = max(1, round(len(names) * share))
    if len(names) - each * len(empty) < LEAST_LEFT:
        raise DataError(f"{pile} holds {len(names)} images, too few to take {each} for each of {', '.join(empty)}")
    left: dict[str, list[list[str]]] = defaultdict(list)
    for unit in sorted(_units(names, duplicates), key=lambda unit: _chance(seed, unit[0])):
        left[(class_of or {}).get(unit[0], "")].append(unit)
    sizes = {name: sum(map(len, units)) for name, units in left.items()}
    moves = {}
    for split in empty:
        room = {name: sum(map(len, units)) - LEAST_LEFT for name, units in left.items()}
        quotas = apportion(sizes, each, room, f"{seed}/{split}")
        moves[split] = sorted(name for kind, quota in quotas.items() for name in _take(left[kind], quota))
        if not moves[split]:
            raise DataError(
                f"{pile} holds {len(names)} images, and none of them can go to {split}: images that show the same "
                "stay together, and one of each class stays in training. More images are needed"
            )
    return Split(moves)


def _empty(targets: Mapping[str, Path]) -> list[str]:
    """Return the splits whose folders have no images yet; raise DataError where all have some."""
    counts = {split: len(list_images(folder)) for split, folder in targets.items()}
    if all(counts.values()):
        filled = ", ".join(f"{targets[split]} ({count})" for split, count in counts.items())
        raise DataError(
            f"nothing to split, images lie already in {filled}. They are left as they are; "
            "python move_path.py --undo puts back what it moved there, and then all can be split anew"
        )
    return [split for split, count in counts.items() if not count]


def apportion(sizes: Mapping[str, int], seats: int, room: Mapping[str, int], seed: str) -> dict[str, int]:
    """Return how many of `seats` each class gets: in proportion to its size, largest remainders first, within `room`.

    Equal remainders are drawn by the seed.
    """
    total = sum(sizes.values())
    given = {name: min(seats * size // total, room[name]) for name, size in sizes.items()}
    order = sorted(sizes, key=lambda name: (-(seats * sizes[name] % total), _chance(seed, name)))
    left = seats - sum(given.values())
    while left:
        takers = [name for name in order if given[name] < room[name]][:left]
        if not takers:
            break
        for name in takers:
            given[name] += 1
        left -= len(takers)
    return given


def _units(names: Sequence[str], duplicates: Iterable[Sequence[str]]) -> list[list[str]]:
    """Return what stays together, each unit sorted."""
    from scipy.cluster.hierarchy import DisjointSet  # heavy, and not needed by most steps

    groups, of_stem = DisjointSet(names), {}
    for name in names:
        groups.merge(name, of_stem.setdefault(PurePosixPath(name).with_suffix(""), name))
    for first, *others in duplicates:
        for other in others:
            groups.merge(first, other)
    return [sorted(unit) for unit in groups.subsets()]


def _take(units: list[list[str]], quota: int) -> list[str]:
    """Take from `units` those that fit into the quota, in their order, and return their names."""
    taken, kept = [], []
    for unit in units:
        if len(taken) + len(unit) <= quota:
            taken += unit
        else:
            kept.append(unit)
    units[:] = kept
    return taken


def _chance(seed: int | str, name: str) -> bytes:
    return hashlib.blake2b(f"{seed}/{name}".encode()).digest()
