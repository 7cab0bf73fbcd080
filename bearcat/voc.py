"""Labels of detection: Pascal VOC XML, which names what a picture shows and the box around each."""

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bearcat.errors import LabelError
from bearcat.files import read_json, write_json, write_text

SUFFIX = ".xml"
PROMPT_SUFFIX = ".json"  # beside the XML: what is to be clicked, in order
CORNERS = ("xmin", "ymin", "xmax", "ymax")


@dataclass(frozen=True)
class BoxLabels:
    """What a picture of `width` × `height` pixels shows: one name and one box (xmin, ymin, xmax, ymax) an object.

    Boxes are float32 (objects, 4) in pixels, their right and lower edges outside the object.
    """

    width: int
    height: int
    names: tuple[str, ...]
    boxes_xyxy: np.ndarray


def label_file(picture: Path, label_folder: Path, suffix: str = SUFFIX) -> Path:
    """Return where a picture's file of that suffix is: of the same stem beside it, else in the label folder."""
    beside = picture.with_suffix(suffix)
    return beside if beside.is_file() else label_folder / beside.name


def read_voc(path: Path) -> BoxLabels:
    """Read a VOC file; raise LabelError, naming it, where it is missing, no VOC or a box has no area."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
        width, height = (round(float(root.findtext(f"size/{side}"))) for side in ("width", "height"))
        names = tuple(item.findtext("name").strip() for item in root.iter("object"))
        corners = [[float(item.findtext(f"bndbox/{c}")) for c in CORNERS] for item in root.iter("object")]
    except FileNotFoundError:
        raise LabelError(f"{path} is not there: the picture of that name needs it, or a YOLO file") from None
    except (ElementTree.ParseError, TypeError, ValueError, OverflowError, AttributeError) as error:
        raise LabelError(f"{path} is no VOC file (size, object/name, object/bndbox): {error}") from None
    labels = BoxLabels(width, height, names, np.array(corners, np.float32).reshape(-1, 4))
    check_boxes(labels, path)
    return labels


def check_boxes(labels: BoxLabels, path: Path) -> None:
    """Raise LabelError, naming the file, for an object without a name, without an area or outside the picture."""
    for name, (xmin, ymin, xmax, ymax) in zip(labels.names, labels.boxes_xyxy, strict=True):
        if not name:
            raise LabelError(f"{path}: an object has no name")
        # a negated comparison, so that NaN is refused too
        if not (0 <= xmin < xmax <= labels.width and 0 <= ymin < ymax <= labels.height):
            raise LabelError(
                f"{path}: the box of {name!r} goes from ({xmin:g}, {ymin:g}) to ({xmax:g}, {ymax:g}); inside "
                f"{labels.width}×{labels.height} pixels is expected, with xmin < xmax and ymin < ymax"
            )


def check_size(labels: BoxLabels, size: tuple[int, int], picture: Path) -> None:
    """Raise LabelError where the picture has another size than its labels say: the boxes would lie elsewhere."""
    if size != (labels.width, labels.height):
        raise LabelError(
            f"{picture} has {size[0]}×{size[1]} pixels, its VOC file says {labels.width}×{labels.height}: "
            "label it again, or mend size and boxes in the file"
        )


def write_voc(path: Path, picture: str, labels: BoxLabels, sync: bool = True) -> None:
    """Write a VOC file for the picture file of that name; corners are rounded to whole pixels.

    `sync` waits for the disk, as written_beside does.
    """
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "filename").text = picture
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


def write_prompt(path: Path, prompt: list[str], sync: bool = True) -> None:
    """Write what is to be clicked, in order, as {"prompt": […]}."""
    write_json(path, {"prompt": prompt}, sync)


def read_prompt(path: Path) -> list[str] | None:
    """Return what is to be clicked, in order; None where no such file is. Raises LabelError where it is damaged."""
    try:
        prompt = read_json(path)["prompt"]
        if not isinstance(prompt, list) or not all(isinstance(name, str) for name in prompt):
            raise TypeError("a list of names is expected")
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise LabelError(f'{path} does not hold {{"prompt": ["…"]}} ({error!r})') from None
    return prompt
