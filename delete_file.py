"""Remove data sets on purpose, for instance before another lot is generated. It asks first.

Reads:  nothing
Writes: deletes the images and packs of the sets that are named, and nothing else
Next:   python gen_sample_by_captcha.py
"""

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.errors import DataError
from bearcat.core.storage import Place
from bearcat.core.workspace import DATA_FOLDERS, PACK_FOLDERS
from bearcat.data.labels import list_images
from bearcat.data.pack_parts import PARTS
from bearcat.data.tfrecord_index import INDEX

DELETABLE = (*DATA_FOLDERS, *PACK_FOLDERS, "train_enhance_dataset")


def main() -> None:
    """List what would go, with counts, ask, and delete."""
    parser = make_parser(__doc__)
    parser.add_argument("sets", metavar="SET", nargs="*", help=f"any of {', '.join(DELETABLE)}; default: all")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    step = open_step(parser)
    unknown = [name for name in step.arguments.sets if name not in DELETABLE]
    if unknown:
        raise DataError(f"{', '.join(unknown)}: not a data set; they are {', '.join(DELETABLE)}")
    files = {name: files_of(folder_of(step, name)) for name in step.arguments.sets or DELETABLE}
    total = sum(map(len, files.values()))
    for name, paths in files.items():
        echo(f"{name}: {len(paths)} files")
    if not total:
        echo("There is nothing to delete.")
    elif step.arguments.yes or confirmed(total):
        for path in (path for paths in files.values() for path in paths):
            path.unlink()
        echo(f"Deleted {total} files.")
    else:
        echo("Nothing was deleted.")
    step.next("python gen_sample_by_captcha.py", "or put your own images into train_dataset")


def folder_of(step: Step, name: str) -> Place:
    """Return where a data set lies; packs may lie elsewhere than in the work."""
    if name in PACK_FOLDERS:
        return step.work.pack_folder(name.removesuffix("_pack_dataset"), step.settings.PACK_FOLDER)
    return step.work.folder(name)


def files_of(folder: Place) -> list[Place]:
    """Return a folder's images or TFRecords; a label table, which is made by hand, and all else stays."""
    if folder.name not in PACK_FOLDERS:
        return list_images(folder)
    return [file for pattern in ("*.tfrecord", PARTS, INDEX) for file in folder.glob(pattern)]


def confirmed(total: int) -> bool:
    """Ask, and take anything but a plain yes for a no."""
    try:
        return input(f"Delete these {total} files for good? Type yes: ").strip().lower() == "yes"
    except EOFError:
        raise DataError(f"nobody is there to be asked about {total} files: --yes deletes without asking") from None


if __name__ == "__main__":
    run(main)
