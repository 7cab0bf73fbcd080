"""The pages of test.py: true to the figures, labels escaped, nothing fetched, a bounded gallery; units compared."""

import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from bearcat.artifacts.card import Card
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction
from bearcat.modes import Task
from bearcat.reports.box_page import boxes_page
from bearcat.reports.comparison import compare, comparison_page, mcnemar
from bearcat.reports.text_page import SHOWN_MISTAKES, score_page
from bearcat.reports.text_scores import aligned, by_symbol, score
from tests.helpers.steps import ROOT


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    Image.fromarray(np.full((24, 48), 200, np.uint8)).save(path)
    return path


def report_of(labels: list[str], texts: list[str], symbol: str = Task.TEXT) -> tuple[dict, list[str]]:
    files = [f"{number}.png" for number in range(len(labels))]
    predictions = [Prediction(text, (0.9,) * len(text)) for text in texts]
    return score(files, labels, predictions, [0.01] * len(files)) | {"symbol": symbol}, files


@pytest.mark.parametrize(
    ("label", "text", "pairs"),
    [
        ("abc", "abc", [("a", "a"), ("b", "b"), ("c", "c")]),
        ("abc", "axc", [("a", "a"), ("b", "x"), ("c", "c")]),
        ("nmw46", "nmnw46", [("n", "n"), ("m", "m"), ("", "n"), ("w", "w"), ("4", "4"), ("6", "6")]),
        ("ab", "b", [("a", ""), ("b", "b")]),
        ("", "", []),
        (("牌坊",), ("打字机",), [("牌坊", "打字机")]),
    ],
)
def test_labels_and_predictions_are_aligned(label, text, pairs: list):
    assert aligned(label, text) == pairs


def test_symbols_are_counted_with_the_worst_first():
    shares = by_symbol(["ab", "ab", "b"], ["ab", "xb", ""])
    assert list(shares.items()) == [
        ("a", {"count": 2, "right": 0.5}),
        ("b", {"count": 3, "right": pytest.approx(2 / 3)}),
    ]


def test_a_page_says_what_the_report_says_and_marks_what_is_wrong(image: Path):
    report, files = report_of(["ab3d", "1111", "<b>"], ["ab8d", "1111", "<i>"])
    page = score_page(report, dict.fromkeys(files, image), ["Do <this>."], [("work", "mine & yours")])
    assert "33.33% of 3 images" in page
    assert 'ab<mark class="true">3</mark>d' in page
    assert "ab<mark>8</mark>d" in page
    assert "&lt;<mark>i</mark>&gt;" in page
    assert "Do &lt;this&gt;." in page
    assert "mine &amp; yours" in page
    assert "<b>" not in page
    assert not re.search(r"https?:|url\(|<script|<link", page)
    assert set(re.findall(r'src="([^,]*),', page)) == {"data:image/png;base64", "data:image/svg+xml;base64"}


def test_a_page_says_how_rarely_the_rest_is_wrong(image: Path):
    labels = ["a"] * 100
    texts, sure = ["b", *labels[1:]], [0.25] + [0.75] * 99
    predictions = [Prediction(text, (one,)) for text, one in zip(texts, sure, strict=True)]
    files = [f"{number}.png" for number in range(100)]
    report = score(files, labels, predictions, [0.01] * 100) | {"symbol": Task.TEXT}
    page = score_page(report, dict.fromkeys(files, image), [], [])
    assert "wrong without the least sure 1%" in page
    assert "0.00% of the rest, 1.00% of all (1 withheld, with a confidence below 0.750000)" in page


def test_the_gallery_is_bounded_and_says_so(image: Path):
    count = SHOWN_MISTAKES + 5
    report, files = report_of(["a"] * count, ["b"] * count)
    page = score_page(report, dict.fromkeys(files, image), [], [])
    assert page.count('class="card"') == SHOWN_MISTAKES
    assert f"The {SHOWN_MISTAKES} surest of {count}" in page


def test_a_page_without_a_mistake_and_one_where_nothing_was_read(image: Path):
    report, files = report_of(["a"], ["a"])
    assert "There are none." in score_page(report, {}, [], [])
    report, files = report_of(["a"], [""])
    assert "<i>nothing</i>" in score_page(report, dict.fromkeys(files, image), [], [])


def test_the_page_of_boxes_shows_the_worst_drawings_and_the_classes():
    report = {"images": 4, "all_clicks_correct": 0.75, "all_clicks_correct_ci95": [0.3, 0.95], "map_50": 0.9}
    report |= {"map_50_95": 0.7, "ms_per_image": {"p50": 1.0, "p99": 2.0}, "mistakes": [{}], "prompts": 4}
    report |= {"points_correct": 1.0, "points_correct_ci95": [0.5, 1.0]}
    report["per_class"] = {"天": {"objects": 3, "ap_50": 0.9, "ap_50_95": 0.7}, "<b>": {"objects": 1} | PERFECT}
    page = boxes_page(report, [("a.png", Image.new("RGB", (320, 160)))], ["Do this."], [("work", "clicks")])
    assert page.index("天") < page.index("&lt;b&gt;")
    assert page.count('class="card"') == 1
    assert "100.00% of 4" in page
    assert "<b>" not in page


PERFECT = {"ap_50": 1.0, "ap_50_95": 1.0}


def test_mcnemar_s_test_has_the_published_value():
    # the exact two-sided test of 1 against 9 discordant pairs: 2 · (1 + 10) / 2^10
    first = [True] * 9 + [False] * 1 + [True] * 20 + [False] * 3
    second = [False] * 9 + [True] * 1 + [True] * 20 + [False] * 3
    tested = mcnemar(first, second)
    assert tested["p_value"] == pytest.approx(22 / 1024)
    assert [tested[key] for key in ("both_right", "only_first", "only_second", "both_wrong")] == [20, 9, 1, 3]
    assert mcnemar([True, False], [True, False])["p_value"] == 1


def test_a_comparison_names_the_better_unit_only_where_it_is_no_chance(image: Path):
    files, labels = [f"{number}.png" for number in range(10)], ["a<"] * 10
    report = compare(("one", "other"), files, labels, [labels, ["b"] * 10], [[True] * 10, [False] * 10])
    assert report["verdict"].startswith("one is better")
    assert report["differing"][0] == {"file": "0.png", "label": "a<", "read": ["a<", "b"], "right": [True, False]}
    page = comparison_page(report, dict.fromkeys(files, image))
    assert page.count('class="card"') == 10
    assert "a&lt;" in page
    report = compare(("one", "other"), files[:2], labels[:2], [labels[:2]] * 2, [[True, False], [False, False]])
    assert report["verdict"].startswith("No difference can be shown")


def test_a_text_and_a_box_unit_are_not_compared(monkeypatch: pytest.MonkeyPatch):
    # "test" is also a package of Python's own
    spec = importlib.util.spec_from_file_location("step_10", ROOT / "test.py")
    step_10 = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(step_10)

    def unit(mode: str, overrides: list) -> SimpleNamespace:
        return SimpleNamespace(recogniser=SimpleNamespace(card=Card("captcha", mode, "light", ("a",), 24, 48, 1, 3)))

    monkeypatch.setattr(step_10, "open_unit", unit)
    step = SimpleNamespace(arguments=SimpleNamespace(set=[]))
    with pytest.raises(ArtifactError, match="units of CTC and EFFICIENTDET"):
        step_10.compare_works(step, ["CTC", "EFFICIENTDET"])
