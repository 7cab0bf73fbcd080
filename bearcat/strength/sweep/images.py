"""The images of a sweep: those that the variants learn from and are tested on, in a folder for each variant."""

import hashlib
import json
import random
import shutil
from collections.abc import Sequence

from bearcat.core.workspace import Work
from bearcat.data.labels.listing import list_images
from bearcat.generation.config import CaptchaConfig
from bearcat.generation.generate import Item, make_images
from bearcat.strength.samples import DIGEST_BYTES
from bearcat.strength.sweep.variants import Variant, with_absolute_fonts

FOLDER = "report/strength/sweep"
COUNTS = {"train": 45, "validation": 5, "test": 300}
LABELS = COUNTS["train"] + COUNTS["validation"]


def remove_others(work: Work, variants: Sequence[Variant]) -> None:
    """Deletes the folders of variants that are not among these."""
    names = {variant.name for variant in variants}
    for path in work.folder(FOLDER).glob("*/"):
        if path.name not in names:
            shutil.rmtree(path)


def list_items(config: CaptchaConfig, split: str, seed: int, draw: int = 0) -> list[Item]:
    """Lists the images of a split: the same texts and random numbers for each variant, so that only its key differs.

    Each draw learns from images of its own; all are tested on the same ones.
    """
    looks = json.dumps(config.appearance, sort_keys=True)
    drawn = "" if split == "test" else f"/{draw}"
    items = []
    for number in range(COUNTS[split]):
        own = f"sweep/{seed}/{split}{drawn}/{number}"
        text = config.choose_text(random.Random(f"{own}/text"))
        digest = hashlib.blake2b(f"{looks}/{own}".encode(), digest_size=DIGEST_BYTES).hexdigest()
        items.append((f"{config.name_prefix(text)}_{digest}.{config.image_suffix}", text, own))
    return items


def work_of(work: Work, variant: Variant) -> Work:
    """Returns the work of a variant, in the reports of another work."""
    return Work(work.folder(FOLDER) / variant.name)


def make_variant_images(work: Work, variant: Variant, split: str, seed: int, draw: int = 0) -> list[Item]:
    """Generates the images of a split that are missing, deletes any others, and lists them."""
    folder, items = work_of(work, variant).data_folder(split), list_items(variant.config, split, seed, draw)
    folder.mkdir(parents=True, exist_ok=True)
    names, existing = {name for name, _, _ in items}, {path.name for path in list_images(folder)}
    for name in existing - names:
        (folder / name).unlink()
    config = with_absolute_fonts(variant.config, work.path)
    make_images(config, folder, [item for item in items if item[0] not in existing])
    return items


def keep_test_images(made: Work) -> None:
    """Deletes everything else in the work of a variant."""
    for path in made.path.iterdir():
        if path == made.data_folder("test"):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
