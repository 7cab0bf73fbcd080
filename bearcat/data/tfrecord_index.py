"""The index of a pack, pack.json: what the TFRecords hold, and whether it fits the settings. Free of TensorFlow.

The index is written last, so a folder without it is not a pack, and files that it does not name are not part of it.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch

from bearcat.core.errors import NoImagesError, RecordError
from bearcat.core.files import check_types, parse_json
from bearcat.core.storage import Place, remove, save_json
from bearcat.data.codecs import TEXT_CODECS, Task, TextCodec
from bearcat.data.images import UNKNOWN_KINDS, ImageKinds, InputSpec
from bearcat.data.vocabulary import Vocabulary

INDEX = "pack.json"
RECORDS_PER_SHARD = 8192
RUN_PACKING = "run python pack_dataset.py"
RENEW = f"{RUN_PACKING} --renew"
# what packing leaves in a folder besides the index; the last two also match files of earlier versions
PACK_FILES = ("pack-*.tfrecord", "beam-*", "part-*.json", ".pa*.part*", "pa*.json.part")
IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}  # made by file managers


@dataclass(frozen=True)
class TFRecordIndex:
    """What a pack holds.

    Args:
        spec: Size of the images.
        characters: The vocabulary.
        task: What an entry of the vocabulary is.
        longest_label: Length of the longest label, in symbols.
        steps_needed: Mode → number of positions or time steps that the longest label needs.
        count: Number of records; 0 before they are written.
        shards: Names of the files.
        direction: Order of the symbols in the targets, see `Vocabulary`.
        ignore_case: Whether the labels were folded to lower case.
        kinds: The sizes and colours of the image files.
        shortest_label: Length of the shortest label; 0 in packs of earlier versions.
    """

    spec: InputSpec
    characters: list[str]
    task: Task
    longest_label: int
    steps_needed: dict[str, int]
    count: int = 0
    shards: list[str] = field(default_factory=list)
    direction: str = ""
    ignore_case: bool = False
    kinds: ImageKinds = UNKNOWN_KINDS
    shortest_label: int = 0

    @classmethod
    def for_labels(
        cls, spec: InputSpec, codec: TextCodec, labels: Iterable[str], kinds: ImageKinds = UNKNOWN_KINDS
    ) -> "TFRecordIndex":
        """Describes a pack of images with these labels, sizes and colours, before its records are written."""
        # of classes, the figures say what the names would need as texts
        texts = [codec.arrange(label) if codec.task is Task.TEXT else tuple(label) for label in labels]
        return cls(
            spec=spec,
            characters=list(codec.vocabulary.characters),
            task=codec.task,
            longest_label=max(map(len, texts)),
            steps_needed={mode: max(map(other.steps_needed, texts)) for mode, other in TEXT_CODECS.items()},
            direction=codec.vocabulary.direction,
            ignore_case=codec.vocabulary.ignore_case,
            kinds=kinds,
            shortest_label=min(map(len, texts)),
        )

    @classmethod
    def from_dict(cls, values: dict) -> "TFRecordIndex":
        """Reads the keys of pack.json; raises ValueError or TypeError if they are not as `to_dict` writes them."""
        values = dict(values)
        try:
            spec, kinds = InputSpec.take_from(values), ImageKinds.take_from(values)
            index = cls(spec=spec, task=Task(values.pop("unit")), kinds=kinds, **values)
        except KeyError as error:
            raise ValueError(f"{error} is missing") from None
        for record in (spec, index):
            check_types(record)
        return index

    def to_dict(self) -> dict[str, object]:
        """The keys of pack.json."""
        return {
            "count": self.count,
            "shards": self.shards,
            **self.spec.as_dict(),
            "characters": self.characters,
            "unit": self.task,
            "longest_label": self.longest_label,
            "steps_needed": self.steps_needed,
            **({"direction": self.direction} if self.direction else {}),
            **({"ignore_case": True} if self.ignore_case else {}),
            **self.kinds.as_dict(),
            **({"shortest_label": self.shortest_label} if self.shortest_label else {}),
        }

    def with_records(self, count: int, shards: list[str], folder: Place) -> "TFRecordIndex":
        """Returns the index with its number of records and its shards; raises NoImagesError if the number is 0."""
        if not count:
            raise NoImagesError(
                f"no image for {folder} could be read: python cheak_file.py lists damaged and blank ones"
            )
        return replace(self, count=count, shards=shards)

    def check_task(self, folder: Place, task: Task) -> None:
        """Raises RecordError if the pack holds text and the mode needs classes, or the other way round."""
        if self.task != task:
            raise RecordError(
                f"{folder} has one vocabulary entry per {self.task}, the mode needs one per {task}: {RENEW}"
            )


def load_index(folder: Place) -> TFRecordIndex:
    """Reads a pack's index; raises RecordError if the pack is missing or damaged."""
    try:
        index = TFRecordIndex.from_dict(parse_json((folder / INDEX).read_text(encoding="utf-8-sig")))
    except FileNotFoundError:
        raise RecordError(f"{folder} holds no pack: {RUN_PACKING}") from None
    except (ValueError, TypeError) as error:
        raise RecordError(f"{folder / INDEX} is damaged or of another version ({error}): {RUN_PACKING}") from None
    missing = [name for name in index.shards if not (folder / name).is_file()]
    if missing or not index.count:
        raise RecordError(f"{folder} lacks {', '.join(missing) or 'records'}: {RUN_PACKING}")
    return index


def load_unlabelled_index(folder: Place, spec: InputSpec) -> TFRecordIndex | None:
    """Reads the index of the pack of unlabelled_dataset; None if nothing was packed.

    Raises:
        RecordError: The pack is damaged, or its images are not as the spec says.
    """
    if not (folder / INDEX).is_file():
        return None
    index = load_index(folder)
    _check_spec(folder, index, spec)
    return index


def check_pack(folder: Place, index: TFRecordIndex, spec: InputSpec, vocabulary: Vocabulary, task: Task) -> None:
    """Raises RecordError if a pack was made for another input size, vocabulary, order of symbols, case or task."""
    _check_spec(folder, index, spec)
    index.check_task(folder, task)
    if index.ignore_case != vocabulary.ignore_case:
        raise RecordError(
            f"{folder} was packed with IGNORE_CASE = {index.ignore_case}, it is {vocabulary.ignore_case} now: {RENEW}"
        )
    if tuple(index.characters) != vocabulary.characters:
        raise RecordError(f"{folder} was packed with another vocabulary than num_classes.json has: {RUN_PACKING}")
    if index.direction != vocabulary.direction:
        raise RecordError(f"{folder} was packed when symbols had another order than in the other pack: {RUN_PACKING}")


def _check_spec(folder: Place, index: TFRecordIndex, spec: InputSpec) -> None:
    if index.spec != spec:
        raise RecordError(f"{folder} holds images of {index.spec}, the settings ask for {spec}: {RUN_PACKING}")


def check_extendable(folder: Place, task: Task) -> None:
    """Raises RecordError if a pack exists and is of another task, to whose vocabulary nothing can be appended."""
    if (folder / INDEX).is_file():
        load_index(folder).check_task(folder, task)


def check_replaceable(folder: Place) -> None:
    """Raises RecordError if a pack's folder holds files that packing did not write, since packing would delete them."""
    names = {path.name for path in folder.glob("*")} - {INDEX} - IGNORED
    if foreign := sorted(name for name in names if not any(fnmatch(name, pattern) for pattern in PACK_FILES)):
        raise RecordError(
            f"{folder} holds {', '.join(foreign[:3])}, which packing did not write but would delete: move it"
        )


def list_pack_files(folder: Place) -> list[Place]:
    """Lists what packing has written to a folder besides the index."""
    return [path for pattern in PACK_FILES for path in folder.glob(pattern)]


def remove_pack(folder: Place) -> None:
    """Deletes what packing has written to a folder, the index first."""
    for path in [folder / INDEX, *list_pack_files(folder)]:
        remove(path)


def shard_names(prefix: str, total: int) -> list[str]:
    """Names the shards of a pack for an expected number of records."""
    count = max(1, -(-total // RECORDS_PER_SHARD))
    return [f"{prefix}-{number:05d}-of-{count:05d}.tfrecord" for number in range(count)]


def new_prefix() -> str:
    """Returns a prefix for shards that are written next to those of the old pack."""
    return f"pack-{secrets.token_hex(4)}"


def publish(folder: Place, index: TFRecordIndex) -> None:
    """Makes files that were written next to those of an old pack the new pack, and deletes the old ones."""
    save_json(folder / INDEX, index.to_dict())
    for path in list_pack_files(folder):
        if path.name not in index.shards:
            remove(path)
