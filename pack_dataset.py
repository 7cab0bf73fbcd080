"""Step 5: pack the images for training, as the network will see them.

Image_Processing in utils.py decides what the pixels and the label of an image are, here as in all other steps.
--beam packs with Apache Beam (requirements-beam.txt) on any of its runners. Its workers need this folder, the work and
PACK_FOLDER under the same paths.

Reads:  train_dataset, validation_dataset; unlabelled_dataset, and test_dataset, whose images it leaves out of that
Writes: train_pack_dataset, validation_pack_dataset, unlabelled_pack_dataset (TFRecords; or in PACK_FOLDER),
        num_classes.json, report/pack.json; with DATA_ENHANCEMENT train_enhance_dataset
Next:   python train.py
"""

import time
from types import SimpleNamespace

from bearcat.cli import Step, echo, make_parser, open_step, run
from bearcat.core.errors import SettingsError
from bearcat.core.names import show_name
from bearcat.core.workspace import UNLABELLED, UNLABELLED_PACK, UNLABELLED_SPLIT, Work
from bearcat.data.images import InputSpec
from bearcat.data.labels.left_out import files_left_out
from bearcat.data.labels.reading import LabelledImage
from bearcat.data.labels.unlabelled import list_unlabelled
from bearcat.data.packing import SPLITS, Splits, load_boxed_splits, load_splits, open_pipeline, pack_unlabelled
from bearcat.data.tfrecord_index import check_extendable, remove_pack
from bearcat.data.vocabulary import Vocabulary
from bearcat.modes import MODES, Task, why_not_self_trained
from bearcat.reports.dataset.folder_checks import check_tables
from bearcat.reports.dataset.label_checks import check_labels, describe_finding, refuse_one_label
from utils import Image_Processing, WriteTFRecord


def main() -> None:
    """Checks all labels first, then packs; damaged and blank images are listed and left out."""
    parser = make_parser(__doc__)
    vocabulary = parser.add_mutually_exclusive_group()
    vocabulary.add_argument("--renew", action="store_true", help="make a new num_classes.json from the labels")
    vocabulary.add_argument("--extend", action="store_true", help="append new entries to num_classes.json")
    parser.add_argument("--beam", nargs="?", const=0, type=int, metavar="N", help="pack with Apache Beam; N is ignored")
    parser.add_argument(
        "--beam-options", metavar="TEXT", default="", help="Beam's options, such as --beam-options=--runner=FlinkRunner"
    )
    step = open_step(parser)
    if step.arguments.beam_options and step.arguments.beam is None:
        raise SettingsError("--beam-options need --beam")
    if step.arguments.beam:
        echo(f"--beam {step.arguments.beam}: the number is no longer needed, Beam's runner divides the work")
    for split in SPLITS:
        for left_out in files_left_out(step.work.data_folder(split)):
            echo(f"Warning: {left_out}")
    for left_out in files_left_out(step.work.folder(UNLABELLED), with_sub_folders=False):
        echo(f"Warning: {left_out}")
    if MODES[step.settings.MODE].task is Task.DETECTION:
        check_boxes(step)
    else:
        pack(step)


def pack(step: Step) -> None:
    """Writes the vocabulary and the packs."""
    settings, work, arguments, started = step.settings, step.work, step.arguments, time.monotonic()
    pipeline = open_pipeline(arguments.beam_options) if arguments.beam is not None else None
    folders = {split: work.pack_folder(split, settings.PACK_FOLDER) for split in SPLITS}
    codec = MODES[settings.MODE].codec
    data, vocabulary = load_splits(
        work, settings.MODE, Image_Processing, codec, arguments.renew, arguments.extend, settings.IGNORE_CASE
    )
    echo_findings(work, data, codec.task)
    if arguments.extend:
        check_extendable(folders["train"], codec.task)
    writer = WriteTFRecord(InputSpec.from_settings(settings), settings.MODE, settings.CAPTCHA_LENGTH, vocabulary)
    writer.check([item for items in data.values() for item in items])
    vocabulary.save(work.vocabulary_file)
    if settings.DATA_ENHANCEMENT:
        data["train"] += augment(work, settings, data["train"])
    # first: after a kill between the two, no image that is labelled by now is in the pack of unlabelled ones
    unlabelled = pack_unlabelled_images(step, vocabulary)
    indices = writer.write_splits(data, folders, settings.SEED, pipeline)
    counts = {split: index.count for split, index in indices.items()}
    for split, count in counts.items():
        echo(f"{split}_pack_dataset: {count} images as {writer.spec}")
    echo_damaged(writer.damaged)
    if writer.blank:
        count, first = len(writer.blank), show_name(min(writer.blank))
        echo(f"Blank, but packed, since a class may look like that: {count} images, the first: {first}")
    echo_vocabulary(work, data, writer)
    more = {"input": writer.spec.as_dict(), **({"unlabelled": unlabelled} if unlabelled else {})}
    write_report(step, counts, writer.damaged, vocabulary, time.monotonic() - started, **more)
    step.next("python train.py", "train on them; python models.py shows the network first")


def echo_findings(work: Work, data: Splits, task: Task) -> None:
    """Prints what is wrong with the labels; raises LabelError if they are all the same."""
    findings = check_labels(data, task) + check_tables(work, data, task)
    refuse_one_label(findings)
    for finding in findings:
        for line in describe_finding(finding):
            echo(line)


def augment(work: Work, settings: SimpleNamespace, images: list[LabelledImage]) -> list[LabelledImage]:
    """Writes the augmented copies of the training images and returns them."""
    folder = work.folder("train_enhance_dataset")
    copies = Image_Processing.preprosess_save_images(
        images, folder, settings.DATA_ENHANCEMENT, settings.SEED, settings.FRAMES
    )
    echo(f"{folder.name}: {len(copies)} augmented copies, packed with the {len(images)} images of train_dataset")
    return copies


def pack_unlabelled_images(step: Step, vocabulary: Vocabulary) -> dict[str, object]:
    """Packs unlabelled_dataset for self-training and returns its part of the report, which is empty without images."""
    settings, work = step.settings, step.work
    folder, images = work.pack_folder(UNLABELLED_SPLIT, settings.PACK_FOLDER), list_unlabelled(work)
    unused = why_not_self_trained(settings.MODE, settings.SELF_TRAIN)
    if not images or unused:
        remove_pack(folder)
        if images:
            echo(f"{UNLABELLED}: {len(images)} images are not used: {unused}")
        return {}
    writer = WriteTFRecord(InputSpec.from_settings(settings), settings.MODE, settings.CAPTCHA_LENGTH, vocabulary)
    packed = pack_unlabelled(writer, work, folder, settings.SEED)
    echo(f"{UNLABELLED_PACK}: {packed.pictures} images without labels as {writer.spec}")
    for line in packed.left_out():
        echo(line)
    return packed.as_dict()


def echo_damaged(damaged: list[str]) -> None:
    """Prints which images were left out."""
    for message in damaged:
        echo(f"Left out: {message}")


def echo_vocabulary(work: Work, data: Splits, writer: WriteTFRecord) -> None:
    """Prints the size of the vocabulary, and which entries cannot be learnt or are in no label."""
    characters, symbols = writer.codec.vocabulary.characters, writer.codec.symbols
    echo(f"Vocabulary: {len(characters)} symbols in {work.vocabulary_file.name}")
    if writer.codec.vocabulary.direction:
        echo("Right-to-left letters: labels are read, and texts predicted, in the order in which one types them")
    if writer.codec.vocabulary.ignore_case:
        echo("IGNORE_CASE = True: labels are read, and texts predicted, in lower case")
    trained, validated = ({s for item in data[split] for s in symbols(item.label)} for split in SPLITS)
    if unseen := sorted(validated - trained):
        echo(f"In validation labels only, so they cannot be learnt: {' '.join(unseen)}")
    if added := sorted(set(characters) - trained - validated):
        echo(f"In no label, but added because other characters are rare: {' '.join(added)}")


def check_boxes(step: Step) -> None:
    """Checks the images of EFFICIENTDET, which are trained on as they are, and writes their class names."""
    work, arguments = step.work, step.arguments
    if arguments.beam is not None:
        raise SettingsError(
            f"MODE = {step.settings.MODE!r} packs nothing, with --beam or without: train.py reads images"
        )
    codec = MODES[step.settings.MODE].codec
    data, vocabulary, damaged = load_boxed_splits(
        work, Image_Processing, codec, arguments.renew, arguments.extend, step.settings.FRAMES
    )
    vocabulary.save(work.vocabulary_file)
    echo_damaged(damaged)
    echo(f"Vocabulary: {len(vocabulary.characters)} symbols in {work.vocabulary_file.name}; nothing needs to be packed")
    write_report(step, {split: len(items) for split, items in data.items()}, damaged, vocabulary, seconds=0)
    if images := list_unlabelled(work):
        echo(f"{UNLABELLED}: {len(images)} images are not used: {why_not_self_trained(step.settings.MODE, True)}")
    step.next("python train.py", "train on the images as they are")


def write_report(
    step: Step, counts: dict[str, int], damaged: list[str], vocabulary: Vocabulary, seconds: float, **more: object
) -> None:
    """Writes report/pack.json."""
    characters = list(vocabulary.characters)
    report = {"pictures": counts, "damaged": damaged, **more, "characters": characters, "seconds": round(seconds, 3)}
    step.write_report("pack", report)


if __name__ == "__main__":
    run(main)
