"""The grid and the guesses of the labelling page in a headless browser, in both languages."""

import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from bearcat.labelling.translations import TEXTS
from tests.helpers.browser import SECONDS, needs_chromium, open_browser, photograph, press, wait_for_text
from tests.helpers.labelling import draw_text, labels_in
from tests.helpers.services import make_work, running

pytestmark = needs_chromium
TEXTS_DRAWN = [f"{first}{second}7K" for first in string.ascii_uppercase[:6] for second in "2345678"]
# made-up guesses, which wait for a file, and a made-up training; the first characters of a text are its file name
START = """
import sys
from pathlib import Path
import app
from bearcat.data.codecs import Prediction
from bearcat.labelling.background import supervisor
from bearcat.labelling.predictors import Kind, Predictor

def predict(kind, labels=0):
    def text_of(path):
        text = path.stem[:2] + ("7K" if kind is Kind.TRAINED or path.stem[1] != "5" else "1K")
        return Prediction(text, (.99, .99, .87 if path.stem[0] > "B" else .97, .99))
    return Predictor(text_of, kind=kind, labels=labels)

def guess(background, stop):
    while not (background.work.path / "go").exists() and not stop.wait(.1):
        pass
    background.session.use(predict(Kind.GUESS))

def train(background, stop):
    background.labels = background.session.symbols.labels
    background.session.use(predict(Kind.TRAINED, background.labels))

supervisor.Background.can_run = True
supervisor.Background._make_guesses, supervisor.Background._train = guess, train
app.run(app.main)
"""


@pytest.fixture(params=["en-GB", "zh-CN"])
def browser(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[webdriver.Chrome]:
    """A browser on the page over 42 images, in English, and in Chinese with dark colours."""
    monkeypatch.setattr("tests.helpers.services.START", START)
    work = make_work(tmp_path / "work")
    folder = tmp_path / "new"
    folder.mkdir()
    for number, text in enumerate(TEXTS_DRAWN):
        draw_text(text, number).save(folder / f"{text[:2]}.png")
    dark = ["force-dark-mode"] if request.param == "zh-CN" else []
    with (
        running(work, "--label", folder) as service,
        open_browser(request.param, (1000, 1060), dark) as chrome,
    ):
        chrome.texts, chrome.work = TEXTS[request.param[:2]], work
        chrome.get(service.address)
        yield chrome


def cells(browser: webdriver.Chrome) -> list[str]:
    """Returns the texts of the grid."""
    return [item.text for item in browser.find_elements(By.CSS_SELECTOR, "#cells b")]


def wait_until(browser: webdriver.Chrome, reached) -> None:
    WebDriverWait(browser, SECONDS, ignored_exceptions=[Exception]).until(lambda _: reached())


def confirm_grid(browser: webdriver.Chrome) -> None:
    """Clicks the button of the grid, once that can be confirmed."""
    button = browser.find_element(By.ID, "confirm-grid")
    wait_until(browser, button.is_enabled)
    button.click()


def count_of(browser: webdriver.Chrome) -> int:
    return len(labels_in(browser.work))


def test_guesses_are_marked_and_a_grid_is_confirmed_with_keys_alone(browser: webdriver.Chrome):
    texts = browser.texts
    wait_for_text(browser, "#status", texts["status_guess"])
    assert browser.find_element(By.ID, "predicted-by").text == ""
    (browser.work / "go").touch()
    wait_for_text(browser, "#predicted-by", texts["predicted_by_guess"])  # without anybody doing anything
    wait_for_text(browser, "#tagline", texts["tagline_guess"])
    wait_for_text(browser, "#status", texts["status_needed"].format(count=20))
    wait_for_text(browser, "#label", "A27K")
    photograph(browser, "labelling", "guess")

    press(browser, "g", held=(Keys.ALT,))
    wait_until(browser, lambda: len(cells(browser)) == 20)
    first = cells(browser)
    assert first == sorted(first)
    wrong = [index for index, text in enumerate(first) if text[2] == "1"]
    assert len(wrong) >= 2
    wait_until(browser, browser.find_element(By.ID, "confirm-grid").is_enabled)
    press(browser, *[Keys.ARROW_RIGHT] * wrong[0], " ")
    press(browser, *[Keys.ARROW_RIGHT] * (wrong[1] - wrong[0]), "e")
    corrected = f"{first[wrong[1]][:2]}7K"
    press(browser, corrected, Keys.ENTER)
    wait_until(browser, lambda: cells(browser)[wrong[1]] == corrected)
    press(browser, "e", "x")
    confirm_grid(browser)  # an open field is no label yet
    assert browser.switch_to.active_element.get_attribute("value") == "x"
    press(browser, Keys.ESCAPE)
    marked = texts["grid_confirm_marked"].format(count=19, marked=1)
    wait_for_text(browser, "#grid-confirm", marked)
    photograph(browser, "labelling", "grid")
    press(browser, Keys.ENTER, Keys.ENTER, Keys.ENTER)  # nobody has seen the next grid yet
    wait_for_text(browser, "#message", texts["saved_many_marked"].format(count=19, marked=1))
    assert count_of(browser) == 19
    assert corrected in labels_in(browser.work)
    assert first[wrong[0]] not in labels_in(browser.work)

    press(browser, Keys.ENTER, held=(Keys.SHIFT,))
    wait_for_text(browser, "#message", texts["undone_many"].format(count=19))
    assert count_of(browser) == 0
    wait_until(browser, lambda: len(cells(browser)) == 20)
    wait_until(browser, browser.find_element(By.ID, "confirm-grid").is_enabled)
    press(browser, Keys.ENTER)
    wait_until(browser, lambda: count_of(browser) == 20)
    press(browser, Keys.ESCAPE)
    wait_for_text(browser, "#status", texts["status_needed"].format(count=10))
    wait_for_text(browser, "#label", f"{first[wrong[0]][:2]}7K")  # the marked one, predicted again
    wait_for_text(browser, "#predicted-by", texts["predicted_by_trained"].format(count=20))
    photograph(browser, "labelling", "trained")
    wait_until(browser, browser.find_element(By.ID, "confirm").is_enabled)
    press(browser, Keys.ENTER)
    wait_until(browser, lambda: count_of(browser) == 21)
    assert not browser.get_log("browser")


def test_a_click_marks_an_image_and_buttons_do_what_keys_do(browser: webdriver.Chrome):
    (browser.work / "go").touch()
    wait_for_text(browser, "#predicted-by", browser.texts["predicted_by_guess"])
    wait_until(browser, lambda: browser.find_element(By.ID, "view-grid").is_enabled())
    browser.find_element(By.ID, "view-grid").click()
    wait_until(browser, lambda: len(cells(browser)) == 20)
    # a prediction of the image behind the grid arrives
    browser.execute_script("showState({...state, image: {...state.image, text: 'ZZ'}})")
    assert browser.switch_to.active_element.tag_name == "li"
    items = browser.find_elements(By.CSS_SELECTOR, "#cells li")
    for item in items[:3]:
        item.click()
    items[1].click()  # not wrong after all
    assert [item.get_attribute("aria-selected") for item in items[:4]] == ["true", "false", "true", "false"]
    confirm_grid(browser)
    wait_until(browser, lambda: count_of(browser) == 18)
    browser.find_element(By.ID, "grid-undo").click()
    wait_until(browser, lambda: count_of(browser) == 0)
    browser.find_element(By.ID, "leave-grid").click()
    wait_until(browser, lambda: browser.find_element(By.ID, "labelling").is_displayed())
    assert not browser.find_element(By.ID, "grid").is_displayed()


def test_a_grid_that_was_left_does_not_come_back_with_the_answer(browser: webdriver.Chrome):
    (browser.work / "go").touch()
    wait_until(browser, lambda: browser.find_element(By.ID, "view-grid").is_enabled())
    browser.find_element(By.ID, "view-grid").click()
    wait_until(browser, browser.find_element(By.ID, "confirm-grid").is_enabled)
    confirm_and_leave = "confirmGrid().then(() => arguments[0](isGridShown())); leaveGrid()"
    assert browser.execute_async_script(confirm_and_leave) is False
    assert count_of(browser) == 20
    assert browser.find_element(By.ID, "labelling").is_displayed()
