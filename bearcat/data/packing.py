"""Packing: from the labelled images of a work to its vocabulary and its packs, on this machine or with Apache Beam.

Beam is an optional extra (requirements-beam.txt) that only `--beam` imports.
"""

import json
import os
import random
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bearcat.core.devices import start_tensorflow
from bearcat.core.errors import BlankImageError, DataError, ImageError, LabelError, NoImagesError, SettingsError
from bearcat.core.names import show_name
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.core.storage import Place, remove
from bearcat.core.workspace import ROOT, UNLABELLED, Work
from bearcat.data.codecs import LabelCodec, Task, TextCodec, check_label
from bearcat.data.frames import FIRST
from bearcat.data.images import ImageKinds, InputSpec, is_blank, is_blank_input, open_frames, open_image
from bearcat.data.labels.boxes import check_size
from bearcat.data.labels.direction import choose_direction
from bearcat.data.labels.reading import ImageProcessing, LabelledImage, load_split
from bearcat.data.labels.unlabelled import choose_unlabelled
from bearcat.data.layouts.arrangement import LINE
from bearcat.data.tfrecord_index import (
    TFRecordIndex,
    check_replaceable,
    list_pack_files,
    new_prefix,
    publish,
    remove_pack,
    shard_names,
)
from bearcat.data.vocabulary import Vocabulary

if TYPE_CHECKING:
    from bearcat.data.tfrecords import Record

SPLITS = ("train", "validation")

Splits = dict[str, list[LabelledImage]]  # split → its images


def vocabulary_for(
    data: Sequence[LabelledImage], file: Path, codec: LabelCodec, renew: bool = False, extend: bool = False
) -> Vocabulary:
    """Returns the vocabulary of the labels.

    Args:
        data: The labelled images.
        file: num_classes.json, whose vocabulary is kept if it fits.
        codec: Says what the entries of the vocabulary are.
        renew: Make a new vocabulary; one of characters is completed, see `Vocabulary.completed`.
        extend: Append new entries to the existing vocabulary, so that the others keep their indices.

    Raises:
        LabelError: The labels do not fit the existing vocabulary.
        DataError: All labels are empty.
    """
    is_text = codec.task is Task.TEXT
    known = None if renew or not file.is_file() else Vocabulary.load(file)
    symbols = [codec.symbols(item.label) for item in data]
    found = Vocabulary.of_symbols(symbols)
    if not found.characters:
        raise DataError("all labels are empty")
    if known is None:
        vocabulary = found.completed(Counter(chain.from_iterable(symbols))) if is_text else found
    elif extend:
        vocabulary = known.extended(found)
    else:
        _check_fit(found, known, file, data, codec)
        vocabulary = known
    return replace(vocabulary, direction=choose_direction(item.label for item in data)) if is_text else vocabulary


def _check_fit(
    found: Vocabulary, known: Vocabulary, file: Path, data: Sequence[LabelledImage], codec: LabelCodec
) -> None:
    """Raises LabelError if the vocabulary of the labels is not the known one of `file`."""
    if known.covers(found) if codec.task is Task.TEXT else set(known.characters) == set(found.characters):
        return
    unknown = next((item for item in data if not set(codec.symbols(item.label)) <= set(known.characters)), None)
    example = f"\nfor example {unknown.path}" if unknown else ""
    raise LabelError(
        f"the labels do not fit {file} ({known.difference(found)}){example}\n"
        "Correct the labels; or add the new entries: python pack_dataset.py --extend (to keep what an earlier training "
        "learnt, then python init_working_space.py --go-on); or make a new vocabulary: python pack_dataset.py --renew"
    )


def load_splits(
    work: Work,
    mode: str,
    processing: ImageProcessing,
    codec: LabelCodec,
    renew: bool = False,
    extend: bool = False,
    ignore_case: bool = False,
) -> tuple[Splits, Vocabulary]:
    """Loads the training and validation images with their labels.

    Args:
        work: The work.
        mode: The value of MODE.
        processing: `utils.Image_Processing`.
        codec: The codec of the mode.
        renew: See `vocabulary_for`.
        extend: See `vocabulary_for`.
        ignore_case: See `load_split`.

    Returns:
        The images by split, and the vocabulary.

    Raises:
        DataError: There are no images, or one has no label.
        LabelError: See `load_split` and `vocabulary_for`.
    """
    data = {split: load_split(work, split, mode, processing, ignore_case) for split in SPLITS}
    items = [item for of_split in data.values() for item in of_split]
    vocabulary = vocabulary_for(items, work.vocabulary_file, codec, renew, extend)
    return data, replace(vocabulary, ignore_case=ignore_case and codec.task is Task.TEXT)


def load_boxed_splits(
    work: Work,
    processing: ImageProcessing,
    codec: LabelCodec,
    renew: bool = False,
    extend: bool = False,
    frames: str = FIRST,
) -> tuple[Splits, Vocabulary, list[str]]:
    """Loads the images of EFFICIENTDET as `load_splits` does and checks them; they are trained on without packing.

    Returns:
        The images by split, the vocabulary, and a message for each image that was left out: a damaged one, or a blank
        one with objects.

    Raises:
        DataError: There are no images, one has no label, or all of a split are damaged.
        LabelError: See `vocabulary_for`.
    """
    data, vocabulary = load_splits(work, "EFFICIENTDET", processing, codec, renew, extend)
    items = [item for of_split in data.values() for item in of_split]
    find_damage = partial(_find_damage, frames=frames)
    checked = show_progress(map_in_threads(find_damage, items), len(items), "checking the images")
    damage = {item.path: message for item, message in checked if message}
    undamaged = {split: [item for item in of_split if item.path not in damage] for split, of_split in data.items()}
    for split, of_split in undamaged.items():
        if not of_split:
            raise DataError(f"no image in {work.data_folder(split)} can be read: {next(iter(damage.values()))}")
    return undamaged, vocabulary, list(damage.values())


def _find_damage(item: LabelledImage, frames: str) -> tuple[LabelledImage, str]:
    try:
        image = open_image(item.path, frames)
        check_size(item.label, image.size, item.path)
    except (ImageError, LabelError) as error:
        return item, str(error)
    return item, explain_blank(item.path, frames) if item.label.names and is_blank(image) else ""


def explain_blank(path: Path, frames: str) -> str:
    """Returns the message for an image in which nothing can be seen."""
    message = f"{show_name(path)} is blank: all of its pixels have one colour, so nothing can be read from it"
    further = open_frames(path)[0]
    if all(map(is_blank, further)):
        return message
    if len(further) == 1:
        return f"{message} after Image_Processing.extraction_image in utils.py, which got an image that shows something"
    return f"{message} with FRAMES = {frames!r}, but it has {len(further)} frames: python cheak_file.py suggests FRAMES"


class Packer:
    """Packs labelled images into TFRecords; the steps use its subclass `utils.WriteTFRecord`.

    Args:
        spec: Size of the packed images.
        codec: Turns labels into targets.
        processing: `utils.Image_Processing`, which turns files into pixels.

    Attributes:
        left_out: The error of each image that was left out: it could not be read, or it is blank and no class.
        blank: The blank images of classes, which were packed; not known if Beam packs.
    """

    def __init__(self, spec: InputSpec, codec: TextCodec, processing: ImageProcessing):
        self.spec, self.codec, self.processing = spec, codec, processing
        self.left_out: list[ImageError] = []
        self.blank: list[Path] = []

    @property
    def damaged(self) -> list[str]:
        """A message for each image that was left out."""
        return list(map(str, self.left_out))

    def check(self, data: Sequence[LabelledImage]) -> None:
        """Checks the labels, the longest first, before any image is read.

        Raises:
            LabelError: The mode cannot learn a label; the message names its file.
            SettingsError: The texts run from right to left, and LAYOUT is for others.
        """
        if self.spec.layout != LINE and self.codec.vocabulary.direction:
            raise SettingsError(
                f"LAYOUT = {self.spec.layout!r} is not for right-to-left texts, whose parts it would put in the wrong "
                f"order: set LAYOUT = {LINE!r}"
            )
        for item in sorted(data, key=lambda item: -len(item.label)):
            check_label(item.label, self.codec, str(item.path))

    def describe(self, data: Sequence[LabelledImage]) -> TFRecordIndex:
        """The index of a pack of these images, before it is written."""
        kinds = ImageKinds.of_files([item.path for item in data])
        return TFRecordIndex.for_labels(self.spec, self.codec, [item.label for item in data], kinds)

    def write_splits(
        self, data: Splits, folders: Mapping[str, Place], seed: int, pipeline: Any = None
    ) -> dict[str, TFRecordIndex]:
        """Packs the splits of a work on this machine or, with a pipeline of `open_pipeline`, with Beam.

        Args:
            data: Split → images.
            folders: Split → its pack.
            seed: Seed of the order of the images.
            pipeline: An empty Beam pipeline, or None.

        Returns:
            Split → the index of its pack.

        Raises:
            NoImagesError: No image of a split could be read.
            RecordError: A folder holds files that packing did not write, or cannot be reached.
        """
        start_tensorflow(use_gpu=False)
        if pipeline is not None:
            return pack_with_beam(self, data, folders, seed, pipeline)
        return {split: self.write(items, folders[split], seed) for split, items in data.items()}

    def write(self, data: Sequence[LabelledImage], folder: Place, seed: int) -> TFRecordIndex:
        """Packs the images of one split on this machine; see `write_splits`."""
        from bearcat.data.tfrecords import write_pack

        return write_pack(folder, self._records(shuffled(data, seed), folder), len(data), self.describe(data))

    def record(self, item: LabelledImage) -> "Record":
        """Reads an image and its target, which is empty if the label is.

        Raises:
            BlankImageError: The image is blank, and of no class.
            ImageError: The image is damaged.
        """
        from bearcat.data.tfrecords import Record

        pixels = self.processing.extraction_image(item.path, self.spec)
        if is_blank_input(pixels, item.path, self.spec):
            # to show nothing may be what a class is about, but never what a text is
            if self.codec.task is Task.TEXT or not item.label:
                raise BlankImageError(explain_blank(item.path, self.spec.frames))
            self.blank.append(item.path)
        return Record(pixels, item.label, item.name, self.codec.encode(item.label) if item.label else [])

    def _records(self, data: Sequence[LabelledImage], folder: Place) -> Iterator["Record"]:
        """Reads the images in threads, under a progress bar, and sets damaged ones aside."""

        def read(item: LabelledImage) -> "Record | ImageError":
            try:
                return self.record(item)
            except ImageError as error:
                return error

        for record in show_progress(map_in_threads(read, data), len(data), f"packing {folder.name}"):
            if isinstance(record, ImageError):
                self.left_out.append(record)
            else:
                yield record


@dataclass(frozen=True)
class UnlabelledPack:
    """What became of the images of unlabelled_dataset.

    Args:
        pictures: The number of images in the pack; without any there is no pack.
        labelled: The names of those left out because a labelled data set has them too, byte for byte.
        repeated: The names of those left out because their bytes are those of another one.
        blank: A message for each that was left out because nothing can be seen in it.
        damaged: A message for each that could not be read.
    """

    pictures: int
    labelled: list[str]
    repeated: list[str]
    blank: list[str]
    damaged: list[str]

    def as_dict(self) -> dict[str, object]:
        """Returns what report/pack.json says."""
        return asdict(self)

    def left_out(self) -> Iterator[str]:
        """Yields a line for each reason for which images were left out."""
        for reason, what in WHY_LEFT_OUT.items():
            if names := getattr(self, reason):
                yield f"Left out of {UNLABELLED}, {what}: {len(names)} images, the first: {names[0]}"


# attribute of UnlabelledPack → why its images were left out
WHY_LEFT_OUT = {
    "labelled": "since a labelled data set has them too",
    "repeated": "since they repeat others",
    "blank": "since they are blank",
    "damaged": "since they cannot be read",
}


def pack_unlabelled(packer: Packer, work: Work, folder: Place, seed: int) -> UnlabelledPack:
    """Packs the images of unlabelled_dataset on this machine; their records have an empty label and no target.

    Args:
        packer: Packs nothing else.
        work: The work.
        folder: The pack, which is removed if no image can be packed.
        seed: Seed of the order of the images.

    Raises:
        RecordError: The folder holds files that packing did not write, or cannot be reached.
    """
    images = choose_unlabelled(work)
    data = [LabelledImage(path, "") for path in images.usable]
    try:
        count = packer.write_splits({UNLABELLED: data}, {UNLABELLED: folder}, seed)[UNLABELLED].count if data else 0
    except NoImagesError:
        count = 0
    if not count:
        remove_pack(folder)
    labelled, repeated = ([show_name(path.name) for path in paths] for paths in (images.labelled, images.repeated))
    blank = sorted(str(error) for error in packer.left_out if isinstance(error, BlankImageError))
    damaged = sorted(str(error) for error in packer.left_out if not isinstance(error, BlankImageError))
    return UnlabelledPack(count, labelled, repeated, blank, damaged)


def shuffled(data: Sequence[LabelledImage], seed: int) -> list[LabelledImage]:
    """Returns the images in a random order."""
    return random.Random(seed).sample(data, len(data))


def open_pipeline(options: str) -> Any:
    """Opens an empty Apache Beam pipeline.

    Args:
        options: Beam's options as on a command line; '' for its local runner.

    Raises:
        SettingsError: Beam is not installed, or has no such runner.
    """
    try:
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions
    except ImportError:
        raise SettingsError("--beam needs Apache Beam: pip install -r requirements-beam.txt") from None
    # for worker processes that a runner starts on this machine
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    try:
        return beam.Pipeline(options=PipelineOptions(shlex.split(options)))
    except ValueError as error:
        raise SettingsError(f"--beam-options {options}: {error}") from None


def pack_with_beam(
    packer: Packer, data: Splits, folders: Mapping[str, Place], seed: int, pipeline: Any
) -> dict[str, TFRecordIndex]:
    """Packs all splits in one Beam pipeline; see `Packer.write_splits`.

    The shards get new names next to those of the old packs, which stay valid until the pipeline has finished. The
    images are listed in a seeded random order, but a runner may process them in another: the records are those of
    `Packer.write`, their distribution over the shards and their order in a shard may differ from run to run.
    """
    prefix = new_prefix()
    for folder in folders.values():
        check_replaceable(folder)
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with pipeline:
            for split, items in data.items():
                _add_split(pipeline, split, packer, shuffled(items, seed), folders[split], prefix)
        indices = {split: _load_outcome(packer, items, folders[split], prefix) for split, items in data.items()}
    except BaseException:
        for path in (path for folder in folders.values() for path in list_pack_files(folder)):
            if prefix in path.name:
                remove(path)
        raise
    for split, index in indices.items():
        publish(folders[split], index)
    return indices


def _add_split(
    pipeline: Any, split: str, packer: Packer, items: Sequence[LabelledImage], folder: Place, prefix: str
) -> None:
    """Adds the steps of a split to a pipeline: list → images → records → shards, count and messages."""
    import apache_beam as beam
    from apache_beam.io.filesystems import FileSystems

    part = f"{folder}/beam-{prefix}"
    # a file: the description of a pipeline may be too small for millions of images
    with FileSystems.create(f"{part}-images") as file:
        for item in items:
            file.write(json.dumps([str(item.path), item.label, item.inside]).encode("ascii") + b"\n")
    records, damaged = (
        pipeline
        | f"list {split}" >> beam.io.ReadFromText(f"{part}-images")
        | f"distribute {split}" >> beam.Reshuffle()
        | f"encode {split}" >> beam.FlatMap(partial(_encode, packer=packer)).with_outputs("damaged", main="records")
    )
    shards = len(shard_names(prefix, len(items)))
    records | f"write {split}" >> beam.io.WriteToTFRecord(
        f"{folder}/{prefix}", file_name_suffix=".tfrecord", num_shards=shards
    )
    for name, lines in (("count", records | f"count {split}" >> beam.combiners.Count.Globally()), ("damaged", damaged)):
        lines | f"write {name} of {split}" >> beam.io.WriteToText(f"{part}-{name}", shard_name_template="")


def _encode(line: str, packer: Packer) -> Iterator[Any]:
    """Yields the serialised record of a listed image or, for a damaged one, its message as the output "damaged"."""
    from apache_beam.pvalue import TaggedOutput

    from bearcat.data.tfrecords import encode_record

    path, label, inside = json.loads(line)
    try:
        yield encode_record(packer.record(LabelledImage(Path(path), label, inside)))
    except ImageError as error:
        yield TaggedOutput("damaged", json.dumps(str(error)))


def _load_outcome(packer: Packer, items: Sequence[LabelledImage], folder: Place, prefix: str) -> TFRecordIndex:
    """Reads the count and the messages that a pipeline left."""
    count, damaged = (
        (folder / f"beam-{prefix}-{name}").read_text(encoding="utf-8").splitlines() for name in ("count", "damaged")
    )
    packer.left_out += map(ImageError, sorted(map(json.loads, damaged)))
    return packer.describe(items).with_records(int(count[0]), shard_names(prefix, len(items)), folder)
