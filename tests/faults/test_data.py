"""Bad and unusual images, labels and boxes: read correctly, named and left out, or refused with one message."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from tests.helpers.faults import TOLERATED, Fault, check, encoded, image, make_work, named, write

TRAIN = "train_dataset"
NAME = f"{TRAIN}/01_bad.png"
BOMB = '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "ha">{}]><annotation><size>&a9;</size></annotation>'.format(
    "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
)
VOC = "<annotation><size><width>32</width><height>16</height></size>{}</annotation>"
BOX = "<object><name>{}</name><bndbox><xmin>{}</xmin><ymin>{}</ymin><xmax>{}</xmax><ymax>{}</ymax></bndbox></object>"


def checked(name: str, content: bytes, said: str = "damaged: 1", file: str = NAME) -> Fault:
    """An image file. cheak_file.py names it and leaves it out, or accepts it if `said` is ''."""
    return Fault(name, "cheak_file.py", write(file, content), said)


def linked(target: str, name: str = NAME) -> Callable[[Path], None]:
    """Returns a function that makes a link to a path in the work."""

    def plant(work: Path) -> None:
        (work / "elsewhere").mkdir(exist_ok=True)
        image(9).save(work / "elsewhere" / "a.png")
        try:
            (work / name).symlink_to(work / target)
        except OSError:
            pytest.skip("needs the right to make links")

    return plant


def chunked_png(width: int, height: int) -> bytes:
    """Returns a PNG without pixels, whose header gives this size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))


def rotated() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(image(), "JPEG", exif=exif)


def corrupted(content: bytes, position: int) -> bytes:
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


GOOD = ""
PNG, JPEG = encoded(image(), "PNG"), encoded(image(), "JPEG")
ANIMATION = {"save_all": True, "append_images": [image(n) for n in range(3)]}
LONG = f"01_{'x' * (255 - len('01_.png'))}.png"
IMAGES = [
    checked("0 bytes", b""),
    checked("1 pixel", encoded(image(0, 1, 1), "PNG")),
    checked("20,000 pixels wide", encoded(Image.new("L", (20_000, 4)), "PNG"), GOOD),
    checked("200 million pixels in its header", chunked_png(20_000, 10_000)),
    checked("4 thousand million pixels in its header", chunked_png(65_535, 65_535)),
    checked("CMYK", encoded(image(mode="CMYK"), "JPEG"), GOOD, f"{TRAIN}/01_c.jpg"),
    checked("16 bit", encoded(image(mode="L").convert("I;16"), "PNG"), GOOD),
    checked("palette with transparency", encoded(image(mode="P"), "PNG", transparency=3), GOOD),
    checked("half transparent", encoded(image(mode="RGBA"), "PNG"), GOOD),
    checked("1 bit", encoded(image(mode="1"), "PNG"), GOOD),
    checked("animated GIF", encoded(image(mode="P"), "GIF", **ANIMATION), GOOD, f"{TRAIN}/01_a.gif"),
    checked("animated WEBP", encoded(image(), "WEBP", **ANIMATION), GOOD, f"{TRAIN}/01_a.webp"),
    checked("JPEG named .png", JPEG, GOOD),
    checked("PNG named .JPG", PNG, GOOD, f"{TRAIN}/01_x.JPG"),
    checked("rotated by EXIF", rotated(), GOOD, f"{TRAIN}/01_t.jpg"),
    checked("truncated PNG", PNG[: len(PNG) // 2]),
    checked("truncated JPEG", JPEG[: len(JPEG) // 2], file=f"{TRAIN}/01_x.jpg"),
    checked("truncated BMP", encoded(image(), "BMP")[:100], file=f"{TRAIN}/01_x.bmp"),
    checked("truncated GIF", encoded(image(mode="P"), "GIF")[:60], file=f"{TRAIN}/01_x.gif"),
    checked("truncated WEBP", encoded(image(), "WEBP")[:60], file=f"{TRAIN}/01_x.webp"),
    checked("PNG with a wrong checksum", corrupted(PNG, 60)),
    checked("TIFF named .png", encoded(image(), "TIFF"), GOOD),
    checked("a web page", b"<!doctype html><title>404</title>"),
    checked("SVG", b'<svg xmlns="http://www.w3.org/2000/svg"/>'),
    checked("a text", "01".encode("utf-16")),
    checked("name at the length limit", PNG, GOOD, f"{TRAIN}/{LONG}"),
    checked("name in Chinese with spaces", PNG, GOOD, f"{TRAIN}/01_验证 码.png"),
    checked("hidden", b"", GOOD, f"{TRAIN}/._01_a.png"),
    checked("a label that begins with a point", PNG, GOOD, f"{TRAIN}/.01_a.png"),
    checked("thumbnails of Windows", b"", GOOD, f"{TRAIN}/Thumbs.db"),
    Fault("link to an image", "cheak_file.py", linked("elsewhere/a.png"), GOOD),
    Fault("dangling link", "cheak_file.py", linked("nowhere.png"), GOOD),
    Fault("link to itself", "cheak_file.py", linked(NAME), GOOD),
    Fault("link to its folder", "cheak_file.py", linked(TRAIN), GOOD),
    Fault("a folder named x.png", "cheak_file.py", lambda work: (work / NAME).mkdir(), GOOD),
]


@named(IMAGES)
def test_an_image_is_read_or_named_and_left_out(fault: Fault, tmp_path: Path, works: Path):
    work = make_work(tmp_path / "work")
    outcome = check(Fault(fault.name, fault.step, fault.plant), work)
    assert fault.message in outcome.stdout
    if fault.message == GOOD:
        assert "damaged" not in outcome.stdout
    else:
        assert str(work / TRAIN / "01_") in outcome.stdout


def table(name: str, content: bytes | str, message: str, file: str = "labels.csv") -> Fault:
    """A label table beside the images."""
    return Fault(name, "cheak_file.py", write(f"{TRAIN}/{file}", content), message)


NAMES = sorted(f"{item % 3}{item % 3}_train{item}.png" for item in range(6))
ROWS = "".join(f"{name},{name[:2]}\n" for name in NAMES)
TABLES = [
    table("Windows line ends", ROWS.replace("\n", "\r\n"), TOLERATED),
    table("BOM and header", "\ufefffile,label\n" + ROWS, TOLERATED),
    table("a line for an image that is not there", ROWS + "gone.png,12\n", TOLERATED),
    table("the same line twice", ROWS + ROWS, TOLERATED),
    table("quotes around all", "".join(f'"{name}","{name[:2]}"\n' for name in NAMES), TOLERATED),
    table("GBK", (ROWS + "gone.png,天\n").encode("gbk"), "is not UTF-8"),
    table("UTF-16 with BOM", ROWS.encode("utf-16"), TOLERATED),
    table("two labels of one name", ROWS + f"{NAMES[0]},99\n", "has the label '00' already"),
    table("a quote left open", ROWS.replace(",", ',"', 1), "line 1: the label"),
    table("three columns", ROWS.replace(",", ",x,"), "file and label are expected"),
    table("semicolons", ROWS.replace(",", ";"), TOLERATED),
    table("an empty label", ROWS + "gone.png,\n", "file and label are expected"),
    table("an image without a line", ROWS.partition("\n")[2], "Add one, or move it to unlabelled_dataset"),
    table("header alone", "file,label\n", "labels.csv has no line for it"),
    table("NUL bytes", ROWS.encode() + b"\0" * 20, "labels.csv"),
    table("a cell of 200,000 characters", ROWS + f"gone.png,{'1' * 200_000}\n", "labels.csv"),
    table("commas in a TSV", ROWS, TOLERATED, "labels.tsv"),
    Fault("a name without _", "cheak_file.py", write(f"{TRAIN}/holiday.png", PNG), "belong in unlabelled_dataset"),
    Fault("a name that starts with _", "cheak_file.py", write(f"{TRAIN}/_1.png", PNG), "the file name has no label"),
]


def voc(name: str, content: bytes | str, message: str = TOLERATED) -> Fault:
    """The VOC file of an image."""

    def plant(work: Path) -> None:
        for file in work.glob("*_dataset/*.png"):
            write(f"label/{file.stem}.xml", VOC.format(BOX.format("天", 1, 1, 9, 9)))(work)
        write(f"label/{NAMES[0][:-4]}.xml", content)(work)

    return Fault(name, "cheak_file.py", plant, message, ("--set", "MODE=EFFICIENTDET"))


def with_box(name: str, message: str, *corners: object) -> Fault:
    return voc(name, VOC.format(BOX.format("天", *corners)), message)


VOCS = [
    voc("no objects", VOC.format("")),
    voc("UTF-16 with BOM", VOC.format(BOX.format("天", 1, 1, 9, 9)).encode("utf-16")),
    voc("nested entities", BOMB, "is not a VOC file"),
    voc("an external entity", f'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///x">]>{VOC.format("&b;")}', "not a VOC file"),
    voc("empty", b"", "is not a VOC file"),
    voc("cut", VOC.format("")[:40], "is not a VOC file"),
    voc("not XML", "{}", "is not a VOC file"),
    voc("another XML", "<html/>", "is not a VOC file"),
    voc("without a size", f"<annotation>{BOX.format('天', 1, 1, 9, 9)}</annotation>", "is not a VOC file"),
    voc("an infinite size", VOC.format("").replace("32", "1e999"), "is not a VOC file"),
    voc("another size", VOC.format("").replace("32", "64"), TOLERATED),
    voc("an object without a name", VOC.format(BOX.format(" ", 1, 1, 9, 9)), "an object has no name"),
    with_box("a negative corner", "inside 32×16 pixels", -1, 1, 9, 9),
    with_box("a corner outside", "inside 32×16 pixels", 1, 1, 33, 9),
    with_box("corners in the wrong order", "xmin < xmax", 9, 1, 1, 9),
    with_box("no area", "xmin < xmax", 9, 1, 9, 9),
    with_box("a corner that is not a number", "is not a VOC file", "left", 1, 9, 9),
    with_box("NaN", "inside 32×16 pixels", "nan", 1, 9, 9),
    with_box("infinite", "inside 32×16 pixels", 1, 1, "1e999", 9),
]
FAULTS = IMAGES + TABLES + VOCS


@named(TABLES + VOCS)
def test_labels_are_read_or_refused_with_one_message(fault: Fault, tmp_path: Path, works: Path):
    check(fault, make_work(tmp_path / "work"))


def test_a_work_can_be_moved(tmp_path: Path, works: Path):
    work = make_work(tmp_path / "old")
    os.rename(work, tmp_path / "new place")
    check(Fault("moved", "cheak_file.py", write("note.txt", b"")), tmp_path / "new place")
