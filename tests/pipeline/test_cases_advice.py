"""What test.py advises on data that lies: cases 02, 04, 08, 10, 14, 16, 22, animations, shifted and exchanged labels.

The model is one that reads what an image shows, whatever its label says.
"""

import random
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bearcat.artifacts.card import Card
from bearcat.artifacts.inference import Recogniser
from bearcat.core.workspace import Work
from bearcat.data.codecs import Prediction
from bearcat.data.images import InputSpec
from bearcat.data.labels.reading import LabelledImage
from bearcat.reports.next_steps import NOTHING
from bearcat.reports.test_report import Evaluation, evaluate_model

IMAGES = 40
ON_LEARNING = ("train longer", "more training images", "IMAGE_WIDTH", "BACKBONE", "Label more", "Add images of these")


class Reader:
    """A model that reads each image's text."""

    name = "captcha"

    def __init__(self, texts: dict[str, str], metrics: dict | None = None, mode: str = "CTC"):
        self.texts = texts
        card = Card("captcha", mode, "light", tuple("0123456789abcdefABx "), InputSpec(12, 30, 1), 4)
        card = card.with_metrics(metrics or {"exact": 0.6, "val_exact": 0.6})
        # its network predicts nothing, so that no strips are drawn
        blank = np.eye(1, len(card.characters) + 1)
        engine = SimpleNamespace(card=card, logits=lambda pixels: np.stack([blank] * len(pixels)))
        self.recogniser = Recogniser(engine)

    def predict(self, image: Path) -> Prediction:
        return Prediction(self.texts[image.name], (0.9,) * len(self.texts[image.name]))


@pytest.fixture
def evaluate(tmp_path: Path) -> Callable[..., Evaluation]:
    """Draws images, labels them, and tests a model that reads other texts."""
    work = Work(tmp_path / "work")
    work.make_folders()
    folder = work.data_folder("test")

    def draw(path: Path, number: int) -> None:
        Image.effect_noise((30, 12), 20 + number).convert("RGB").save(path)

    def evaluate(
        labels: list[str], texts: list[str], draw: Callable[[Path, int], None] = draw, **options
    ) -> Evaluation:
        data = [
            LabelledImage(folder / f"{number:04}{options.get('suffix', '.png')}", label)
            for number, label in enumerate(labels)
        ]
        for number, item in enumerate(data):
            draw(item.path, number)
        mode = options.get("mode", "CTC")
        reader = Reader({item.name: text for item, text in zip(data, texts, strict=True)}, options.get("metrics"), mode)
        return evaluate_model(reader, data, work)

    return evaluate


def texts_of(characters: str = "0123456789abcdef", length: int = 4) -> list[str]:
    generator = random.Random(24)
    return ["".join(generator.choices(characters, k=length)) for _ in range(IMAGES)]


def advice_in(evaluation: Evaluation) -> str:
    """Returns the list under "What to do next"."""
    return evaluation.page.partition("<ul>")[2].partition("</ul>")[0]


def check(evaluation: Evaluation, cause: str) -> None:
    advice = advice_in(evaluation)
    assert cause in advice
    assert not [phrase for phrase in ON_LEARNING if phrase in advice], advice


def test_02_labels_that_are_running_numbers(evaluate):
    labels = [f"{number:04}" for number in range(IMAGES)]
    check(
        evaluate(labels, texts_of()),
        "The labels are consecutive numbers, and the predictions have next to nothing to do",
    )


@pytest.mark.parametrize("mode", ["CTC", "NUM_CLASSES"])
def test_02_and_22_one_label_is_not_a_success(evaluate, mode: str):
    evaluation = evaluate(["abcd"] * IMAGES, ["abcd"] * IMAGES, mode=mode)
    check(evaluation, "All 40 test images have one")
    assert NOTHING not in advice_in(evaluation)


def test_04_zeros_that_a_spreadsheet_dropped(evaluate):
    texts = [("00" if number % 2 else "1") + text for number, text in enumerate(texts_of("123456789", 2))]
    texts = [text.rjust(4, "3") for text in texts]
    check(evaluate([text.lstrip("0") for text in texts], texts), "20 predictions are their labels with zeros in front")


def test_08_blanks_that_the_training_labels_had(evaluate):
    texts = [f"{text} " if number % 4 == 0 else text for number, text in enumerate(texts_of())]
    check(evaluate([text.strip() for text in texts], texts), "10 predictions differ from their labels only in")


def test_10_images_without_text(evaluate):
    def draw(path: Path, number: int) -> None:
        image = Image.effect_noise((30, 12), 90) if number % 3 else Image.new("L", (30, 12), 250)
        image.convert("RGB").save(path)

    texts = texts_of()
    read = [text if number % 3 else "" for number, text in enumerate(texts)]
    check(evaluate(texts, read, draw), "14 mistakes are images of one colour")


def test_14_letters_of_another_script_and_full_width(evaluate):
    texts = texts_of("abcdefx")
    labels = [text.replace("a", "а").replace("x", "ｘ") if n % 5 == 0 else text for n, text in enumerate(texts)]
    assert labels != texts
    check(evaluate(labels, texts), "with letters of another script or full-width forms")


def test_16_labels_in_the_other_direction(evaluate):
    texts = texts_of("אבגדהוזחט")
    check(evaluate([text[::-1] for text in texts], texts), "fit the labels better if these are read backwards")
    some = [text[::-1] if number % 8 == 0 else text for number, text in enumerate(texts)]
    check(evaluate(some, texts), "are their labels read backwards")


def test_16_a_model_that_was_trained_against_the_direction(evaluate):
    texts = texts_of("אבגדהוזחט")
    read = [text[1] * 4 for text in texts_of("אבגדהוזחט"[::-1])]
    check(evaluate(texts, random.Random(1).sample(read, IMAGES)), "The labels are written from right to left")


def test_shifted_and_exchanged_labels(evaluate):
    texts = texts_of()
    check(evaluate([*texts[:20], *texts[21:], "abcd"], texts), "predictions are the label of the image before or after")
    check(evaluate([texts[9], *texts[1:9], texts[0], *texts[10:]], texts), "Of 1 pair of images each is predicted as")


def test_frames_that_the_model_does_not_see(evaluate):
    def draw(path: Path, number: int) -> None:
        first, second = Image.new("RGB", (30, 12), "white"), Image.effect_noise((30, 12), 20 + number).convert("RGB")
        second.save(path, save_all=True, append_images=[first])

    texts = texts_of()
    evaluation = evaluate(texts, [text[:2] for text in texts], draw, suffix=".gif")
    check(evaluation, "40 of the 40 mistakes are animations, of which the model sees only the first frame")


def test_one_text_for_every_image(evaluate):
    advice = advice_in(evaluate(texts_of(), [""] * IMAGES))
    assert "The model predicts nothing at all for 40 of 40 images" in advice
    assert "more training images" not in advice


def test_training_images_known_by_heart(evaluate):
    metrics = {"exact": 0.99, "val_exact": 0.0, "val_images": 40}
    generator = random.Random(7)
    read = ["".join(generator.choices("0123456789abcdef", k=4)) for _ in range(IMAGES)]
    check(evaluate(texts_of(), read, metrics=metrics), "so it knows them by heart")


def test_ordinary_mistakes_are_of_no_wrong_kind(evaluate):
    texts = texts_of("0123456789")
    read = [text.replace("7", "1") if number % 3 == 0 else text for number, text in enumerate(texts)]
    advice = advice_in(evaluate(texts, read, metrics={"exact": 0.97, "val_exact": 0.7, "val_images": 40}))
    assert "more training images help" in advice
    assert advice.count("<li>") <= 4
    assert not any(word in advice for word in ("backwards", "zeros", "one colour", "exchanged", "nothing to do"))
