"""Step 3a: generate captchas to train on, as captcha_config.json says: texts to read, or characters to click.

Reads:  captcha_config.json
Writes: train_dataset, validation_dataset, test_dataset; of kind "click" also label (boxes, and what to click)
Next:   python cheak_file.py
"""

from bearcat.cli import Step, add_shard, echo, make_parser, open_step, run
from bearcat.core.errors import SettingsError
from bearcat.generation.config import CaptchaConfig, load_captcha_config
from bearcat.generation.generate import generate
from bearcat.generation.shards import WHOLE
from bearcat.modes import MODES, Task


def main() -> None:
    """Generate what is still missing of the three data sets, or of a share of them."""
    parser = make_parser(__doc__)
    add_shard(parser, "only the i-th of n shares, so that n processes or machines make the images together")
    step = open_step(parser)
    shard = step.arguments.shard or WHOLE
    config = load_captcha_config(step.work.captcha_config_file)
    check_kind(step, config)
    for split, count in config.counts.items():
        folder = step.work.path / config.folders[split]
        made, others = generate(config, split, folder, step.settings.SEED, shard)
        share = "" if shard == WHOLE else f"share {shard} of "
        echo(f"{folder.name}: {share}{count} images, {made} of them made now")
        if others:
            echo(f"  and {others} that this configuration did not make; they are left as they are")
    step.next("python cheak_file.py --apply", "look at the data and set what follows from it")


def check_kind(step: Step, config: CaptchaConfig) -> None:
    """Raise SettingsError where the mode cannot learn from captchas of that kind."""
    mode = step.settings.MODE
    if config.has_boxes != (MODES[mode].task is Task.DETECTION):
        raise SettingsError(
            f"{step.work.captcha_config_file} says kind = {config.kind!r}, the settings say MODE = {mode!r}: "
            "kind 'click' goes with MODE = 'EFFICIENTDET', 'text' with any other; set one of them"
        )


if __name__ == "__main__":
    run(main)
