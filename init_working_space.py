"""Step 2: make the work's folders; set an earlier training aside, so that the next one starts anew.

Reads:  nothing
Writes: the folders; moves what is in checkpoint, CSVLogger and logs into backup/<time>/
Next:   python gen_sample_by_captcha.py, or your own pictures in train_dataset and python move_path.py
"""

from bearcat.command_line import make_parser, open_step, run, tell


def main() -> None:
    """Make the folders of a work; delete nothing."""
    step = open_step(make_parser(__doc__))
    backup = step.work.set_runs_aside()
    if backup:
        tell(f"The earlier training lies in {backup}")
    step.work.make_folders()
    tell("The folders are there. Your own pictures go into train_dataset, named <label>_<anything>.png")
    step.next("python gen_sample_by_captcha.py", "or, with your own pictures: python move_path.py")


if __name__ == "__main__":
    run(main)
