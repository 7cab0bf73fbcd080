"""The index of a pack of TFRecords: what it holds, and whether it fits the settings. Free of TensorFlow."""

from collections.abc import Iterable
from dataclasses import dataclass

from bearcat.core.errors import RecordError
from bearcat.core.files import check_fields, parse_json
from bearcat.core.storage import Place
from bearcat.data.codecs import TEXT_CODECS
from bearcat.data.images import InputSpec

INDEX = "pack.json"
AGAIN = "run python pack_dataset.py"
RENEW = f"{AGAIN} --renew"


@dataclass(frozen=True)
class PackIndex:
    """What a pack holds; written last, so that a folder without it is no pack."""

    count: int
    shards: list[str]
    height: int
    width: int
    channels: int
    characters: list[str]  # the vocabulary's symbols
    unit: str  # what they are: characters or classes
    longest_label: int
    steps_needed: dict[str, int]  # mode → positions or time steps that the longest label takes

    @property
    def spec(self) -> InputSpec:
        return InputSpec(self.height, self.width, self.channels)

    def check_unit(self, folder: Place, unit: str) -> None:
        """Raise RecordError where the pack's symbols are characters and classes are needed, or the other way round."""
        if self.unit != unit:
            raise RecordError(f"{folder} has one symbol a {self.unit}, the mode needs one a {unit}: {RENEW}")


def fields_of_all(spec: InputSpec, codec, labels: Iterable[str]) -> dict[str, object]:
    """Return the fields of PackIndex that all records share."""
    labels = list(labels)
    return {
        **spec.as_dict(),
        "characters": list(codec.vocabulary.characters),
        "unit": codec.task,
        "longest_label": max(map(len, labels)),
        "steps_needed": {mode: max(map(other.steps_needed, labels)) for mode, other in TEXT_CODECS.items()},
    }


def load_pack_index(folder: Place) -> PackIndex:
    """Read a pack's index; raise RecordError where the pack is missing or damaged."""
    try:
        index = PackIndex(**parse_json((folder / INDEX).read_text(encoding="utf-8-sig")))
        check_fields(index)
    except FileNotFoundError:
        raise RecordError(f"{folder} holds no pack: {AGAIN}") from None
    except (ValueError, TypeError) as error:
        raise RecordError(f"{folder / INDEX} is damaged or of another version ({error}): {AGAIN}") from None
    missing = [name for name in index.shards if not (folder / name).is_file()]
    if missing or not index.count:
        raise RecordError(f"{folder} lacks {', '.join(missing) or 'records'}: {AGAIN}")
    return index


def check_pack(folder: Place, index: PackIndex, spec: InputSpec, characters: tuple[str, ...], unit: str) -> None:
    """Raise RecordError where a pack was made for another input size, another vocabulary or another kind of label."""
    if index.spec != spec:
        raise RecordError(f"{folder} holds {index.spec}, the settings ask for {spec}: {AGAIN}")
    index.check_unit(folder, unit)
    if tuple(index.characters) != characters:
        raise RecordError(f"{folder} was packed with another vocabulary than num_classes.json holds: {AGAIN}")
