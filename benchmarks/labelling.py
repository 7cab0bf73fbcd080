"""Count what labelling costs: the keys that a person presses on the labelling page, and by typing every label.

A script stands for the person. It labels one by one until the grid offers GRID images, which it then confirms together.
It corrects only characters that are wrong, in the way that takes the fewest keys, and never errs. A key with Shift or
Alt counts as one; the grid's wrong images are reached with the arrow keys.

Reads:  a folder of zip files as in benchmarks/real_sets.py, which are not part of the project
Writes: a table on the screen
Next:   update docs/benchmarks.md if the figures differ

python -m benchmarks.labelling ../captchas --sets krdigits4 --labels 50
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import requests

from bearcat.core.workspace import ROOT, create_work
from bearcat.data.images import SUFFIXES
from benchmarks.real_sets import list_sets

LEAST_CONFIDENT = 0.95  # the page selects the least confident character if its confidence is below this
GRID = 20  # images: the script waits for a full grid
COLUMNS = 5  # of the grid on a wide screen
TIMEOUT = 60


@dataclass
class Cost:
    """What a session cost, and who predicted the images that it showed."""

    keys: int = 0
    typed: int = 0  # keys, if every label is typed
    images: int = 0
    grids: int = 0
    shown: Counter = field(default_factory=Counter)  # predictor → images
    correct: Counter = field(default_factory=Counter)  # predictor → images predicted correctly

    def add(self, image: dict, label: str) -> None:
        """Counts an image."""
        who = (image.get("predictor") or {"kind": "nobody"})["kind"]
        self.images += 1
        self.typed += len(label) + 1
        self.shown[who] += 1
        self.correct[who] += image["text"] == label


def main() -> None:
    """Labels each set and prints the table."""
    arguments = parse_arguments()
    print("| set | labels | keys, typed | keys, on the page | grids | correct predictions |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in arguments.sets or list_sets(arguments.data):
        with tempfile.TemporaryDirectory() as folder:
            labels = unpack(arguments.data / f"{name}.zip", Path(folder, "images"), arguments.images, arguments.seed)
            work = create_work(Path(folder), "work", activate=False)
            work.make_folders()
            with served(work.path, Path(folder, "images")) as address:
                cost = label_all(Page(address), labels, arguments)
        correct = ", ".join(f"{who} {cost.correct[who]} of {shown}" for who, shown in cost.shown.items())
        print(f"| {name} | {cost.images} | {cost.typed} | {cost.keys} | {cost.grids} | {correct} |", flush=True)


def parse_arguments() -> argparse.Namespace:
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the folder of zip files")
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="(all)")
    parser.add_argument("--labels", type=int, default=50, help="images to label (50)")
    parser.add_argument("--images", type=int, default=300, help="images in the folder (300)")
    parser.add_argument("--seconds", type=float, default=3, help="for each image that is shown alone (3)")
    parser.add_argument("--wait", type=float, default=0, help="seconds to wait for the first guesses (0)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def unpack(archive: Path, folder: Path, count: int, seed: int) -> dict[str, str]:
    """Writes training images of a set under names without labels; returns file name → label."""
    folder.mkdir()
    labels = {}
    with zipfile.ZipFile(archive) as files:
        members = sorted(name for name in files.namelist() if Path(name).parent.name == "train")
        images = [name for name in members if Path(name).suffix.lower() in SUFFIXES]
        for number, member in enumerate(random.Random(seed).sample(images, min(count, len(images)))):
            name = f"{number:05}{Path(member).suffix}"
            (folder / name).write_bytes(files.read(member))
            labels[name] = Path(member).name.partition("_")[0]
    return labels


@contextmanager
def served(work: Path, images: Path) -> Iterator[str]:
    """Serves the labelling page of a folder; yields its address."""
    command = [sys.executable, "-u", "app.py", "--work", str(work), "--label", str(images), "--port", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            lines = (re.search(r"http://[\d.]+:\d+", line) for line in process.stdout or ())
            yield next(found[0] for found in lines if found)
        finally:
            process.terminate()


class Page:
    """The page as the script uses it."""

    def __init__(self, address: str):
        self.address = address

    def get(self, path: str) -> dict:
        return requests.get(f"{self.address}/{path}", timeout=TIMEOUT).json()

    def post(self, path: str, **fields: object) -> dict:
        answer = requests.post(f"{self.address}/{path}", json=fields, headers={"Origin": self.address}, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()


def label_all(page: Page, labels: dict[str, str], arguments: argparse.Namespace) -> Cost:
    """Labels images until there are enough; returns what it cost."""
    cost = Cost()
    deadline = time.monotonic() + arguments.wait
    while not page.get("state")["predictor"] and time.monotonic() < deadline:
        time.sleep(1)
    state = page.get("state")
    while cost.images < arguments.labels:
        if state["grid"] >= GRID and arguments.labels - cost.images >= GRID:
            images = page.get("grid")["images"]
            state = confirm_grid(page, images, labels, cost)
            continue
        time.sleep(arguments.seconds)
        image = page.get("state")["image"]
        if image is None:
            time.sleep(1)
            continue
        label = labels[image["name"]]
        cost.add(image, label)
        cost.keys += keys_to_correct(image, label) + 1
        state = page.post("confirm", number=image["number"], label=label)
    return cost


def confirm_grid(page: Page, images: list[dict], labels: dict[str, str], cost: Cost) -> dict:
    """Confirms a grid but for its wrong images, and returns the state after it."""
    right, wrong, place = [], [], 0
    for index, image in enumerate(images):
        if image["text"] == labels[image["name"]]:
            right.append({"number": image["number"], "label": image["text"]})
            cost.add(image, image["text"])
        else:
            wrong.append(image["number"])
            cost.keys += steps_between(place, index) + 1  # the space bar
            place = index
    cost.keys += 2  # Alt + G, Enter
    cost.grids += 1
    return page.post("confirm_many", images=right, marked=wrong)


def steps_between(start: int, end: int) -> int:
    """Returns the presses of arrow keys from one cell of the grid to another."""
    rows, columns = abs(end // COLUMNS - start // COLUMNS), abs(end % COLUMNS - start % COLUMNS)
    return rows + columns


def keys_to_correct(image: dict, label: str) -> int:
    """Returns the number of keys that turn a predicted text into a label.

    Either Ctrl + A and the whole label; or, if that is less and the length is right, each wrong character: the selected
    one is typed, others are reached with Home, End or arrow keys, deleted and typed.
    """
    text = image["text"]
    if text == label or not text:
        return len(label) if not text else 0
    whole = 1 + len(label)
    if len(text) != len(label):
        return whole
    confidences = [confidence for _, confidence in image["parts"]]
    least = min(range(len(confidences)), key=confidences.__getitem__)
    wrong = [index for index, pair in enumerate(zip(text, label, strict=True)) if pair[0] != pair[1]]
    is_selected = confidences[least] < LEAST_CONFIDENT
    keys, caret = 0, least + 1 if is_selected else len(text)
    if is_selected and least in wrong:
        keys, is_selected = 1, False
        wrong.remove(least)
    for index in wrong:
        # an arrow key first leaves the selection
        moves = (abs(caret - index) + is_selected, 1 + index, 1 + len(text) - index)
        keys += min(moves) + 2  # Delete, and the character
        caret, is_selected = index + 1, False
    return min(whole, keys)


if __name__ == "__main__":
    main()
