"""Labelling sessions over small folders, and what they leave in a work."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from bearcat.core.workspace import Work
from bearcat.data.labels.reading import label_of_name
from bearcat.labelling.session import LabellingSession
from bearcat.labelling.start import open_labelling
from tests.helpers.killed import kill_at

ORIGIN = {"origin": "http://127.0.0.1:5006"}


def open_session(
    folder: Path, work: Work, mode: str = "CTC", load: Callable | None = None, label_of: Callable = label_of_name
) -> LabellingSession:
    """Returns a session whose images have all been opened."""
    session = open_labelling(folder, work, mode, "captcha", load, label_of)
    session.open_images()
    return session


def contents(folder: Path) -> dict[str, bytes]:
    """Returns path → bytes of all files of a folder and below."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def order_shown(session: LabellingSession) -> list[str]:
    """Returns the names of the images in the order in which they are shown; skips them all."""
    names = []
    while image := session.current():
        names.append(image.path.name)
        session.skip(image.number)
    return names


def draw_text(text: str, seed: int) -> Image.Image:
    """Returns an image of four characters on a noisy background."""
    noise = np.random.default_rng(seed).integers(190, 256, (60, 160, 3), np.uint8)
    image = Image.fromarray(noise)
    pen = ImageDraw.Draw(image)
    for place, character in enumerate(text):
        pen.text((14 + 36 * place, 6 + 5 * (place % 2)), character, (40, 60, 120), ImageFont.load_default(40))
    return image


def labels_in(work: Path) -> list[str]:
    """Returns the labels of the training set, sorted."""
    folder = work / "train_dataset"
    return sorted(path.name.partition("_")[0] for path in folder.iterdir()) if folder.is_dir() else []


def train_set(work: Work) -> dict[str, bytes]:
    """Returns name → bytes of the work's training set."""
    return contents(work.data_folder("train")) if work.data_folder("train").is_dir() else {}


def confirm_and_die() -> None:
    """Confirms an image, in a process that is killed before its n-th change in the training set.

    Command line: the work, the folder, n, the label.
    """
    work, folder, number, label = Work(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    session = open_session(folder, work)
    kill_at(number, str(work.data_folder("train")))
    session.confirm(0, label)
