"""What each setting may be, and the settings of a work with all that is wrong with them."""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.artifacts.pretrained import BASE
from bearcat.core.devices import POLICIES
from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import AUTO, Unreadable, parse_override, read_settings_file
from bearcat.detection.configs import LIGHT_PHI
from bearcat.modes import MODES
from bearcat.networks.registry import BACKBONES, OPTIMIZER_NAMES
from bearcat.training.cluster import STRATEGIES


@dataclass(frozen=True)
class Rule:
    """What a setting may be: a test, and the same in words."""

    holds: Callable[[object], bool]
    allowed: str


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(lowest: int, highest: int) -> Rule:
    return Rule(
        lambda value: _is_number(value) and isinstance(value, int) and lowest <= value <= highest,
        f"a whole number from {lowest} to {highest}",
    )


def _between(lowest: float, highest: float) -> Rule:
    return Rule(
        lambda value: _is_number(value) and lowest < value < highest,
        f"a number above {lowest:g} and below {highest:g}",
    )


def _one_of(*choices: object) -> Rule:
    # True == 1 in Python, so the type is compared too
    return Rule(
        lambda value: any(type(value) is type(choice) and value == choice for choice in choices),
        "one of " + ", ".join(map(repr, choices)),
    )


def _is_file_stem(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\w([\w .+-]*\w)?", value))


_FLAG = _one_of(True, False)


_UPDATE_FREQ = Rule(
    lambda value: value in ("epoch", "batch") or (_is_number(value) and isinstance(value, int) and value > 0),
    "'epoch', 'batch' or a whole number of steps",
)


RULES: dict[str, Rule] = {
    "MODE": _one_of(*MODES),
    "BACKBONE": _one_of(AUTO, *BACKBONES),
    "PHI": _one_of(AUTO, LIGHT_PHI, *range(8)),
    "IMAGE_SIZES": Rule(
        lambda value: isinstance(value, list) and len(value) == 8 and all(map(_whole(128, 4096).holds, value)),
        "a list of eight whole numbers from 128 to 4096, one for each PHI from 0 to 7",
    ),
    "MOSAIC": _FLAG,
    "CAPTCHA_LENGTH": _whole(1, 1000),
    "MODEL_NAME": Rule(
        _is_file_stem, "a name that can be a file's: letters, digits, and . + - or a space between them"
    ),
    "IMAGE_HEIGHT": _whole(8, 2048),
    "IMAGE_WIDTH": _whole(8, 2048),
    "IMAGE_CHANNALS": _one_of(1, 3),
    "DIVIDE": _FLAG,
    "DIVIDE_RATO": _between(0, 0.5),
    "AUGMENT": _FLAG,
    "DATA_ENHANCEMENT": Rule(
        lambda value: value is False or (type(value) is int and 1 <= value <= 1000),
        "False, or how many copies of each image: a whole number from 1 to 1000",
    ),
    "PACK_FOLDER": Rule(
        lambda value: value is None or (isinstance(value, str) and bool(value.strip())),
        "None, or the path or URL of a folder",
    ),
    "SEED": _whole(0, 2**31 - 1),
    "USE_GPU": _FLAG,
    "STRATEGY": _one_of(*STRATEGIES),
    "EPOCHS": _whole(1, 1_000_000),
    "BATCH_SIZE": _whole(1, 65_536),
    "LR": _between(0, 1),
    "WEIGHTS": _one_of(BASE, None),
    "TRAIN_SECONDS": _whole(0, 10_000_000),
    "OPTIMIZER": _one_of(*OPTIMIZER_NAMES),
    "RECTIFY": _FLAG,
    "LABEL_SMOOTHING": Rule(lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to below 1"),
    "WEIGHT_AVERAGE": _FLAG,
    "PRECISION": _one_of(AUTO, *POLICIES),
    "COSINE_SCHEDULER": _FLAG,
    "LR_PATIENCE": _whole(1, 1_000_000),
    "EARLY_PATIENCE": _whole(1, 1_000_000),
    "MIN_EPOCH_STEPS": _whole(1, 1_000_000),
    "KEEP_CHECKPOINTS": _whole(0, 1_000_000),
    "DETERMINISTIC": _FLAG,
    "UPDATE_FREQ": _UPDATE_FREQ,
}


def load_settings(default_file: Path, work_file: Path | None, overrides: Iterable[str] = ()) -> SimpleNamespace:
    """Return all settings as attributes, each from the last place that names it.

    Raises SettingsError with every problem in one message.
    """
    places = _values_and_places(default_file)
    if work_file is not None:
        places |= _values_and_places(work_file)
    places |= {name: (value, "--set") for name, value in map(parse_override, overrides)}
    problems = list(_problems(places))
    if problems:
        raise SettingsError("the settings cannot be used:\n  " + "\n  ".join(problems))
    return SimpleNamespace(**{name: value for name, (value, _) in places.items()})


def _values_and_places(path: Path) -> dict[str, tuple[object, str]]:
    return {name: (value, f"{path}, line {at.lineno}") for name, (value, at) in read_settings_file(path).items()}


def _problems(places: dict[str, tuple[object, str]]) -> Iterator[str]:
    for name, (value, place) in places.items():
        if name not in RULES:
            near = difflib.get_close_matches(name, RULES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the settings are: {', '.join(RULES)}"
            yield f"{name} ({place}) is not a setting; {hint}"
        elif isinstance(value, Unreadable):
            yield f"{name} = {value!r} ({place}): a plain value is expected (a number, 'text', True …)"
        elif not RULES[name].holds(value):
            yield f"{name} = {value!r} ({place}): {RULES[name].allowed} is expected"
    for name in RULES.keys() - places.keys():
        yield f"{name} is missing in the toolkit's settings.py"
    if places.get("RECTIFY", [False])[0] is True and places["OPTIMIZER"][0] != "AdaBelief":
        yield f"RECTIFY = True is for OPTIMIZER = 'AdaBelief', not {places['OPTIMIZER'][0]!r}"
    lr_patience, early_patience = (places.get(name, [0])[0] for name in ("LR_PATIENCE", "EARLY_PATIENCE"))
    if _is_number(lr_patience) and _is_number(early_patience) and lr_patience >= early_patience > 0:
        yield f"LR_PATIENCE = {lr_patience} is not below EARLY_PATIENCE = {early_patience}: LR would never be lowered"
