"""The labels of the data sets, as their checks look at them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bearcat.data.codecs import TextCodec
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.tables import find_label_table
from bearcat.data.labels.text import fold_case
from bearcat.data.vocabulary import BLANK
from bearcat.modes import Task
from bearcat.reports.dataset.checks import short_path


@dataclass(frozen=True)
class Labels:
    """The labels of the data sets.

    Args:
        sets: 'train', 'validation', 'test' → its labelled images.
        task: TEXT or CLASSIFICATION.
    """

    sets: Mapping[str, Sequence[LabelledImage]]
    task: Task

    @cached_property
    def items(self) -> list[LabelledImage]:
        """The labelled images of all sets."""
        return [item for items in self.sets.values() for item in items]

    @cached_property
    def texts(self) -> list[str]:
        """The label of each of them."""
        return [item.label for item in self.items]

    @cached_property
    def symbols(self) -> list[tuple[str, ...]]:
        """The characters of each label."""
        return [TextCodec.symbols(text) for text in self.texts]

    @cached_property
    def tables(self) -> list[Path]:
        """The label tables of the sets."""
        found = (find_label_table(_data_set(items[0])) for items in self.sets.values() if items)
        return [table for table in found if table]

    def are_from_names(self, items: Iterable[LabelledImage]) -> bool:
        """Whether labels are the part of the file name before the first `_`."""
        return not self.tables and all(
            not item.inside
            and fold_case(item.path.name.partition(BLANK)[0].strip()) == fold_case((item.written or item.label).strip())
            for item in items
        )


def _data_set(item: LabelledImage) -> Path:
    return item.path.parents[len(Path(item.inside).parts)]


def describe_label(item: LabelledImage) -> str:
    """Returns a file with its label: train_dataset/1.png: '42'."""
    return f"{short_path(item.path)}: {item.label!r}"


def describe_labels(items: Iterable[LabelledImage]) -> tuple[str, ...]:
    """Returns the files with their labels, for a finding."""
    return tuple(map(describe_label, items))
