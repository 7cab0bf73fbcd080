"""captcha_config.json: the kinds and styles of captchas, their keys and rules. All problems are in one message."""

import dataclasses
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from bearcat.core.errors import SettingsError
from bearcat.core.files import read_json
from bearcat.data.images import FORMAT_OF_SUFFIX, SERVED_FORMATS
from bearcat.data.labels.boxes import PROMPT_SUFFIX, VOC_SUFFIX
from bearcat.data.vocabulary import BLANK
from bearcat.generation.captcha_rules import captcha_problems
from bearcat.generation.click_rules import click_problems, default_size
from bearcat.generation.rules import MAX_SIDE, MIN_SIDE, Problem, are_whole, is_whole
from bearcat.generation.text.drawn_rules import SUM, drawn_problems
from bearcat.generation.text.layout import Geometry
from bearcat.generation.text.sums import choose_sum

CAPTCHA, DRAWN = "captcha", "drawn"  # styles of kind "text"
UNFIT_FOR_NAMES = set('/\\:*?"<>|.' + BLANK)
FOLDER_KEYS = {f"{split}_dir": f"{split}_dataset" for split in ("train", "validation", "test")}
RANGES = {
    "count": (1, 10**9),
    "validation_count": (0, 10**9),
    "test_count": (0, 10**9),
    "width": (MIN_SIDE, MAX_SIDE),
    "height": (MIN_SIDE, MAX_SIDE),
}


@dataclass(frozen=True)
class CaptchaConfig:
    """Configuration of kind "text" and style "captcha", checked; sizes are in pixels."""

    kind: ClassVar[str] = "text"
    style: ClassVar[str] = CAPTCHA  # "" if the kind has no styles
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
class DrawnConfig(CaptchaConfig):
    """Configuration of kind "text" and style "drawn", checked."""

    style: ClassVar[str] = DRAWN

    fonts: tuple[str, ...] = ()  # font files; () = those of the system
    character_size: tuple[int, ...] = ()  # smallest, largest; () = from the height and the width
    rotation: int = 15  # degrees, in either direction
    shear: float = 0.1  # of a character's height, in either direction
    overlap: float = 0.0  # of the narrower of two neighbours
    outline: int = 0  # width of the outline; 0 = filled
    bend: float = 0.2  # 1 = strong
    lines: int = 3
    line_colour: str = "any"
    dots: float = 0.02  # of the area
    paper: str = "plain"
    colours: str = "one"
    contrast: float = (
        0.7  # difference in lightness between ink and paper; of a paper with several colours, the least one
    )
    text: str = "characters"

    @property
    def appearance(self) -> dict[str, object]:
        """Values that decide how images look; the hashes in their names depend on them."""
        return super().appearance | _own_values(self) | {"style": self.style}

    @property
    def size_range(self) -> tuple[int, int]:
        """Smallest and largest size of a character, in pixels; a text that would not fit is drawn smaller."""
        return Geometry.of(vars(self)).size_range

    def choose_text(self, rng: random.Random) -> str:
        """Returns random characters or a sum for an image."""
        if self.text == SUM:
            return choose_sum(self.characters, rng.choice(self.char_count), rng)
        return super().choose_text(rng)


@dataclass(frozen=True)
class ClickConfig(CaptchaConfig):
    """Configuration of kind "click", checked: characters with boxes, to be clicked in order."""

    kind: ClassVar[str] = "click"
    style: ClassVar[str] = ""
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
        return super().appearance | _own_values(self) | {"kind": self.kind}

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


def _own_values(config: CaptchaConfig) -> dict[str, object]:
    """Returns the values of the keys that not every kind and style has."""
    names = (field.name for field in dataclasses.fields(config))
    return {name: getattr(config, name) for name in names if name not in CaptchaConfig.__dataclass_fields__}


CheckKeys = Callable[[dict, Path, set[str]], list[Problem]]
# each kind and style with what checks its own keys
CONFIGS: dict[type[CaptchaConfig], CheckKeys] = {
    CaptchaConfig: captcha_problems,
    DrawnConfig: drawn_problems,
    ClickConfig: click_problems,
}


def load_captcha_config(path: Path) -> CaptchaConfig:
    """Reads captcha_config.json; raises SettingsError with every problem in one message."""
    values = _read_object(path)
    config, check, problems = _choose_config(values)
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    known = _defaults(config, values) | {name: values[name] for name in fields if name in values}
    problems += [_unknown_key(name) for name in values if name not in fields]
    problems += [f"{name} is missing" for name in fields if name not in known]
    problems += _problems(known, config, check, path.parent)
    if problems:
        raise SettingsError(f"{path} cannot be used:\n  " + "\n  ".join(problems))
    return config(**{name: _stored(value, fields[name]) for name, value in known.items()})


def _stored(value: Any, default: Any) -> Any:
    """Returns a value as a configuration stores it: names and images must not depend on whether it is 0 or 0.0."""
    if isinstance(value, list):
        return tuple(value)
    return float(value) if isinstance(default, float) else value


def config_problems(config: CaptchaConfig, work: Path) -> list[str]:
    """Returns what is wrong with a configuration that was changed after loading, [] if nothing is.

    Args:
        config: The configuration.
        work: Folder that its paths are relative to.
    """
    return _problems(vars(config), type(config), CONFIGS[type(config)], work)


def _choose_config(values: dict) -> tuple[type[CaptchaConfig], CheckKeys, list[str]]:
    """Takes kind and style out of the values; returns their configuration, its check, and what is wrong with them.

    The keys of an unknown style are checked as those of "drawn". Of an unknown kind only the keys that all kinds have
    are left in the values, and checked by the rules that all kinds have.
    """
    kinds = list(dict.fromkeys(config.kind for config in CONFIGS))
    kind = values.pop("kind", CaptchaConfig.kind)
    if kind not in kinds:
        for name in _own_keys() & values.keys():
            del values[name]
        return ClickConfig, lambda *_: [], [f"kind = {kind!r}: one of {', '.join(kinds)} is expected"]
    styles = {config.style: config for config in CONFIGS if config.kind == kind}
    if "" in styles:
        return styles[""], CONFIGS[styles[""]], []
    style = values.pop("style", CaptchaConfig.style)
    if style not in list(styles):
        return DrawnConfig, drawn_problems, [f"style = {style!r}: one of {', '.join(styles)} is expected"]
    return styles[style], CONFIGS[styles[style]], []


def _own_keys() -> set[str]:
    """Returns the keys that not every kind and style has."""
    return {"style"}.union(*map(_keys, CONFIGS)) - _keys(CaptchaConfig)


def _keys(config: type[CaptchaConfig]) -> set[str]:
    return {field.name for field in dataclasses.fields(config)}


def _problems(values: dict, config: type[CaptchaConfig], check: CheckKeys, work: Path) -> list[str]:
    problems = list(_common_problems(values, config))
    problems += check(values, work, {name for name, _ in problems})
    return [f"{name} = {values[name]!r}: {expected}" for name, expected in problems]


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
    if name == "style":
        return f'style is a key of kind "{CaptchaConfig.kind}" only: remove it'
    owners = [
        ("style", config.style) if config.style else ("kind", config.kind)
        for config in CONFIGS
        if name in _keys(config)
    ]
    if not owners:
        return f"{name} is not a key"
    of = " and of ".join(f'{key} "{value}"' for key, value in owners)
    entries = " or ".join(f'"{key}": "{value}"' for key, value in owners)
    return f"{name} is a key of {of} only: remove it, or add {entries}"


def _common_problems(known: dict, config: type[CaptchaConfig]) -> Iterator[Problem]:
    for name, (lowest, highest) in RANGES.items():
        if name in known and not is_whole(known[name], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    lengths = known.get("char_count", [1])
    if not isinstance(lengths, list | tuple) or not lengths or not are_whole(lengths, 1, 64):
        yield "char_count", "a list of label lengths is expected, as in [4, 5, 6]"
    characters = known.get("characters", "0")
    unfit, reason, is_fit = " ".join(sorted(UNFIT_FOR_NAMES)), "labels become file names", fits_file_name
    if config.label_suffixes:
        unfit, reason, is_fit = BLANK, "it is reserved", fits_label
    if not isinstance(characters, str) or not characters or not all(map(is_fit, characters)):
        yield "characters", f"a text without spaces and {unfit} is expected, since {reason}"
    suffixes = sorted(suffix[1:] for suffix, form in FORMAT_OF_SUFFIX.items() if form in SERVED_FORMATS)
    if known.get("image_suffix", "png") not in suffixes:
        yield "image_suffix", f"one of {', '.join(suffixes)} is expected"
    for name in FOLDER_KEYS:
        if known.get(name, FOLDER_KEYS[name]) != FOLDER_KEYS[name]:
            yield name, f"{FOLDER_KEYS[name]!r} is expected, since the later steps read that folder"


def fits_file_name(character: str) -> bool:
    """Whether a file name can hold a character on every system."""
    return fits_label(character) and character not in UNFIT_FOR_NAMES


def fits_label(character: str) -> bool:
    """Whether a character can be drawn and be part of a label."""
    return character.isprintable() and not character.isspace() and character != BLANK
