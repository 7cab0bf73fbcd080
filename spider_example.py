"""Step 12: ask the running service of this machine to read images, as a program of yours would.

Reads:  the images that are named: files, folders, or addresses on this machine; else one of test_dataset
Writes: nothing
Next:   use the answers; it talks to 127.0.0.1 and to nothing else
"""

import base64
import random
from pathlib import Path
from urllib.parse import urlsplit

import requests

from bearcat.cli import SERVICE_PORT, Step, echo, make_parser, open_step, run
from bearcat.core.errors import DataError, ServiceError
from bearcat.data.labels import list_images
from utils import read_data

SECONDS = 30
BATCH = 64  # images that one request may hold
THIS_MACHINE = ("127.0.0.1", "localhost", "::1")


def main() -> None:
    """Send the images, one in a single call, several in a batch, and print the answers."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "image",
        metavar="IMAGE",
        nargs="*",
        help="image, folder, or URL on this machine; default: a test image",
    )
    parser.add_argument(
        "--port", type=int, default=SERVICE_PORT, help=f"the service's port on this machine ({SERVICE_PORT})"
    )
    parser.add_argument("--token", help="what the service was started with, if it was")
    parser.add_argument("--prompt", help="EFFICIENTDET: what to click, in order")
    step = open_step(parser)
    url = f"http://127.0.0.1:{step.arguments.port}/"
    options = {"token": step.arguments.token, "prompt": step.arguments.prompt}
    images, label = choose_images(step)
    if len(images) == 1:
        ((name, image),) = images.items()
        show(name, ask(image, url, **options), label)
    else:
        for name, answer in zip(images, ask_many(list(images.values()), url, **options), strict=True):
            echo(f"{name}: {answer['result'] if answer['return_code'] == 200 else answer['return_info']}")
    step.next("python test.py", "the score on all test images; your own program asks the service as ask() does")


def choose_images(step: Step) -> tuple[dict[str, bytes], str | None]:
    """Return name → bytes of the images to send, and the label of a test image that nobody named."""
    named = step.arguments.image
    if named:
        return {name: image for place in named for name, image in images_at(place).items()}, None
    chosen = random.choice(read_data(step.work, "test", step.settings.MODE))
    return {str(chosen.path): chosen.path.read_bytes()}, chosen.label if isinstance(chosen.label, str) else None


def images_at(place: str) -> dict[str, bytes]:
    """Return name → bytes of the image or images at a place; raise DataError where there are none."""
    if "://" in place:
        return {place: fetch(place)}
    path = Path(place)
    if path.is_dir():
        paths = list_images(path)
        if not paths:
            raise DataError(f"{path} holds no images")
        return {str(one): one.read_bytes() for one in paths}
    if not path.is_file():
        raise DataError(f"{path} is not there: name an image, or none to take one of test_dataset")
    return {place: path.read_bytes()}


def fetch(url: str) -> bytes:
    """Return the image at an address of this machine; raise DataError for any other, and where there is none."""
    if urlsplit(url).hostname not in THIS_MACHINE:
        raise DataError(f"{url} is not on this machine ({', '.join(THIS_MACHINE)}): save the image and name its file")
    try:
        with local_session() as session:
            answer = session.get(url, timeout=SECONDS, allow_redirects=False)  # which could lead to other machines
    except requests.RequestException as error:
        raise DataError(f"{url} gave no image: {error}") from None
    if answer.status_code != 200:
        raise DataError(f"{url} answered {answer.status_code}: an image is expected")
    return answer.content


def ask(image: bytes, url: str, token: str | None = None, prompt: str | None = None) -> dict:
    """Return the service's answer to an image; raise ServiceError where there is none or it refuses."""
    return post(url, {"img": base64.b64encode(image).decode("ascii")}, token, prompt)


def ask_many(images: list[bytes], url: str, token: str | None = None, prompt: str | None = None) -> list[dict]:
    """Return an answer for each image, right or wrong; raise ServiceError where the service refuses them all."""
    encoded = [base64.b64encode(image).decode("ascii") for image in images]
    batches = [encoded[start : start + BATCH] for start in range(0, len(encoded), BATCH)]
    return [answer for batch in batches for answer in post(url, {"img": batch}, token, prompt)["results"]]


def post(url: str, fields: dict, token: str | None, prompt: str | None) -> dict:
    """Return what the service answers to these fields."""
    fields |= {"prompt": prompt} if prompt else {}
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with local_session() as session:
            answer = session.post(url, json=fields, headers=headers, timeout=SECONDS).json()
    except requests.ConnectionError:
        raise ServiceError(f"no service answers at {url}: start it in another terminal: python app.py") from None
    except (requests.Timeout, ValueError) as error:
        raise ServiceError(f"{url} did not answer as Bearcat's service does: {error}") from None
    if answer.get("return_code") != 200:
        raise ServiceError(f"{url} answered {answer.get('return_code')}: {answer.get('return_info')}")
    return answer


def local_session() -> requests.Session:
    """Return a session for this machine, to which a proxy of the environment is no way."""
    session = requests.Session()
    session.trust_env = False
    return session


def show(name: str, answer: dict, label: str | None) -> None:
    """Print the answer to a single image."""
    echo(f"Image: {name}")
    sure, milliseconds = answer["overall_recognition_rate"], answer["time"] * 1000
    echo(f"Answer:  {answer['result']}  ({sure:.1%} sure, {milliseconds:.1f} ms)")
    if "points" in answer:
        echo(f"Click:   {answer['points']}")
    if label is not None:
        echo(f"Label:   {label}  ({'right' if label == answer['result'] else 'wrong'})")


if __name__ == "__main__":
    run(main)
