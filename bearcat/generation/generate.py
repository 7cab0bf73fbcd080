"""Generate captchas of every kind: repeatable from a seed, on all cores, going on where it stopped."""

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

from PIL import Image

from bearcat.core.files import written_beside
from bearcat.core.progress import show_progress
from bearcat.core.workspace import LABEL_FOLDER
from bearcat.data.box_labels import PROMPT_SUFFIX, VOC_SUFFIX, write_prompt, write_voc
from bearcat.data.labels import list_images
from bearcat.generation.click_drawing import ClickDrawer
from bearcat.generation.config import CaptchaConfig, ClickConfig
from bearcat.generation.shards import WHOLE, Shard

CHUNK = 64  # images a task: small enough for a lively bar, large enough to cost nothing to hand over
MOST_PROCESSES = 61  # Windows has no more

Item = tuple[str, str, str]  # file name, text, seed of its image
Writer = Callable[[Path, str, str], Image.Image]  # image's path, text, seed → image; labels are written by then


def plan(config: CaptchaConfig, split: str, seed: int) -> Iterator[Item]:
    """Yield (file name, label, seed of its image) of a split.

    The name's hash covers the configuration, so that images of another one are never taken for these.
    """
    base = f"{json.dumps(config.drawn_by, sort_keys=True)}/{seed}/{split}"
    for number in range(config.counts[split]):
        text = config.choose_text(random.Random(f"{base}/{number}"))
        digest = hashlib.blake2b(f"{base}/{number}".encode(), digest_size=6).hexdigest()
        yield f"{config.stem_start(text)}_{digest}.{config.image_suffix}", text, f"{base}/{number}"


def generate(config: CaptchaConfig, split: str, folder: Path, seed: int, shard: Shard = WHOLE) -> tuple[int, int]:
    """Make those of a shard's images of a split that are not there yet; return how many they are.

    And, second, how many images lie in the folder that no shard makes. One whose labels are not all there is made
    again; labels go into the folder `label` beside the images' one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in list_images(folder)}
    labelled = _labelled(folder.parent / LABEL_FOLDER, config.label_suffixes)
    wanted = list(plan(config, split, seed))
    missing = [item for item in shard.of(wanted) if item[0] not in there or not labelled(Path(item[0]).stem)]
    chunks = [(config, folder, missing[start : start + CHUNK]) for start in range(0, len(missing), CHUNK)]
    if len(chunks) <= 1:
        for chunk in chunks:
            make_images(*chunk)
    else:
        _make_on_all_cores(chunks, len(missing), f"generating {folder.name}")
    return len(missing), len(there - {name for name, _, _ in wanted})


def _labelled(folder: Path, suffixes: Iterable[str]) -> Callable[[str], bool]:
    """Return what tells whether the image of a stem has all its labels."""
    there = {entry.name for entry in os.scandir(folder)} if suffixes and folder.is_dir() else set()
    return lambda stem: all(f"{stem}{suffix}" in there for suffix in suffixes)


def _make_on_all_cores(chunks: list[tuple], total: int, what: str) -> None:
    # spawn, as on Windows: the same behaviour everywhere, and no forked copy of a threaded parent
    context = multiprocessing.get_context("spawn")
    processes = min(os.cpu_count() or 1, len(chunks), MOST_PROCESSES)
    with ProcessPoolExecutor(processes, mp_context=context, initializer=end_with_parent) as pool:
        try:
            futures = [pool.submit(make_images, *chunk) for chunk in chunks]
            for _ in show_progress((name for future in futures for name in future.result()), total, what):
                pass
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # what is drawn ends, what waits is dropped
            raise


def end_with_parent() -> None:
    """Let this process end as soon as the one that started it does: a kill there would leave it waiting for ever."""

    def wait() -> None:
        multiprocessing.parent_process().join()
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def make_images(config: CaptchaConfig, folder: Path, items: list[Item]) -> list[str]:
    """Draw and write images, each after its labels; return their file names."""
    draw = WRITERS[config.kind](config, folder.parent)
    for name, text, seed in items:
        image = draw(folder / name, text, seed)
        with written_beside(folder / name, sync=False) as part:
            image.save(part, **config.save_options)
    return [name for name, _, _ in items]


def _click_writer(config: ClickConfig, work: Path) -> Writer:
    drawer = ClickDrawer(config, work)

    def draw(path: Path, text: str, seed: str) -> Image.Image:
        drawing, label = drawer.draw(text, seed), work / LABEL_FOLDER / path.stem
        write_voc(label.with_suffix(VOC_SUFFIX), path.name, drawing.labels, sync=False)
        write_prompt(label.with_suffix(PROMPT_SUFFIX), drawing.prompt, sync=False)
        return drawing.image

    return draw


def _text_writer(config: CaptchaConfig, work: Path) -> Writer:
    import captcha.image  # only the processes that draw need it

    drawer = captcha.image.ImageCaptcha(config.width, config.height)

    def draw(path: Path, text: str, seed: str) -> Image.Image:
        with seeded_secrets(captcha.image, seed):
            return drawer.generate_image(text)

    return draw


WRITERS = {CaptchaConfig.kind: _text_writer, ClickConfig.kind: _click_writer}


class _SeededSecrets(random.Random):
    """What the captcha package takes from `secrets`, repeatable."""

    def randbelow(self, limit: int) -> int:
        return self.randrange(limit)

    def randbits(self, count: int) -> int:
        return self.getrandbits(count)


@contextmanager
def seeded_secrets(module, seed: str) -> Iterator[None]:
    """Let a module of the captcha package draw its chances from a seed: it has no setting for that."""
    original = module.secrets
    module.secrets = _SeededSecrets(seed)
    try:
        yield
    finally:
        module.secrets = original
