"""The labelling page in a headless browser: images are labelled with keys alone, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from bearcat.labelling.translations import TEXTS
from tests.helpers.browser import SECONDS, needs_chromium, open_browser, photograph, press, urls_of, wait_for_text
from tests.helpers.labelling import draw_text, labels_in
from tests.helpers.services import make_work, running

pytestmark = needs_chromium
LABELS = ("7K4B", "M3XA", "Q8RT", "5P2W")
# made-up predictions, so that the characters of a label differ in confidence
START = """
import sys
import app
from bearcat.data.codecs import Prediction
PREDICTIONS = {"1.png": ("7K4B", (.999, .998, .93, .997)), "2.png": ("M3XA", (.99, .41, .88, .99)),
               "3.png": ("Q8RT", (.999, .999, .999, .999)), "4.png": ("", ())}
app.Predict_Image.predict = lambda model, path: Prediction(*PREDICTIONS[path.name])
app.run(app.main)
"""


@pytest.fixture(params=["en-GB", "zh-CN"])
def browser(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[webdriver.Chrome]:
    """A browser on the page over four images, in English, and in Chinese with dark colours."""
    monkeypatch.setattr("tests.helpers.services.START", START)
    work = make_work(tmp_path / "work", captcha={"characters": "".join(sorted({*"".join(LABELS)}))})
    folder = tmp_path / "new"
    folder.mkdir()
    for number, text in enumerate(LABELS, start=1):
        draw_text(text, number).save(folder / f"{number}.png")
    dark = ["force-dark-mode"] if request.param == "zh-CN" else []
    with (
        running(work, "--label", folder) as service,
        open_browser(request.param, (1000, 1060), dark) as chrome,
    ):
        chrome.texts, chrome.work, chrome.address = TEXTS[request.param[:2]], work, service.address
        chrome.get(service.address)
        yield chrome
        photograph(chrome, "labelling", "end")


# as if the server had answered that there is a prediction of the shown image; without a background it is not asked
ARRIVE = """const image = {...state.image, text: arguments[0], parts: arguments[1], confidence: .5};
showState({...state, image, background: null})"""


def test_a_prediction_that_arrives_is_replaced_by_what_is_typed(browser: webdriver.Chrome):
    wait_for_text(browser, "#name", "4.png")  # the field is empty
    browser.execute_script(ARRIVE, "SP2W", [[one, 0.99] for one in "SP2W"])
    wait_for_text(browser, "#hint", browser.texts["arrived_hint"])
    press(browser, *LABELS[3])
    wait_for_text(browser, "#label", LABELS[3])
    browser.execute_script(ARRIVE, "SP", [["S", 0.4], ["P", 0.4]])  # too late: the label is being typed
    assert browser.find_element(By.ID, "label").get_attribute("value") == LABELS[3]
    WebDriverWait(browser, SECONDS).until(lambda browser: browser.find_element(By.ID, "confirm").is_enabled())
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#label", "M3XA")
    assert labels_in(browser.work) == [LABELS[3]]

    press(browser, Keys.HOME)
    browser.execute_script(ARRIVE, "M3XA", [[one, 0.97] for one in "M3XA"])  # the same text, surer
    assert browser.find_element(By.ID, "hint").text == ""  # no longer says what is selected
    levels = [one.get_attribute("class") for one in browser.find_elements(By.CSS_SELECTOR, "#parts li")]
    assert levels == ["sure"] * 4
    assert browser.execute_script("return document.getElementById('label').selectionEnd") == 0  # the caret stays
    press(browser, Keys.END, Keys.BACKSPACE, "A")  # typed, though it is the prediction again
    browser.execute_script(ARRIVE, "M3X4", [[one, 0.97] for one in "M3X4"])
    assert browser.find_element(By.ID, "label").get_attribute("value") == "M3XA"


def test_images_are_labelled_with_keys_alone(browser: webdriver.Chrome):
    texts = browser.texts
    wait_for_text(browser, "#name", "4.png")  # no prediction, so confidence 0
    press(browser, Keys.ESCAPE)
    wait_for_text(browser, "#label", "M3XA")
    wait_for_text(browser, "#hint", texts["selected_hint"])
    levels = [one.get_attribute("class") for one in browser.find_elements(By.CSS_SELECTOR, "#parts li")]
    assert levels == ["sure", "unsure", "likely", "sure"]
    WebDriverWait(browser, SECONDS).until(lambda browser: browser.find_element(By.ID, "image").size["width"] > 500)
    photograph(browser, "labelling", "start")

    press(browser, "8", Keys.ENTER)  # replaces the selected, least confident character
    wait_for_text(browser, "#message", texts["saved"].format(label="M8XA", file="M8XA_"))
    wait_for_text(browser, "#label", "7K4B")
    press(browser, Keys.END, "z", Keys.ENTER)
    wait_for_text(browser, "#hint", texts["new_symbol"].split("{symbols}")[1])
    assert labels_in(browser.work) == ["M8XA"]
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#label", "Q8RT")
    assert labels_in(browser.work) == ["7K4Bz", "M8XA"]

    press(browser, Keys.ENTER, held=(Keys.SHIFT,))
    wait_for_text(browser, "#label", "7K4Bz")
    assert labels_in(browser.work) == ["M8XA"]
    press(browser, Keys.BACKSPACE, Keys.ENTER)
    wait_for_text(browser, "#label", "Q8RT")
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#done", texts["done_skipped"].format(count=1))
    wait_for_text(browser, "#commands", "python pack_dataset.py")
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#name", "4.png")
    press(browser, "a_b", Keys.ENTER, Keys.ENTER)
    wait_for_text(browser, "#message", texts["label_has_separator"])
    browser.refresh()
    wait_for_text(browser, "#name", "4.png")
    press(browser, "5P2W", Keys.ENTER)
    wait_for_text(browser, "#done", texts["done"])
    assert labels_in(browser.work) == ["5P2W", "7K4B", "M8XA", "Q8RT"]
    assert all(url.startswith(browser.address) for url in urls_of(browser))
    assert not [line for line in browser.get_log("browser") if "409" not in line["message"]]
