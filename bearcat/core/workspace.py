"""Works: the folders that hold everything one recogniser needs. How they are laid out, created and found."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import WorkError
from bearcat.core.files import PART, write_text
from bearcat.core.settings_file import change_settings_file
from bearcat.core.storage import Place, place_of

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATE_FILES = ("settings.py", "captcha_config.json")
DATA_FOLDERS = ("train_dataset", "validation_dataset", "test_dataset")
PACK_FOLDERS = ("train_pack_dataset", "validation_pack_dataset")
UNLABELLED, UNLABELLED_PACK = "unlabelled_dataset", "unlabelled_pack_dataset"  # for self-training
UNLABELLED_SPLIT = "unlabelled"  # what `Work.pack_folder` calls it
RUN_FOLDERS = ("checkpoint", "CSVLogger", "logs")
LABEL_FOLDER = "label"  # VOC or YOLO files for the images of all three data sets
RESULT_FOLDERS = ("model", "App_model", "report", "weight")


def works_folder() -> Path:
    """Returns the folder of all works and of the file that names the active one; BEARCAT_WORKS moves it."""
    return Path(os.environ.get("BEARCAT_WORKS") or ROOT / "works")


def active_work_file() -> Path:
    """Returns the file that names the active work."""
    return works_folder() / ".active"


@dataclass(frozen=True)
class Work:
    """A work folder and the paths in it."""

    path: Path

    def folder(self, name: str) -> Path:
        """Returns the path of a folder of the work."""
        return self.path / name

    def data_folder(self, split: str) -> Path:
        """Returns the image folder of a split: 'train', 'validation' or 'test'."""
        return self.path / f"{split}_dataset"

    def pack_folder(self, split: str, named: str | None = None) -> Place:
        """Returns the TFRecord folder of a split.

        Args:
            split: 'train', 'validation' or 'unlabelled'.
            named: The value of PACK_FOLDER, which several works can share: each has a folder of its name there. None
                for the work's own folder.
        """
        return (place_of(self.path, named) / self.path.name if named else self.path) / f"{split}_pack_dataset"

    @property
    def settings_file(self) -> Path:
        return self.path / "settings.py"

    @property
    def captcha_config_file(self) -> Path:
        return self.path / "captcha_config.json"

    @property
    def vocabulary_file(self) -> Path:
        return self.path / "num_classes.json"

    def report_file(self, step: str) -> Path:
        """Returns the JSON report of a step."""
        return self.path / "report" / f"{step}.json"

    def make_folders(self) -> None:
        """Creates the folders that do not exist yet, and changes nothing else."""
        data, packs = (*DATA_FOLDERS, UNLABELLED, LABEL_FOLDER), (*PACK_FOLDERS, UNLABELLED_PACK)
        for name in (*data, *packs, *RUN_FOLDERS, *RESULT_FOLDERS):
            self.folder(name).mkdir(parents=True, exist_ok=True)

    def copy_settings_to(self, other: "Work") -> None:
        """Copies the settings into another work."""
        for name in TEMPLATE_FILES:
            shutil.copyfile(self.path / name, other.path / name)

    def copy_weights_to(self, other: "Work") -> None:
        """Copies the files of initial weights into another work, whose folders exist."""
        for file in self.folder("weight").glob("*"):
            if file.is_file():
                shutil.copyfile(file, other.folder("weight") / file.name)

    def archive_training(self) -> Path | None:
        """Moves checkpoints, logs and CSV files into backup/<time>/ and returns that folder; None if there are none."""
        filled = [name for name in RUN_FOLDERS if self.folder(name).is_dir() and any(self.folder(name).iterdir())]
        if not filled:
            return None
        backup = new_backup_folder(self.path)
        for name in filled:
            self.folder(name).rename(backup / name)
        return backup


def new_backup_folder(work: Path) -> Path:
    """Creates and returns a new folder backup/<time>/ in a work."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    backup = next(path for path in _numbered(work / "backup" / stamp) if not path.exists())
    backup.mkdir(parents=True)
    return backup


def _numbered(path: Path) -> Iterator[Path]:
    """Yields path, path-2, path-3 …"""
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


def is_work(path: Path) -> bool:
    """Whether a folder is a work. The project folder, which holds the templates, is not."""
    return all((path / name).is_file() for name in TEMPLATE_FILES) and path.resolve() != ROOT


def create_work(parent: Path, name: str, activate: bool = True, settings: dict[str, object] | None = None) -> Work:
    """Creates a work from the templates.

    Args:
        parent: The folder to create it in.
        name: Its name, a plain folder name.
        activate: Whether to make it the active work.
        settings: Settings to change in its settings.py.

    Raises:
        WorkError: The name is invalid, the work exists already, or it cannot be created.
    """
    if not name or not name.isprintable() or Path(name).name != name or name.startswith("."):
        raise WorkError(f"NAME is {name!r}: expected a plain folder name (PATH is the folder to create it in)")
    if parent.exists() and not parent.is_dir():
        raise WorkError(f"PATH is {parent}, which is a file: expected the folder to create the work in")
    path = (parent / name).resolve()
    try:
        if path.exists():
            raise WorkError(
                f"{path} exists already and was not changed. Choose another name: python New_work.py {parent} {name}2\n"
                f"or use the existing work: --work {path}"
            )
        _create_atomically(path, settings or {}, activate)
    except OSError as error:
        raise WorkError(f"{path} cannot be created: {error.strerror or error}") from None
    return Work(path)


def _create_atomically(path: Path, settings: dict[str, object], activate: bool) -> None:
    part = path.with_name(f".{path.name}{PART}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for template in TEMPLATE_FILES:
        shutil.copyfile(ROOT / template, part / template)
    change_settings_file(part / "settings.py", settings, rewrite=True)
    if activate:
        set_active_work(path)
    part.rename(path)  # last, so that the same command starts over after a kill


def set_active_work(path: Path) -> None:
    """Makes a work the active one: the work that scripts use by default."""
    write_text(active_work_file(), f"{path}\n")


def list_works() -> list[Path]:
    """Returns the works in the works folder, sorted by path."""
    folder = works_folder()
    return sorted(path for path in folder.iterdir() if is_work(path)) if folder.is_dir() else []


def find_work(named: str | None = None) -> Work:
    """Finds the work to use: `named`, else BEARCAT_WORK, else that of the current folder, else the active one.

    Args:
        named: A path, or the name of a work in the works folder.

    Raises:
        WorkError: There is no such work; the message lists those that exist.
    """
    if named:
        return _existing_work(named, "--work")
    if os.environ.get("BEARCAT_WORK"):
        return _existing_work(os.environ["BEARCAT_WORK"], "BEARCAT_WORK")
    here = Path.cwd()
    for path in (here, *here.parents):
        if is_work(path):
            return Work(path)
    if active_work_file().is_file():
        return _existing_work(active_work_file().read_text(encoding="utf-8-sig").strip(), str(active_work_file()))
    raise WorkError(f"there is no work yet. Create one: python New_work.py works simple{_known_works()}")


def _existing_work(named: str, source: str) -> Work:
    for path in (Path(named), works_folder() / named):
        if is_work(path):
            return Work(path.resolve())
    raise WorkError(
        f"{source} is {named!r}, which is not a work (a folder with {' and '.join(TEMPLATE_FILES)}).{_known_works()}\n"
        "Create one: python New_work.py PATH NAME"
    )


def _known_works() -> str:
    works = list_works()
    return "".join(f"\n  {path}" for path in ["Existing works:", *works]) if works else ""
