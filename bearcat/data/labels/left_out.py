"""The images of a data set that no step reads, and why."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bearcat.core.errors import ImageError
from bearcat.core.files import is_temporary
from bearcat.core.names import show_name
from bearcat.data.images import image_size
from bearcat.data.labels.listing import has_image_suffix, is_hidden, scan_folder

DEEPER, SUB_FOLDER, FORMAT, SUFFIX, HIDDEN = "deeper", "sub_folder", "format", "suffix", "hidden"
# reason → what the images are, what to do
REASONS = {
    DEEPER: (
        "more than one folder deep",
        "move them, or the folders that are classes, up into {folder}",
    ),
    SUB_FOLDER: (
        "in sub-folders",
        "move them up into {folder}",
    ),
    FORMAT: (
        "in a format that is not read",
        "convert them to PNG or JPEG",
    ),
    SUFFIX: (
        "without the suffix of an image",
        "give their names the suffix of their format, such as .png",
    ),
    HIDDEN: (
        "hidden by a name that begins with a point",
        "rename them; if the point belongs to the label, put a labels.csv (file,label) beside them",
    ),
}
# suffixes of images that no step reads
UNREAD_SUFFIXES = frozenset(
    ".avif .cur .dcm .dds .dng .emf .eps .exr .fits .hdr .heic .heif .icns .ico .j2k .jp2 .jpf .jpx .jxl .jxr "
    ".pam .pbm .pcx .pgm .pnm .ppm .psd .raw .ras .sgi .svg .svgz .tga .wbmp .wmf .xbm .xcf .xpm".split()
)
# suffixes of what may lie beside images: not opened to see whether they are images
_OTHER_SUFFIXES = frozenset(
    ".7z .bak .cache .cfg .csv .db .doc .docx .gz .htm .html .ini .ipynb .jsonl .json .log .md .names .npy .npz .pdf "
    ".pickle .pkl .py .rar .sh .tar .tfrecord .toml .tsv .txt .xls .xlsx .xml .yaml .yml .zip".split()
)
# the first bytes of PNG, JPEG, GIF, BMP, WEBP and TIFF
_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF", b"II*\0", b"MM\0*")
SHOWN = 3  # names that a message gives


@dataclass(frozen=True)
class LeftOut:
    """Images of a data set that no step reads.

    Args:
        folder: The data set.
        reason: A key of REASONS.
        names: Their names in the data set, sorted: 1.svg, or shapes/circle/1.png.
    """

    folder: Path
    reason: str
    names: tuple[str, ...]

    @property
    def text(self) -> str:
        """What is left out, and why; without names."""
        count = len(self.names)
        images, are = ("images", "are") if count > 1 else ("image", "is")
        return f"{self.folder.name}: {count:,} {images} {REASONS[self.reason][0]} {are} left out"

    @property
    def todo(self) -> str:
        """What to do about it, without a full stop."""
        return REASONS[self.reason][1].format(folder=self.folder.name)

    def __str__(self) -> str:
        shown = ", ".join(map(show_name, self.names[:SHOWN])) + ", …" * (len(self.names) > SHOWN)
        return f"{self.text}: {shown}; {self.todo}"


def files_left_out(folder: Path, with_sub_folders: bool = True) -> list[LeftOut]:
    """Finds the images of a data set, on all levels, that no step reads.

    Hidden folders, and files that macOS or an interrupted step left behind, do not count. Links to folders are
    followed as far as images are read, so that a link to a folder above ends there.

    Args:
        folder: The data set.
        with_sub_folders: Whether the images in its direct sub-folders are read, as by `list_images`.

    Returns:
        The images by reason, in the order of REASONS; nothing for a reason that applies to none.
    """
    if not folder.is_dir():
        return []
    names: dict[str, list[str]] = {reason: [] for reason in REASONS}
    files, sub_folders = scan_folder(folder)
    for sub_folder in ("", *sub_folders):
        place = folder / sub_folder
        for name in scan_folder(place)[0] if sub_folder else files:
            if sub_folder and not with_sub_folders:
                reason = SUB_FOLDER if _looks_like_image(name) else ""
            else:
                reason = _reason(place, name)
            if reason:
                names[reason].append(os.path.join(sub_folder, name))
        if sub_folder and not place.is_symlink():
            names[DEEPER if with_sub_folders else SUB_FOLDER] += _deeper_images(folder, place)
    return [LeftOut(folder, reason, _sorted(found)) for reason, found in names.items() if found]


def _sorted(names: list[str]) -> tuple[str, ...]:
    return tuple(sorted(name.replace(os.sep, "/") for name in names))


def _reason(folder: Path, name: str) -> str:
    """Returns why an image, which is read by its place, is not read; '' if it is, or if it is no image."""
    if is_hidden(name):
        return HIDDEN if has_image_suffix(name) and not is_temporary(name) and _is_image(folder / name) else ""
    suffix = os.path.splitext(name)[1].lower()
    if has_image_suffix(name) or suffix in _OTHER_SUFFIXES:
        return ""
    if suffix in UNREAD_SUFFIXES:
        return FORMAT
    return SUFFIX if _is_image(folder / name) else ""


def _is_image(path: Path) -> bool:
    """Whether a file is an image of a format that is read."""
    try:
        with path.open("rb") as file:
            if not file.read(4).startswith(_STARTS):
                return False
        image_size(path)
    except (ImageError, OSError):
        return False
    return True


def _deeper_images(folder: Path, sub_folder: Path) -> Iterator[str]:
    """Yields the images below a direct sub-folder's own."""
    for place, folders, files in os.walk(sub_folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if place != str(sub_folder):
            inside = os.path.relpath(place, folder)
            yield from (os.path.join(inside, name) for name in files if _looks_like_image(name))


def _looks_like_image(name: str) -> bool:
    return not is_hidden(name) and (has_image_suffix(name) or os.path.splitext(name)[1].lower() in UNREAD_SUFFIXES)
