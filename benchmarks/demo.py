"""Run all steps on a small work of generated digits, and ask the service about an image that is new to it.

Reads:  nothing
Writes: works/demo; a second run continues there
Next:   your own images: the numbered steps in README.md
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from bearcat.core.settings_file import change_settings_file

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / "works" / "demo"
DIGITS = {"characters": "0123456789", "char_count": [4], "width": 120, "count": 5000}
# images at half size and few epochs: enough for digits with pretrained weights
SETTINGS = {"MODE": "CTC", "IMAGE_HEIGHT": 40, "IMAGE_WIDTH": 80, "EPOCHS": 2, "COSINE_SCHEDULER": True}
EXPECTED_EXACT = 0.95


def main() -> int:
    """Runs every step; returns 0 if the exact match is as high as expected."""
    started = time.monotonic()
    os.chdir(ROOT)
    os.environ["BEARCAT_WORK"] = str(WORK)
    if not WORK.exists():
        keep_active = ["--keep-active"] * (ROOT / "works" / ".active").exists()
        step("New_work.py", "works", "demo", *keep_active)
    configure()
    step("init_working_space.py")
    step("gen_sample_by_captcha.py")
    for script in ("cheak_file.py", "pack_dataset.py", "train.py", "save_model.py", "test.py"):
        step(script)
    serve_and_ask()
    report = json.loads((WORK / "report" / "test.json").read_text(encoding="utf-8"))
    seconds = time.monotonic() - started
    print(f"Exact match on {report['images']} test images: {report['exact']:.2%}; all in {seconds:.0f} s")
    return 0 if report["exact"] >= EXPECTED_EXACT else 1


def configure() -> None:
    """Writes the demo's settings, and its configuration of captchas."""
    change_settings_file(WORK / "settings.py", SETTINGS)
    path = WORK / "captcha_config.json"
    config = json.loads(path.read_text(encoding="utf-8")) | DIGITS
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")


def step(script: str, *arguments: str) -> None:
    """Runs one script; raises CalledProcessError if it fails."""
    print(f"\n$ python {' '.join([script, *arguments])}", flush=True)
    subprocess.run([sys.executable, script, *arguments], check=True)


def serve_and_ask() -> None:
    """Starts the service, calls it with spider_example.py, and stops it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])  # not 5006, which another service may use
    print(f"\n$ python app.py --port {port} &", flush=True)
    service = subprocess.Popen([sys.executable, "app.py", "--port", port])
    try:
        wait_until_listening(service, port)
        step("spider_example.py", "--port", port)
    finally:
        service.terminate()
        service.wait(timeout=30)


def wait_until_listening(service: subprocess.Popen, port: str) -> None:
    """Waits until the service answers; exits if it has ended."""
    without_proxy = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(120):
        if service.poll() is not None:
            raise SystemExit(f"app.py ended with {service.returncode}")
        try:
            without_proxy.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("app.py did not answer within a minute")


if __name__ == "__main__":
    sys.exit(main())
