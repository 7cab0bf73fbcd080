"""Generated files: a plan that repeats, the same bytes every time, and nothing else touched."""

import secrets
from dataclasses import replace
from pathlib import Path

import captcha.image
import pytest
from PIL import Image

from bearcat.core.settings_file import change_settings_file
from bearcat.data.images import open_image
from bearcat.data.labels.boxes import read_prompt, read_voc
from bearcat.generation.generate import generate, make_images, plan
from tests.helpers.captchas import SMALL, bytes_in, click_bytes, load_click, load_drawn, load_text, write_click
from tests.helpers.steps import run_ok, run_refused


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


def test_a_larger_count_starts_with_the_same_images():
    assert list(plan(replace(SMALL, count=9), "train", 0))[:6] == list(plan(SMALL, "train", 0))


def test_labels_have_the_configured_characters_and_lengths_and_are_part_of_the_name():
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


def test_an_interrupted_run_is_completed_with_the_same_bytes_and_changes_nothing_else(tmp_path: Path):
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


def test_all_cores_make_the_same_images_as_one(tmp_path: Path):
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


@pytest.mark.parametrize("suffix", ["png", "jpg", "gif", "bmp", "webp"])
def test_every_click_captcha_has_boxes_and_a_prompt(work: Path, suffix: str):
    config = load_click(work, image_suffix=suffix)
    stems = []
    for split in ("train", "validation", "test"):
        folder = work / config.folders[split]
        assert generate(config, split, folder, 0) == (config.counts[split], 0)
        for path in folder.iterdir():
            stems.append(path.stem)
            assert open_image(path).size == (96, 56)
            labels, prompt = (
                read_voc(work / "label" / f"{path.stem}.xml"),
                read_prompt(work / "label" / f"{path.stem}.json"),
            )
            assert (labels.width, labels.height) == (96, 56)
            assert len(labels.names) in (2, 4)
            assert len(set(labels.names)) == len(labels.names)
            assert sorted(prompt) == sorted(labels.names)
    assert len(set(stems)) == 11
    assert all(stem.startswith("click_") for stem in stems)
    assert len(list((work / "label").iterdir())) == 22


def test_the_same_seed_makes_the_same_click_captchas_and_another_one_others(work: Path):
    config = load_click(work)
    for folder, seed in (("a", 0), ("b", 0), ("c", 1)):
        generate(config, "train", work / folder / "train_dataset", seed)
    first, second, third = (click_bytes(work / folder) for folder in "abc")
    assert first == second
    assert len(first) == 18
    assert not first.keys() & third.keys()


@pytest.mark.parametrize(
    "change", [{"rotation": 29}, {"lines": 0}, {"fonts": ["other.ttf"]}, {"prompt_count": (1,)}, {"characters": "AB"}]
)
def test_names_differ_if_the_configuration_does(work: Path, change: dict):
    config = replace(load_click(work), char_count=(2,))
    names = {name for name, _, _ in plan(config, "train", 0)}
    assert not names & {name for name, _, _ in plan(replace(config, **change), "train", 0)}
    assert names < {name for name, _, _ in plan(replace(config, count=9), "train", 0)}


def test_an_image_without_all_its_files_is_made_again_with_the_same_bytes(work: Path):
    config = load_click(work)
    generate(config, "train", work / "train_dataset", 0)
    expected = click_bytes(work)
    stems = sorted(path.stem for path in (work / "train_dataset").iterdir())
    (work / "train_dataset" / f"{stems[0]}.png").unlink()
    (work / "label" / f"{stems[1]}.xml").unlink()
    (work / "label" / f"{stems[2]}.json").unlink()
    assert generate(config, "train", work / "train_dataset", 0) == (3, 0)
    assert click_bytes(work) == expected
    assert generate(config, "train", work / "train_dataset", 0) == (0, 0)


def test_label_files_are_written_before_their_image(work: Path, monkeypatch: pytest.MonkeyPatch):
    config = load_click(work)

    def fail(self, *_, **__):
        raise MemoryError

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(MemoryError):
        generate(config, "train", work / "train_dataset", 0)
    assert len(list((work / "label").iterdir())) == 2
    assert list((work / "train_dataset").iterdir()) == []


def test_all_cores_make_the_same_click_captchas_as_one(work: Path):
    config = load_click(work, count=70)
    assert generate(config, "train", work / "all" / "train_dataset", 0) == (70, 0)
    (work / "one" / "train_dataset").mkdir(parents=True)
    make_images(config, work / "one" / "train_dataset", list(plan(config, "train", 0)))
    assert click_bytes(work / "all") == click_bytes(work / "one")


def test_the_script_generates_completes_and_refuses(works: Path, latin_font: Path):
    run_ok("New_work.py", works, "clicks")
    work = works / "clicks"
    (work / "captcha_config.json").unlink()
    write_click(work, fonts=[str(latin_font)])
    assert "'click' goes with MODE = 'EFFICIENTDET'" in run_refused("gen_sample_by_captcha.py")
    change_settings_file(work / "settings.py", {"MODE": "EFFICIENTDET"})
    assert "train_dataset: 6 images, 6 generated now" in run_ok("gen_sample_by_captcha.py")
    assert len(list((work / "label").iterdir())) == 22
    next((work / "label").iterdir()).unlink()
    assert run_ok("gen_sample_by_captcha.py").count(" 1 generated now") == 1
    write_click(work, rotation="much")
    assert "rotation = 'much'" in run_refused("gen_sample_by_captcha.py")


def test_drawn_captchas_repeat_and_are_completed(tmp_path: Path, latin_font: Path):
    config = load_drawn(tmp_path, latin_font, count=6, image_suffix="png", paper="gradient")
    assert generate(config, "train", tmp_path / "a", 5) == (6, 0)
    assert generate(config, "train", tmp_path / "b", 5) == (6, 0)
    assert bytes_in(tmp_path / "a") == bytes_in(tmp_path / "b")
    assert {open_image(path).size for path in (tmp_path / "a").iterdir()} == {(100, 60)}
    assert all(set(name.partition("_")[0]) <= set(config.characters) for name in bytes_in(tmp_path / "a"))
    next((tmp_path / "a").iterdir()).unlink()
    assert generate(config, "train", tmp_path / "a", 5) == (1, 0)
    assert bytes_in(tmp_path / "a") == bytes_in(tmp_path / "b")


@pytest.mark.parametrize("change", [{"rotation": 16}, {"paper": "grid"}, {"fonts": ()}, {"dots": 0.03}])
def test_names_differ_if_the_style_or_its_keys_do(tmp_path: Path, latin_font: Path, change: dict):
    config = load_drawn(tmp_path, latin_font)
    names = {name for name, _, _ in plan(config, "test", 0)}
    assert not names & {name for name, _, _ in plan(replace(config, **change), "test", 0)}
    plain = load_text(tmp_path, characters=config.characters)
    assert not names & {name for name, _, _ in plan(plain, "test", 0)}


def test_sums_are_labels(tmp_path: Path, latin_font: Path):
    config = replace(load_drawn(tmp_path, latin_font), text="sum", characters="0123456789+-=", char_count=(5,))
    assert generate(config, "test", tmp_path / "test_dataset", 0) == (25, 0)
    labels = [path.name.partition("_")[0] for path in (tmp_path / "test_dataset").iterdir()]
    assert all(label[-1] == "=" and len(label) == 5 for label in labels)
