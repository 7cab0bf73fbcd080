"""Generates captchas of every kind: from a seed, on all cores, only those that are still missing."""

import hashlib
import json
import multiprocessing
import os
import random
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image

from bearcat.core.files import atomic_write
from bearcat.core.progress import show_progress
from bearcat.core.workspace import LABEL_FOLDER
from bearcat.data.labels.boxes import PROMPT_SUFFIX, VOC_SUFFIX, write_prompt, write_voc
from bearcat.data.labels.reading import list_images
from bearcat.generation.click_drawing import ClickDrawer
from bearcat.generation.config import CaptchaConfig, ClickConfig, DrawnConfig
from bearcat.generation.shards import WHOLE, Shard
from bearcat.generation.text.drawer import TextDrawer

CHUNK = 64  # images per task: few enough for a smooth progress bar, enough to make the overhead negligible
MAX_PROCESSES = 61  # the limit of Windows

Item = tuple[str, str, str]  # file name, text, seed of the image
Draw = Callable[[Path, str, str], Image.Image]  # image path, text, seed → image; writes the label files first


def plan(config: CaptchaConfig, split: str, seed: int) -> Iterator[Item]:
    """Yields (file name, text, seed of the image) for every image of a split.

    The hash in a name depends on the configuration, so images of another one are never mistaken for these.
    """
    base = f"{json.dumps(config.appearance, sort_keys=True)}/{seed}/{split}"
    for number in range(config.counts[split]):
        text = config.choose_text(random.Random(f"{base}/{number}"))
        digest = hashlib.blake2b(f"{base}/{number}".encode(), digest_size=6).hexdigest()
        yield f"{config.name_prefix(text)}_{digest}.{config.image_suffix}", text, f"{base}/{number}"


def generate(config: CaptchaConfig, split: str, folder: Path, seed: int, shard: Shard = WHOLE) -> tuple[int, int]:
    """Generates the images of a split that are missing, and those whose label files are missing.

    Args:
        config: The kind of captchas.
        split: 'train', 'validation' or 'test'.
        folder: Takes the images; label files go into the folder `label` beside it.
        seed: Decides texts and images.
        shard: The part of the split to generate.

    Returns:
        The number of images generated, and the number of images in the folder that are not of this configuration.
    """
    folder.mkdir(parents=True, exist_ok=True)
    existing = {path.name for path in list_images(folder)}
    is_labelled = _label_check(folder.parent / LABEL_FOLDER, config.label_suffixes)
    wanted = list(plan(config, split, seed))
    missing = [item for item in shard.of(wanted) if item[0] not in existing or not is_labelled(Path(item[0]).stem)]
    chunks = [(config, folder, missing[start : start + CHUNK]) for start in range(0, len(missing), CHUNK)]
    if len(chunks) <= 1:
        for chunk in chunks:
            make_images(*chunk)
    else:
        _make_on_all_cores(chunks, len(missing), f"generating {folder.name}")
    return len(missing), len(existing - {name for name, _, _ in wanted})


def _label_check(folder: Path, suffixes: Iterable[str]) -> Callable[[str], bool]:
    """Returns a function that checks if the image of a stem has all its label files."""
    existing = {entry.name for entry in os.scandir(folder)} if suffixes and folder.is_dir() else set()
    return lambda stem: all(f"{stem}{suffix}" in existing for suffix in suffixes)


def _make_on_all_cores(chunks: list[tuple], total: int, description: str) -> None:
    # spawn, as on Windows: the same behaviour everywhere, and no forked copy of a threaded parent
    context = multiprocessing.get_context("spawn")
    processes = min(os.cpu_count() or 1, len(chunks), MAX_PROCESSES)
    with ProcessPoolExecutor(processes, mp_context=context, initializer=exit_with_parent) as pool:
        try:
            futures = [pool.submit(make_images, *chunk) for chunk in chunks]
            for _ in show_progress((name for future in futures for name in future.result()), total, description):
                pass
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def exit_with_parent() -> None:
    """Makes this process exit as soon as its parent does: after a kill of the parent it would wait forever."""

    def wait() -> None:
        parent = multiprocessing.parent_process()
        assert parent
        parent.join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def make_images(config: CaptchaConfig, folder: Path, items: list[Item]) -> list[str]:
    """Draws and writes images, each after its label files; returns their file names."""
    draw = DRAWERS[type(config)](config, folder.parent)
    for name, text, seed in items:
        image = draw(folder / name, text, seed)
        with atomic_write(folder / name, sync=False) as part:
            image.save(part, **config.save_options)
    return [name for name, _, _ in items]


def _captcha_drawer(config: CaptchaConfig, work: Path) -> Draw:
    import captcha.image  # imported late: only the processes that draw need it

    generator = captcha.image.ImageCaptcha(config.width, config.height)

    def draw(path: Path, text: str, seed: str) -> Image.Image:
        with seeded_secrets(captcha.image, seed):
            return generator.generate_image(text)

    return draw


def _drawn_drawer(config: DrawnConfig, work: Path) -> Draw:
    drawer = TextDrawer(config, work)
    return lambda path, text, seed: drawer.draw(text, seed)


def _click_drawer(config: ClickConfig, work: Path) -> Draw:
    drawer = ClickDrawer(config, work)

    def draw(path: Path, text: str, seed: str) -> Image.Image:
        drawing, label = drawer.draw(text, seed), work / LABEL_FOLDER / path.stem
        write_voc(label.with_suffix(VOC_SUFFIX), path.name, drawing.labels, sync=False)
        write_prompt(label.with_suffix(PROMPT_SUFFIX), drawing.prompt, sync=False)
        return drawing.image

    return draw


DRAWERS: dict[type[CaptchaConfig], Callable[..., Draw]] = {
    CaptchaConfig: _captcha_drawer,
    DrawnConfig: _drawn_drawer,
    ClickConfig: _click_drawer,
}


class _SeededSecrets(random.Random):
    """The functions of `secrets` that the captcha package uses, repeatable from a seed."""

    def randbelow(self, limit: int) -> int:
        return self.randrange(limit)

    def randbits(self, count: int) -> int:
        return self.getrandbits(count)


@contextmanager
def seeded_secrets(module: Any, seed: str) -> Iterator[None]:
    """Makes a module of the captcha package, which has no seed of its own, draw its random numbers from a seed."""
    original = module.secrets
    module.secrets = _SeededSecrets(seed)
    try:
        yield
    finally:
        module.secrets = original
