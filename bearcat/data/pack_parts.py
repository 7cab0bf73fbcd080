"""A pack in parts that several processes or machines make at once, and how the parts become one pack.

Every part's files lie in the pack's folder under names of their own, and no file that a pack's index names is ever
changed: until the parts are joined, the pack of before is whole. TensorFlow is imported only by what writes records.
"""

import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from bearcat.core.errors import DataError, RecordError
from bearcat.core.files import PART, check_fields, parse_json
from bearcat.core.storage import Place, reached, save_json
from bearcat.data.images import InputSpec
from bearcat.data.labels import LabelledImage
from bearcat.data.tfrecord_index import INDEX, PackIndex
from bearcat.data.vocabulary import Vocabulary
from bearcat.generation.shards import Shard

AGAIN = "run python pack_dataset.py --shard"
PARTS = "part-*.json"
FILES = (
    "pack-*.tfrecord",
    PARTS,
    f".pa*{PART}*",
    f"pa*.json{PART}",
)  # all that packing leaves in a folder, but for the index


@dataclass(frozen=True)
class Part:
    """What one of several makers of a pack has made; written last, so that a part without it is none."""

    count: int
    files: list[str]
    damaged: list[str]  # images that were left out, in words
    agreed: dict[str, object]  # what → its value, or a hash of it: the same in all parts of a pack


def agreed_on(
    spec: InputSpec,
    vocabulary: Vocabulary,
    settings: dict[str, object],
    code: str,
    data: dict[str, list[LabelledImage]],
) -> dict[str, object]:
    """Return what all makers of a pack's parts must have in common, under the words that a refusal names it by.

    `settings` are those that change what is packed, `code` is what makes pixels and labels of files.
    """
    listed = [[split, [[item.name, item.label] for item in items]] for split, items in data.items()]
    return {
        "input size": str(spec),
        "vocabulary": list(vocabulary.characters),
        **settings,
        "Image_Processing in utils.py": _hash(code),
        "set of images and labels": _hash(json.dumps(listed)),
    }


def _hash(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8"), digest_size=16).hexdigest()


def part_file(folder: Place, shard: Shard) -> Place:
    """Return the file that says what a part holds."""
    return folder / f"part-{shard.name}.json"


def make_part(
    folder: Place, shard: Shard, writer, data: list[LabelledImage], seed: int, agreed: dict[str, object]
) -> Part:
    """Let utils.WriteTFRecord pack a share's images into files of its own; return what was made."""
    known = len(writer.damaged)
    files, count = _write_files(folder, shard, writer.records(data, folder, seed), len(data))
    part = Part(count, files, writer.damaged[known:], agreed)
    save_json(part_file(folder, shard), asdict(part))
    if not all((folder / name).is_file() for name in files):
        raise RecordError(
            f"{folder}: --join took away what share {shard} had just made. Pack first, join last: {AGAIN} {shard}"
        )
    return part


def _write_files(folder: Place, shard: Shard, records: Iterable, total: int) -> tuple[list[str], int]:
    """Stream records, of at most `total` images, into a part's files; return their names and how many records.

    The names have a hash of what is in them, so that another part of that number replaces nothing.
    """
    from bearcat.data.tfrecords import encode_record, file_count, write_files

    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(digest_size=4)

    def serialised() -> Iterator[bytes]:
        for record in records:
            data = encode_record(record)
            digest.update(data)
            yield data

    own = secrets.token_hex(4)  # Beam may let two workers make one share
    beside = [folder / f".pack-{shard.name}-{own}-{number:05d}{PART}" for number in range(file_count(total))]
    try:
        with reached(folder):
            count = write_files(beside, serialised())
        names = [f"pack-{shard.name}-{digest.hexdigest()}-{number:05d}.tfrecord" for number in range(len(beside))]
        names = names[:count]  # where less was whole than there are files, the last ones are empty
        for file, name in zip(beside, names, strict=False):
            file.replace(folder / name)
    finally:
        for file in beside:
            file.unlink(missing_ok=True)  # of a run that failed: a full disk needs the room
    return names, count


def load_parts(folder: Place, count: int, agreed: dict[str, object]) -> list[Part]:
    """Read the parts of a pack that is made in `count` of them.

    Raises RecordError that names all the parts that are missing, or the first that does not fit what is to be packed.
    """
    shards = Shard.all_of(count)
    parts = {shard: _load_part(folder, shard) for shard in shards}
    if missing := [shard for shard in shards if parts[shard] is None]:
        raise RecordError(f"{folder} lacks part {', '.join(map(str, missing))}: {AGAIN} {missing[0]}")
    for shard, part in parts.items():
        if other := [what for what in agreed if part.agreed.get(what) != agreed[what]]:
            raise RecordError(f"{part_file(folder, shard)} was made with another {', '.join(other)}: {AGAIN} {shard}")
    return list(parts.values())


def _load_part(folder: Place, shard: Shard) -> Part | None:
    """Return a part, None where it or a file of it is not there."""
    file = part_file(folder, shard)
    try:
        part = Part(**parse_json(file.read_text(encoding="utf-8-sig")))
        check_fields(part)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError) as error:
        raise RecordError(f"{file} is damaged or of another version ({error}): {AGAIN} {shard}") from None
    return part if all((folder / name).is_file() for name in part.files) else None


def join_parts(folder: Place, parts: list[Part], of_all: dict) -> PackIndex:
    """Make one pack of parts by an index that names their files, then take away what it does not name.

    `of_all` holds the fields of PackIndex that all records share. Raises DataError where no image was whole.
    """
    files = [name for part in parts for name in part.files]
    if not files:
        raise DataError(f"not one image for {folder} could be read: python cheak_file.py names the damaged ones")
    index = PackIndex(count=sum(part.count for part in parts), shards=files, **of_all)
    save_json(folder / INDEX, asdict(index))
    kept = {*files, *(part_file(folder, shard).name for shard in Shard.all_of(len(parts)))}
    for old in [path for pattern in FILES for path in folder.glob(pattern) if path.name not in kept]:
        old.unlink(missing_ok=True)
    return index
