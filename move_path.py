"""Step 3b: split one pile of your own images into training, validation and test.

Reads:  train_dataset
Writes: validation_dataset and test_dataset, DIVIDE_RATO of the images each (DIVIDE = False: test_dataset only);
        a set that already has images is left as it is; report/split.json, and report/split_journal.json, by which
        --undo puts all back
Next:   python cheak_file.py
"""

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.data.labels import list_images, read_labels
from bearcat.data.split_journal import Sets, finish_split, load_journal, movable_back, run_split, undo_split
from bearcat.data.splitting import Split, find_duplicates, plan_split
from bearcat.modes import MODES, Task
from bearcat.reports.recommended_settings import advise
from utils import Image_Processing

SHOWN = 10


def main() -> None:
    """Move images, or put them back; a run that is killed is finished by the next."""
    parser = make_parser(__doc__)
    parser.add_argument("--dry-run", action="store_true", help="say how many would be moved, and move nothing")
    parser.add_argument("--undo", action="store_true", help="put all images that it moved back into train_dataset")
    step = open_step(parser)
    targets = {split: step.work.data_folder(split) for split in ("validation", "test")}
    sets = Sets(step.work.data_folder("train"), targets, step.work.folder("report") / "split_journal.json")
    if step.arguments.undo or load_journal(sets.journal).undoing:
        put_back(step, sets)
    else:
        divide(step, sets)


def divide(step: Step, sets: Sets) -> None:
    """Split the pile, or finish a split that was interrupted."""
    under_way = load_journal(sets.journal).under_way
    if step.arguments.dry_run:
        split = Split(under_way) if under_way else choose(step, sets)
        for name, count in split.counts.items():
            echo(f"{name}_dataset: {count} images would be moved there")
        return step.next("python move_path.py", "move them")
    split = finish_split(sets)
    if split:
        echo("Finished the split that was interrupted.")
    else:
        split = choose(step, sets)
        run_split(split, sets)
    counts = count_images(step)
    step.write_report("split", {"moved": split.counts, "pictures": counts, "seed": step.settings.SEED})
    for name, count in counts.items():
        echo(f"{name}_dataset: {count} images, {split.counts.get(name, 0)} of them moved there now")
    echo("python move_path.py --undo puts them back.")
    step.next("python cheak_file.py --apply", "look at the data and set what follows from it")


def choose(step: Step, sets: Sets) -> Split:
    """Return which images go where."""
    settings, class_of = step.settings, classes_of(step, sets)
    splits = ("validation", "test") if settings.DIVIDE else ("test",)
    duplicates = find_duplicates(sets.pile)
    targets = {split: sets.targets[split] for split in splits}
    split = plan_split(sets.pile, targets, settings.DIVIDE_RATO, settings.SEED, class_of, duplicates)
    if duplicates:
        echo(
            f"{sum(map(len, duplicates))} images show the same as others, in {len(duplicates)} groups: each stays together"
        )
    for name, names in split.moves.items():
        absent = sorted(set(class_of.values()) - {class_of.get(one) for one in names})
        if absent:
            echo(f"{name}_dataset: {len(absent)} classes have too few images to be in it: {' '.join(absent[:SHOWN])}")
    return split


def classes_of(step: Step, sets: Sets) -> dict[str, str]:
    """Return image → class, by which the sets get their shares; {} where step 4 will not take labels for classes."""
    label_of = Image_Processing.extraction_label
    if MODES[advise(step, [sets.pile], label_of).mode].task is not Task.CLASSIFICATION:
        return {}
    return {item.name: item.label for item in read_labels(sets.pile, label_of)[0]}


def put_back(step: Step, sets: Sets) -> None:
    """Undo all splits, or finish an undo that was interrupted."""
    if step.arguments.dry_run:
        for name, names in movable_back(sets).items():
            echo(f"{name}_dataset: {len(names)} images would be put back into train_dataset")
        return step.next("python move_path.py --undo", "put them back")
    if not step.arguments.undo:
        echo("Finishing the undo that was interrupted; nothing is split now.")
    undone, counts = undo_split(sets), count_images(step)
    step.write_report("split", {"put_back": undone.counts, "left": undone.left, "pictures": counts})
    for line in undone.left[:SHOWN]:
        echo(f"Not put back: {line}")
    if len(undone.left) > SHOWN:
        echo(f"… {len(undone.left) - SHOWN} more in report/split.json")
    for name, count in counts.items():
        echo(f"{name}_dataset: {count} images, {undone.counts.get(name, 0)} put back from there now")
    step.next("python move_path.py", "split them anew")


def count_images(step: Step) -> dict[str, int]:
    """Return how many images each set holds."""
    return {name: len(list_images(step.work.data_folder(name))) for name in ("train", "validation", "test")}


if __name__ == "__main__":
    run(main)
