"""Choosing which images go to validation and test: seeded, stratified by class, duplicates kept together."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bearcat.core.errors import DataError, ImageError
from bearcat.core.names import encode_name, show_name
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.data.duplicates import Fingerprint, fingerprint, group_duplicates
from bearcat.data.labels.listing import list_images, name_in
from bearcat.data.labels.reading import no_images

TEST = "test"  # the split that chosen images never go to
MIN_KEPT = 1  # images of each class that stay in training


@dataclass(frozen=True)
class Split:
    """The images to move.

    Args:
        moves: Split name → their names in the source folder (1.png, or cat/1.png).
        withheld: The number of images that could not go into the test set, since they were chosen.
        missing: The number of images that the test set lacks for that reason.
    """

    moves: dict[str, list[str]]
    withheld: int = 0
    missing: int = 0

    @property
    def counts(self) -> dict[str, int]:
        return {split: len(names) for split, names in self.moves.items()}


def find_duplicates(folder: Path) -> list[list[str]]:
    """Groups the images of a folder that show the same, by their names. Damaged images are left out."""
    images = list_images(folder)
    fingerprints = show_progress(map_in_threads(_fingerprint, images), len(images), "looking for duplicates")
    groups = group_duplicates([one for one in fingerprints if one])
    return [[name_in(folder, path) for path in group] for group in groups]


def _fingerprint(path: Path) -> Fingerprint | None:
    try:
        return fingerprint(path)
    except ImageError:
        return None  # cheak_file.py reports damaged images


def plan_split(
    source: Path,
    targets: Mapping[str, Path],
    fraction: float,
    seed: int,
    class_of: Mapping[str, str] | None = None,
    duplicates: Iterable[Sequence[str]] = (),
    chosen: Collection[str] = (),
) -> Split:
    """Chooses the images to move into each target folder that has none yet.

    The choice depends on the arguments and the file names only.

    Args:
        source: The folder with all images.
        targets: Split name → its folder.
        fraction: The fraction of all images for each target, 0 … 1.
        seed: The seed of the choice.
        class_of: Image name → class. Each class contributes in proportion to its size, and keeps at least one image.
        duplicates: Groups of image names that stay together, as do images with the same stem, which share a label
            file.
        chosen: Names of images that never go into the test set, since they were chosen as harder or easier than
            average. If too few others are left, the test set is smaller or stays empty.

    Raises:
        DataError: There are no images, too few of them, or all targets are filled.
    """
    names = [name_in(source, path) for path in list_images(source)]
    if not names:
        raise DataError(no_images(source))
    empty = _empty_targets(targets)
    size = max(1, round(len(names) * fraction))
    if len(names) - size * len(empty) < MIN_KEPT:
        raise DataError(
            f"{show_name(source)} holds {len(names)} images, too few to take {size} for each of {', '.join(empty)}"
        )
    remaining: dict[str, list[list[str]]] = defaultdict(list)  # class → groups that stay together, shuffled
    for group in sorted(_groups(names, duplicates), key=lambda group: _random_key(seed, group[0])):
        remaining[(class_of or {}).get(group[0], "")].append(group)
    sizes = {name: sum(map(len, groups)) for name, groups in remaining.items()}
    withheld, moves = {*chosen}.intersection(names if TEST in empty else ()), {}
    if withheld:
        empty.sort(key=TEST.__ne__)  # first, so that validation leaves it those that may go there
    for split in empty:
        barred = withheld if split == TEST else set()
        limits = {name: _largest_quota(groups, barred) for name, groups in remaining.items()}
        quotas = apportion(sizes, size, limits, f"{seed}/{split}")
        taken = [name for label, quota in quotas.items() for name in _take(remaining[label], quota, barred)]
        if taken:
            moves[split] = sorted(taken)
        elif not barred or len(empty) == 1:
            reasons = "duplicates stay together, and one image of each class stays in training"
            reasons += f", as do the {len(barred)} that the labelling page chose by their prediction" if barred else ""
            raise DataError(
                f"{show_name(source)} holds {len(names)} images, but none can go to {split}: {reasons}. Add more images"
            )
    return Split(moves, len(withheld), max(0, size - len(moves.get(TEST, ()))) if withheld else 0)


def _largest_quota(groups: Iterable[Sequence[str]], barred: Set[str]) -> int:
    """Returns how many images of a class can be taken if MIN_KEPT stay, and those that are barred."""
    sizes = [(len(group), barred.isdisjoint(group)) for group in groups]
    return min(sum(size for size, _ in sizes) - MIN_KEPT, sum(size for size, is_free in sizes if is_free))


def _empty_targets(targets: Mapping[str, Path]) -> list[str]:
    """Returns the splits whose folders have no images yet; raises DataError if all have some."""
    counts = {split: len(list_images(folder)) for split, folder in targets.items()}
    if all(counts.values()):
        filled = ", ".join(f"{show_name(targets[split])} ({count})" for split, count in counts.items())
        raise DataError(
            f"nothing to split: there are images already in {filled}, which were not changed. To split again, first "
            "move back what was moved: python move_path.py --undo"
        )
    return [split for split, count in counts.items() if not count]


def apportion(sizes: Mapping[str, int], seats: int, limits: Mapping[str, int], seed: str) -> dict[str, int]:
    """Distributes seats over classes in proportion to their sizes, by the largest remainder method.

    Args:
        sizes: Class → number of images.
        seats: The number of images to take in all.
        limits: Class → the most that it can give.
        seed: Decides between equal remainders.

    Returns:
        Class → number of images to take; fewer than `seats` in all if the limits do not allow more.
    """
    total = sum(sizes.values())
    given = {name: min(seats * size // total, limits[name]) for name, size in sizes.items()}
    order = sorted(sizes, key=lambda name: (-(seats * sizes[name] % total), _random_key(seed, name)))
    left = seats - sum(given.values())
    while left:
        takers = [name for name in order if given[name] < limits[name]][:left]
        if not takers:
            break
        for name in takers:
            given[name] += 1
        left -= len(takers)
    return given


def _groups(names: Sequence[str], duplicates: Iterable[Sequence[str]]) -> list[list[str]]:
    """Returns sorted groups of the names that must stay together."""
    from scipy.cluster.hierarchy import DisjointSet  # slow to import, and not needed by most steps

    groups = DisjointSet(names)
    first_of_stem: dict[PurePosixPath, str] = {}
    for name in names:
        groups.merge(name, first_of_stem.setdefault(PurePosixPath(name).with_suffix(""), name))
    for first, *others in duplicates:
        for other in others:
            groups.merge(first, other)
    return [sorted(group) for group in groups.subsets()]


def _take(groups: list[list[str]], quota: int, barred: Set[str]) -> list[str]:
    """Removes the groups that fit into the quota and have no barred name, in order, and returns their names."""
    taken: list[str] = []
    kept = []
    for group in groups:
        if len(taken) + len(group) <= quota and barred.isdisjoint(group):
            taken += group
        else:
            kept.append(group)
    groups[:] = kept
    return taken


def _random_key(seed: int | str, name: str) -> bytes:
    return hashlib.blake2b(encode_name(f"{seed}/{name}")).digest()
