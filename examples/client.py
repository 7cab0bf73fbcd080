"""Sends an image to the service and prints the text with its confidence: python client.py captcha.png

BEARCAT_URL is the address of the service, BEARCAT_TOKEN its token, if it has one.
"""

import base64
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path

URL = os.environ.get("BEARCAT_URL", "http://127.0.0.1:5006")
TOKEN = os.environ.get("BEARCAT_TOKEN", "")
SECONDS = 70  # the service takes at most 60 for an image


def predict(image: bytes) -> dict:
    """Returns the service's answer to an image; errors are answers too."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {TOKEN}"} if TOKEN else {})
    body = json.dumps({"img": base64.b64encode(image).decode()}).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(URL, body, headers), timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return json.load(error)


def main() -> None:
    if len(sys.argv) != 2:
        sys.exit("usage: python client.py IMAGE")
    try:
        answer = predict(Path(sys.argv[1]).read_bytes())
    except (OSError, ValueError) as error:  # no image, no service, or an answer of something else
        sys.exit(f"{URL}: {error}")
    if answer["return_code"] != 200:
        sys.exit(f"error {answer['return_code']}: {answer['return_info']}")
    sys.stdout.reconfigure(encoding="utf-8")  # Windows may take one without Chinese for a file or a pipe
    print(f"{answer['result']} ({answer['overall_recognition_rate']:.1%})")


if __name__ == "__main__":
    main()
