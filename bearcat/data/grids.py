"""Image grids: cutting an image into rows × columns of cells, and finding the cells with a label."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from bearcat.core.errors import ImageError, SettingsError
from bearcat.data.codecs import Prediction
from bearcat.data.images import MIN_SIDE

NOTATION = "ROWSxCOLUMNS[+LEFT+TOP][+RIGHT+BOTTOM][~GAP]"
EXAMPLE = "2x4+5+41"
MAX_CELLS = 1000  # more are a mistake in writing; the service has a bound of its own
SHOWN = 80  # characters of what was written, in a message
_NOTATION = re.compile(
    r"(?P<rows>[0-9]{1,5})x(?P<columns>[0-9]{1,5})"
    r"(\+(?P<left>[0-9]{1,5})\+(?P<top>[0-9]{1,5}))?"
    r"(\+(?P<right>[0-9]{1,5})\+(?P<bottom>[0-9]{1,5}))?"
    r"(~(?P<gap>[0-9]{1,5}))?"
)

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Grid:
    """Equal cells that fill an image within its margins, `gap` apart. Margins and gap are in pixels.

    Raises:
        SettingsError: There are no cells or more than MAX_CELLS, or a margin is negative.
    """

    rows: int
    columns: int
    left: int = 0
    top: int = 0
    gap: int = 0
    right: int = 0
    bottom: int = 0

    def __post_init__(self):
        if min(self.rows, self.columns) < 1 or self.cells > MAX_CELLS:
            raise SettingsError(
                f"the grid has {self.rows} rows and {self.columns} columns: "
                f"expected at least 1 of each and at most {MAX_CELLS} cells, as in {EXAMPLE}"
            )
        if min(self.left, self.top, self.right, self.bottom, self.gap) < 0:
            raise SettingsError(f"the grid's margins and gap must be 0 or more pixels, got {self}")

    @property
    def cells(self) -> int:
        """The number of cells."""
        return self.rows * self.columns

    def __str__(self) -> str:
        """Returns the notation that `parse` reads, without the parts that are 0."""
        margins = [(self.left, self.top), (self.right, self.bottom)]
        while margins and not any(margins[-1]):
            margins.pop()
        offsets = "".join(f"+{x}+{y}" for x, y in margins)
        return f"{self.rows}x{self.columns}{offsets}" + (f"~{self.gap}" if self.gap else "")

    @classmethod
    def parse(cls, text: str) -> "Grid":
        """Parses ROWSxCOLUMNS[+LEFT+TOP][+RIGHT+BOTTOM][~GAP], such as 2x4+5+41.

        Raises:
            SettingsError: The text has another form.
        """
        found = _NOTATION.fullmatch(text.strip())
        if not found:
            raise SettingsError(
                f"{text[:SHOWN]!r} is not a grid: expected {NOTATION}, in pixels, as in {EXAMPLE} "
                "(2 rows of 4 cells that start 5 pixels from the left and 41 from the top)"
            )
        return cls(**{name: int(number) for name, number in found.groupdict(default="0").items()})

    def boxes_xyxy(self, width: int, height: int) -> list[Box]:
        """Returns the boxes (x0, y0, x1, y1) of the cells in reading order; x1 and y1 are exclusive.

        If the pixels do not divide evenly, cells differ by one pixel.

        Args:
            width: The width of the image in pixels.
            height: Its height.

        Raises:
            ImageError: The cells would be too small.
        """
        inner_width = width - self.left - self.right - self.gap * (self.columns - 1)
        inner_height = height - self.top - self.bottom - self.gap * (self.rows - 1)
        smallest = max(0, inner_width // self.columns), max(0, inner_height // self.rows)
        if min(smallest) < MIN_SIDE:
            raise ImageError(
                f"the image has {width}×{height} pixels, so the cells of the grid {self} would have "
                f"{smallest[0]}×{smallest[1]}: at least {MIN_SIDE}×{MIN_SIDE} are needed"
            )
        columns = _spans(self.left, inner_width, self.columns, self.gap)
        rows = _spans(self.top, inner_height, self.rows, self.gap)
        return [(x0, y0, x1, y1) for y0, y1 in rows for x0, x1 in columns]


def _spans(start: int, inner: int, count: int, gap: int) -> list[tuple[int, int]]:
    """Divides `inner` pixels from `start` on into `count` spans (first, one past the last), `gap` apart."""
    edges = [start + inner * number // count for number in range(count + 1)]
    return [(edges[number] + number * gap, edges[number + 1] + number * gap) for number in range(count)]


@dataclass(frozen=True)
class Cell:
    """A classified cell: its number from 1 in reading order, its centre in pixels, its label and confidence.

    `allowed` is that of its `Prediction`.
    """

    number: int
    centre: tuple[int, int]
    label: str
    confidence: float
    allowed: float = 1.0


def cut(image: Image.Image, grid: Grid) -> list[Image.Image]:
    """Cuts an image into its cells, in reading order; raises ImageError if they would be too small."""
    return [image.crop(box) for box in grid.boxes_xyxy(*image.size)]


def matching_cells(predictions: Sequence[Prediction], boxes: Sequence[Box], name: str) -> list[Cell]:
    """Returns the cells labelled `name`, or all of them if `name` is empty.

    Args:
        predictions: Of every cell, in reading order.
        boxes: The boxes of the cells (see `Grid.boxes_xyxy`).
        name: The label to find.
    """
    pairs = zip(predictions, boxes, strict=True)
    return [
        Cell(number, ((x0 + x1) // 2, (y0 + y1) // 2), one.text, one.confidence, one.allowed)
        for number, (one, (x0, y0, x1, y1)) in enumerate(pairs, start=1)
        if name in (one.text, "")
    ]
