"""Generate captchas with the `captcha` package: repeatable from a seed, on all cores, going on where it stopped."""

import hashlib
import json
import multiprocessing
import os
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bearcat.annotations import list_images
from bearcat.errors import SettingsError
from bearcat.files import written_beside
from bearcat.images import SUFFIXES
from bearcat.progress import show_progress
from bearcat.vocabulary import BLANK

CHUNK = 64  # pictures a task: small enough for a lively bar, large enough to cost nothing to hand over
MOST_PROCESSES = 61  # Windows has no more
UNFIT_FOR_NAMES = set('/\\:*?"<>|.' + BLANK)
FOLDER_KEYS = {f"{split}_dir": f"{split}_dataset" for split in ("train", "validation", "test")}


@dataclass(frozen=True)
class CaptchaConfig:
    """captcha_config.json, checked; sizes in pixels."""

    train_dir: str
    validation_dir: str
    test_dir: str
    image_suffix: str
    characters: str
    count: int
    char_count: tuple[int, ...]
    width: int
    height: int
    validation_count: int
    test_count: int

    @property
    def folders(self) -> dict[str, str]:
        """Return split → folder within the work."""
        return {"train": self.train_dir, "validation": self.validation_dir, "test": self.test_dir}

    @property
    def counts(self) -> dict[str, int]:
        """Return split → how many pictures."""
        return {"train": self.count, "validation": self.validation_count, "test": self.test_count}


def load_captcha_config(path: Path) -> CaptchaConfig:
    """Read captcha_config.json; raise SettingsError with every problem in one message."""
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there: copy the toolkit's captcha_config.json to this place") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not the JSON object that is expected ({error!r})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path} is not the JSON object that is expected, but {type(values).__name__}")
    known = {name: values[name] for name in CaptchaConfig.__dataclass_fields__ if name in values}
    count = known.get("count")
    tenth = max(1, count // 10) if isinstance(count, int) else 1
    known = {"validation_count": tenth, "test_count": tenth} | known
    problems = [f"{name} is not a key" for name in values if name not in CaptchaConfig.__dataclass_fields__]
    problems += [f"{name} is missing" for name in CaptchaConfig.__dataclass_fields__ if name not in known]
    problems += [f"{name} = {known[name]!r}: {allowed}" for name, allowed in _broken_rules(known)]
    if problems:
        raise SettingsError(f"{path} cannot be used:\n  " + "\n  ".join(problems))
    return CaptchaConfig(**known | {"char_count": tuple(known["char_count"])})


def _broken_rules(known: dict) -> Iterator[tuple[str, str]]:
    def is_whole(value: object, lowest: int, highest: int) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest

    ranges = {
        "count": (1, 10**9),
        "validation_count": (0, 10**9),
        "test_count": (0, 10**9),
        "width": (16, 2000),
        "height": (16, 2000),
    }
    for name, (lowest, highest) in ranges.items():
        if name in known and not is_whole(known[name], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    lengths = known.get("char_count", [1])
    if not isinstance(lengths, list) or not lengths or not all(is_whole(length, 1, 64) for length in lengths):
        yield "char_count", "a list of label lengths is expected, as in [4, 5, 6]"
    characters = known.get("characters", "0")
    if not isinstance(characters, str) or not characters or not all(map(fits_a_name, characters)):
        unfit = " ".join(sorted(UNFIT_FOR_NAMES))
        yield "characters", f"a text without spaces and {unfit} is expected, since labels become file names"
    if f".{known.get('image_suffix', 'png')}" not in SUFFIXES:
        yield "image_suffix", f"one of {', '.join(sorted(suffix[1:] for suffix in SUFFIXES))} is expected"
    for name in FOLDER_KEYS:
        if known.get(name, FOLDER_KEYS[name]) != FOLDER_KEYS[name]:
            yield name, f"{FOLDER_KEYS[name]!r} is expected, since the later steps read that folder"


def fits_a_name(character: str) -> bool:
    """Tell whether a character can stand in a file's name on every system."""
    return character.isprintable() and not character.isspace() and character not in UNFIT_FOR_NAMES


def plan(config: CaptchaConfig, split: str, seed: int) -> Iterator[tuple[str, str, str]]:
    """Yield (file name, label, seed of its picture) of a split.

    The name's hash covers the configuration, so that pictures of another one are never taken for these.
    """
    what = {name: getattr(config, name) for name in ("image_suffix", "characters", "char_count", "width", "height")}
    base = f"{json.dumps(what, sort_keys=True)}/{seed}/{split}"
    for number in range(config.counts[split]):
        source = random.Random(f"{base}/{number}")
        label = "".join(source.choices(config.characters, k=source.choice(config.char_count)))
        digest = hashlib.blake2b(f"{base}/{number}".encode(), digest_size=6).hexdigest()
        yield f"{label}_{digest}.{config.image_suffix}", label, f"{base}/{number}"


def generate(config: CaptchaConfig, split: str, folder: Path, seed: int) -> tuple[int, int]:
    """Make the pictures of a split that are not there yet; return how many, and how many others lie in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    there = {path.name for path in list_images(folder)}
    wanted = list(plan(config, split, seed))
    missing = [item for item in wanted if item[0] not in there]
    chunks = [(config, folder, missing[start : start + CHUNK]) for start in range(0, len(missing), CHUNK)]
    if len(chunks) <= 1:
        for chunk in chunks:
            make_pictures(*chunk)
    else:
        _make_on_all_cores(chunks, len(missing), f"generating {folder.name}")
    return len(missing), len(there - {name for name, _, _ in wanted})


def _make_on_all_cores(chunks: list[tuple], total: int, what: str) -> None:
    # spawn, as on Windows: the same behaviour everywhere, and no forked copy of a threaded parent
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(os.cpu_count() or 1, len(chunks), MOST_PROCESSES), mp_context=context) as pool:
        try:
            futures = [pool.submit(make_pictures, *chunk) for chunk in chunks]
            for _ in show_progress((name for future in futures for name in future.result()), total, what):
                pass
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)  # what is drawn ends, what waits is dropped
            raise


def make_pictures(config: CaptchaConfig, folder: Path, items: list[tuple[str, str, str]]) -> list[str]:
    """Draw and write pictures; return their file names."""
    import captcha.image  # only the processes that draw need it

    drawer = captcha.image.ImageCaptcha(config.width, config.height)
    for name, label, seed in items:
        with _seeded(captcha.image, seed), written_beside(folder / name, sync=False) as part:
            drawer.generate_image(label).save(part)
    return [name for name, _, _ in items]


class _SeededSecrets(random.Random):
    """What the captcha package takes from `secrets`, repeatable."""

    def randbelow(self, limit: int) -> int:
        return self.randrange(limit)

    def randbits(self, count: int) -> int:
        return self.getrandbits(count)


@contextmanager
def _seeded(module, seed: str) -> Iterator[None]:
    """Let a module of the captcha package draw its chances from a seed: it has no setting for that."""
    original = module.secrets
    module.secrets = _SeededSecrets(seed)
    try:
        yield
    finally:
        module.secrets = original
