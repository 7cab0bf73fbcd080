"""captcha_config.json: the kinds of captchas, their keys and rules. Every problem is reported in one message."""

import dataclasses
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bearcat.core.errors import SettingsError
from bearcat.core.files import read_json
from bearcat.data.images import FORMAT_OF_SUFFIX, SERVED_FORMATS
from bearcat.data.labels.boxes import PROMPT_SUFFIX, VOC_SUFFIX
from bearcat.data.vocabulary import BLANK
from bearcat.generation.click_rules import Problem, click_problems, default_size

UNFIT_FOR_NAMES = set('/\\:*?"<>|.' + BLANK)
FOLDER_KEYS = {f"{split}_dir": f"{split}_dataset" for split in ("train", "validation", "test")}
RANGES = {
    "count": (1, 10**9),
    "validation_count": (0, 10**9),
    "test_count": (0, 10**9),
    "width": (16, 2000),
    "height": (16, 2000),
}


@dataclass(frozen=True)
class CaptchaConfig:
    """Configuration of kind "text", checked; sizes are in pixels."""

    kind: ClassVar[str] = "text"
    label_suffixes: ClassVar[tuple[str, ...]] = ()  # of an image's files in the label folder
    save_options: ClassVar[dict[str, Any]] = {}  # for Image.save

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
    def has_boxes(self) -> bool:
        """Whether the labels of these captchas are boxes."""
        return bool(self.label_suffixes)

    @property
    def folders(self) -> dict[str, str]:
        """Folder of each split, relative to the work."""
        return {"train": self.train_dir, "validation": self.validation_dir, "test": self.test_dir}

    @property
    def counts(self) -> dict[str, int]:
        """Number of images of each split."""
        return {"train": self.count, "validation": self.validation_count, "test": self.test_count}

    @property
    def appearance(self) -> dict[str, object]:
        """Values that decide how images look; the hashes in their names depend on them."""
        return {name: getattr(self, name) for name in ("image_suffix", "characters", "char_count", "width", "height")}

    def choose_text(self, rng: random.Random) -> str:
        """Returns random characters for an image."""
        return "".join(rng.choices(self.characters, k=rng.choice(self.char_count)))

    def name_prefix(self, text: str) -> str:
        """Returns what precedes the `_` in the file name of an image of `text`."""
        return text


@dataclass(frozen=True)
class ClickConfig(CaptchaConfig):
    """Configuration of kind "click", checked: characters with boxes, to be clicked in order."""

    kind: ClassVar[str] = "click"
    label_suffixes: ClassVar[tuple[str, ...]] = (VOC_SUFFIX, PROMPT_SUFFIX)
    # a gradient's PNG is no larger with these and is written five times as fast
    save_options: ClassVar[dict[str, Any]] = {"compress_level": 1, "compress_type": zlib.Z_RLE}

    prompt_count: tuple[int, ...] = ()  # numbers of characters to click; () = all
    character_size: tuple[int, ...] = ()  # smallest, largest; () = from the height
    rotation: int = 30  # degrees, in either direction
    fonts: tuple[str, ...] = ()  # font files; () = those of the system
    backgrounds: str = ""  # folder of images; "" = gradients
    lines: int = 3
    dummy_strokes: int = 4

    @property
    def appearance(self) -> dict[str, object]:
        """Values that decide how images look; the hashes in their names depend on them."""
        own = {field.name for field in dataclasses.fields(self)} - {
            field.name for field in dataclasses.fields(CaptchaConfig)
        }
        return super().appearance | {name: getattr(self, name) for name in own} | {"kind": self.kind}

    @property
    def size_range(self) -> tuple[int, int]:
        """Smallest and largest size of a character, in pixels."""
        smallest, largest = self.character_size or default_size(self.height)
        return smallest, largest

    def choose_text(self, rng: random.Random) -> str:
        """Returns random characters for an image, each at most once."""
        return "".join(rng.sample(list(dict.fromkeys(self.characters)), rng.choice(self.char_count)))

    def name_prefix(self, text: str) -> str:
        """Returns what precedes the `_` in the file name: the kind, since the label file says what is shown."""
        return self.kind


KINDS = {config.kind: config for config in (CaptchaConfig, ClickConfig)}


def load_captcha_config(path: Path) -> CaptchaConfig:
    """Reads captcha_config.json; raises SettingsError with every problem in one message."""
    values = _read_object(path)
    kind = values.pop("kind", CaptchaConfig.kind)
    # the keys of an unknown kind are checked as those of "click", which has them all
    config = KINDS.get(kind, ClickConfig) if isinstance(kind, str) else ClickConfig
    problems = [] if kind in list(KINDS) else [f"kind = {kind!r}: one of {', '.join(KINDS)} is expected"]
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    known = _defaults(config, values) | {name: values[name] for name in fields if name in values}
    problems += [_unknown_key(name) for name in values if name not in fields]
    problems += [f"{name} is missing" for name in fields if name not in known]
    broken = list(_common_problems(known, config))
    if config is ClickConfig:
        broken += click_problems(known, path.parent, {name for name, _ in broken})
    problems += [f"{name} = {known[name]!r}: {expected}" for name, expected in broken]
    if problems:
        raise SettingsError(f"{path} cannot be used:\n  " + "\n  ".join(problems))
    arguments: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in known.items()
    }
    return config(**arguments)


def _defaults(config: type[CaptchaConfig], values: dict) -> dict:
    count = values.get("count")
    tenth = max(1, count // 10) if isinstance(count, int) else 1
    optional = (field for field in dataclasses.fields(config) if field.default is not dataclasses.MISSING)
    return {field.name: field.default for field in optional} | {"validation_count": tenth, "test_count": tenth}


def _read_object(path: Path) -> dict:
    try:
        values = read_json(path)
    except FileNotFoundError:
        raise SettingsError(f"{path} does not exist: copy the toolkit's captcha_config.json to this place") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not the JSON object that is expected ({error!r})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path} is not the JSON object that is expected, but {type(values).__name__}")
    return values


def _unknown_key(name: str) -> str:
    owners = [kind for kind, config in KINDS.items() if name in {field.name for field in dataclasses.fields(config)}]
    if owners:
        return f'{name} is a key of kind "{owners[0]}" only: remove it, or add "kind": "{owners[0]}"'
    return f"{name} is not a key"


def _common_problems(known: dict, config: type[CaptchaConfig]) -> Iterator[Problem]:
    for name, (lowest, highest) in RANGES.items():
        if name in known and not is_whole(known[name], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    lengths = known.get("char_count", [1])
    if not isinstance(lengths, list) or not lengths or not all(is_whole(length, 1, 64) for length in lengths):
        yield "char_count", "a list of label lengths is expected, as in [4, 5, 6]"
    characters = known.get("characters", "0")
    unfit, reason, is_fit = " ".join(sorted(UNFIT_FOR_NAMES)), "labels become file names", fits_file_name
    if config is not CaptchaConfig:
        unfit, reason, is_fit = BLANK, "it is reserved", fits_label
    if not isinstance(characters, str) or not characters or not all(map(is_fit, characters)):
        yield "characters", f"a text without spaces and {unfit} is expected, since {reason}"
    suffixes = sorted(suffix[1:] for suffix, form in FORMAT_OF_SUFFIX.items() if form in SERVED_FORMATS)
    if known.get("image_suffix", "png") not in suffixes:
        yield "image_suffix", f"one of {', '.join(suffixes)} is expected"
    for name in FOLDER_KEYS:
        if known.get(name, FOLDER_KEYS[name]) != FOLDER_KEYS[name]:
            yield name, f"{FOLDER_KEYS[name]!r} is expected, since the later steps read that folder"


def is_whole(value: object, lowest: int, highest: int) -> bool:
    """Whether a value is an integer, but no bool, in a range."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def fits_file_name(character: str) -> bool:
    """Whether a file name can hold a character on every system."""
    return fits_label(character) and character not in UNFIT_FOR_NAMES


def fits_label(character: str) -> bool:
    """Whether a character can be drawn and be part of a label."""
    return character.isprintable() and not character.isspace() and character != BLANK
