"""Step 3b: split one pile of your own pictures into training, validation and test.

Reads:  train_dataset
Writes: validation_dataset and test_dataset, DIVIDE_RATO of the pictures each (DIVIDE = False: test_dataset only);
        a set that already has pictures is left as it is; report/split.json
Next:   python cheak_file.py
"""

from bearcat.annotations import list_images
from bearcat.command_line import make_parser, open_step, run, tell
from bearcat.splitting import finish_split, plan_split, run_split


def main() -> None:
    """Move pictures; one that is killed is finished by the next run."""
    step = open_step(make_parser(__doc__))
    settings, pile = step.settings, step.work.data_folder("train")
    journal = step.work.folder("report") / "split_under_way.json"
    splits = ("validation", "test") if settings.DIVIDE else ("test",)
    targets = {split: step.work.data_folder(split) for split in ("validation", "test")}
    split = finish_split(pile, targets, journal)
    if split:
        tell("Finished the split that was interrupted.")
    else:
        chosen = {name: targets[name] for name in splits}
        split = plan_split(pile, chosen, settings.DIVIDE_RATO, settings.SEED)
        run_split(split, pile, targets, journal)
    counts = {name: len(list_images(step.work.data_folder(name))) for name in ("train", "validation", "test")}
    step.write_report("split", {"moved": split.counts, "pictures": counts, "seed": settings.SEED})
    for name, count in counts.items():
        tell(f"{name}_dataset: {count} pictures, {split.counts.get(name, 0)} of them moved there now")
    step.next("python cheak_file.py --apply", "look at the data and set what follows from it")


if __name__ == "__main__":
    run(main)
