"""A work: the folder that holds everything one recogniser needs; how it is made and how it is found."""

import os
import shutil
import time
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
RUN_FOLDERS = ("checkpoint", "CSVLogger", "logs")
LABEL_FOLDER = "label"  # VOC files of the images of all three sets
RESULT_FOLDERS = ("model", "App_model", "report", "weight")


def works_folder() -> Path:
    """Return the folder that holds the works and the pointer to the active one (BEARCAT_WORKS moves it)."""
    return Path(os.environ.get("BEARCAT_WORKS") or ROOT / "works")


def active_pointer() -> Path:
    """Return the file that names the active work."""
    return works_folder() / ".active"


@dataclass(frozen=True)
class Work:
    """The paths of one work."""

    path: Path

    def folder(self, name: str) -> Path:
        """Return the path of one of the work's folders."""
        return self.path / name

    def data_folder(self, split: str) -> Path:
        """Return the images' folder of a split: 'train', 'validation' or 'test'."""
        return self.path / f"{split}_dataset"

    def pack_folder(self, split: str, named: str | None = None) -> Place:
        """Return the TFRecords' folder of a split, 'train' or 'validation': in the work, or where PACK_FOLDER says.

        There each work has a folder of its own name, so that several can have one PACK_FOLDER.
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
        """Return the file in which a step leaves its figures."""
        return self.path / "report" / f"{step}.json"

    def make_folders(self) -> None:
        """Make the folders that are not there yet; touch nothing that is."""
        for name in (*DATA_FOLDERS, LABEL_FOLDER, *PACK_FOLDERS, *RUN_FOLDERS, *RESULT_FOLDERS):
            self.folder(name).mkdir(parents=True, exist_ok=True)

    def set_runs_aside(self) -> Path | None:
        """Move old checkpoints, logs and CSV files into backup/<time>/ and return it; None where there were none."""
        filled = [name for name in RUN_FOLDERS if self.folder(name).is_dir() and any(self.folder(name).iterdir())]
        if not filled:
            return None
        backup = next_backup(self.path)
        for name in filled:
            self.folder(name).rename(backup / name)
        return backup


def next_backup(work: Path) -> Path:
    """Make and return a new folder backup/<time>/ of a work."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    backup = next(path for path in _numbered(work / "backup" / stamp) if not path.exists())
    backup.mkdir(parents=True)
    return backup


def _numbered(path: Path):
    """Yield path, path-2, path-3 …"""
    yield path
    number = 2
    while True:
        yield path.with_name(f"{path.name}-{number}")
        number += 1


def is_work(path: Path) -> bool:
    """Tell whether a folder is a work; the toolkit's own folder, which holds the templates, is none."""
    return all((path / name).is_file() for name in TEMPLATE_FILES) and path.resolve() != ROOT


def create_work(parent: Path, name: str, activate: bool = True, settings: dict[str, object] | None = None) -> Work:
    """Make PARENT/NAME with its settings, changed as `settings` say, and captcha configuration.

    Raises WorkError where it exists.
    """
    if not name or not name.isprintable() or Path(name).name != name or name.startswith("."):
        raise WorkError(f"NAME is {name!r}: a plain folder name is expected, PATH says where it goes")
    if parent.exists() and not parent.is_dir():
        raise WorkError(f"PATH is {parent}, which is a file: the folder that the work goes into is expected")
    path = (parent / name).resolve()
    try:
        if path.exists():
            raise WorkError(
                f"{path} exists and is left as it is. Choose another name: python New_work.py {parent} {name}2\n"
                f"or go on with this one: --work {path}"
            )
        _make_whole(path, settings or {}, activate)
    except OSError as error:
        raise WorkError(f"{path} cannot be made: {error.strerror or error}") from None
    return Work(path)


def _make_whole(path: Path, settings: dict[str, object], activate: bool) -> None:
    beside = path.with_name(f".{path.name}{PART}")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    for template in TEMPLATE_FILES:
        shutil.copyfile(ROOT / template, beside / template)
    change_settings_file(beside / "settings.py", settings)
    if activate:
        set_active_work(path)
    beside.rename(path)  # last: what a kill leaves before this, the same command makes again


def set_active_work(path: Path) -> None:
    """Make a work the one that scripts take when nothing else says which."""
    write_text(active_pointer(), f"{path}\n")


def list_works() -> list[Path]:
    """Return the works in the works folder, sorted."""
    folder = works_folder()
    return sorted(path for path in folder.iterdir() if is_work(path)) if folder.is_dir() else []


def find_work(named: str | None = None) -> Work:
    """Return the work that is meant: named, else BEARCAT_WORK, else the current folder's, else the active one.

    A name may be a path, or the name of a work in the works folder. Raises WorkError where there is none.
    """
    if named:
        return _existing_work(named, "--work")
    if os.environ.get("BEARCAT_WORK"):
        return _existing_work(os.environ["BEARCAT_WORK"], "BEARCAT_WORK")
    here = Path.cwd()
    for path in (here, *here.parents):
        if is_work(path):
            return Work(path)
    if active_pointer().is_file():
        return _existing_work(active_pointer().read_text(encoding="utf-8-sig").strip(), str(active_pointer()))
    raise WorkError(f"there is no work yet. Make one: python New_work.py works simple{_known_works()}")


def _existing_work(named: str, said_by: str) -> Work:
    for path in (Path(named), works_folder() / named):
        if is_work(path):
            return Work(path.resolve())
    raise WorkError(
        f"{said_by} names {named!r}, which is no work (a folder with {' and '.join(TEMPLATE_FILES)}).{_known_works()}\n"
        "Make one: python New_work.py PATH NAME"
    )


def _known_works() -> str:
    works = list_works()
    return "".join(f"\n  {path}" for path in ["Works there are:", *works]) if works else ""
