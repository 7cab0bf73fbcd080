"""Step 12: send images to the service on this machine, as a program of yours would.

Reads:  the images that are named: files, folders, or URLs on this machine; by default one image of test_dataset
Writes: nothing
Next:   use the answers in a program of yours. This script connects to this machine only.
"""

import base64
import random
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from bearcat.cli import SERVICE_PORT, Step, echo, make_parser, open_step, run
from bearcat.core.errors import DataError, ServiceError
from bearcat.data.labels.reading import list_images, load_split, read_labels
from bearcat.data.labels.text import fold_case
from bearcat.modes import MODES, Task
from utils import Image_Processing

# isort: split
import requests  # after bearcat, which says how to install missing packages

TIMEOUT_SECONDS = 30
BATCH_SIZE = 64  # images per request, the service's limit
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def main() -> None:
    """Sends one image by itself or several in batches, and prints the answers."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "image", metavar="IMAGE", nargs="*", help="image, folder, or URL on this machine (a random test image)"
    )
    parser.add_argument("--port", type=int, default=SERVICE_PORT, help=f"port of the service ({SERVICE_PORT})")
    parser.add_argument("--token", help="the service's token, if it has one")
    parser.add_argument("--prompt", help="EFFICIENTDET: what to click, in order")
    step = open_step(parser)
    url = f"http://127.0.0.1:{step.arguments.port}/"
    token, prompt = step.arguments.token, step.arguments.prompt
    images = choose_images(step)
    labels = find_labels(step, images)
    if len(images) == 1:
        ((name, image),) = images.items()
        echo_answer(name, predict(image, url, token, prompt), labels.get(name))
    else:
        answers = predict_batch(list(images.values()), url, token, prompt)
        echo_answers(dict(zip(images, answers, strict=True)), labels)
    step.next("python test.py", "scores all test images; for a program of your own, copy predict()")


def predict(image: bytes, url: str, token: str | None = None, prompt: str | None = None) -> dict:
    """Sends one image and returns the answer; raises ServiceError if there is none, or an error."""
    return post(url, {"img": base64.b64encode(image).decode("ascii")}, token, prompt)


def predict_batch(images: list[bytes], url: str, token: str | None = None, prompt: str | None = None) -> list[dict]:
    """Sends several images and returns an answer for each, which may be an error; raises ServiceError as predict()."""
    encoded = [base64.b64encode(image).decode("ascii") for image in images]
    batches = [encoded[start : start + BATCH_SIZE] for start in range(0, len(encoded), BATCH_SIZE)]
    return [answer for batch in batches for answer in post(url, {"img": batch}, token, prompt)["results"]]


def post(url: str, fields: dict, token: str | None, prompt: str | None) -> dict:
    """Sends a request and returns the answer; raises ServiceError if there is none, or an error."""
    fields |= {"prompt": prompt} if prompt else {}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with local_session() as session:
            answer = session.post(url, json=fields, headers=headers, timeout=TIMEOUT_SECONDS).json()
    except requests.ConnectionError:
        raise ServiceError(
            f"no service answers at {url}: start it in another terminal (python app.py), or name its port with --port"
        ) from None
    except (requests.Timeout, ValueError) as error:
        raise ServiceError(f"{url} did not answer as Bearcat's service does: {error}") from None
    if answer.get("return_code") != 200:
        raise ServiceError(f"{url} answered {answer.get('return_code')}: {answer.get('return_info')}")
    return answer


def local_session() -> requests.Session:
    """Returns a session that ignores proxies of the environment, which cannot reach this machine's services."""
    session = requests.Session()
    session.trust_env = False
    return session


def choose_images(step: Step) -> dict[str, bytes]:
    """Returns the images to send by name: those that are named, else a random test image."""
    if step.arguments.image:
        return {name: image for place in step.arguments.image for name, image in read_images(place).items()}
    chosen = random.choice(load_split(step.work, "test", step.settings.MODE, Image_Processing))
    return {str(chosen.path): chosen.path.read_bytes()}


def find_labels(step: Step, names: Iterable[str]) -> dict[str, str]:
    """Returns the labels of those images that have a text or a class as label, as a data set's images have."""
    if MODES[step.settings.MODE].task is Task.DETECTION:
        return {}
    paths = {Path(name).resolve(): name for name in names if "://" not in name}
    data_sets = [step.work.data_folder(split).resolve() for split in ("train", "validation", "test")]
    # an image in a sub-folder of a data set has its class as label
    folders = {next((one for one in data_sets if path.is_relative_to(one)), path.parent) for path in paths}
    labels: dict[str, str] = {}
    for folder in folders:
        with suppress(DataError):
            found, _ = read_labels(folder, Image_Processing.extraction_label)
            labels |= {paths[item.path]: item.label for item in found if item.path in paths}
    if step.settings.IGNORE_CASE and MODES[step.settings.MODE].task is Task.TEXT:
        return {name: fold_case(label) for name, label in labels.items()}
    return labels


def read_images(place: str) -> dict[str, bytes]:
    """Reads the images of a file, folder or URL by name; raises DataError if there are none."""
    if "://" in place:
        return {place: download(place)}
    path = Path(place)
    if path.is_dir():
        paths = list_images(path)
        if not paths:
            raise DataError(f"{path} holds no images")
        return {str(image): image.read_bytes() for image in paths}
    if not path.is_file():
        raise DataError(f"{path} does not exist: name an image, or none to send one of test_dataset")
    return {place: path.read_bytes()}


def download(url: str) -> bytes:
    """Downloads an image from this machine; raises DataError for any other host, and if there is no image."""
    if urlsplit(url).hostname not in THIS_MACHINE:
        raise DataError(f"{url} is not on this machine ({', '.join(THIS_MACHINE)}): save the image and name its file")
    try:
        with local_session() as session:
            # a redirect could lead to another machine
            response = session.get(url, timeout=TIMEOUT_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        raise DataError(f"cannot download {url}: {error}") from None
    if response.status_code != 200:
        raise DataError(f"{url} answered {response.status_code} instead of an image")
    return response.content


def echo_answer(name: str, answer: dict, label: str | None) -> None:
    """Prints the answer for a single image."""
    confidence, milliseconds = answer["overall_recognition_rate"], answer["time"] * 1000
    echo(f"Image:   {name}")
    echo(f"Answer:  {answer['result']}  (confidence {confidence:.1%}, {milliseconds:.1f} ms)")
    if "points" in answer:
        echo(f"Click:   {answer['points']}")
    if label is not None:
        echo(f"Label:   {label}  ({describe_match(label, answer)})")


def echo_answers(answers: dict[str, dict], labels: dict[str, str]) -> None:
    """Prints the answers for several images, and how many of those with a label are correct."""
    for name, answer in answers.items():
        result = answer["result"] if answer["return_code"] == 200 else answer["return_info"]
        known = f"  (label {labels[name]}: {describe_match(labels[name], answer)})" if name in labels else ""
        echo(f"{name}: {result}{known}")
    if labels:
        correct = sum(answers[name]["result"] == label for name, label in labels.items())
        echo(f"{correct} of {len(labels)} images with a label are correct")


def describe_match(label: str, answer: dict) -> str:
    """Says whether an answer is the label."""
    return "correct" if answer["result"] == label else "incorrect"


if __name__ == "__main__":
    run(main)
