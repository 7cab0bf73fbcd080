"""Configurations of generated captchas, and the bytes that were generated."""

import json
from pathlib import Path

import pytest

from bearcat.core.errors import SettingsError
from bearcat.generation.config import CaptchaConfig, ClickConfig, DrawnConfig, load_captcha_config

SMALL = CaptchaConfig(
    train_dir="train_dataset",
    validation_dir="validation_dataset",
    test_dir="test_dataset",
    image_suffix="png",
    characters="abc7",
    count=6,
    char_count=(1, 3),
    width=32,
    height=16,
    validation_count=4,
    test_count=2,
)
TEXT = {
    "train_dir": "train_dataset",
    "validation_dir": "validation_dataset",
    "test_dir": "test_dataset",
    "image_suffix": "jpg",
    "characters": "01",
    "count": 250,
    "char_count": [4, 5],
    "width": 100,
    "height": 60,
}
CLICK = {
    "kind": "click",
    "train_dir": "train_dataset",
    "validation_dir": "validation_dataset",
    "test_dir": "test_dataset",
    "image_suffix": "png",
    "characters": "ABDEGHKMNRabdegk/?*7",
    "count": 6,
    "char_count": [2, 4],
    "width": 96,
    "height": 56,
    "validation_count": 3,
    "test_count": 2,
}


def load_text(folder: Path, **changes: object) -> CaptchaConfig:
    """Returns the configuration of kind "text" with some keys changed."""
    path = folder / "captcha_config.json"
    path.write_text(json.dumps(TEXT | changes), encoding="utf-8-sig")
    return load_captcha_config(path)


def load_drawn(folder: Path, font: Path, **changes: object) -> DrawnConfig:
    """Returns a configuration of style "drawn" in one font, with some keys changed."""
    return load_text(folder, **({"style": "drawn", "fonts": [str(font)], "characters": "abcdeABCDE123456"} | changes))


def write_click(folder: Path, **changes: object) -> Path:
    """Writes the configuration of kind "click", or changes the existing one; keys with the value ... are removed."""
    path = folder / "captcha_config.json"
    old = json.loads(path.read_text(encoding="utf-8")) if path.exists() else CLICK
    values = {name: value for name, value in (old | changes).items() if value is not ...}
    path.write_text(json.dumps(values), encoding="utf-8")
    return path


def load_click(folder: Path, **changes: object) -> ClickConfig:
    """Returns the configuration of kind "click" with some keys changed."""
    return load_captcha_config(write_click(folder, **changes))


def refusal(folder: Path, **changes: object) -> str:
    """Returns the message about a configuration that must be refused."""
    with pytest.raises(SettingsError) as error:
        load_click(folder, **changes)
    return str(error.value)


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Returns file name → bytes."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def click_bytes(folder: Path) -> dict[str, bytes]:
    """Returns path → bytes of the images and labels of click captchas in a work."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("*/click_*")}
