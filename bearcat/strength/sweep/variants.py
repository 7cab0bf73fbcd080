"""The variants of a sweep: captcha configurations that differ from the work's own in one key."""

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bearcat.core.fonts import fonts_with
from bearcat.generation.config import CaptchaConfig, DrawnConfig, config_problems
from bearcat.generation.text.drawer import TextDrawer

BASE = "base"  # folder of the configuration as it is
MOST_FONTS = 4
SIZE_STEPS = (1.25, 1.0, 0.75, 0.6)  # times the base
LENGTH_STEPS = (-1, 0, 1, 2)  # added to the base
ALPHABETS = (
    string.digits,
    string.ascii_lowercase,
    string.ascii_lowercase + string.digits,
    string.ascii_letters + string.digits,
)
SHOWN_CHARACTERS = 10  # of a longer alphabet
COMPARED = 3  # images, to see if a value changes them


@dataclass(frozen=True)
class Variant:
    """A configuration of a sweep.

    Args:
        key: The key that differs from the base; '' for the base itself.
        value: Its value.
        config: The configuration with this value.
        name: Its folder.
    """

    key: str
    value: Any
    config: CaptchaConfig
    name: str

    def describe(self) -> str:
        """Says what it is, as a line for the terminal."""
        return f"{self.key} = {say_value(self.value)}" if self.key else "the configuration as it is"


def say_value(value: Any) -> str:
    """Returns a value of a configuration in short."""
    if isinstance(value, str) and len(value) > SHOWN_CHARACTERS:
        return f"{len(set(value))} characters, {value[:SHOWN_CHARACTERS]}…"
    if isinstance(value, list | tuple):
        return ", ".join(Path(one).stem if isinstance(one, str) else str(one) for one in value) or "those of the system"
    return f"{value:g}" if isinstance(value, float) else str(value)


def as_json(value: Any) -> Any:
    """Returns a value of a configuration as JSON has it."""
    return list(value) if isinstance(value, tuple) else value


@dataclass(frozen=True)
class LeftOut:
    """A value that a sweep does not try, and why."""

    key: str
    value: Any
    reason: str


@dataclass(frozen=True)
class Scale:
    """The values of a key.

    Args:
        values: Lists them, given the base and the folder of the work.
        hardness: The larger it is for a value, the harder that is for machines, as a rule.
    """

    values: Callable[[CaptchaConfig, Path], Sequence[Any]]
    hardness: Callable[[Any], float] = float


def _these(*values: Any) -> Callable[[CaptchaConfig, Path], Sequence[Any]]:
    return lambda config, work: values


def _named(*values: str) -> Scale:
    """A scale of names, from the easiest to the hardest."""
    return Scale(_these(*values), values.index)


def _lengths(config: CaptchaConfig, work: Path) -> Sequence[tuple[int, ...]]:
    return [tuple(max(1, length + step) for length in config.char_count) for step in LENGTH_STEPS]


def _alphabets(config: CaptchaConfig, work: Path) -> Sequence[str]:
    return [alphabet for alphabet in ALPHABETS if set(alphabet) != set(config.characters)]


def _sides(key: str) -> Callable[[CaptchaConfig, Path], Sequence[int]]:
    return lambda config, work: [round(getattr(config, key) * step) for step in SIZE_STEPS]


def _sizes(config: Any, work: Path) -> Sequence[tuple[int, ...]]:
    return [tuple(round(size * step) for size in config.size_range) for step in SIZE_STEPS]


def _fonts(config: Any, work: Path) -> Sequence[tuple[str, ...]]:
    several = config.fonts if len(config.fonts) > 1 else tuple(map(str, fonts_with(config.characters)[:MOST_FONTS]))
    return [fonts for fonts in (config.fonts[:1] or several[:1], several) if fonts]  # the system may have none


def _less_is_harder(value: float) -> float:
    return -value


def _smaller_is_harder(sizes: Sequence[float]) -> float:
    return -sum(sizes)


SCALES = {
    "char_count": Scale(_lengths, sum),
    "characters": Scale(_alphabets, lambda characters: len(set(characters))),
    "width": Scale(_sides("width"), _less_is_harder),
    "height": Scale(_sides("height"), _less_is_harder),
    "overlap": Scale(_these(0.0, 0.2, 0.4)),
    "bend": Scale(_these(0.0, 0.2, 0.5, 0.8)),
    "lines": Scale(_these(0, 3, 6)),
    "line_colour": _named("any", "ink"),
    "rotation": Scale(_these(0, 15, 30, 60)),
    "fonts": Scale(_fonts, len),
    "dots": Scale(_these(0.0, 0.02, 0.06, 0.15)),
    "contrast": Scale(_these(1.0, 0.7, 0.5, 0.3), _less_is_harder),
    "paper": _named("plain", "gradient", "noise", "blots", "grid", "tiles", "patches"),
    "colours": _named("black", "one", "each"),
    "outline": Scale(_these(0, 1, 2)),
    "shear": Scale(_these(0.0, 0.1, 0.3)),
    "character_size": Scale(_sizes, _smaller_is_harder),
}
# style → the keys of SCALES that it has
KEYS = {
    CaptchaConfig.style: ("char_count", "characters", "width", "height"),
    DrawnConfig.style: tuple(key for key in SCALES if key not in ("width", "height")),
}


def plan_sweep(config: CaptchaConfig, work: Path) -> tuple[list[Variant], list[LeftOut]]:
    """Lists the variants of a configuration: itself, a harder value of each key, then the other values.

    Args:
        config: The configuration.
        work: The folder that its paths start from.

    Returns:
        The variants, and the values that are not tried.
    """
    ranked: list[tuple[int, Variant]] = []
    left_out = []
    for key in KEYS[config.style]:
        rank = 0
        for value in ordered_values(SCALES[key], base_value(config, key), config, work):
            variant = Variant(key, value, replace(config, **{key: value}), f"{key}-{_slug(value)}")
            reason = _why_not(variant.config, config, work)
            if reason:
                left_out.append(LeftOut(key, value, reason))
            else:
                ranked.append((rank, variant))
                rank += 1
    ranked.sort(key=lambda pair: pair[0])
    return [Variant("", None, config, BASE), *(variant for _, variant in ranked)], left_out


def with_absolute_fonts(config: CaptchaConfig, work: Path) -> CaptchaConfig:
    """Returns a configuration that can be used in the folder of another work."""
    if not isinstance(config, DrawnConfig):
        return config
    return replace(config, fonts=tuple(str(work / font) for font in config.fonts))


def ordered_values(scale: Scale, base: Any, config: CaptchaConfig, work: Path) -> list[Any]:
    """Returns the values of a key but that of the base: the next harder one, the other harder ones, the easier ones."""
    values = {value: scale.hardness(value) for value in scale.values(config, work) if value != base}
    at_base = scale.hardness(base)
    harder = sorted((value for value in values if values[value] >= at_base), key=values.__getitem__)
    easier = sorted((value for value in values if values[value] < at_base), key=values.__getitem__, reverse=True)
    return harder + easier


def base_value(config: CaptchaConfig, key: str) -> Any:
    """Returns what a configuration has for a key; for sizes that it leaves open, those that result."""
    return getattr(config, "size_range" if key == "character_size" else key)


def _why_not(config: CaptchaConfig, base: CaptchaConfig, work: Path) -> str:
    """Returns why a variant is of no use; '' if it is."""
    problems = config_problems(config, work)
    if problems:
        return "; ".join(problems)
    return "the images look the same" if _look_alike(config, base, work) else ""


def _look_alike(one: CaptchaConfig, other: CaptchaConfig, work: Path) -> bool:
    """Whether two configurations draw the same images."""
    if not isinstance(one, DrawnConfig) or not isinstance(other, DrawnConfig):
        return False
    drawers = TextDrawer(one, work), TextDrawer(other, work)
    for number in range(COMPARED):
        seed = f"compare/{number}"
        texts = (config.choose_text(random.Random(seed)) for config in (one, other))
        first, second = (drawer.draw(text, seed) for drawer, text in zip(drawers, texts, strict=True))
        if first.tobytes() != second.tobytes():
            return False
    return True


def _slug(value: Any) -> str:
    """Returns a short name of a value."""
    if value in ALPHABETS or (isinstance(value, tuple) and isinstance(value[0], str)):
        return str(len(value))
    return "-".join(map(str, value)) if isinstance(value, tuple) else str(value)
