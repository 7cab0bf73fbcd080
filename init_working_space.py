"""Step 2: make the work's folders; set an earlier training aside, so that the next one starts anew.

Reads:  nothing
Writes: the folders; moves what is in checkpoint, CSVLogger and logs into backup/<time>/; with --go-on puts the best
        checkpoint into weight, from which the next training starts
Next:   python gen_sample_by_captcha.py, or your own images in train_dataset and python move_path.py
"""

import shutil

from bearcat.artifacts.checkpoints import best_checkpoint, list_checkpoints
from bearcat.artifacts.pretrained import find_weight_file
from bearcat.cli import echo, make_parser, open_step, run
from bearcat.core.files import written_beside
from bearcat.core.workspace import Work, next_backup


def main() -> None:
    """Make the folders of a work; delete nothing."""
    parser = make_parser(__doc__)
    parser.add_argument("--go-on", action="store_true", help="let the next training start from what this one learnt")
    step = open_step(parser)
    if step.arguments.go_on:
        keep_best(step.work)
    else:
        set_weights_aside(step.work)
    if find_weight_file(step.work.folder("weight")):
        echo(f"The next training starts from {find_weight_file(step.work.folder('weight'))}")
    backup = step.work.set_runs_aside()
    if backup:
        echo(f"The earlier training lies in {backup}")
    step.work.make_folders()
    echo("The folders are there. Your own images go into train_dataset, named <label>_<anything>.png")
    step.next("python gen_sample_by_captcha.py", "or, with your own images: python move_path.py")


def set_weights_aside(work: Work) -> None:
    """Move what an earlier --go-on put into the folder of starting weights to the backup; a person's own file stays."""
    folder = work.folder("weight")
    if list_checkpoints(folder):
        folder.rename(next_backup(work.path) / folder.name)


def keep_best(work: Work) -> None:
    """Copy the best checkpoint into the folder of starting weights; where a run did so before a kill, it stays."""
    if not list_checkpoints(work.folder("checkpoint")) and list_checkpoints(work.folder("weight")):
        return
    best = best_checkpoint(work.folder("checkpoint"))
    set_weights_aside(work)
    target = work.folder("weight") / best.path.name
    with written_beside(target) as part:
        shutil.copyfile(best.path, part)


if __name__ == "__main__":
    run(main)
