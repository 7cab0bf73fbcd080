"""Backgrounds of click captchas."""

from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.generation.click_drawing import ClickDrawer
from bearcat.generation.generate import plan
from tests.helpers.captchas import load_click


def test_backgrounds_are_crops_of_the_images_in_a_folder(work: Path):
    (work / "photos").mkdir()
    Image.new("RGB", (300, 40), (10, 20, 200)).save(work / "photos" / "small.png")
    Image.new("RGB", (900, 1200), (10, 20, 200)).save(work / "photos" / "large.jpg", quality=100)
    config = load_click(work, backgrounds="photos", lines=0, dummy_strokes=0)
    assert load_click(work, backgrounds=str(work / "photos")).backgrounds != config.backgrounds
    drawer = ClickDrawer(config, work)
    for _, text, seed in plan(config, "train", 0):
        pixels = np.asarray(drawer.draw(text, seed).image).astype(int)
        assert np.median(np.abs(pixels - [10, 20, 200]).max(axis=-1)) <= 3
