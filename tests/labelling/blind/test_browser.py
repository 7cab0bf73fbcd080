"""The page that hides the labels in a headless browser: images are read with keys alone, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from bearcat.core.workspace import Work
from bearcat.labelling.blind.records import read_answers
from bearcat.labelling.blind.translations import TEXTS
from tests.helpers.blind import write_images
from tests.helpers.browser import SECONDS, needs_chromium, open_browser, photograph, press, urls_of, wait_for_text
from tests.helpers.services import make_work, running

pytestmark = needs_chromium
LABELS = tuple(f"{number}K4B" for number in range(12))


@pytest.fixture(params=["en-GB", "zh-CN"])
def browser(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[webdriver.Chrome]:
    """A browser on the page over twelve images, in English, and in Chinese with dark colours."""
    work = Work(make_work(tmp_path / "work"))
    write_images(work.data_folder("test"), LABELS)
    dark = ["force-dark-mode"] if request.param == "zh-CN" else []
    with (
        running(work.path, "--label", "--blind") as service,
        open_browser(request.param, (1000, 760), dark) as chrome,
    ):
        chrome.texts, chrome.work, chrome.address = TEXTS[request.param[:2]], work, service.address
        chrome.get(service.address)
        yield chrome


def wait_for_image(browser: webdriver.Chrome, answered: int) -> None:
    """Waits until an image is shown after a number of answers."""
    shown = f"return state?.answered === {answered} && loaded !== null"
    WebDriverWait(browser, SECONDS).until(lambda browser: browser.execute_script(shown))


def test_images_are_read_with_keys_alone_until_the_result(browser: webdriver.Chrome):
    texts, work = browser.texts, browser.work
    wait_for_image(browser, 0)
    wait_for_text(browser, "#hint", texts["case_ignored"])
    image = browser.find_element(By.ID, "image")
    assert image.size == {"width": 162, "height": 62}  # its own size, and a line around it
    assert not browser.find_element(By.ID, "finish-now").is_displayed()
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#hint", texts["label_empty"])
    photograph(browser, "blind", "start")
    for number in range(9):
        press(browser, "0k4b", Keys.ENTER)
        wait_for_image(browser, number + 1)
    press(browser, Keys.ESCAPE)
    wait_for_image(browser, 10)
    assert browser.find_element(By.ID, "finish-now").is_displayed()
    browser.refresh()  # the same session goes on
    wait_for_image(browser, 10)
    press(browser, "\u200b", Keys.ENTER)
    wait_for_text(browser, "#hint", texts["case_ignored"])
    wait_for_text(browser, "#message", texts["label_empty"])
    photograph(browser, "blind", "many")
    press(browser, "x", Keys.ENTER)
    wait_for_image(browser, 11)
    browser.find_element(By.ID, "finish-now").click()
    wait_for_text(browser, "#result-title", texts["result"])
    photograph(browser, "blind", "end")

    answers = read_answers(work)
    assert [one.typed for one in answers] == ["0k4b"] * 9 + [None, "x"]
    assert len({one.file for one in answers}) == 11
    assert [one.paused for one in answers] == [False] * 10 + [True]  # loaded again
    assert all(0 <= one.seconds < SECONDS for one in answers)
    assert len({one.person for one in answers}) == 1
    correct = sum(one.label == "0K4B" for one in answers[:9])
    shown = browser.find_element(By.ID, "figures").text
    assert texts["result_exact"].partition("{exact}")[0].format(correct=correct, answers=11) in shown
    assert texts["result_given_up"].format(count=1) in shown
    assert "python strength.py" in browser.find_element(By.ID, "commands").text

    browser.find_element(By.ID, "again").click()
    wait_for_image(browser, 0)
    assert not [url for url in urls_of(browser) if not url.startswith(browser.address)]
    assert not [url for url in urls_of(browser) if "K4B" in url]
    assert not [entry for entry in browser.get_log("browser") if "Content Security Policy" in entry["message"]]


def test_an_image_that_is_gone_is_left_out(browser: webdriver.Chrome):
    wait_for_image(browser, 0)
    for path in browser.work.data_folder("test").iterdir():
        path.unlink()
    press(browser, "x", Keys.ENTER)  # the current image was loaded before
    wait_for_text(browser, "#result-title", browser.texts["result"])
    wait_for_text(browser, "#message", browser.texts["image_gone"])
    assert len(read_answers(browser.work)) == 1


def test_an_image_that_did_not_arrive_is_loaded_again_by_the_next_key(browser: webdriver.Chrome):
    def block(*urls: str) -> None:
        browser.execute_cdp_cmd("Network.setBlockedURLs", {"urls": list(urls)})

    wait_for_image(browser, 0)
    browser.execute_cdp_cmd("Network.enable", {})
    block("*/image/*")
    press(browser, "x", Keys.ENTER)
    wait_for_text(browser, "#message", browser.texts["not_loaded"])
    press(browser, Keys.ESCAPE)  # fails again
    block("*/image/*", "*/begin")
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#message", browser.texts["no_connection"])
    block()
    press(browser, Keys.ENTER)
    wait_for_image(browser, 1)
    assert not browser.find_element(By.ID, "message").text
    press(browser, "x", Keys.ENTER)
    wait_for_image(browser, 2)
    assert [one.typed for one in read_answers(browser.work)] == ["x", "x"]
