"""Step 5: pack the pictures for training, as the network will see them.

Reads:  train_dataset, validation_dataset
Writes: train_pack_dataset, validation_pack_dataset (TFRecords), num_classes.json, report/pack.json
Next:   python train.py
"""

import time

from bearcat.command_line import make_parser, open_step, run, tell
from bearcat.devices import start_tensorflow
from bearcat.images import InputSpec
from utils import Image_Processing, WriteTFRecord, vocabulary_of

SPLITS = ("train", "validation")


def main() -> None:
    """Check all labels first, then pack; what is damaged is named and left out."""
    parser = make_parser(__doc__)
    parser.add_argument("--renew", action="store_true", help="make num_classes.json anew from the labels")
    step = open_step(parser)
    settings, work = step.settings, step.work
    data = {split: Image_Processing.extraction_data(work.data_folder(split)) for split in SPLITS}
    labelled = [item for items in data.values() for item in items]
    vocabulary = vocabulary_of(labelled, work.vocabulary_file, step.arguments.renew)
    spec = InputSpec(settings.IMAGE_HEIGHT, settings.IMAGE_WIDTH, settings.IMAGE_CHANNALS)
    writer = WriteTFRecord(spec, settings.MODE, settings.CAPTCHA_LENGTH, vocabulary)
    writer.check(labelled)
    vocabulary.save(work.vocabulary_file)
    start_tensorflow(use_gpu=False)
    counts, started = {}, time.monotonic()
    for split, items in data.items():
        counts[split] = writer.write(items, work.pack_folder(split), settings.SEED).count
        tell(f"{split}_pack_dataset: {counts[split]} pictures as {spec.height}×{spec.width}×{spec.channels}")
    for line in writer.damaged:
        tell(f"Left out: {line}")
    tell(f"Vocabulary: {len(vocabulary.characters)} characters in {work.vocabulary_file.name}")
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


if __name__ == "__main__":
    run(main)
