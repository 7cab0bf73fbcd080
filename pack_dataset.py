"""Step 5: pack the images for training, as the network will see them.

What an image's pixels and its label are is not decided here: Image_Processing in utils.py says it for all steps.
Several processes or machines pack together: first --vocabulary-only, then each its --shard i/n, at last --join n.

Reads:  train_dataset, validation_dataset
Writes: train_pack_dataset, validation_pack_dataset (TFRecords; PACK_FOLDER may lay them elsewhere), num_classes.json,
        report/pack.json; with DATA_ENHANCEMENT train_enhance_dataset
Next:   python train.py
"""

import inspect
import time
from functools import partial
from types import SimpleNamespace

from bearcat.cli import Step, add_shard, echo, make_parser, open_step, run
from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import RecordError, SettingsError
from bearcat.core.storage import Place, RemotePath
from bearcat.core.workspace import Work
from bearcat.data.beam_packing import open_pipeline, run_shards
from bearcat.data.images import InputSpec
from bearcat.data.labels import LabelledImage
from bearcat.data.pack_parts import Part, agreed_on, join_parts, load_parts, make_part
from bearcat.data.tfrecord_index import INDEX, load_pack_index
from bearcat.data.vocabulary import Vocabulary
from bearcat.generation.shards import WHOLE, Shard, parse_count
from bearcat.modes import MODES, Task
from utils import Image_Processing, WriteTFRecord, boxed_data, read_data, vocabulary_of

SPLITS = ("train", "validation")

Data = dict[str, list[LabelledImage]]  # split → its images


def main() -> None:
    """Check all labels first, then pack, all or a share; what is damaged is named and left out."""
    parser = make_parser(__doc__)
    vocabulary_options = parser.add_mutually_exclusive_group()
    vocabulary_options.add_argument("--renew", action="store_true", help="make num_classes.json anew from the labels")
    vocabulary_options.add_argument("--extend", action="store_true", help="add new symbols to its end")
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--vocabulary-only", action="store_true", help="write num_classes.json and pack nothing")
    add_shard(ways, "pack only the i-th of n shares, beside the pack that is there")
    ways.add_argument("--join", metavar="n", type=parse_count, help="make one pack of n shares")
    ways.add_argument("--beam", metavar="n", type=parse_count, help="let Apache Beam pack n shares, and join them")
    parser.add_argument("--beam-options", metavar="TEXT", default="", help='such as "--runner=FlinkRunner …"; with =')
    step = open_step(parser)
    way = next((name for name in WAYS if getattr(step.arguments, name)), None)
    if MODES[step.settings.MODE].task is Task.DETECTION:
        return check_boxes(step, way)
    if step.arguments.beam_options and way != "beam":
        raise SettingsError("--beam-options go with --beam n")
    if way in OF_SHARES and (step.arguments.renew or step.arguments.extend):
        raise SettingsError("--renew and --extend go with --vocabulary-only, before any share is packed")
    return WAYS[way](step) if way else pack_all(step)


def pack_all(step: Step) -> None:
    """Make the vocabulary and the packs."""
    settings, work, started = step.settings, step.work, time.monotonic()
    data, writer = write_vocabulary(step)
    folders = pack_folders(work, settings)
    if any(isinstance(folder, RemotePath) for folder in folders.values()):
        # no storage renames a whole folder at once: there a pack is the one part of itself
        pack_share(work, settings, WHOLE)
        return join(step, data, writer, 1, started)
    if settings.DATA_ENHANCEMENT:
        data["train"] += enhance(work, settings, data["train"])
    start_tensorflow(use_gpu=False)
    counts = {split: writer.write(items, folders[split], settings.SEED).count for split, items in data.items()}
    finish(step, data, writer, counts, {"damaged": writer.damaged, "seconds": time.monotonic() - started})


def write_vocabulary(step: Step) -> tuple[Data, WriteTFRecord]:
    """Check all labels and write num_classes.json; return the images and what packs them."""
    settings, work, arguments = step.settings, step.work, step.arguments
    data = {split: read_data(work, split, settings.MODE) for split in SPLITS}
    labelled = [item for items in data.values() for item in items]
    vocabulary = vocabulary_of(labelled, work.vocabulary_file, settings.MODE, arguments.renew, arguments.extend)
    if arguments.extend:
        check_kind(pack_folders(work, settings)["train"], MODES[settings.MODE].task)
    writer = writer_of(settings, vocabulary)
    writer.check(labelled)
    vocabulary.save(work.vocabulary_file)
    return data, writer


def agree(step: Step) -> None:
    """Write the vocabulary that all who pack a share must have."""
    data, writer = write_vocabulary(step)
    tell_vocabulary(step.work, data, writer)
    step.next("python pack_dataset.py --shard 1/n", "and so on up to n/n, each by a process or a machine of its own")


def pack_given_share(step: Step) -> None:
    """Pack the share that the command line names."""
    shard = step.arguments.shard
    for split, part in pack_share(step.work, step.settings, shard).items():
        echo(f"{split}_pack_dataset: share {shard}, {part.count} images")
        for line in part.damaged:
            echo(f"Left out: {line}")
    step.next(f"python pack_dataset.py --join {shard.count}", f"when all {shard.count} shares are packed")


def pack_with_beam(step: Step) -> None:
    """Let Apache Beam's runner pack the shares, and join them."""
    pipeline, count, started = open_pipeline(step.arguments.beam_options), step.arguments.beam, time.monotonic()
    data, writer = write_vocabulary(step)
    run_shards(pipeline, partial(pack_share, step.work, step.settings), count)
    join(step, data, writer, count, started)


def pack_share(work: Work, settings: SimpleNamespace, shard: Shard) -> dict[str, Part]:
    """Pack every n-th image, and the changed copies of those, into files of the share's own; return what was made."""
    data = {split: read_data(work, split, settings.MODE) for split in SPLITS}
    writer = writer_of(settings, agreed_vocabulary(work))
    writer.check([item for items in data.values() for item in items])
    agreed = agreement(settings, data, writer)
    share = {split: shard.of(items) for split, items in data.items()}
    if settings.DATA_ENHANCEMENT:
        share["train"] += enhance(work, settings, share["train"])
    start_tensorflow(use_gpu=False)
    folders = pack_folders(work, settings)
    return {
        split: make_part(folder, shard, writer, share[split], settings.SEED, agreed)
        for split, folder in folders.items()
    }


def join_given(step: Step) -> None:
    """Make one pack of the shares, as many as the command line says."""
    started = time.monotonic()
    data = {split: read_data(step.work, split, step.settings.MODE) for split in SPLITS}
    join(step, data, writer_of(step.settings, agreed_vocabulary(step.work)), step.arguments.join, started)


def join(step: Step, data: Data, writer: WriteTFRecord, count: int, started: float) -> None:
    """Make one pack of `count` shares; raise RecordError where one is missing or does not fit the others."""
    agreed, folders = agreement(step.settings, data, writer), pack_folders(step.work, step.settings)
    parts = {split: load_parts(folder, count, agreed) for split, folder in folders.items()}
    counts = {
        split: join_parts(folder, parts[split], writer.fields(data[split])).count for split, folder in folders.items()
    }
    damaged = [line for of_split in parts.values() for part in of_split for line in part.damaged]
    finish(step, data, writer, counts, {"damaged": damaged, "seconds": time.monotonic() - started, "shares": count})


def finish(step: Step, data: Data, writer: WriteTFRecord, counts: dict[str, int], report: dict) -> None:
    """Say what was packed, and leave the report."""
    spec = writer.spec
    for split, count in counts.items():
        echo(f"{split}_pack_dataset: {count} images as {spec.height}×{spec.width}×{spec.channels}")
    for line in report["damaged"]:
        echo(f"Left out: {line}")
    tell_vocabulary(step.work, data, writer)
    characters = list(writer.codec.vocabulary.characters)
    seconds = round(report["seconds"], 3)
    report = {"pictures": counts, **report, "input": spec.as_dict(), "characters": characters, "seconds": seconds}
    step.write_report("pack", report)
    step.next("python train.py", "train on them; python models.py shows the network first")


def check_boxes(step: Step, way: str | None) -> None:
    """Check the images of EFFICIENTDET, which are trained on as they are, and write their class names."""
    work = step.work
    if way not in (None, "vocabulary_only"):
        raise SettingsError(f"MODE = {step.settings.MODE!r} packs nothing that could be shared: train.py reads images")
    data, vocabulary, damaged = boxed_data(work, step.arguments.renew, step.arguments.extend)
    vocabulary.save(work.vocabulary_file)
    for line in damaged:
        echo(f"Left out: {line}")
    echo(f"Vocabulary: {len(vocabulary.characters)} symbols in {work.vocabulary_file.name}; nothing needs to be packed")
    counts = {split: len(items) for split, items in data.items()}
    step.write_report(
        "pack", {"pictures": counts, "damaged": damaged, "characters": list(vocabulary.characters), "seconds": 0}
    )
    step.next("python train.py", "train on the images as they are")


def writer_of(settings: SimpleNamespace, vocabulary: Vocabulary) -> WriteTFRecord:
    """Return what packs images as the settings say."""
    return WriteTFRecord(InputSpec.from_settings(settings), settings.MODE, settings.CAPTCHA_LENGTH, vocabulary)


def pack_folders(work: Work, settings: SimpleNamespace) -> dict[str, Place]:
    """Return split → where its pack lies."""
    return {split: work.pack_folder(split, settings.PACK_FOLDER) for split in SPLITS}


def agreed_vocabulary(work: Work) -> Vocabulary:
    """Return the vocabulary that all shares have; raise RecordError where none was agreed on."""
    file = work.vocabulary_file
    if not file.is_file():
        raise RecordError(
            f"{file} is not there, which all shares must have: python pack_dataset.py --vocabulary-only writes it"
        )
    return Vocabulary.load(file)


def agreement(settings: SimpleNamespace, data: Data, writer: WriteTFRecord) -> dict[str, object]:
    """Return what all shares must have in common."""
    shared = {"SEED": settings.SEED, "DATA_ENHANCEMENT": settings.DATA_ENHANCEMENT, "kind of label": writer.codec.task}
    return agreed_on(writer.spec, writer.codec.vocabulary, shared, inspect.getsource(Image_Processing), data)


def check_kind(folder: Place, unit: str) -> None:
    """Raise RecordError where the pack that is there has symbols of another kind, to which none can be added."""
    if (folder / INDEX).is_file():
        load_pack_index(folder).check_unit(folder, unit)


def tell_vocabulary(work: Work, data: Data, writer: WriteTFRecord) -> None:
    """Say how many symbols there are, which only the validation's labels have, and which no label has."""
    characters, symbols_of = writer.codec.vocabulary.characters, writer.codec.symbols
    echo(f"Vocabulary: {len(characters)} symbols in {work.vocabulary_file.name}")
    known, asked = ({s for item in data[split] for s in symbols_of(item.label)} for split in SPLITS)
    if unseen := sorted(asked - known):
        echo(f"In validation but never in training, so never learnt: {' '.join(unseen)}")
    if added := sorted(set(characters) - known - asked):
        echo(f"In no label, but likely to come, as so many others came just once: {' '.join(added)}")


def enhance(work: Work, settings: SimpleNamespace, images: list[LabelledImage]) -> list[LabelledImage]:
    """Return the changed copies of the training's images, written where they are lacking."""
    folder, count = work.folder("train_enhance_dataset"), settings.DATA_ENHANCEMENT
    copies = Image_Processing.preprosess_save_images(images, folder, count, settings.SEED)
    echo(f"{folder.name}: {len(copies)} changed copies, packed with the {len(images)} images of train_dataset")
    return copies


OF_SHARES = {"shard": pack_given_share, "join": join_given}
WAYS = {"vocabulary_only": agree, "beam": pack_with_beam} | OF_SHARES

if __name__ == "__main__":
    run(main)
