"""Read settings: the defaults, under the work's own, under the command line's; and say all that is wrong at once."""

import ast
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

from bearcat.backbones import AUTO, BACKBONES
from bearcat.cluster import STRATEGIES
from bearcat.detection.variants import LIGHT_PHI
from bearcat.devices import POLICIES
from bearcat.errors import SettingsError
from bearcat.files import written_beside
from bearcat.label_codecs import CODECS
from bearcat.names import OPTIMIZER_NAMES
from bearcat.weights import BASE


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
    "MODE": _one_of(*CODECS),
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
        "False, or how many copies of each picture: a whole number from 1 to 1000",
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


@dataclass(frozen=True)
class Unreadable:
    """A value that is no plain literal; no rule accepts it."""

    source: str

    def __repr__(self) -> str:
        return self.source


def read_settings_file(path: Path) -> dict[str, tuple[object, ast.Assign]]:
    """Return name → (value, where it stands) for the ALL_CAPS names of a settings file.

    The file is parsed, not run: a work that came from somewhere else executes nothing.
    Raises SettingsError where it is no UTF-8, no Python, or more than lines of NAME = value.
    """
    try:
        tree = ast.parse(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there: copy the toolkit's settings.py to this place") from None
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except (SyntaxError, ValueError, MemoryError, RecursionError) as error:
        line = getattr(error, "lineno", None) or "?"
        raise SettingsError(f"{path}, line {line}: not a line of Python: {error}") from None
    found = {}
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            continue  # the docstring
        if not isinstance(node, ast.Assign) or [type(target) for target in node.targets] != [ast.Name]:
            raise SettingsError(f"{path}, line {node.lineno}: {ast.unparse(node)}: NAME = value is expected")
        if node.targets[0].id.isupper():
            found[node.targets[0].id] = (_literal(node.value), node)
    return found


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, MemoryError, RecursionError):
        return Unreadable(ast.unparse(node))


def parse_override(text: str) -> tuple[str, object]:
    """Return the name and value of `NAME=VALUE`; a value that is no Python literal is taken as text."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise SettingsError(f"--set {text}: NAME=VALUE is expected, as in --set EPOCHS=20")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return name.strip(), value.strip()


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


def _place(node: ast.Assign) -> tuple[int, int]:
    return node.lineno, node.col_offset


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


def change_settings_file(path: Path, values: dict[str, object]) -> dict[str, tuple[object, object]]:
    """Write new values into a settings file, leaving every other character, comments and line ends as they are.

    A name that the file lacks is added at its end. Returns name → (old value or None, new value) of what changed.
    """
    found = read_settings_file(path)
    changed = {
        name: (found[name][0] if name in found else None, value)
        for name, value in values.items()
        if name not in found or repr(found[name][0]) != repr(value)
    }
    lines = path.read_bytes().splitlines(keepends=True)
    line_end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
    # from the last line to the first, so that a value over several lines shifts nothing that is still to be changed
    for name in sorted(changed, key=lambda name: _place(found[name][1]) if name in found else (0, 0), reverse=True):
        new = repr(values[name]).encode("utf-8")
        if name in found:
            value = found[name][1].value
            first, last = value.lineno - 1, value.end_lineno - 1
            bom = len(lines[0]) - len(lines[0].removeprefix(b"\xef\xbb\xbf"))
            start = value.col_offset + (bom if first == 0 else 0)
            end = value.end_col_offset + (bom if last == 0 else 0)
            line = lines[first][:start] + new + lines[last][end:]
            lines[first : last + 1] = [line]
        else:
            if lines and not lines[-1].endswith(b"\n"):
                lines[-1] += line_end
            lines.append(name.encode("utf-8") + b" = " + new + line_end)
    if changed:
        with written_beside(path) as part:
            part.write_bytes(b"".join(lines))
    return changed
