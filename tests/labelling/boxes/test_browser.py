"""The page of boxes in a headless browser: boxes are drawn, named, moved and confirmed, in both languages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import ImageDraw
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from bearcat.data.labels.boxes import read_voc
from bearcat.labelling.boxes.translations import TEXTS
from tests.helpers.box_labelling import MODE, noise
from tests.helpers.browser import SECONDS, needs_chromium, open_browser, photograph, press, urls_of, wait_for_text
from tests.helpers.detections import write_detector
from tests.helpers.services import make_work, running
from tests.helpers.steps import change_settings

pytestmark = needs_chromium
SIZE = (160, 80)
ZOOM = 4  # of such an image in the window
# made-up objects, so that images and boxes differ in confidence
START = """
import sys
import app, numpy as np
from bearcat.detection.decoding import Detections
NAMES = ("好", "妤", "天")
FOUND = {"1.png": ([[5, 10, 35, 40], [60, 20, 90, 50]], [[.99, 0, 0], [0, .01, .97]]),
         "2.png": ([[20, 20, 50, 50], [100, 30, 130, 60]], [[.02, .96, 0], [.5, .45, 0]]), "3.png": ([], [])}
def predict(model, path):
    boxes, probabilities = FOUND[path.name]
    return Detections(NAMES, np.array(boxes, float).reshape(-1, 4), np.array(probabilities, float).reshape(-1, 3))
app.Predict_Image.predict = predict
app.run(app.main)
"""


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Three images, each with two rectangles."""
    folder = tmp_path / "new"
    folder.mkdir()
    for number in (1, 2, 3):
        image = noise(number, SIZE).point(lambda value: 190 + value // 4)
        for left in (20, 100):
            ImageDraw.Draw(image).rectangle((left, 25, left + 30, 55), "#24407a")
        image.save(folder / f"{number}.png")
    return folder


@pytest.fixture(params=["en-GB", "zh-CN"])
def browser(request: pytest.FixtureRequest, tmp_path: Path, images: Path) -> Iterator[webdriver.Chrome]:
    """A browser on the page, in English, and in Chinese with dark colours; without a model."""
    yield from open_page(request.param, make_work(tmp_path / "work"), images)


@pytest.fixture
def browser_with_model(tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[webdriver.Chrome]:
    """A browser on the page of a work whose model proposes boxes."""
    monkeypatch.setattr("tests.helpers.services.START", START)
    work = make_work(tmp_path / "work")
    write_detector(work / "App_model" / "clicks.onnx", [])
    yield from open_page("en-GB", work, images)


def open_page(language: str, work: Path, images: Path) -> Iterator[webdriver.Chrome]:
    change_settings(work, MODE=MODE)
    dark = ["force-dark-mode"] if language == "zh-CN" else []
    with running(work, "--label", images) as service, open_browser(language, (1160, 900), dark) as chrome:
        chrome.texts, chrome.work, chrome.address = TEXTS[language[:2]], work, service.address
        chrome.get(service.address)
        wait_for_image(chrome, ".png")
        yield chrome
        photograph(chrome, "boxes", "end")
        assert all(url.startswith(chrome.address) for url in urls_of(chrome))
        # where a violation of the Content-Security-Policy would be
        assert not [line for line in chrome.get_log("browser") if "409" not in line["message"]]


def wait_for_image(browser: webdriver.Chrome, name: str) -> None:
    """Waits until an image is shown, and its boxes over it."""
    wait_for_text(browser, "#name", name)
    is_shown = "return loadedNumber === shownNumber"
    WebDriverWait(browser, SECONDS).until(lambda browser: browser.execute_script(is_shown))


def drag(browser: webdriver.Chrome, start: tuple[int, int], end: tuple[int, int]) -> None:
    """Drags the mouse between two points of the image, in its pixels."""
    stage = browser.find_element(By.ID, "stage")
    x, y = (ZOOM * (one - side / 2) for one, side in zip(start, SIZE, strict=True))
    dx, dy = (ZOOM * (to - one) for one, to in zip(start, end, strict=True))
    actions = ActionChains(browser).move_to_element_with_offset(stage, round(x), round(y)).click_and_hold()
    actions.move_by_offset(dx // 2, dy // 2).move_by_offset(dx - dx // 2, dy - dy // 2).release().perform()


def shown(browser: webdriver.Chrome) -> list[list]:
    """Returns the name and the corners of the boxes on the page."""
    return browser.execute_script("return canvas.boxes.map(b => [b.name, b.xmin, b.ymin, b.xmax, b.ymax])")


def confirmed(browser: webdriver.Chrome) -> list[list[list]]:
    """Returns the name and the corners of the boxes in each label file."""
    labels = [read_voc(path) for path in (browser.work / "train_dataset").glob("*.xml")]
    return [[[name, *box] for name, box in zip(one.names, one.boxes_xyxy.tolist(), strict=True)] for one in labels]


def test_boxes_are_drawn_named_moved_and_confirmed(browser: webdriver.Chrome, images: Path):
    texts = browser.texts
    wait_for_text(browser, "#hint", texts["draw_hint"])
    drag(browser, (20, 25), (50, 55))
    assert shown(browser) == [["", 20, 25, 50, 55]]
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#hint", texts["name_missing"])
    press(browser, "天", Keys.ARROW_LEFT, Keys.ARROW_DOWN)
    assert shown(browser) == [["天", 19, 26, 49, 56]]
    press(browser, Keys.ARROW_RIGHT, held=(Keys.CONTROL,))
    press(browser, Keys.ARROW_UP, held=(Keys.SHIFT,))
    press(browser, Keys.ARROW_RIGHT, held=(Keys.SHIFT, Keys.CONTROL))
    assert shown(browser) == [["天", 29, 26, 69, 55]]
    drag(browser, (40, 40), (45, 20))  # within the selected box: moves it
    drag(browser, (74, 35), (84, 45))  # at its lower right corner: resizes it
    assert shown(browser) == [["天", 34, 6, 84, 45]]
    drag(browser, (100, 60), (200, 120))  # beyond the image
    press(browser, "traffic light")
    drag(browser, (90, 5), (98, 12))
    press(browser, Keys.DELETE)
    assert shown(browser) == [["天", 34, 6, 84, 45], ["traffic light", 100, 60, 160, 80]]
    press(browser, Keys.TAB, held=(Keys.SHIFT,))
    wait_for_text(browser, "#label", "天")
    photograph(browser, "boxes", "start")
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#message", texts["saved"].format(count=2, file="")[:4])
    wait_for_image(browser, "2.png")
    assert confirmed(browser) == [[["天", 34, 6, 84, 45], ["traffic light", 100, 60, 160, 80]]]


def test_images_are_skipped_undone_and_confirmed_without_objects(browser: webdriver.Chrome, images: Path):
    texts = browser.texts
    drag(browser, (20, 25), (50, 55))
    press(browser, "traffic light")
    drag(browser, (100, 25), (130, 55))
    wait_for_text(browser, "#label", "traffic light")  # the only name
    press(browser, "sign", Keys.ENTER)
    wait_for_image(browser, "2.png")
    drag(browser, (20, 25), (50, 55))
    press(browser, "tr")  # the rest of a known name is added
    wait_for_text(browser, "#label", "traffic light")
    press(browser, Keys.ESCAPE)
    wait_for_image(browser, "3.png")
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#hint", texts["no_objects"])
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#done", texts["done_skipped"].format(count=1))
    assert sorted(map(len, confirmed(browser))) == [0, 2]
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#boxes", "traffic light")  # drawn before it was skipped
    drag(browser, (100, 25), (130, 55))
    press(browser, "owl", Keys.ENTER)
    wait_for_text(browser, "#hint", texts["new_symbol"].split("{symbols}")[1])
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#done", texts["done"])
    assert len(confirmed(browser)) == 3
    press(browser, Keys.ENTER, held=(Keys.SHIFT,))
    wait_for_text(browser, "#boxes", "owl")
    assert len(confirmed(browser)) == 2
    (images / "2.png").unlink()
    browser.refresh()
    wait_for_text(browser, "#boxes", "owl")
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#message", texts["image_gone"].format(file="2.png"))
    wait_for_text(browser, "#done", texts["done"])


def test_proposed_boxes_are_corrected_and_accepted(browser_with_model: webdriver.Chrome):
    browser = browser_with_model
    wait_for_image(browser, "3.png")  # nothing is found, so confidence 0
    press(browser, Keys.ESCAPE)
    wait_for_image(browser, "2.png")
    wait_for_text(browser, "#hint", browser.texts["selected_hint"])
    wait_for_text(browser, "#label", "好")  # the least confident box is selected
    classes = [box.get_attribute("class") for box in browser.find_elements(By.CSS_SELECTOR, "#boxes button")]
    assert classes == ["proposal sure", "proposal unsure"]
    photograph(browser, "boxes", "proposals")
    browser.set_network_conditions(offline=False, latency=3000, throughput=2**20)
    press(browser, "妤", Keys.ARROW_LEFT, Keys.ENTER)
    wait_for_text(browser, "#name", "1.png")
    press(browser, Keys.ENTER)  # before the image is there
    wait_for_text(browser, "#boxes", "天")
    browser.delete_network_conditions()
    assert confirmed(browser) == [[["妤", 20, 20, 50, 50], ["妤", 99, 30, 129, 60]]]
    press(browser, Keys.ENTER)
    wait_for_text(browser, "#done", browser.texts["done_skipped"].format(count=1))
    assert [["好", 5, 10, 35, 40], ["天", 60, 20, 90, 50]] in confirmed(browser)
