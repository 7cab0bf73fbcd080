"""A headless Chromium for the tests of the pages, in any language."""

import json
import shutil
from collections.abc import Iterable

import pytest
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from tests.helpers.steps import ROOT

ARTEFACTS = ROOT / "artefacts"
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
SECONDS = 30

needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver (Debian: apt-get install chromium chromium-driver)"
)


def open_browser(language: str, size: tuple[int, int], options: Iterable[str] = ()) -> webdriver.Chrome:
    """Returns a browser of a language with a window of a size, which logs requests and messages of scripts."""
    chrome = webdriver.ChromeOptions()
    chrome.binary_location = CHROMIUM
    arguments = ("headless=new", "no-sandbox", "disable-dev-shm-usage", f"window-size={size[0]},{size[1]}")
    for argument in (*arguments, f"accept-lang={language}", *options):
        chrome.add_argument(f"--{argument}")
    chrome.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    return webdriver.Chrome(options=chrome, service=webdriver.ChromeService(DRIVER))


def photograph(browser: webdriver.Chrome, page: str, moment: str) -> None:
    """Saves a screenshot for people to look at."""
    ARTEFACTS.mkdir(exist_ok=True)
    language = browser.find_element(By.TAG_NAME, "html").get_attribute("lang")
    browser.save_screenshot(str(ARTEFACTS / f"{page}-{language}-{moment}.png"))


def wait_for_text(browser: webdriver.Chrome, css: str, text: str) -> None:
    """Waits until an element shows a text, or a field holds it."""

    def shows(browser: webdriver.Chrome) -> bool:
        element = browser.find_element(By.CSS_SELECTOR, css)
        return text in (element.text or element.get_attribute("value") or "")

    WebDriverWait(browser, SECONDS, ignored_exceptions=[Exception]).until(shows, f"{css} with {text!r}")


def press(browser: webdriver.Chrome, *keys: str, held: Iterable[str] = ()) -> None:
    """Presses keys, wherever the focus is, while others are held down."""
    actions = ActionChains(browser)
    for key in held:
        actions.key_down(key)
    actions.send_keys(*keys)
    for key in held:
        actions.key_up(key)
    actions.perform()


def urls_of(browser: webdriver.Chrome) -> list[str]:
    """Returns the addresses that a browser has requested so far."""
    seen = browser.__dict__.setdefault("seen", [])
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            seen.append(message["params"]["request"]["url"])
    return seen
