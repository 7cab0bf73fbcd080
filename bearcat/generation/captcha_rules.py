"""Whether the captcha package, which draws style "captcha", can draw the characters: it has one font, made for text."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bearcat.core.fonts import missing_characters, open_font
from bearcat.generation.rules import Problem, combining_marks, list_characters

CHECK_SIZE = 56  # pixels; the result does not depend on it
MAX_STRETCH = 3  # a character lower than a line by more than this factor becomes a block, as - and = do


def captcha_problems(values: Mapping[str, Any], work: Path, broken: set[str]) -> list[Problem]:
    """Returns (key, what is expected) if the package cannot draw some of the characters."""
    if "characters" not in values or "characters" in broken:
        return []
    from captcha.image import DEFAULT_FONTS  # imported late: only what generates needs it

    characters, font = values["characters"], Path(DEFAULT_FONTS[0])
    lacking = missing_characters(font, characters)
    flat = "".join(one for one in dict.fromkeys(characters) if one not in lacking and _is_flat(font, one))
    reasons = [f"has no glyph for {list_characters(lacking)}"] if lacking else []
    reasons += [f"stretches {list_characters(flat)} into blocks"] if flat else []
    if not reasons:
        return []
    advice = "remove them"
    if combining_marks(lacking + flat) != lacking + flat:
        advice += ', or set "style": "drawn", which draws what its fonts have'
    return [("characters", f"the captcha package {' and '.join(reasons)}: {advice}")]


def _is_flat(path: Path, character: str) -> bool:
    font = open_font(path, CHECK_SIZE)
    _, top, _, bottom = font.getmask(character).getbbox()
    return MAX_STRETCH * (bottom - top) < font.getbbox(character)[3]
