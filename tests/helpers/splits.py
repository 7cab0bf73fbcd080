"""A folder of small files in place of images, split and put back by the library's functions."""

from collections.abc import Collection
from pathlib import Path

from bearcat.data.labels.reading import list_images, name_in
from bearcat.data.split_journal import SplitFolders, finish_split, run_split
from bearcat.data.splitting import Split, plan_split


class ImageFolder:
    """A folder of images, each with its own content, and the folders that it is split into."""

    def __init__(self, root: Path, images: int = 0, classes: dict[str, int] | None = None):
        self.root, self.folder = root, root / "train_dataset"
        self.targets = {split: root / f"{split}_dataset" for split in ("validation", "test")}
        self.sets = SplitFolders(self.folder, self.targets, root / "report" / "split_journal.json")
        self.folder.mkdir(parents=True)
        names = [f"ab_{number:03}.png" for number in range(images)]
        names += [f"{name}/{number}.png" for name, count in (classes or {}).items() for number in range(count)]
        for content, name in enumerate(names):
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(str(content))
        self.class_of = {name: name.partition("/")[0] for name in names}

    def plan(
        self,
        fraction: float = 0.1,
        seed: int = 0,
        class_of: dict[str, str] | None = None,
        chosen: Collection[str] = (),
    ) -> Split:
        return plan_split(self.folder, self.targets, fraction, seed, class_of, chosen=chosen)

    def run(self, split: Split) -> None:
        run_split(split, self.sets)

    def finish(self) -> Split | None:
        return finish_split(self.sets)

    def names(self, folder: Path) -> list[str]:
        return [name_in(folder, path) for path in list_images(folder)]

    def contents(self) -> list[int]:
        """Contents of all images: 0, 1, 2 … if each of them exists exactly once."""
        return sorted(int(path.read_text()) for folder in self.folders for path in list_images(folder))

    @property
    def folders(self) -> list[Path]:
        return [self.folder, *self.targets.values()]

    def files(self) -> dict[str, bytes]:
        """Returns path → bytes of all files, and of empty folders."""
        found = [path for folder in self.folders for path in folder.rglob("*")]
        kept = [path for path in found if path.is_file() or not any(path.iterdir())]
        return {path.relative_to(self.root).as_posix(): path.read_bytes() if path.is_file() else b"" for path in kept}
