"""Images with a bar of ink, for tests of data sets."""

from pathlib import Path

from PIL import Image

RED = (255, 0, 0)
GREEN = (0, 130, 0)  # as light as RED: both are grey 76


def draw_bar(
    folder: Path,
    name: str,
    size: tuple[int, int] = (40, 20),
    ink: tuple[int, ...] = (0, 0, 0),
    paper: tuple[int, ...] = (255, 255, 255),
) -> None:
    """Writes an image with a bar of ink."""
    folder.mkdir(exist_ok=True)
    image = Image.new("RGB", size, paper)
    image.paste(ink, (size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2))
    image.save(folder / name)
