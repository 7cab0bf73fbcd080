"""The gradio page in a browser without a window: an image goes in, its answer is seen, nothing leaves the machine."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from bearcat.serving.page.translations import WORDS
from tests.helpers.services import make_work, png, running
from tests.helpers.steps import ROOT

ARTEFACTS = ROOT / "artefacts"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SECONDS = 30

pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve two units with their page, and a test set of two images."""
    work = make_work(tmp_path_factory.mktemp("work"), clicks={"characters": "12"}, letters={})
    (work / "test_dataset").mkdir()
    for name, light in (("a_1", 0), ("b_1", 255)):
        (work / "test_dataset" / f"{name}.png").write_bytes(png(light))
    with running(work) as service:
        service.wait_for_log("the page is ready", 60)
        yield service.address


@pytest.fixture(params=["en-GB", "zh-CN"])
def browser(request: pytest.FixtureRequest, address: str) -> Iterator[webdriver.Chrome]:
    """Yield a browser of a language, on the page."""
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("headless=new", "no-sandbox", "disable-dev-shm-usage", "window-size=1180,1000"):
        options.add_argument(f"--{argument}")
    options.add_argument(f"--accept-lang={request.param}")
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    with webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER)) as chrome:
        chrome.words = WORDS[request.param[:2]]
        chrome.get(address)
        yield chrome
        ARTEFACTS.mkdir(exist_ok=True)
        chrome.save_screenshot(str(ARTEFACTS / f"page-{request.param}.png"))


def wait(browser: webdriver.Chrome, css: str, text: str = ""):
    """Return the first element that is there and has a text in it."""

    def found(browser: webdriver.Chrome):
        return next((one for one in browser.find_elements(By.CSS_SELECTOR, css) if text in one.text), None)

    return WebDriverWait(browser, SECONDS, ignored_exceptions=[Exception]).until(found, f"{css} with {text!r}")


def test_a_visit(browser: webdriver.Chrome, address: str, tmp_path: Path):
    words = browser.words
    wait(browser, "#bc-answer", words["waiting"])
    wait(browser, "#bc-image", words["image"])
    (tmp_path / "light.png").write_bytes(png(255))
    wait(browser, "#bc-image input[type=file]").send_keys(str(tmp_path / "light.png"))
    wait(browser, "#bc-answer code", "2")  # of clicks, the first unit
    wait(browser, "#bc-answer .bc-sure b", "2")

    choice = wait(browser, "#bc-unit input")
    assert choice.get_attribute("value") == "clicks"  # which is also a word of the page
    choice.click()
    wait(browser, "ul[role=listbox] li", "letters").click()
    wait(browser, "#bc-answer code", "b")

    browser.find_elements(By.CSS_SELECTOR, "#bc-examples button")[0].click()
    wait(browser, "#bc-answer code", "a")
    past = [one.text for one in wait(browser, "#bc-past", words["history"]).find_elements(By.CSS_SELECTOR, "li b")]
    assert past == ["a", "b", "2"]

    (tmp_path / "broken.png").write_bytes(b"no image")
    browser.find_element(By.CSS_SELECTOR, "#bc-image button[aria-label]").click()
    wait(browser, "#bc-answer", words["waiting"])
    wait(browser, "#bc-image input[type=file]").send_keys(str(tmp_path / "broken.png"))
    wait(browser, "#bc-answer [role=alert]", words["format"].split("{")[0])
    assert urls_of(browser) and all(url.startswith((address, "data:", "blob:")) for url in urls_of(browser))


def urls_of(browser: webdriver.Chrome) -> list[str]:
    """Return the addresses that were asked since the last call."""
    seen = browser.__dict__.setdefault("seen", [])
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            seen.append(message["params"]["request"]["url"])
    return seen
