"""Label tables in JSON: {"0001.png": "ab3d"}, lists of objects, JSON Lines, and the exports of Label Studio."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from bearcat.core.errors import LabelError
from bearcat.data.labels.table_parsing.delimited import (
    BOM,
    HOW_TO_WRITE,
    LABEL_STUDIO_COLUMNS,
    NO_BOXES,
    TableRow,
    columns_of,
    file_of_url,
    is_image_name,
    refuse_control,
)

JSON_SUFFIXES = (".json", ".jsonl")
_RESULTS = ("textarea", "choices")  # types of Label Studio's results that give an image as a whole a label
_VALUES = ("text", "choices")  # where such a result has it
_BOX_KEYS = {"bbox", "bndbox", "boxes", "points", "polygon", "regions", "segmentation", "shapes", "bounding_box"}


def parse_json_table(text: str, path: Path) -> list[TableRow]:
    """Parses a table in JSON or, if the file is so named, JSON Lines.

    Raises:
        LabelError: It is not JSON, or has no obvious names and labels; the message says which entry.
    """
    try:
        data = _load(text.removeprefix(BOM), path)
    except (ValueError, RecursionError) as error:
        raise LabelError(f"{path} is not valid JSON ({error}): correct it, or {HOW_TO_WRITE}") from None
    rows, line, position = [], 1, 0
    is_ascii = "\\u" in text  # other characters are written as escapes
    for number, (name, label) in enumerate(_pairs(data, path), start=1):
        value = label_in(label)
        if not name or value is None:
            where = f"{path}, entry {number} ({name or 'without a file'})"
            raise LabelError(f"{where}: a text is expected as the label, got {label!r:.80}")
        found = text.find(json.dumps(name.rpartition("/")[2], ensure_ascii=is_ascii)[1:-1], position)
        if found >= 0:
            line, position = line + text.count("\n", position, found), found
        refuse_control(value, path, line)
        rows.append(TableRow(line, name.strip(), value))
    return rows


def label_in(value: Any) -> str | None:
    """Returns the label that a value of JSON is or contains; None if that is not obvious."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, list) and len(value) == 1:
        return label_in(value[0])
    if isinstance(value, Mapping):
        found = [value[key] for key in _VALUES if key in value] or [
            one for key, one in value.items() if columns_of(["file", key])
        ]
        return label_in(found[0]) if len(found) == 1 else None
    return None


def is_label_studio(data: Any) -> bool:
    """Whether the content of a JSON file is an export of Label Studio."""
    first = data[0] if isinstance(data, list) and data else None
    return isinstance(first, dict) and ({"annotations", "data"} <= first.keys() or "annotation_id" in first)


def _load(text: str, path: Path) -> Any:
    if path.suffix.lower() == ".jsonl":
        return [json.loads(line, object_pairs_hook=_object) for line in text.splitlines() if line.strip()]
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            raise ValueError(f"{key!r} has two values, {found[key]!r:.40} and {value!r:.40}")
    return found


def _pairs(data: Any, path: Path) -> Iterator[tuple[str, Any]]:
    """Yields names and values that are or contain labels."""
    if is_label_studio(data):
        yield from _label_studio_pairs(data, path)
    elif isinstance(data, list) and data and all(isinstance(entry, dict) for entry in data):
        yield from _object_pairs(data, path)
    elif isinstance(data, dict) and data and not _holds_boxes(data):
        lists = [value for value in data.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
        yield from _object_pairs(lists[0], path) if len(lists) == len(data) == 1 else data.items()
    else:
        raise LabelError(f"{path} {_problem(data)}; {HOW_TO_WRITE}")


def _object_pairs(entries: Iterable[dict[str, Any]], path: Path) -> Iterator[tuple[str, Any]]:
    for number, entry in enumerate(entries, start=1):
        keys = list(entry)
        try:
            columns = columns_of(keys)
        except LabelError as error:
            raise LabelError(f"{path}, entry {number}: {error}; {HOW_TO_WRITE}") from None
        if not columns:
            raise LabelError(f"{path} {_problem(entry)} (entry {number}); {HOW_TO_WRITE}")
        yield str(entry[keys[columns[0]]]), entry[keys[columns[1]]]


def _label_studio_pairs(tasks: Iterable[dict[str, Any]], path: Path) -> Iterator[tuple[str, Any]]:
    for number, task in enumerate(tasks, start=1):
        if "annotations" in task:
            results = [
                result
                for annotation in task["annotations"]
                if isinstance(annotation, dict) and not annotation.get("was_cancelled")
                for result in annotation.get("result", ())
            ]
            if not results:  # not labelled yet
                continue
            labels = [result.get("value") for result in results if result.get("type") in _RESULTS]
            data = {key: value for key, value in task["data"].items() if isinstance(value, str)}
        else:
            own = {key: value for key, value in task.items() if key not in LABEL_STUDIO_COLUMNS}
            data = {key: value for key, value in own.items() if isinstance(value, str) and is_image_name(value)}
            labels = [value for key, value in own.items() if key not in data]
        files = [value for value in data.values() if is_image_name(value)]
        if len(files) != 1 or len(labels) != 1:
            raise LabelError(
                f"{path}, entry {number}: one image with one text or one choice is expected, "
                f"got {len(files)} images and {len(labels)} labels; {HOW_TO_WRITE}"
            )
        yield file_of_url(files[0]), labels[0]


def _holds_boxes(value: Any) -> bool:
    """Whether an object, or one in it, has a key of boxes."""
    if isinstance(value, dict):
        return bool(_BOX_KEYS & value.keys()) or any(map(_holds_boxes, value.values()))
    return isinstance(value, list) and any(map(_holds_boxes, value[:3]))


def _problem(value: Any) -> str:
    if _holds_boxes(value):
        return NO_BOXES
    return f"holds no names with labels, such as {json.dumps({'0001.png': 'ab3d'})}, but {value!r:.80}"
