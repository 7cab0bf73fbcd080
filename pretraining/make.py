"""Make the pretrained weights: draw images, train on them, write bearcat/artifacts/pretrained/<backbone>.keras.

Reads:  fonts of the system (Debian: see pretraining/README.md), and nothing else: no labelled captchas
Writes: <cache>/images_*.npy, bearcat/artifacts/pretrained/<backbone>.keras
Next:   python train.py, in any work with a text mode and WEIGHTS = 'pretrained'

python -m pretraining.make --images 200000 --minutes 40
python -m pretraining.make --images 300000 --minutes 60 --go-on     from today's weights; again after it was ended
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
    parser.add_argument("--cache", type=Path, default=Path("works/.pretraining"), help="folder of the images")
    parser.add_argument("--fonts", type=Path, help="folder of the fonts to draw with (those of the system)")
    parser.add_argument("--out", type=Path, default=PRETRAINED_FOLDER)
    parser.add_argument(
        "--go-on", action="store_true", help="continue a training that was ended, else start from the weights there are"
    )
    parser.add_argument("--draw-only", action="store_true", help="do not train")
    parser.add_argument(
        "--train-only", action="store_true", help="do not draw; JAX: another process may draw meanwhile"
    )
    arguments = parser.parse_args()
    if arguments.images <= HELD_OUT:
        parser.error(f"--images {arguments.images}: {HELD_OUT} are held out, so that more are needed")
    cache = ImageCache(arguments.cache, arguments.images)
    if not arguments.train_only:
        cache.draw(arguments.fonts)
    if not arguments.draw_only:
        train(cache, arguments)


def train(cache: ImageCache, arguments: argparse.Namespace) -> None:
    """Trains with the Keras backend that the environment names."""
    from pretraining.progress import Checkpoint

    checkpoint = Checkpoint(arguments.cache / f"{arguments.backbone}_checkpoint.npz")
    start = None
    if arguments.go_on:
        files = [folder / f"{arguments.backbone}.keras" for folder in (arguments.out, PRETRAINED_FOLDER)]
        start = next((path for path in files if path.is_file()), None)
        if start is None:
            raise SystemExit(f"--go-on: expected initial weights in {files[0]}")
    else:
        checkpoint.delete()
    common = (arguments.backbone, 60 * arguments.minutes, arguments.out, checkpoint, start)
    if os.environ.get("KERAS_BACKEND") == "jax":
        from pretraining import gpu_training

        gpu_training.train(cache, *common)
    else:
        from pretraining import training

        training.train(*cache.load_all(), *common)


if __name__ == "__main__":
    main()
