"""Labels of detection: Pascal VOC and YOLO files, and the prompt that says what to click.

A VOC file (x.xml for x.png) has the name and the box of each object in pixels. A YOLO file (x.txt) has a line
`class cx cy width height` for each object, with box centres and sizes as fractions of the image; the names of the
numbered classes are in classes.txt, obj.names or data.yaml.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bearcat.core.errors import ImageError, LabelError
from bearcat.core.files import read_json, write_json, write_text
from bearcat.data.images import image_size

VOC_SUFFIX = ".xml"
YOLO_SUFFIX = ".txt"
PROMPT_SUFFIX = ".json"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
YOLO_LINE = "class cx cy width height"
TOLERANCE = 1.0  # pixels by which a YOLO box may exceed the image, due to rounding


@dataclass(frozen=True)
class BoxLabels:
    """The objects in an image.

    Args:
        width: The image's width in pixels.
        height: The image's height in pixels.
        names: The name of each object.
        boxes_xyxy: Float32 (objects, 4): xmin, ymin, xmax, ymax in pixels; the right and lower edges are exclusive.
    """

    width: int
    height: int
    names: tuple[str, ...]
    boxes_xyxy: np.ndarray


def read_boxes(image: Path, label_folder: Path) -> BoxLabels:
    """Reads an image's VOC file or, if there is none, its YOLO file.

    Raises:
        LabelError: There is neither, or it is invalid.
    """
    voc_file, yolo_file = (label_file(image, label_folder, suffix) for suffix in (VOC_SUFFIX, YOLO_SUFFIX))
    if voc_file.is_file() or not yolo_file.is_file():
        return read_voc(voc_file)
    names = find_names((yolo_file.parent, image.parent, label_folder, label_folder.parent), yolo_file)
    try:
        size = image_size(image)
    except ImageError:
        size = (1, 1)  # every step that opens a damaged image reports it and leaves it out
    return read_yolo(yolo_file, size, names)


def label_file(image: Path, label_folder: Path, suffix: str = VOC_SUFFIX) -> Path:
    """Returns the path of an image's label file: next to the image if it exists there, else in the label folder."""
    beside = image.with_suffix(suffix)
    return beside if beside.is_file() else label_folder / beside.name


def read_voc(path: Path) -> BoxLabels:
    """Reads a VOC file; raises LabelError, naming the file, if it is missing or invalid."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
        width, height = (round(float(_text_of(root, f"size/{side}"))) for side in ("width", "height"))
        names = tuple(_text_of(item, "name").strip() for item in root.iter("object"))
        corners = [[float(_text_of(item, f"bndbox/{c}")) for c in CORNERS] for item in root.iter("object")]
    except FileNotFoundError:
        raise LabelError(f"{path} does not exist: the image of that name needs it, or a YOLO file") from None
    except (ElementTree.ParseError, ValueError, OverflowError) as error:
        raise LabelError(f"{path} is not a VOC file (size, object/name, object/bndbox): {error}") from None
    labels = BoxLabels(width, height, names, np.array(corners, np.float32).reshape(-1, 4))
    check_boxes(labels, path)
    return labels


def _text_of(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"{path} is missing")
    return text


def check_boxes(labels: BoxLabels, path: Path) -> None:
    """Raises LabelError, naming the file, if an object has no name, no area, or is not inside the image."""
    for name, (xmin, ymin, xmax, ymax) in zip(labels.names, labels.boxes_xyxy, strict=True):
        if not name:
            raise LabelError(f"{path}: an object has no name")
        # negated, so that NaN is refused too
        if not (0 <= xmin < xmax <= labels.width and 0 <= ymin < ymax <= labels.height):
            raise LabelError(
                f"{path}: the box of {name!r} goes from ({xmin:g}, {ymin:g}) to ({xmax:g}, {ymax:g}), but must "
                f"be inside {labels.width}×{labels.height} pixels, with xmin < xmax and ymin < ymax"
            )


def check_size(labels: BoxLabels, size: tuple[int, int], image: Path) -> None:
    """Raises LabelError if the image's size (width, height) is not that of its labels: boxes would be misplaced."""
    if size != (labels.width, labels.height):
        raise LabelError(
            f"{image} has {size[0]}×{size[1]} pixels, its VOC file says {labels.width}×{labels.height}: "
            "label it again, or correct the size and the boxes in the file"
        )


def write_voc(path: Path, image: str, labels: BoxLabels, sync: bool = True) -> None:
    """Writes a VOC file, with corners rounded to whole pixels.

    Args:
        path: The file.
        image: The name of the image file.
        labels: The objects.
        sync: As in `atomic_write`.
    """
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = image
    size = ElementTree.SubElement(root, "size")
    for side, pixels in (("width", labels.width), ("height", labels.height), ("depth", 3)):
        ElementTree.SubElement(size, side).text = str(pixels)
    for name, corners in zip(labels.names, labels.boxes_xyxy, strict=True):
        item = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(item, "name").text = name
        box = ElementTree.SubElement(item, "bndbox")
        for corner, value in zip(CORNERS, corners, strict=True):
            ElementTree.SubElement(box, corner).text = str(round(float(value)))
    ElementTree.indent(root)
    write_text(path, ElementTree.tostring(root, encoding="unicode") + "\n", sync)


def read_yolo(path: Path, size: tuple[int, int], names: tuple[str, ...]) -> BoxLabels:
    """Reads a YOLO file; an empty one means that the image shows no objects.

    Args:
        path: The file.
        size: The image's width and height in pixels.
        names: The name of each class.

    Raises:
        LabelError: A line is invalid or its class has no name; the message names the file and the line.
    """
    found, boxes = [], []
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LabelError(f"{path} is not a YOLO file ({YOLO_LINE}): {error}") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            class_number, box = _parse_yolo(line)
        except ValueError:
            raise LabelError(
                f"{path}, line {number}: `{YOLO_LINE}` in fractions of the image is expected, got {line!r}"
            ) from None
        if not 0 <= class_number < len(names):
            raise LabelError(
                f"{path}, line {number}: class {class_number} has no name, there are {len(names)}: {' '.join(names)}"
            )
        found.append(names[class_number])
        boxes.append(box)
    pixels = np.array(boxes, np.float64).reshape(-1, 4) * (size * 2)
    inside = pixels.clip(0, size * 2)
    pixels = np.where(abs(pixels - inside) <= TOLERANCE, inside, pixels)
    labels = BoxLabels(*size, tuple(found), pixels.astype(np.float32))
    check_boxes(labels, path)
    return labels


def _parse_yolo(line: str) -> tuple[int, tuple[float, float, float, float]]:
    """Returns the class number and the box (xmin, ymin, xmax, ymax) of a line; raises ValueError if it is invalid."""
    class_number, *numbers = line.split()
    cx, cy, width, height = map(float, numbers)
    return int(class_number), (cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2)


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
        f"{yolo_file} numbers its classes, and no {', '.join(NAMES_FILES)} names them: put one beside it, or into "
        f"{' or '.join(dict.fromkeys(map(str, folders)))}"
    )


def _names_of_lines(path: Path) -> tuple[str, ...]:
    return tuple(line.strip() for line in _read_text(path).splitlines() if line.strip())


def _names_of_yaml(path: Path) -> tuple[str, ...]:
    import yaml  # needed for data.yaml only

    try:
        names = yaml.safe_load(_read_text(path))["names"]
        if isinstance(names, dict):
            names = [names[number] for number in range(len(names))]
        if not isinstance(names, list) or not names:
            raise TypeError("a list is expected")
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise LabelError(f"{path}: `names` must list the classes, as in names: [cat, dog] ({error!r})") from None
    return tuple(map(str, names))


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise LabelError(f"{path} is not UTF-8 ({error.reason}): save it as UTF-8") from None


NAMES_FILES = {"classes.txt": _names_of_lines, "obj.names": _names_of_lines, "data.yaml": _names_of_yaml}


def write_prompt(path: Path, prompt: list[str], sync: bool = True) -> None:
    """Writes the names of the objects to click, in order, as {"prompt": […]}."""
    write_json(path, {"prompt": prompt}, sync)


def read_prompt(path: Path) -> list[str] | None:
    """Reads the names of the objects to click, in order.

    Returns:
        The names; None if there is no such file.

    Raises:
        LabelError: The file is damaged.
    """
    try:
        prompt = read_json(path)["prompt"]
        if not isinstance(prompt, list) or not all(isinstance(name, str) for name in prompt):
            raise TypeError("a list of names is expected")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabelError(f'{path} does not hold {{"prompt": ["…"]}} ({error!r})') from None
    return prompt
