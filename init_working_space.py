"""Step 2: create the folders of a work, and move an earlier training to backup so that the next one starts afresh.

Reads:  nothing
Writes: the folders; backup/<time>/ with the earlier checkpoint, CSVLogger and logs; with --go-on also weight, with the
        best checkpoint, from which the next training starts
Next:   python gen_sample_by_captcha.py, or your own images in train_dataset (those without labels in
        unlabelled_dataset) and python move_path.py; after a training python train.py
"""

from bearcat.artifacts.checkpoints import archive_weights, keep_best_checkpoint
from bearcat.artifacts.pretrained import find_weight_file
from bearcat.cli import echo, make_parser, open_step, run


def main() -> None:
    """Creates the folders; deletes nothing."""
    parser = make_parser(__doc__)
    parser.add_argument("--go-on", action="store_true", help="start the next training from this one's best checkpoint")
    step = open_step(parser)
    work = step.work
    if step.arguments.go_on:
        keep_best_checkpoint(work)
    else:
        archive_weights(work)
    weights = find_weight_file(work.folder("weight"))
    if weights:
        echo(f"The next training starts from {weights}")
    backup = work.archive_training()
    if backup:
        echo(f"The earlier training was moved to {backup}")
    work.make_folders()
    if backup:
        step.next(
            "python train.py", "on the packs as they are; if images or labels changed, first: python pack_dataset.py"
        )
        return
    echo("The folders are ready. Put your own images into train_dataset, named <label>_<anything>.png, and more of")
    echo("them without labels, if you have some, into unlabelled_dataset")
    step.next("python gen_sample_by_captcha.py", "to generate captchas; with your own images: python move_path.py")


if __name__ == "__main__":
    run(main)
