"""Step 3a: generate captchas to train on, as captcha_config.json says: texts to read, or characters to click.

Reads:  captcha_config.json
Writes: train_dataset, validation_dataset, test_dataset; of kind "click" also label (boxes, and what to click)
Next:   python cheak_file.py
"""

from bearcat.captcha_config import load_captcha_config
from bearcat.command_line import make_parser, open_step, run, tell
from bearcat.generation import generate


def main() -> None:
    """Generate what is still missing of the three data sets."""
    step = open_step(make_parser(__doc__))
    config = load_captcha_config(step.work.captcha_config_file)
    for split, count in config.counts.items():
        folder = step.work.path / config.folders[split]
        made, others = generate(config, split, folder, step.settings.SEED)
        tell(f"{folder.name}: {count} pictures, {made} of them made now")
        if others:
            tell(f"  and {others} that this configuration did not make; they are left as they are")
    step.next("python cheak_file.py --apply", "look at the data and set what follows from it")


if __name__ == "__main__":
    run(main)
