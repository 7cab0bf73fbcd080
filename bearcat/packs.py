"""The index of a pack of TFRecords: what it holds, and whether it fits the settings. Free of TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

from bearcat.errors import RecordError
from bearcat.fields import check_fields
from bearcat.files import read_json
from bearcat.images import InputSpec

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

    def check_unit(self, folder: Path, unit: str) -> None:
        """Raise RecordError where the pack's symbols are characters and classes are needed, or the other way round."""
        if self.unit != unit:
            raise RecordError(f"{folder} has one symbol a {self.unit}, the mode needs one a {unit}: {RENEW}")


def load_pack_index(folder: Path) -> PackIndex:
    """Read a pack's index; raise RecordError where the pack is missing or damaged."""
    try:
        index = PackIndex(**read_json(folder / INDEX))
        check_fields(index)
    except FileNotFoundError:
        raise RecordError(f"{folder} holds no pack: {AGAIN}") from None
    except (ValueError, TypeError) as error:
        raise RecordError(f"{folder / INDEX} is damaged or of another version ({error}): {AGAIN}") from None
    missing = [name for name in index.shards if not (folder / name).is_file()]
    if missing or not index.count:
        raise RecordError(f"{folder} lacks {', '.join(missing) or 'records'}: {AGAIN}")
    return index


def check_pack(folder: Path, index: PackIndex, spec: InputSpec, characters: tuple[str, ...], unit: str) -> None:
    """Raise RecordError where a pack was made for another input size, another vocabulary or another kind of label."""
    if index.spec != spec:
        raise RecordError(f"{folder} holds {index.spec}, the settings ask for {spec}: {AGAIN}")
    index.check_unit(folder, unit)
    if tuple(index.characters) != characters:
        raise RecordError(f"{folder} was packed with another vocabulary than num_classes.json holds: {AGAIN}")
