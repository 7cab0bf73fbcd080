"""Step 12: ask the running service of this machine to read a picture, as a program of yours would.

Reads:  the picture that is named, else one of test_dataset
Writes: nothing
Next:   use the answer; it talks to 127.0.0.1 and to nothing else
"""

import base64
import random
from pathlib import Path

import requests

from bearcat.command_line import SERVICE_PORT, Step, make_parser, open_step, run, tell
from bearcat.errors import DataError, ServiceError
from utils import read_data

SECONDS = 30


def main() -> None:
    """Send one picture and print the answer."""
    parser = make_parser(__doc__)
    parser.add_argument("image", metavar="IMAGE", nargs="?", type=Path, help="a picture; default: one of test_dataset")
    parser.add_argument(
        "--port", type=int, default=SERVICE_PORT, help=f"the service's port on this machine ({SERVICE_PORT})"
    )
    parser.add_argument("--prompt", help="EFFICIENTDET: what to click, in order")
    step = open_step(parser)
    image, label = choose_picture(step)
    answer = ask(image, f"http://127.0.0.1:{step.arguments.port}/", step.arguments.prompt)
    tell(f"Picture: {image}")
    sure, milliseconds = answer["overall_recognition_rate"], answer["time"] * 1000
    tell(f"Answer:  {answer['result']}  ({sure:.1%} sure, {milliseconds:.1f} ms)")
    if "points" in answer:
        tell(f"Click:   {answer['points']}")
    if label is not None:
        tell(f"Label:   {label}  ({'right' if label == answer['result'] else 'wrong'})")
    step.next("python test.py", "the score on all test pictures; your own program asks the service as ask() does")


def choose_picture(step: Step) -> tuple[Path, str | None]:
    """Return the picture to send, and its label where that is known and can be compared."""
    named = step.arguments.image
    if named is None:
        chosen = random.choice(read_data(step.work, "test", step.settings.MODE))
        return chosen.path, chosen.label if isinstance(chosen.label, str) else None
    if not named.is_file():
        raise DataError(f"{named} is not there: name a picture, or none to take one of test_dataset")
    return named, None


def ask(image: Path, url: str, prompt: str | None = None) -> dict:
    """Return the service's answer to a picture; raise ServiceError where there is none or it refuses."""
    encoded = base64.b64encode(image.read_bytes()).decode("ascii")
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy of the environment is no way to this machine
            fields = {"img": encoded} | ({"prompt": prompt} if prompt else {})
            answer = session.post(url, data=fields, timeout=SECONDS).json()
    except requests.ConnectionError:
        raise ServiceError(f"no service answers at {url}: start it in another terminal: python app.py") from None
    except (requests.Timeout, ValueError) as error:
        raise ServiceError(f"{url} did not answer as Bearcat's service does: {error}") from None
    if answer.get("return_code") != 200:
        raise ServiceError(f"{url} answered {answer.get('return_code')}: {answer.get('return_info')}")
    return answer


if __name__ == "__main__":
    run(main)
