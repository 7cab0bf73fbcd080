"""The gradio page in a headless browser: images, models, examples, history; and nothing leaves the machine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from bearcat.serving.middleware import MAX_BODY
from bearcat.serving.page.translations import TEXTS
from tests.helpers.browser import ARTEFACTS, SECONDS, needs_chromium, open_browser, urls_of
from tests.helpers.services import make_work, png, running

pytestmark = needs_chromium
BUSY = "from bearcat.serving.page import gradio_patches; gradio_patches.MAX_EVENTS_OF_VISIT = 0"
JOIN_BADLY = """const [done] = arguments;
fetch('/gradio_api/queue/join', {method: 'POST', body: '['}).then(answer => answer.json()).then(done);"""


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serves two models with their page, and a test set of two images."""
    work = make_work(tmp_path_factory.mktemp("work"), clicks={"characters": "12"}, letters={})
    (work / "test_dataset").mkdir()
    for name, light in (("a_1", 0), ("b_1", 255)):
        (work / "test_dataset" / f"{name}.png").write_bytes(png(light))
    with running(work) as service:
        service.wait_for_log("the page is ready", 60)
        yield service.address


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serves a page that refuses every event, as if too many waited."""
    work = make_work(tmp_path_factory.mktemp("busy") / "work", letters={})
    with running(work, setup=BUSY, GRADIO_ANALYTICS_ENABLED="False") as service:
        service.wait_for_log("the page is ready", 60)
        yield service.address


@pytest.fixture(params=["en-GB", "zh-CN"])
def browser(request: pytest.FixtureRequest, address: str) -> Iterator[webdriver.Chrome]:
    """Yields a browser of some language with the page open."""
    with open_browser(request.param, (1180, 1000)) as chrome:
        chrome.texts = TEXTS[request.param[:2]]
        chrome.get(address)
        yield chrome
        ARTEFACTS.mkdir(exist_ok=True)
        chrome.save_screenshot(str(ARTEFACTS / f"page-{request.param}.png"))


def wait(browser: webdriver.Chrome, css: str, text: str = ""):
    """Waits for an element with a text in it and returns it."""

    def found(browser: webdriver.Chrome):
        return next((one for one in browser.find_elements(By.CSS_SELECTOR, css) if text in one.text), None)

    return WebDriverWait(browser, SECONDS, ignored_exceptions=[Exception]).until(found, f"{css} with {text!r}")


def test_a_visit(browser: webdriver.Chrome, address: str, tmp_path: Path):
    texts = browser.texts
    wait(browser, "#bc-answer", texts["waiting"])
    wait(browser, "#bc-image", texts["image"])
    (tmp_path / "light.png").write_bytes(png(255))
    wait(browser, "#bc-image input[type=file]").send_keys(str(tmp_path / "light.png"))
    wait(browser, "#bc-answer code", "2")  # by "clicks", the first model
    wait(browser, "#bc-answer .bc-high b", "2")

    choice = wait(browser, "#bc-model input")
    assert choice.get_attribute("value") == "clicks"  # also a key of the page's texts
    choice.click()
    wait(browser, "ul[role=listbox] li", "letters").click()
    wait(browser, "#bc-answer code", "b")

    browser.find_elements(By.CSS_SELECTOR, "#bc-examples button")[0].click()
    wait(browser, "#bc-answer code", "a")
    history = [
        one.text for one in wait(browser, "#bc-history", texts["history"]).find_elements(By.CSS_SELECTOR, "li b")
    ]
    assert history == ["a", "b", "2"]

    (tmp_path / "broken.png").write_bytes(b"no image")
    browser.find_element(By.CSS_SELECTOR, "#bc-image button[aria-label]").click()
    wait(browser, "#bc-answer", texts["waiting"])
    wait(browser, "#bc-image input[type=file]").send_keys(str(tmp_path / "broken.png"))
    wait(browser, "#bc-answer [role=alert]", texts["format"].split("{")[0])
    assert urls_of(browser) and all(url.startswith((address, "data:", "blob:")) for url in urls_of(browser))
    messages = [entry["message"] for entry in browser.get_log("browser")]
    assert not [message for message in messages if "Content Security Policy" in message]


@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_the_visitor_sees_why_a_request_was_refused(busy: str, language: str, tmp_path: Path):
    texts = TEXTS[language[:2]]
    (tmp_path / "large.png").write_bytes(png() + bytes(MAX_BODY))
    with open_browser(language, (1180, 1000)) as browser:
        browser.get(busy)
        wait(browser, ".toast-body", texts["busy"])
        wait(browser, "#bc-image input[type=file]").send_keys(str(tmp_path / "large.png"))
        wait(browser, ".toast-body", texts["too_large"])
        assert "not valid JSON" in browser.execute_async_script(JOIN_BADLY)["detail"]
        assert not [one for one in browser.find_elements(By.CSS_SELECTOR, ".toast-body") if "{" in one.text]
