"""Duplicate images: identical files, or the same image in other bytes.

A perceptual hash of 256 bits finds candidates, which are then compared pixel by pixel: captchas of one generator share
size, font and background, and often a text, without being duplicates.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.core.errors import ImageError
from bearcat.data.images import open_image

HASH_SIDE = 16  # the hash has 16 × 16 bits
HASH_BITS = HASH_SIDE**2
NEAR = 12  # bits: the same image saved as JPEG differs in 0 … 12, another captcha of its generator in at least 46
MAX_NEIGHBOURS = 16  # how many images with the same key each image is compared with
# candidates that are not duplicates, after which the search ends: the hash says nothing about these images
MAX_REFUSED = 5_000
SAME_SHAPE = 0.05  # by how much the aspect ratios of duplicates may differ
TILE = 8  # pixels: duplicates agree in every square of this side; a changed character does not
MAX_TILE_DIFFERENCE = 24  # mean difference of a square, in grey levels


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
        image: The image, if it has been opened already.

    Raises:
        ImageError: The file is damaged, missing or not an image.
    """
    image = image or open_image(path)
    import imagehash  # slow to import, and not needed by most steps

    bits = imagehash.phash(image, hash_size=HASH_SIDE).hash
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16).digest()
    return Fingerprint(path, digest, int.from_bytes(np.packbits(bits).tobytes(), "big"))


def group_duplicates(fingerprints: Sequence[Fingerprint], distance: int = NEAR) -> list[list[Path]]:
    """Groups the files that show the same image.

    Args:
        fingerprints: The fingerprints of the files.
        distance: In how many of 256 bits the hashes of two images may differ (0 … 62) for their pixels to be
            compared; -1 finds identical files only. The search for near duplicates ends after MAX_REFUSED candidates
            that are not duplicates, as is the case for blank or tiny images.

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
    refused = 0
    for a, b in _near_pairs([one.pixels for one in different], distance):
        pair = different[a].path, different[b].path
        if groups.connected(*pair):
            continue
        if look_same(*pair):
            groups.merge(*pair)
        elif (refused := refused + 1) == MAX_REFUSED:
            break
    return sorted(sorted(group) for group in groups.subsets() if len(group) > 1)


def look_same(path: Path, other: Path) -> bool:
    """Whether two image files show the same image, by their pixels; False if one cannot be opened."""
    try:
        images = open_image(path), open_image(other)
    except ImageError:
        return False
    (width, height), (other_width, other_height) = (image.size for image in images)
    if abs(width * other_height / (other_width * height) - 1) > SAME_SHAPE:
        return False
    size = min(width, other_width), min(height, other_height)
    pixels, others = (np.asarray(image.resize(size, Image.Resampling.BOX), np.int16) for image in images)
    differences = np.abs(pixels - others).mean(axis=2).astype(np.float32)
    tiles = Image.fromarray(differences).resize([max(1, side // TILE) for side in size], Image.Resampling.BOX)
    return bool(np.asarray(tiles).max() <= MAX_TILE_DIFFERENCE)


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
