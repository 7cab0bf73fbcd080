"""Step 3b: split your own images into training, validation and test set.

Images in unlabelled_dataset stay there: without labels they can neither validate nor test.

Reads:  train_dataset
Writes: validation_dataset and test_dataset, DIVIDE_RATO of the images each (DIVIDE = False: test_dataset only); a data
        set that has images already stays as it is; report/split.json, and report/split_journal.json for --undo
Next:   python cheak_file.py
"""

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.workspace import UNLABELLED
from bearcat.data.comparison import find_oversize
from bearcat.data.labels.left_out import files_left_out
from bearcat.data.labels.listing import list_images
from bearcat.data.labels.reading import read_labels
from bearcat.data.labels.unlabelled import list_unlabelled
from bearcat.data.split_journal import SplitFolders, finish_split, load_journal, run_split, undo_split, undoable_moves
from bearcat.data.splitting import Split, find_duplicates, plan_split
from bearcat.labelling.offers import chosen_names
from bearcat.modes import MODES, Task
from bearcat.reports.dataset.choices.mode import recommend_mode
from bearcat.reports.dataset.text_overlap import group_by_text
from utils import Image_Processing

SHOWN = 10


def main() -> None:
    """Moves images, or moves them back. The same command finishes an interrupted run."""
    parser = make_parser(__doc__)
    parser.add_argument("--dry-run", action="store_true", help="print how many images would be moved, and move none")
    parser.add_argument("--undo", action="store_true", help="move all images back into train_dataset")
    step = open_step(parser)
    folders = SplitFolders.of(step.work)
    if step.arguments.undo or load_journal(folders.journal).undoing:
        undo(step, folders)
    else:
        split(step, folders)


def split(step: Step, folders: SplitFolders) -> None:
    """Splits train_dataset, or finishes an interrupted split."""
    under_way = load_journal(folders.journal).under_way
    if step.arguments.dry_run:
        planned = Split(under_way) if under_way else plan(step, folders)
        for name, count in planned.counts.items():
            echo(f"{name}_dataset: {count} images would be moved there")
        return step.next("python move_path.py", "move them")
    moved = finish_split(folders)
    if moved:
        echo("Finished the interrupted split.")
    else:
        moved = plan(step, folders)
        run_split(moved, folders)
    counts = folders.counts
    step.write_report("split", {"moved": moved.counts, "pictures": counts, "seed": step.settings.SEED})
    for name, count in counts.items():
        echo(f"{name}_dataset: {count} images, {moved.counts.get(name, 0)} of them moved there now")
    if unlabelled := list_unlabelled(step.work):
        echo(f"{UNLABELLED}: {len(unlabelled)} images, which stay there")
    echo("To undo: python move_path.py --undo")
    step.next("python cheak_file.py --apply", "check the data and set what follows from it")


def plan(step: Step, folders: SplitFolders) -> Split:
    """Chooses the images to move, and prints what is special about them."""
    settings, task = step.settings, recommended_task(step, folders)
    class_of = image_labels(folders) if task is Task.CLASSIFICATION else {}
    texts = group_by_text(image_labels(folders), settings.DIVIDE_RATO) if task is Task.TEXT else []
    for left_out in files_left_out(folders.source):
        echo(f"Warning: {left_out}")
    oversize = find_oversize(list_images(folders.source)) if task is not Task.DETECTION else None
    if oversize and (oversize.box or task is Task.TEXT):
        echo(f"{'Warning' if oversize.box else 'Note'}: {oversize.text}; {oversize.todo}")
    targets = {name: folder for name, folder in folders.targets.items() if settings.DIVIDE or name == "test"}
    duplicates = find_duplicates(folders.source)
    together, chosen = [*duplicates, *texts], chosen_names(step.work)
    planned = plan_split(folders.source, targets, settings.DIVIDE_RATO, settings.SEED, class_of, together, chosen)
    echo_withheld(planned)
    if duplicates:
        echo(
            f"{sum(map(len, duplicates))} images are duplicates, in {len(duplicates)} groups; each group stays together"
        )
    if texts:
        echo(f"{sum(map(len, texts))} images show only {len(texts)} texts; the images of a text stay together")
    for name, names in planned.moves.items():
        missing = sorted(set(class_of.values()) - {class_of.get(one) for one in names})
        if missing:
            echo(f"{name}_dataset lacks {len(missing)} classes that have too few images: {' '.join(missing[:SHOWN])}")
    return planned


def echo_withheld(planned: Split) -> None:
    """Prints how many images cannot be tested on, and if too few can."""
    if not planned.withheld:
        return
    echo(
        f"{planned.withheld} images stay out of test_dataset, since the labelling page chose them as those that seemed "
        "hard or easy to predict"
    )
    if planned.missing:
        echo(
            f"Warning: test_dataset gets {planned.missing} images fewer for that reason. Label more on the page, which "
            "shows every fifth image at random, or put labelled images of your own into test_dataset"
        )


def recommended_task(step: Step, folders: SplitFolders) -> Task:
    """Returns what the labels of train_dataset are, as cheak_file.py would take them."""
    label_of = Image_Processing.extraction_label
    choice = recommend_mode(step.work, step.settings.MODE, step.arguments.set, [folders.source], label_of)
    return MODES[choice.mode].task


def image_labels(folders: SplitFolders) -> dict[str, str]:
    """Returns image name → its text or class."""
    return {item.name: item.label for item in read_labels(folders.source, Image_Processing.extraction_label)[0]}


def undo(step: Step, folders: SplitFolders) -> None:
    """Moves all images back, or finishes an interrupted undo."""
    if step.arguments.dry_run:
        for name, names in undoable_moves(folders).items():
            echo(f"{name}_dataset: {len(names)} images would be moved back into train_dataset")
        return step.next("python move_path.py --undo", "move them back")
    if not step.arguments.undo:
        echo("Finishing the interrupted undo; nothing is split now.")
    result = undo_split(folders)
    counts = folders.counts
    step.write_report("split", {"put_back": result.counts, "left": result.left, "pictures": counts})
    for line in result.left[:SHOWN]:
        echo(f"Not undone: {line}")
    if len(result.left) > SHOWN:
        echo(f"… {len(result.left) - SHOWN} more in report/split.json")
    for name, count in counts.items():
        echo(f"{name}_dataset: {count} images, {result.counts.get(name, 0)} moved back now")
    step.next("python move_path.py", "split them again")


if __name__ == "__main__":
    run(main)
