"""Step 5: pack the pictures for training, as the network will see them.

What a picture's pixels and its label are is not decided here: Image_Processing in utils.py says it for all steps.

Reads:  train_dataset, validation_dataset
Writes: train_pack_dataset, validation_pack_dataset (TFRecords), num_classes.json, report/pack.json;
        with DATA_ENHANCEMENT train_enhance_dataset
Next:   python train.py
"""

import time
from pathlib import Path

from bearcat.annotations import LabelledImage
from bearcat.command_line import Step, make_parser, open_step, run, tell
from bearcat.devices import start_tensorflow
from bearcat.images import InputSpec
from bearcat.label_codecs import CODECS
from bearcat.packs import INDEX, load_pack_index
from utils import Image_Processing, WriteTFRecord, boxed_data, read_data, vocabulary_of

SPLITS = ("train", "validation")


def main() -> None:
    """Check all labels first, then pack; what is damaged is named and left out."""
    parser = make_parser(__doc__)
    vocabulary_options = parser.add_mutually_exclusive_group()
    vocabulary_options.add_argument("--renew", action="store_true", help="make num_classes.json anew from the labels")
    vocabulary_options.add_argument("--extend", action="store_true", help="add new symbols to its end")
    step = open_step(parser)
    settings, work = step.settings, step.work
    if CODECS[settings.MODE].unit == "box":
        return check_boxes(step)
    data = {split: read_data(work, split, settings.MODE) for split in SPLITS}
    labelled = [item for items in data.values() for item in items]
    vocabulary = vocabulary_of(
        labelled, work.vocabulary_file, settings.MODE, step.arguments.renew, step.arguments.extend
    )
    spec = InputSpec.from_settings(settings)
    if step.arguments.extend:
        check_kind(work.pack_folder("train"), CODECS[settings.MODE].unit)
    writer = WriteTFRecord(spec, settings.MODE, settings.CAPTCHA_LENGTH, vocabulary)
    writer.check(labelled)
    if settings.DATA_ENHANCEMENT:
        data["train"] += enhance(step, data["train"])
    vocabulary.save(work.vocabulary_file)
    start_tensorflow(use_gpu=False)
    counts, started = {}, time.monotonic()
    for split, items in data.items():
        counts[split] = writer.write(items, work.pack_folder(split), settings.SEED).count
        tell(f"{split}_pack_dataset: {counts[split]} pictures as {spec.height}×{spec.width}×{spec.channels}")
    for line in writer.damaged:
        tell(f"Left out: {line}")
    tell(f"Vocabulary: {len(vocabulary.characters)} symbols in {work.vocabulary_file.name}")
    tell_gaps(data, vocabulary.characters, CODECS[settings.MODE].symbols)
    step.write_report(
        "pack",
        {
            "pictures": counts,
            "damaged": writer.damaged,
            "input": spec.as_dict(),
            "characters": list(vocabulary.characters),
            "seconds": round(time.monotonic() - started, 3),
        },
    )
    step.next("python train.py", "train on them; python models.py shows the network first")


def check_boxes(step: Step) -> None:
    """Check the pictures of EFFICIENTDET, which are trained on as they are, and write their class names."""
    work = step.work
    data, vocabulary, damaged = boxed_data(work, step.arguments.renew, step.arguments.extend)
    vocabulary.save(work.vocabulary_file)
    for line in damaged:
        tell(f"Left out: {line}")
    tell(f"Vocabulary: {len(vocabulary.characters)} symbols in {work.vocabulary_file.name}; nothing needs to be packed")
    counts = {split: len(items) for split, items in data.items()}
    step.write_report(
        "pack", {"pictures": counts, "damaged": damaged, "characters": list(vocabulary.characters), "seconds": 0}
    )
    step.next("python train.py", "train on the pictures as they are")


def check_kind(folder: Path, unit: str) -> None:
    """Raise RecordError where the pack that is there has symbols of another kind, to which none can be added."""
    if (folder / INDEX).is_file():
        load_pack_index(folder).check_unit(folder, unit)


def tell_gaps(data: dict[str, list[LabelledImage]], symbols: list[str], symbols_of) -> None:
    """Say which symbols only the validation's labels have, and which of the vocabulary no label has."""
    known, asked = ({s for item in data[split] for s in symbols_of(item.label)} for split in SPLITS)
    if unseen := sorted(asked - known):
        tell(f"In validation but never in training, so never learnt: {' '.join(unseen)}")
    if added := sorted(set(symbols) - known - asked):
        tell(f"In no label, but likely to come, as so many others came just once: {' '.join(added)}")


def enhance(step: Step, pictures: list[LabelledImage]) -> list[LabelledImage]:
    """Return the changed copies of the training's pictures, written where they are lacking."""
    folder, count = step.work.folder("train_enhance_dataset"), step.settings.DATA_ENHANCEMENT
    copies = Image_Processing.preprosess_save_images(pictures, folder, count, step.settings.SEED)
    tell(f"{folder.name}: {len(copies)} changed copies, packed with the {len(pictures)} pictures of train_dataset")
    return copies


if __name__ == "__main__":
    run(main)
