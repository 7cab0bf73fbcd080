"""Generated captchas: a configuration that is checked, a plan that repeats, and the same bytes every time."""

import json
import secrets
from dataclasses import replace
from pathlib import Path

import captcha.image
import pytest

from bearcat.core.errors import SettingsError
from bearcat.core.workspace import ROOT
from bearcat.data.images import open_image
from bearcat.generation.config import CaptchaConfig, load_captcha_config
from bearcat.generation.generate import generate, make_images, plan

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
ORIGINAL = {
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


def load(folder: Path, **changes: object) -> CaptchaConfig:
    """Return the configuration of the original's keys with some changed."""
    path = folder / "captcha_config.json"
    path.write_text(json.dumps(ORIGINAL | changes), encoding="utf-8-sig")
    return load_captcha_config(path)


def bytes_in(folder: Path) -> dict[str, bytes]:
    """Return file name → content."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_original_keys_are_enough_and_validation_and_test_get_a_tenth(tmp_path: Path):
    config = load(tmp_path)
    assert config.folders == {split: f"{split}_dataset" for split in ("train", "validation", "test")}
    assert config.counts == {"train": 250, "validation": 25, "test": 25}
    assert (config.characters, config.char_count, config.image_suffix) == ("01", (4, 5), "jpg")
    assert (config.width, config.height) == (100, 60)


def test_the_counts_of_validation_and_test_can_be_set_and_a_tenth_is_never_none(tmp_path: Path):
    assert load(tmp_path, validation_count=3, test_count=0).counts == {"train": 250, "validation": 3, "test": 0}
    assert load(tmp_path, count=4).counts == {"train": 4, "validation": 1, "test": 1}


def test_the_toolkits_own_configuration_is_valid():
    assert load_captcha_config(ROOT / "captcha_config.json").count > 0


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("train_dir", ""),
        ("validation_dir", "/tmp"),
        ("test_dir", "../elsewhere"),
        ("image_suffix", "tiff"),
        ("image_suffix", ["png"]),
        ("characters", ""),
        ("characters", "a_b"),
        ("characters", "a/b"),
        ("characters", 10),
        ("count", 0),
        ("count", "250"),
        ("count", True),
        ("count", 2.5),
        ("char_count", []),
        ("char_count", 4),
        ("char_count", [0]),
        ("char_count", [4, "5"]),
        ("width", 15),
        ("height", 5000),
        ("validation_count", -1),
        ("test_count", None),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, name: str, value: object):
    with pytest.raises(SettingsError) as error:
        load(tmp_path, **{name: value})
    assert f"{name} = {value!r}" in str(error.value)
    assert str(tmp_path / "captcha_config.json") in str(error.value)


def test_every_problem_stands_in_one_message(tmp_path: Path):
    with pytest.raises(SettingsError) as error:
        load(tmp_path, width=1, height=1, characters="?", hight=60, char_count=[])
    problems = str(error.value).splitlines()[1:]
    assert sorted(line.split()[0] for line in problems) == ["char_count", "characters", "height", "hight", "width"]


def test_a_key_that_is_missing_is_named(tmp_path: Path):
    (tmp_path / "captcha_config.json").write_text(
        json.dumps({name: value for name, value in ORIGINAL.items() if name not in ("width", "characters")})
    )
    with pytest.raises(SettingsError, match=r"(?s)characters is missing.*width is missing"):
        load_captcha_config(tmp_path / "captcha_config.json")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xff", b'["count"]'])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "captcha_config.json").write_bytes(content)
    with pytest.raises(SettingsError, match="not the JSON object"):
        load_captcha_config(tmp_path / "captcha_config.json")
    with pytest.raises(SettingsError, match="is not there"):
        load_captcha_config(tmp_path / "absent.json")


def test_a_plan_repeats_and_differs_by_seed_split_and_configuration():
    config = replace(SMALL, count=20, validation_count=20)
    planned = list(plan(config, "train", 0))
    assert planned == list(plan(config, "train", 0))
    digests = {name.partition("_")[2] for name, _, _ in planned}
    assert len(digests) == 20
    others = [plan(config, "train", 1), plan(config, "validation", 0)]
    for change in ({"width": 33}, {"char_count": (1, 3, 3)}, {"characters": "abc8"}):
        others.append(plan(replace(config, **change), "train", 0))
    for other in others:
        assert not digests & {name.partition("_")[2] for name, _, _ in other}


def test_a_larger_count_goes_on_with_the_same_images():
    assert list(plan(replace(SMALL, count=9), "train", 0))[:6] == list(plan(SMALL, "train", 0))


def test_labels_take_the_allowed_characters_and_lengths_alone_and_stand_in_the_name():
    planned = list(plan(replace(SMALL, count=300), "train", 0))
    assert {len(label) for _, label, _ in planned} == {1, 3}
    assert set("".join(label for _, label, _ in planned)) == set("abc7")
    assert all(name.partition("_")[0] == label for name, label, _ in planned)


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp"])
def test_two_folders_get_the_same_bytes_in_every_format(tmp_path: Path, suffix: str):
    config = replace(SMALL, image_suffix=suffix)
    assert generate(config, "train", tmp_path / "a", 5) == (6, 0)
    assert generate(config, "train", tmp_path / "b", 5) == (6, 0)
    assert bytes_in(tmp_path / "a") == bytes_in(tmp_path / "b")
    assert {open_image(path).size for path in (tmp_path / "a").iterdir()} == {(32, 16)}
    assert len(set(bytes_in(tmp_path / "a").values())) == 6


def test_an_interrupted_run_is_finished_with_the_same_bytes_and_touches_nothing_else(tmp_path: Path):
    generate(SMALL, "train", tmp_path, 0)
    expected = bytes_in(tmp_path)
    kept, *deleted = sorted(expected)[2:]
    for name in deleted:
        (tmp_path / name).unlink()
    (tmp_path / kept).write_bytes(b"changed by hand")
    (tmp_path / "own_1.png").write_bytes(b"own")
    assert generate(SMALL, "train", tmp_path, 0) == (3, 1)
    assert bytes_in(tmp_path) == expected | {kept: b"changed by hand", "own_1.png": b"own"}
    assert generate(SMALL, "train", tmp_path, 0) == (0, 1)


def test_images_of_another_seed_are_counted_as_others(tmp_path: Path):
    generate(SMALL, "train", tmp_path, 0)
    assert generate(SMALL, "train", tmp_path, 1) == (6, 6)


def test_all_cores_make_what_one_makes(tmp_path: Path):
    config = replace(SMALL, count=130)
    assert generate(config, "train", tmp_path / "all", 0) == (130, 0)
    (tmp_path / "one").mkdir()
    make_images(config, tmp_path / "one", list(plan(config, "train", 0)))
    assert bytes_in(tmp_path / "all") == bytes_in(tmp_path / "one")
    assert len(bytes_in(tmp_path / "one")) == 130


def test_the_captcha_package_gets_its_secrets_back_even_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    generate(SMALL, "test", tmp_path, 0)
    assert captcha.image.secrets is secrets

    def fail(self, label):
        assert captcha.image.secrets is not secrets
        raise MemoryError

    monkeypatch.setattr(captcha.image.ImageCaptcha, "generate_image", fail)
    with pytest.raises(MemoryError):
        generate(SMALL, "validation", tmp_path / "failed", 0)
    assert captcha.image.secrets is secrets
    assert bytes_in(tmp_path / "failed") == {}
