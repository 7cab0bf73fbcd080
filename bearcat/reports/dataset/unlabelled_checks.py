"""Checks of unlabelled_dataset: images that self-training cannot use, or of another kind than the labelled ones."""

from collections import Counter
from collections.abc import Iterator, Mapping

from bearcat.core.workspace import UNLABELLED, Work
from bearcat.data.duplicates import Fingerprint, group_duplicates
from bearcat.data.images import image_size
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.unlabelled import list_unlabelled
from bearcat.modes import Task
from bearcat.reports.dataset.checks import NOTE, WARNING, Finding, check_blank, check_files, short_path
from bearcat.reports.dataset.folder_checks import check_left_out
from bearcat.reports.dataset.set_statistics import SetStatistics, inspect_images, merge_statistics
from bearcat.reports.html import plural

HARDLY_ANY, NOTABLE = 0.05, 0.2  # of the images of a set: between the two, nothing is said
OTHER_KIND = "take them out if they are of another captcha: the model cannot know their characters"


def inspect_unlabelled(work: Work) -> SetStatistics:
    """Opens the images of unlabelled_dataset and collects their statistics."""
    return inspect_images([LabelledImage(path, "") for path in list_unlabelled(work)], UNLABELLED)


def check_unlabelled(
    work: Work, found: SetStatistics, sets: Mapping[str, SetStatistics], unused: str = ""
) -> list[Finding]:
    """Runs the checks and returns their findings.

    Args:
        work: The work.
        found: The statistics of unlabelled_dataset.
        sets: train, validation and test → their statistics.
        unused: Why its images are not used; '' if they are. Otherwise nothing else is checked.
    """
    if unused:
        text = f"{UNLABELLED}: {plural(found.images, 'image')} not used: {unused}"
        return [Finding(NOTE, "unlabelled_unused", text, "nothing, they can stay")] if found.images else []
    as_sets = {UNLABELLED.removesuffix("_dataset"): found}
    findings = [
        *check_left_out(work.folder(UNLABELLED), with_sub_folders=False),
        *check_files(as_sets),
        *check_blank(as_sets, Task.TEXT),
    ]
    labelled = merge_statistics(sets.values())
    if found.images and labelled.images:
        findings += [*_check_kinds(found, labelled), *_check_copies(found, sets)]
    return findings


def _check_kinds(found: SetStatistics, labelled: SetStatistics) -> Iterator[Finding]:
    """Yields a finding for each way in which images differ from the labelled ones, as far as these are alike."""
    if files := _of_other_size(found, labelled):
        text = f"{UNLABELLED}: {plural(len(files), 'image')} of another size than the labelled ones ({_size(labelled)})"
        yield Finding(WARNING, "unlabelled_kind", text, OTHER_KIND, files)
    for what, opposite, fraction_of in (("in colour", "in grey", _in_colour), ("animated", "not animated", _animated)):
        fraction, expected = fraction_of(found), fraction_of(labelled)
        if expected > 1 - HARDLY_ANY:
            what, fraction, expected = opposite, 1 - fraction, 1 - expected
        if expected < HARDLY_ANY and fraction >= NOTABLE:
            text = f"{UNLABELLED}: {fraction:.0%} of the images are {what}, but hardly any labelled one is"
            yield Finding(WARNING, "unlabelled_kind", text, OTHER_KIND)


def _of_other_size(found: SetStatistics, labelled: SetStatistics) -> tuple[str, ...]:
    """Returns the images whose size is outside the range of the labelled ones, which is widened if these vary."""
    widths, heights = _expected(labelled.widths), _expected(labelled.heights)
    sizes = {one.path: image_size(one.path) for one in found.fingerprints}
    return tuple(
        short_path(path)
        for path, (width, height) in sizes.items()
        if not (widths[0] <= width <= widths[1] and heights[0] <= height <= heights[1])
    )


def _expected(sides: Counter[int]) -> tuple[float, float]:
    low, high = min(sides), max(sides)
    return low - (high - low) / 2, high + (high - low) / 2


def _size(found: SetStatistics) -> str:
    sides = (found.widths, found.heights)
    width, height = (f"{min(one)}–{max(one)}" if len(one) > 1 else f"{min(one)}" for one in sides)
    return f"{width} wide, {height} high"


def _in_colour(found: SetStatistics) -> float:
    """Returns the fraction of the sampled images."""
    return sum(colour.is_coloured for colour in found.colours) / max(1, len(found.colours))


def _animated(found: SetStatistics) -> float:
    return found.frames.total() / found.images


def _check_copies(found: SetStatistics, sets: Mapping[str, SetStatistics]) -> Iterator[Finding]:
    """Yields a finding for the copies that packing leaves out, by their bytes, and one for those that it cannot see."""
    labelled = {one.digest for of_set in sets.values() for one in of_set.fingerprints}
    different: dict[bytes, Fingerprint] = {}
    copies = []
    for one in found.fingerprints:
        if one.digest in labelled or one.digest in different:
            copies.append(short_path(one.path))
        else:
            different[one.digest] = one
    if copies:
        text = f"{UNLABELLED}: {plural(len(copies), 'image')} with the bytes of a labelled one or of another one there"
        yield Finding(NOTE, "unlabelled_copies", text, "nothing, packing leaves them out", tuple(copies))
    scored = [*sets["validation"].fingerprints, *sets["test"].fingerprints]
    own = {one.path for one in different.values()}
    blank = {*found.blank, *sets["validation"].blank, *sets["test"].blank}  # alike, but no copies
    groups = group_duplicates([one for one in (*scored, *different.values()) if str(one.path) not in blank])
    if leaks := [group for group in groups if 0 < len(own.intersection(group)) < len(group)]:
        text = (
            f"{UNLABELLED} has copies of {plural(len(leaks), 'image')} of validation_dataset or test_dataset, in other "
            "bytes: the model would train on them, so the score may be too high"
        )
        files = tuple(" = ".join(map(short_path, group)) for group in leaks)
        yield Finding(WARNING, "unlabelled_leak", text, f"delete the copies in {UNLABELLED}", files)
