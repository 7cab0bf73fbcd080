"""report/test.html of texts: true to the figures, labels escaped, nothing fetched, a bounded gallery."""

import re
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup
from PIL import Image

from bearcat.data.codecs import Prediction
from bearcat.modes import Task
from bearcat.reports.text_page import SHOWN_MISTAKES, render_text_page
from bearcat.reports.text_scores import score_predictions


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((24, 48), 200, np.uint8)).save(path)
    return path


def report_of(labels: list[str], texts: list[str], symbol: str = Task.TEXT) -> tuple[dict, list[str]]:
    files = [f"{number}.png" for number in range(len(labels))]
    predictions = [Prediction(text, (0.9,) * len(text)) for text in texts]
    return score_predictions(files, labels, predictions, [0.01] * len(files)) | {"symbol": symbol}, files


def test_the_page_has_the_figures_and_highlights_mistakes(image: Path):
    report, files = report_of(["ab3d", "1111", "<b>"], ["ab8d", "1111", "<i>"])
    page = render_text_page(report, dict.fromkeys(files, image), ["Do <this>."], [("work", "mine & yours")])
    assert "33.33% of 3 images" in page
    assert 'ab<mark class="true">3</mark>d' in page
    assert "ab<mark>8</mark>d" in page
    assert "&lt;<mark>i</mark>&gt;" in page
    assert "Do &lt;this&gt;." in page
    assert "need at least 100 test images; 3 are too few" in page
    assert "calibration error" not in page
    assert "rejected" not in page
    assert "mine &amp; yours" in page
    assert "answers of sums" not in page
    report |= {"sums": 3, "answers_exact": 2 / 3}
    page = render_text_page(report, dict.fromkeys(files, image), [], [])
    assert "<td>answers of sums correct</td><td>66.67% of 3</td>" in page
    assert "<b>" not in page
    assert not re.search(r"https?:|url\(|<script|<link", page)
    assert set(re.findall(r'src="([^,]*),', page)) == {"data:image/png;base64"}


def test_the_page_has_the_error_rate_after_rejection(image: Path):
    labels = ["a"] * 100
    texts, confidences = ["b", *labels[1:]], [0.25] + [0.75] * 99
    predictions = [Prediction(text, (one,)) for text, one in zip(texts, confidences, strict=True)]
    files = [f"{number}.png" for number in range(100)]
    report = score_predictions(files, labels, predictions, [0.01] * 100) | {"symbol": Task.TEXT}
    page = render_text_page(report, dict.fromkeys(files, image), [], [])
    assert "error rate with the least confident 1% rejected" in page
    assert "0.00% instead of 1.00% (1 rejected, with a confidence below 0.750000)" in page
    assert page.count("data:image/svg+xml;base64") == 2


def test_the_gallery_is_bounded_and_says_so(image: Path):
    count = SHOWN_MISTAKES + 5
    report, files = report_of(["a"] * count, ["b"] * count)
    page = render_text_page(report, dict.fromkeys(files, image), [], [])
    assert page.count('class="card"') == SHOWN_MISTAKES
    assert f"{SHOWN_MISTAKES} of {count}, highest confidence first" in page


class CountingDrawer:
    """Stands in for a StripDrawer."""

    legend = "What the <strips> mean."

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def draw(self, mistake: dict, path: Path) -> Markup:
        self.drawn.append(mistake["file"])
        return Markup("<svg></svg>")


def test_strips_are_drawn_of_the_mistakes_that_are_shown_and_explained(image: Path):
    count = SHOWN_MISTAKES + 5
    report, files = report_of(["a"] * count, ["b"] * count)
    drawer = CountingDrawer()
    page = render_text_page(report, dict.fromkeys(files, image), [], [], strips=drawer)
    assert sorted(drawer.drawn) == sorted(files)[:SHOWN_MISTAKES]
    assert page.count("<svg></svg>") == SHOWN_MISTAKES
    assert page.count("What the &lt;strips&gt; mean.") == 1
    drawer.legend = ""
    assert "<p></p>" not in render_text_page(report, dict.fromkeys(files, image), [], [], strips=drawer)


def test_a_page_without_mistakes_and_one_with_an_empty_prediction(image: Path):
    report, files = report_of(["a"], ["a"])
    assert "There are none." in render_text_page(report, {}, [], [])
    report, files = report_of(["a"], [""])
    assert "<i>nothing</i>" in render_text_page(report, dict.fromkeys(files, image), [], [])
