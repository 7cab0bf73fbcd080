"""Click captchas: tight boxes that do not touch, and prompts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bearcat.core.fonts import fonts_with
from bearcat.data.labels.boxes import read_voc
from bearcat.generation.click_drawing import ClickDrawer
from bearcat.generation.click_layout import MARGIN, boxes_touch
from bearcat.generation.generate import generate, plan
from tests.helpers.captchas import load_click


def test_boxes_lie_inside_and_do_not_touch(work: Path):
    config = load_click(work, char_count=[5], rotation=180)
    drawer = ClickDrawer(config, work)
    for _, text, seed in plan(replace(config, count=40), "train", 0):
        boxes = drawer.draw(text, seed).labels.boxes_xyxy
        assert boxes.min() >= MARGIN
        assert (boxes[:, 2:] <= np.array([96, 56]) - MARGIN).all()
        for index, box in enumerate(boxes):
            assert not any(boxes_touch(tuple(box), tuple(other)) for other in boxes[:index])


def test_boxes_are_tight(work: Path, monkeypatch: pytest.MonkeyPatch):
    config = load_click(work, lines=0, dummy_strokes=0, rotation=45)
    monkeypatch.setattr("bearcat.generation.click_drawing.background", lambda *_: Image.new("RGB", (96, 56), "white"))
    monkeypatch.setattr("bearcat.generation.click_drawing.DECORATED", 0)
    drawer = ClickDrawer(config, work)
    for _, text, seed in plan(config, "train", 3):
        drawing = drawer.draw(text, seed)
        ink = (np.asarray(drawing.image) != 255).any(axis=-1)
        for xmin, ymin, xmax, ymax in drawing.labels.boxes_xyxy.astype(int):
            rows, columns = np.nonzero(ink[ymin:ymax, xmin:xmax])
            assert (rows.min(), columns.min()) == (0, 0)
            assert (rows.max() + 1, columns.max() + 1) == (ymax - ymin, xmax - xmin)
            ink[ymin:ymax, xmin:xmax] = False
        assert not ink.any()


def test_a_prompt_may_ask_for_some_of_the_characters_in_any_order(work: Path):
    config = load_click(work, char_count=[4], prompt_count=[1, 3])
    drawings = [ClickDrawer(config, work).draw("ABDE", str(number)) for number in range(30)]
    assert {len(drawing.prompt) for drawing in drawings} == {1, 3}
    assert all(set(drawing.prompt) < set("ABDE") == set(drawing.labels.names) for drawing in drawings)
    assert all(len(set(drawing.prompt)) == len(drawing.prompt) for drawing in drawings)
    assert len({drawing.prompt[0] for drawing in drawings}) == 4


def test_a_character_that_the_configuration_repeats_is_still_drawn_once(work: Path):
    config = load_click(work, characters="AABBDD", char_count=[3])
    assert all(sorted(text) == list("ABD") for _, text, _ in plan(config, "train", 0))


def test_chinese_characters_are_drawn_if_a_font_has_them(work: Path):
    if not fonts_with("好天的一是在"):
        pytest.skip("no font of this system has Chinese: apt-get install fonts-wqy-microhei")
    config = load_click(work, characters="好天的一是在", fonts=...)
    generate(config, "test", work / "test_dataset", 0)
    for path in (work / "test_dataset").iterdir():
        assert set(read_voc(work / "label" / f"{path.stem}.xml").names) <= set("好天的一是在")
