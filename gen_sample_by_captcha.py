"""Step 3a: generate captchas to train on, as captcha_config.json says: text, or characters to click.

Reads:  captcha_config.json
Writes: train_dataset, validation_dataset, test_dataset; of kind "click" also label (boxes and prompts)
Next:   python cheak_file.py
"""

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.errors import SettingsError
from bearcat.generation.config import CaptchaConfig, load_captcha_config
from bearcat.generation.generate import generate
from bearcat.generation.shards import WHOLE, Shard
from bearcat.modes import MODES, Task


def main() -> None:
    """Generates the missing images of the three data sets, or of one shard of them."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "--shard",
        metavar="i/n",
        type=Shard.parse,
        help="generate only the i-th of n shards, so that n processes or machines share the work",
    )
    step = open_step(parser)
    shard = step.arguments.shard or WHOLE
    config = load_captcha_config(step.work.captcha_config_file)
    check_kind(step, config)
    for split, count in config.counts.items():
        folder = step.work.path / config.folders[split]
        made, others = generate(config, split, folder, step.settings.SEED, shard)
        part = "" if shard == WHOLE else f"shard {shard} of "
        echo(f"{folder.name}: {part}{count} images, {made} generated now")
        if others:
            echo(f"  and {others} of another configuration, which are left unchanged")
    step.next("python cheak_file.py --apply", "checks the data and adapts the settings to it")


def check_kind(step: Step, config: CaptchaConfig) -> None:
    """Raises SettingsError if the mode cannot be trained on captchas of that kind."""
    mode = step.settings.MODE
    if config.has_boxes != (MODES[mode].task is Task.DETECTION):
        raise SettingsError(
            f"{step.work.captcha_config_file} has kind = {config.kind!r}, the settings have MODE = {mode!r}: "
            "kind 'click' goes with MODE = 'EFFICIENTDET', 'text' with any other; change one of them"
        )


if __name__ == "__main__":
    run(main)
