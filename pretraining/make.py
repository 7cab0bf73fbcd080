"""Make the pretrained weights: draw images, train on them, write bearcat/artifacts/pretrained/<backbone>.keras.

Reads:  fonts of the system (Debian: see pretraining/README.md), and nothing else: no labelled captchas
Writes: <cache>/images_*.npy, bearcat/artifacts/pretrained/<backbone>.keras
Next:   python train.py, in any work with a text mode and WEIGHTS = 'pretrained'

python -m pretraining.make --images 200000 --minutes 40
KERAS_BACKEND=jax python -m pretraining.make …      with JAX on a GPU, in place of TensorFlow
"""

import argparse
import os
from pathlib import Path

from bearcat.artifacts.pretrained import PRETRAINED_FOLDER
from pretraining.images import HELD_OUT, ImageCache


def main() -> None:
    """Draws the images that are missing, and trains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=200_000)
    parser.add_argument("--minutes", type=float, default=40.0, help="duration of the training")
    parser.add_argument(
        "--backbone", choices=("light", "tiny"), default="light", help="light (ORDINARY, CTC) or tiny (CTC_TINY)"
    )
    parser.add_argument("--cache", type=Path, default=Path("works/.base"), help="folder of the images")
    parser.add_argument("--out", type=Path, default=PRETRAINED_FOLDER)
    parser.add_argument("--go-on", action="store_true", help="start from the weights in --out")
    parser.add_argument("--draw-only", action="store_true", help="do not train")
    parser.add_argument("--train-only", action="store_true", help="JAX: another process draws at the same time")
    arguments = parser.parse_args()
    start = arguments.out / f"{arguments.backbone}.keras" if arguments.go_on else None
    if start and not start.is_file():
        parser.error(f"--go-on: {start} is not there")
    if arguments.images <= HELD_OUT:
        parser.error(f"--images {arguments.images}: {HELD_OUT} are held out, so that more are needed")
    cache = ImageCache(arguments.cache, arguments.images)
    if not arguments.train_only:
        cache.draw()
    if not arguments.draw_only:
        train(cache, arguments.backbone, 60 * arguments.minutes, arguments.out, start)


def train(cache: ImageCache, backbone: str, seconds: float, out: Path, start: Path | None) -> None:
    """Trains with the Keras backend that the environment names."""
    if os.environ.get("KERAS_BACKEND") == "jax":
        from pretraining import gpu_training

        gpu_training.train(cache, backbone, seconds, out, start)
    else:
        from pretraining import training

        training.train(*cache.load_all(), backbone, seconds, out, start)


if __name__ == "__main__":
    main()
