"""Duplicate images: identical files, or the same image in other bytes.

A perceptual hash of 256 bits finds candidates, which are then compared pixel by pixel: captchas of one generator share
size, font and background, and often a text, without being duplicates.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.core.progress import map_in_threads, show_progress
from bearcat.core.workspace import DATA_FOLDERS, Work
from bearcat.data.comparison import TileMeans, look_same
from bearcat.data.frames import SPREAD
from bearcat.data.images import open_image
from bearcat.data.labels.listing import list_images

HASH_SIDE = 16  # the hash has 16 × 16 bits
HASH_BITS = HASH_SIDE**2
NEAR = 12  # bits: the same image saved as JPEG differs in 0 … 12, another captcha of its generator in at least 46
MAX_NEIGHBOURS = 16  # how many images with the same key each image is compared with
# limits of the search, for images about which the hash says nothing, such as blank ones or screenshots of one page
MAX_REFUSED = 100_000  # candidates that are no duplicates
MAX_REFUSED_PIXELS = 500_000_000  # of the candidates that had to be compared pixel by pixel for that
MAX_OPENED = 4  # times that an image is opened, on average
MEANS_KEPT = 1024  # images whose tile means are in memory, at most 288 KB each


@dataclass(frozen=True)
class Fingerprint:
    """The digest of a file's bytes, and the perceptual hash of its image (256 bits)."""

    path: Path
    digest: bytes
    pixels: int


def fingerprint(path: Path, image: Image.Image | None = None) -> Fingerprint:
    """Computes the fingerprint of an image file.

    Args:
        path: The file.
        image: The image, if it has been opened already; of an animation its frames side by side.

    Raises:
        ImageError: The file is damaged, missing or not an image.
    """
    image = image or open_image(path, SPREAD)  # animations often begin alike, with an empty frame
    import imagehash  # slow to import, and not needed by most steps

    bits = imagehash.phash(image, hash_size=HASH_SIDE).hash
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    return Fingerprint(path, digest, int.from_bytes(np.packbits(bits).tobytes(), "big"))


def digest_of(content: bytes) -> str:
    """Returns the SHA-256 of a file's content in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def digests_of(paths: Iterable[Path]) -> Iterator[str]:
    """Yields the digest of each file's content."""
    return map_in_threads(lambda path: digest_of(path.read_bytes()), paths)


def digests_in_data(work: Work, sizes: set[int]) -> set[str]:
    """Returns the digests of the images in the labelled data sets whose size in bytes is one of `sizes`."""
    images = [path for name in DATA_FOLDERS for path in list_images(work.folder(name))]
    return set(digests_of(path for path in images if path.stat().st_size in sizes))


def group_duplicates(fingerprints: Sequence[Fingerprint], distance: int = NEAR) -> list[list[Path]]:
    """Groups the files that show the same image.

    Args:
        fingerprints: The fingerprints of the files.
        distance: In how many of 256 bits the hashes of two images may differ (0 … 62) for their pixels to be
            compared; -1 finds identical files only. The search for near duplicates is bounded: it may miss some if
            thousands of different images have nearly the same hash.

    Returns:
        Sorted groups of at least two files.
    """
    first_of: dict[bytes, Fingerprint] = {}
    for one in fingerprints:
        first_of.setdefault(one.digest, one)
    different = list(first_of.values())
    from scipy.cluster.hierarchy import DisjointSet  # slow to import, and not needed by most steps

    groups = DisjointSet(one.path for one in fingerprints)
    for one in fingerprints:
        groups.merge(one.path, first_of[one.digest].path)
    pairs = (
        (different[a].path, different[b].path) for a, b in _near_pairs([one.pixels for one in different], distance)
    )
    search = _Search(MAX_OPENED * len(different))
    for path, other in show_progress(pairs, None, "comparing similar images", "pairs", delay=1):
        if not groups.connected(path, other) and search.is_duplicate(path, other):
            groups.merge(path, other)
        if search.is_over:
            break
    return sorted(sorted(group) for group in groups.subsets() if len(group) > 1)


class _Search:
    """Compares candidates, most of them by the means of their tiles alone, and counts what that costs."""

    def __init__(self, may_open: int):
        self._refused = self._refused_pixels = 0
        self._may_open = may_open
        self._means_of = lru_cache(MEANS_KEPT)(TileMeans.of_file)

    def is_duplicate(self, path: Path, other: Path) -> bool:
        """Whether two files show the same image."""
        means, others = self._means_of(path), self._means_of(other)
        if not means or not others:
            return False
        ruled_out = means.rules_out(others)
        if not ruled_out and look_same(path, other):
            return True
        self._refused += 1
        if not ruled_out:
            self._refused_pixels += sum(width * height for width, height in (means.size, others.size))
        return False

    @property
    def is_over(self) -> bool:
        """Whether further comparisons would cost too much."""
        return (
            self._refused >= MAX_REFUSED
            or self._refused_pixels >= MAX_REFUSED_PIXELS
            or self._means_of.cache_info().misses > self._may_open
        )


def _near_pairs(hashes: Sequence[int], distance: int) -> Iterator[tuple[int, int]]:
    """Yields the pairs of indices whose hashes differ in at most `distance` bits, each pair once.

    The bits are distributed over `distance` + 2 parts; two hashes that near agree in at least two of them. Sorting by
    every pair of parts brings such hashes together without comparing all with all.
    """
    if distance < 0 or len(hashes) < 2:
        return
    packed = np.frombuffer(b"".join(one.to_bytes(HASH_BITS // 8, "big") for one in hashes), np.uint8)
    packed = packed.reshape(len(hashes), -1)
    words = packed.view(np.uint64)
    seen: set[tuple[int, int]] = set()
    for key in _keys(packed, distance + 2):
        order = np.argsort(key, kind="stable")
        for a, b in _neighbours(key[order], order):
            near = np.bitwise_count(words[a] ^ words[b]).sum(axis=1) <= distance
            for pair in zip(np.minimum(a, b)[near].tolist(), np.maximum(a, b)[near].tolist(), strict=True):
                if pair not in seen:
                    seen.add(pair)
                    yield pair


def _keys(packed: np.ndarray, parts: int) -> Iterable[np.ndarray]:
    """Yields the sort keys of all hashes, uint64, for every pair of parts."""
    bits = np.unpackbits(packed, axis=1)
    packed_parts = [np.packbits(bits[:, part::parts], axis=1) for part in range(parts)]
    for first, second in combinations(packed_parts, 2):
        joined = np.concatenate([first, second], axis=1)[:, :8]
        padded = np.zeros((len(packed), 8), np.uint8)
        padded[:, : joined.shape[1]] = joined
        yield padded.view(np.uint64)[:, 0]


def _neighbours(key: np.ndarray, order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for step in range(1, min(MAX_NEIGHBOURS + 1, len(key))):
        same = key[step:] == key[:-step]
        if not same.any():
            return
        yield order[:-step][same], order[step:][same]
