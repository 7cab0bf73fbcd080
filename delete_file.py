"""Deletes data sets on purpose, for instance before other captchas are generated. It asks first.

Reads:  nothing
Writes: deletes the images and packs of the data sets that are named, and nothing else
Next:   python gen_sample_by_captcha.py
"""

from pathlib import Path

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.errors import DataError
from bearcat.core.storage import Place, remove
from bearcat.core.workspace import DATA_FOLDERS, PACK_FOLDERS, UNLABELLED, UNLABELLED_PACK
from bearcat.data.labels.reading import list_images
from bearcat.data.tfrecord_index import INDEX, list_pack_files

PACKS = (*PACK_FOLDERS, UNLABELLED_PACK)
DELETABLE = (*DATA_FOLDERS, UNLABELLED, *PACKS, "train_enhance_dataset")


def main() -> None:
    """Lists what would be deleted, asks, and deletes it."""
    parser = make_parser(__doc__)
    parser.add_argument(
        "sets", metavar="SET", nargs="*", help=f"any of {', '.join(DELETABLE)}; default: all but {UNLABELLED}"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    step = open_step(parser)
    unknown = [name for name in step.arguments.sets if name not in DELETABLE]
    if unknown:
        raise DataError(f"{', '.join(unknown)}: not a data set; there are {', '.join(DELETABLE)}")
    # no step can make these images again
    chosen = step.arguments.sets or [name for name in DELETABLE if name != UNLABELLED]
    files = {name: list_files(folder_of(step, name)) for name in chosen}
    total = sum(map(len, files.values()))
    for name, paths in files.items():
        echo(f"{name}: {len(paths)} files")
    if not total:
        echo("There is nothing to delete.")
    elif step.arguments.yes or is_confirmed(total):
        for path in (path for paths in files.values() for path in paths):
            remove(path)
        echo(f"Deleted {total} files.")
    else:
        echo("Nothing was deleted.")
    step.next("python gen_sample_by_captcha.py", "or put your own images into train_dataset")


def folder_of(step: Step, name: str) -> Place:
    """Returns the folder of a data set; packs may be outside the work."""
    if name in PACKS:
        return step.work.pack_folder(name.removesuffix("_pack_dataset"), step.settings.PACK_FOLDER)
    return step.work.folder(name)


def list_files(folder: Place) -> list[Place]:
    """Lists a folder's images, or a pack's files; label tables and all other files are kept."""
    if isinstance(folder, Path) and folder.name not in PACKS:
        return [*list_images(folder)]
    return [*list_pack_files(folder), *folder.glob(INDEX)]


def is_confirmed(total: int) -> bool:
    """Asks; anything but yes means no."""
    try:
        return input(f"Delete these {total} files for good? Type yes: ").strip().lower() == "yes"
    except EOFError:
        raise DataError(f"there is no terminal to ask about {total} files: --yes deletes without asking") from None


if __name__ == "__main__":
    run(main)
