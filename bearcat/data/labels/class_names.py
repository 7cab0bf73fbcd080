"""The names of the classes that YOLO files number, from classes.txt, obj.names or data.yaml."""

from collections.abc import Sequence
from pathlib import Path

from bearcat.core.errors import LabelError
from bearcat.core.names import show_name
from bearcat.data.labels.text import clean_label


def find_names(folders: Sequence[Path], yolo_file: Path) -> tuple[str, ...]:
    """Finds the names of the classes, in the order of their numbers.

    Args:
        folders: The folders to look in for one of NAMES_FILES; the first file found counts.
        yolo_file: A file that needs the names, for the message.

    Raises:
        LabelError: There is no such file, or it is invalid.
    """
    for folder in folders:
        for name, read in NAMES_FILES.items():
            if (folder / name).is_file():
                return read(folder / name)
    raise LabelError(
        f"{show_name(yolo_file)} numbers its classes, and no {', '.join(NAMES_FILES)} names them: put one beside it, "
        f"or into {' or '.join(dict.fromkeys(map(show_name, folders)))}"
    )


def _names_of_lines(path: Path) -> tuple[str, ...]:
    return tuple(name for line in _read_text(path).splitlines() if (name := clean_label(line)))


def _names_of_yaml(path: Path) -> tuple[str, ...]:
    import yaml  # needed for data.yaml only

    try:
        names = yaml.safe_load(_read_text(path))["names"]
        if isinstance(names, dict):
            names = [names[number] for number in range(len(names))]
        if not isinstance(names, list) or not names:
            raise TypeError("a list is expected")
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LabelError(
            f"{show_name(path)}: `names` must list the classes, as in names: [cat, dog] ({error!r})"
        ) from None
    return tuple(clean_label(str(name)) for name in names)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelError(f"{show_name(path)} is not UTF-8 ({error.reason}): save it as UTF-8") from None


NAMES_FILES = {"classes.txt": _names_of_lines, "obj.names": _names_of_lines, "data.yaml": _names_of_yaml}
