"""Labels of detection: Pascal VOC and YOLO files, and the prompt that says what to click.

A VOC file (x.xml for x.png) has the name and the box of each object in pixels, or in fractions of the image if no
corner is beyond 1. A YOLO file (x.txt) has a line `class cx cy width height` for each object, with box centres and
sizes as fractions of the image; the names of the numbered classes are in classes.txt, obj.names or data.yaml.
"""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bearcat.core.errors import ImageError, LabelError
from bearcat.core.files import read_json, write_json, write_text
from bearcat.core.names import show_name
from bearcat.data.images import image_size
from bearcat.data.labels.class_names import find_names
from bearcat.data.labels.text import clean_label

VOC_SUFFIX = ".xml"
YOLO_SUFFIX = ".txt"
PROMPT_SUFFIX = ".json"
CORNERS = ("xmin", "ymin", "xmax", "ymax")
YOLO_LINE = "class cx cy width height"
# how many numbers follow the class → what they may be
YOLO_LENGTHS = {
    5: "; the last number may be the confidence of a prediction: remove it",
    8: "; its numbers may be the corners of a rotated box: export upright boxes",
}
LINE_SHOWN = 80  # characters of a line that a message quotes
TOLERANCE = 1.0  # pixels by which a box in fractions may exceed the image, due to rounding
ROUNDING = 1e-3  # by which a fraction in a VOC file may exceed 0 and 1
LEAST_PIXELS = 2.0  # a YOLO number from here on is in pixels and no fraction that exceeds the image
COCO_FILES = ("_annotations.coco.json", "annotations.json", "instances.json", "instances_default.json", "result.json")


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
    if voc_file.is_file():
        return read_voc(voc_file)
    if not yolo_file.is_file():
        raise LabelError(_missing(voc_file, (image.parent, label_folder, label_folder.parent)))
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


def _missing(voc_file: Path, folders: Sequence[Path]) -> str:
    coco = next((folder / name for folder in folders for name in COCO_FILES if (folder / name).is_file()), None)
    hint = f". {show_name(coco)} is not read: export its boxes as Pascal VOC or YOLO" if coco else ""
    return f"{show_name(voc_file)} does not exist: the image of that name needs it, or a YOLO file{hint}"


def read_voc(path: Path) -> BoxLabels:
    """Reads a VOC file; raises LabelError, naming the file and the object, if it is missing or invalid."""
    shown = show_name(path)
    try:
        root = ElementTree.fromstring(path.read_bytes())
        width, height = (round(float(_text_of(root, f"size/{side}"))) for side in ("width", "height"))
        names = tuple(clean_label(_text_of(item, "name")) for item in root.iter("object"))
        corners = [_corners(item, number) for number, item in enumerate(root.iter("object"), start=1)]
    except FileNotFoundError:
        raise LabelError(_missing(path, ())) from None
    except (ElementTree.ParseError, ValueError, OverflowError) as error:
        raise LabelError(f"{shown} is not a VOC file (size, object/name, object/bndbox): {error}") from None
    except LabelError as error:
        raise LabelError(f"{shown}: {error}") from None
    if min(width, height) < 1:
        raise LabelError(
            f"{shown}: its size is {width}×{height} pixels, the width and height of the image are expected"
        )
    places = [f"{shown}, object {number}" for number in range(1, len(names) + 1)]
    pixels = _in_pixels(np.array(corners, np.float64).reshape(-1, 4), (width, height), places)
    labels = BoxLabels(width, height, names, pixels.astype(np.float32))
    check_boxes(labels, places, [""] * len(places))
    return labels


def _text_of(element: ElementTree.Element, path: str) -> str:
    text = element.findtext(path)
    if text is None:
        raise ValueError(f"{path} is missing")
    return text


def _corners(item: ElementTree.Element, number: int) -> list[float]:
    texts = {corner: _text_of(item, f"bndbox/{corner}") for corner in CORNERS}
    corners = []
    for corner, text in texts.items():
        try:
            corners.append(float(text))
        except ValueError:
            raise ValueError(f"{corner} of object {number} is {text!r}, a number is expected") from None
    return corners


def _in_pixels(corners: np.ndarray, size: tuple[int, int], places: Sequence[str]) -> np.ndarray:
    """Returns corners in pixels: those of a file whose corners are all fractions of the image are scaled.

    Pixels cannot be meant if no corner is beyond 1: such boxes would lie within the first pixel.
    """
    in_first_pixel = np.all(abs(corners - 0.5) <= 0.5 + ROUNDING, axis=1)
    is_fraction = in_first_pixel & np.any(corners != corners.round(), axis=1)
    if in_first_pixel.all() and is_fraction.any():
        return _clip(corners * (size * 2), size)
    for place, box, within, fraction in zip(places, corners, in_first_pixel, is_fraction, strict=True):
        if fraction:
            raise LabelError(f"{place}: {_show(box)} are fractions of the image, but other boxes of the file are not")
        if within and box[0] < box[2] and box[1] < box[3]:
            raise LabelError(
                f"{place}: {_show(box)} is either a single pixel or, in fractions, the whole image of "
                f"{size[0]}×{size[1]} pixels: write it in pixels"
            )
    return corners


def _clip(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns boxes without what exceeds the image by up to TOLERANCE."""
    inside = pixels.clip(0, size * 2)
    return np.where(abs(pixels - inside) <= TOLERANCE, inside, pixels)


def _show(box: Sequence[float] | np.ndarray) -> str:
    return ", ".join(f"{corner} {value:g}" for corner, value in zip(CORNERS, box, strict=True))


def check_boxes(labels: BoxLabels, places: Sequence[str], hints: Sequence[str]) -> None:
    """Raises LabelError if an object has no name, no area, or is not inside the image.

    Args:
        labels: The objects.
        places: The file of each object, and where it is there, for the message.
        hints: What is wrong with the box of each object if it is wrong; '' to find it out from the corners.
    """
    size = labels.width, labels.height
    for place, hint, name, box in zip(places, hints, labels.names, labels.boxes_xyxy, strict=True):
        if not name:
            raise LabelError(f"{place}: an object has no name")
        if not _is_inside(box, size):
            raise LabelError(
                f"{place}: the box of {name!r} is wrong, {hint or _reason(box, size)}: {_show(box)}. "
                f"It must be inside {size[0]}×{size[1]} pixels, with xmin < xmax and ymin < ymax"
            )


def _is_inside(box: np.ndarray, size: tuple[int, int]) -> bool:
    xmin, ymin, xmax, ymax = box
    return bool(0 <= xmin < xmax <= size[0] and 0 <= ymin < ymax <= size[1])  # NaN is not


def _reason(box: np.ndarray, size: tuple[int, int]) -> str:
    """Returns what may be wrong with a box that is not inside an image of this size."""
    xmin, ymin, xmax, ymax = box
    if not np.isfinite(box).all():
        return "a corner is not a finite number"
    if xmin == xmax or ymin == ymax:
        return "it has no area"
    if _is_inside(box, size[::-1]):
        return "width and height of the image seem to be swapped"
    if xmin > xmax or ymin > ymax:
        as_corner_and_size = np.array([xmin, ymin, xmin + xmax, ymin + ymax])
        or_sizes = " or xmax and ymax hold its width and height" if _is_inside(as_corner_and_size, size) else ""
        return f"its corners are in the wrong order{or_sizes and ',' + or_sizes}"
    return "it reaches beyond the image"


def check_size(labels: BoxLabels, size: tuple[int, int], image: Path) -> None:
    """Raises LabelError if the image's size (width, height) is not that of its labels: boxes would be misplaced."""
    if size != (labels.width, labels.height):
        swapped = size == (labels.height, labels.width)
        todo = (
            "width and height are swapped in the file, or its boxes were drawn on the image without its EXIF rotation"
            if swapped
            else "label it again, or correct the size and the boxes in the file"
        )
        raise LabelError(
            f"{show_name(image)} has {size[0]}×{size[1]} pixels, its VOC file says "
            f"{labels.width}×{labels.height}: {todo}"
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
    shown = show_name(path)
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise LabelError(f"{shown} is not a YOLO file ({YOLO_LINE}): {error}") from None
    places, found, rows = [], [], []
    for number, line in enumerate(lines, start=1):
        if line.strip():
            place = f"{shown}, line {number}"
            class_number, row = _parse_yolo(line, place)
            if not 0 <= class_number < len(names):
                raise LabelError(
                    f"{place}: class {class_number} has no name, there are {len(names)}: {' '.join(names)}"
                )
            places.append(place)
            found.append(names[class_number])
            rows.append(row)
    centres_and_sizes = np.array(rows, np.float64).reshape(-1, 4)
    centres, halves = centres_and_sizes[:, :2], centres_and_sizes[:, 2:] / 2
    pixels = _clip(np.concatenate([centres - halves, centres + halves], axis=1) * (size * 2), size)
    labels = BoxLabels(*size, tuple(found), pixels.astype(np.float32))
    check_boxes(labels, places, [_yolo_hint(row) for row in rows])
    return labels


def _parse_yolo(line: str, place: str) -> tuple[int, list[float]]:
    """Returns the class number and the four numbers of a line."""
    class_number, *numbers = line.split()
    try:
        row = [float(number) for number in numbers]
        if len(row) == 4:
            return int(class_number), row
    except ValueError:
        hint = ""
    else:
        hint = YOLO_LENGTHS.get(len(row), "")
        if not hint and len(row) >= 6 and len(row) % 2 == 0:
            hint = "; its numbers may be the outline of a segmentation: export boxes"
    raise LabelError(f"{place}: `{YOLO_LINE}` in fractions of the image is expected, got {line[:LINE_SHOWN]!r}{hint}")


def _yolo_hint(row: Sequence[float]) -> str:
    """Returns what is wrong with the numbers of a line whose box is not inside the image."""
    xmin, ymin, xmax, ymax = row
    if max(row) >= LEAST_PIXELS:
        return "its numbers are pixels in place of fractions"
    if 0 <= xmin < xmax <= 1 and 0 <= ymin < ymax <= 1:
        return "its numbers may be the corners in place of centre and size"
    return ""


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
        return [clean_label(name) for name in prompt]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabelError(f'{show_name(path)} does not hold {{"prompt": ["…"]}} ({error!r})') from None
