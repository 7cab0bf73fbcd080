"""captcha_config.json: one kind of captcha, its keys, and every mistake in them in one message."""

import dataclasses
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from bearcat.core.errors import SettingsError
from bearcat.core.files import read_json
from bearcat.data.box_labels import PROMPT_SUFFIX, VOC_SUFFIX
from bearcat.data.images import SUFFIXES
from bearcat.data.vocabulary import BLANK
from bearcat.generation.click_rules import broken_click_rules, default_size

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
    """A configuration of kind "text", checked; sizes in pixels."""

    kind: ClassVar[str] = "text"
    label_suffixes: ClassVar[tuple[str, ...]] = ()  # of the files that an image has in the folder label
    save_options: ClassVar[dict[str, int]] = {}  # Pillow's

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
        """Tell whether these captchas are labelled with boxes."""
        return bool(self.label_suffixes)

    @property
    def folders(self) -> dict[str, str]:
        """Return split → folder within the work."""
        return {"train": self.train_dir, "validation": self.validation_dir, "test": self.test_dir}

    @property
    def counts(self) -> dict[str, int]:
        """Return split → how many images."""
        return {"train": self.count, "validation": self.validation_count, "test": self.test_count}

    @property
    def drawn_by(self) -> dict[str, object]:
        """Return what decides how images look, which is what their names' hashes cover."""
        return {name: getattr(self, name) for name in ("image_suffix", "characters", "char_count", "width", "height")}

    def choose_text(self, source: random.Random) -> str:
        """Return the characters of an image."""
        return "".join(source.choices(self.characters, k=source.choice(self.char_count)))

    def stem_start(self, text: str) -> str:
        """Return what stands before the `_` in the name of an image of `text`."""
        return text


@dataclass(frozen=True)
class ClickConfig(CaptchaConfig):
    """A configuration of kind "click", checked: characters to click in order, with a box around each."""

    kind: ClassVar[str] = "click"
    label_suffixes: ClassVar[tuple[str, ...]] = (VOC_SUFFIX, PROMPT_SUFFIX)
    # a PNG of a gradient gets no larger by this, and is written five times as fast
    save_options: ClassVar[dict[str, int]] = {"compress_level": 1, "compress_type": zlib.Z_RLE}

    prompt_count: tuple[int, ...] = ()  # how many of the characters are to be clicked; () = all
    character_size: tuple[int, ...] = ()  # least, most; () = from the height
    rotation: int = 30  # degrees, to either side
    fonts: tuple[str, ...] = ()  # files; () = those of the system
    backgrounds: str = ""  # a folder of images; "" = gradients
    lines: int = 3
    dummy_strokes: int = 4

    @property
    def drawn_by(self) -> dict[str, object]:
        """Return what decides how images look, which is what their names' hashes cover."""
        own = {field.name for field in dataclasses.fields(self)} - {
            field.name for field in dataclasses.fields(CaptchaConfig)
        }
        return super().drawn_by | {name: getattr(self, name) for name in own} | {"kind": self.kind}

    @property
    def size_range(self) -> tuple[int, int]:
        """Return the least and the most size of a character in pixels."""
        least, most = self.character_size or default_size(self.height)
        return least, most

    def choose_text(self, source: random.Random) -> str:
        """Return the characters of an image, each once."""
        return "".join(source.sample(list(dict.fromkeys(self.characters)), source.choice(self.char_count)))

    def stem_start(self, text: str) -> str:
        """Return what stands before the `_` in the name of an image: what it shows stands in its label file."""
        return self.kind


KINDS = {config.kind: config for config in (CaptchaConfig, ClickConfig)}


def load_captcha_config(path: Path) -> CaptchaConfig:
    """Read captcha_config.json; raise SettingsError with every problem in one message."""
    values = _read_object(path)
    kind = values.pop("kind", CaptchaConfig.kind)
    # of an unknown kind any kind's keys are checked
    config = KINDS.get(kind, ClickConfig) if isinstance(kind, str) else ClickConfig
    problems = [] if kind in list(KINDS) else [f"kind = {kind!r}: one of {', '.join(KINDS)} is expected"]
    fields = {field.name: field.default for field in dataclasses.fields(config)}
    count = values.get("count")
    tenth = max(1, count // 10) if isinstance(count, int) else 1
    known = {name: default for name, default in fields.items() if default is not dataclasses.MISSING}
    known |= {"validation_count": tenth, "test_count": tenth}
    known |= {name: values[name] for name in fields if name in values}
    problems += [_unknown_key(name) for name in values if name not in fields]
    problems += [f"{name} is missing" for name in fields if name not in known]
    broken = list(_broken_rules(known, config))
    if config is ClickConfig:
        broken += broken_click_rules(known, path.parent, {name for name, _ in broken})
    problems += [f"{name} = {known[name]!r}: {allowed}" for name, allowed in broken]
    if problems:
        raise SettingsError(f"{path} cannot be used:\n  " + "\n  ".join(problems))
    return config(**{name: tuple(value) if isinstance(value, list) else value for name, value in known.items()})


def _read_object(path: Path) -> dict:
    try:
        values = read_json(path)
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there: copy the toolkit's captcha_config.json to this place") from None
    except ValueError as error:
        raise SettingsError(f"{path} is not the JSON object that is expected ({error!r})") from None
    if not isinstance(values, dict):
        raise SettingsError(f"{path} is not the JSON object that is expected, but {type(values).__name__}")
    return values


def _unknown_key(name: str) -> str:
    owners = [kind for kind, config in KINDS.items() if name in {field.name for field in dataclasses.fields(config)}]
    if owners:
        return f'{name} is a key of kind "{owners[0]}" alone: take it out, or add "kind": "{owners[0]}"'
    return f"{name} is not a key"


def _broken_rules(known: dict, config: type[CaptchaConfig]) -> Iterator[tuple[str, str]]:
    for name, (lowest, highest) in RANGES.items():
        if name in known and not is_whole(known[name], lowest, highest):
            yield name, f"a whole number from {lowest} to {highest} is expected"
    lengths = known.get("char_count", [1])
    if not isinstance(lengths, list) or not lengths or not all(is_whole(length, 1, 64) for length in lengths):
        yield "char_count", "a list of label lengths is expected, as in [4, 5, 6]"
    characters = known.get("characters", "0")
    fits = fits_a_name if config is CaptchaConfig else fits_a_label
    if not isinstance(characters, str) or not characters or not all(map(fits, characters)):
        unfit, why = " ".join(sorted(UNFIT_FOR_NAMES)), "labels become file names"
        if config is not CaptchaConfig:
            unfit, why = BLANK, "it stands for nothing"
        yield "characters", f"a text without spaces and {unfit} is expected, since {why}"
    if f".{known.get('image_suffix', 'png')}" not in SUFFIXES:
        yield "image_suffix", f"one of {', '.join(sorted(suffix[1:] for suffix in SUFFIXES))} is expected"
    for name in FOLDER_KEYS:
        if known.get(name, FOLDER_KEYS[name]) != FOLDER_KEYS[name]:
            yield name, f"{FOLDER_KEYS[name]!r} is expected, since the later steps read that folder"


def is_whole(value: object, lowest: int, highest: int) -> bool:
    """Tell whether a value is a whole number in a range; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest


def fits_a_name(character: str) -> bool:
    """Tell whether a character can stand in a file's name on every system."""
    return fits_a_label(character) and character not in UNFIT_FOR_NAMES


def fits_a_label(character: str) -> bool:
    """Tell whether a character can be drawn and named."""
    return character.isprintable() and not character.isspace() and character != BLANK
