"""The three doors to the workshop: Image_Processing, WriteTFRecord and Predict_Image.

What people change by hand stands here and is short: how an image becomes pixels (extraction_image) and where its
label comes from (extraction_label). Packing, testing and serving all go through these doors.
"""

import random
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.artifacts.card import find_units
from bearcat.artifacts.inference import choose_unit, load_recogniser
from bearcat.core.errors import ArtifactError, DataError, ImageError, LabelError
from bearcat.core.progress import map_in_threads, show_progress
from bearcat.core.storage import Place
from bearcat.core.workspace import LABEL_FOLDER, Work
from bearcat.data.box_labels import BoxLabels, check_size, read_boxes
from bearcat.data.codecs import Prediction, check_label, make_codec
from bearcat.data.grids import Cell, Grid, cut, matching_cells
from bearcat.data.images import InputSpec, Source, extract_pixels, open_image
from bearcat.data.labels import LabelledImage, label_of_name, labelled_images, refuse_sub_folders
from bearcat.data.offline_augmentation import enhanced_copies, is_enhanced
from bearcat.data.tfrecord_index import fields_of_all
from bearcat.data.vocabulary import Vocabulary
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_found, save_image
from bearcat.modes import MODES, Task
from bearcat.serving.answers import answer_of


class Image_Processing:
    """Images and labels as files hold them."""

    @staticmethod
    def extraction_image(source: Source, spec: InputSpec) -> np.ndarray:
        """Return what the network sees of an image: uint8 pixels (height, width, channels).

        Change this for images that want cleaning first; then run pack_dataset.py again.
        """
        return extract_pixels(source, spec)

    @staticmethod
    def extraction_label(path: Path) -> str:
        """Return the label in a file's name: what stands before the first `_`.

        Change this for names of another form. It is not asked where a labels.csv, .tsv or .txt lies beside the
        images, nor for an image in a sub-folder (train_dataset/cat/1.png), which is labelled `cat`.
        """
        return label_of_name(path)

    @staticmethod
    def extraction_boxes(path: Path, label_folder: Path) -> BoxLabels:
        """Return what an image shows, and where: from its VOC or YOLO file, beside it or in the label folder."""
        return read_boxes(path, label_folder)

    @staticmethod
    def extraction_data(folder: Path, label_folder: Path | None = None) -> list[LabelledImage]:
        """Return the images of a folder with their labels, boxes where there is a label folder.

        Raises DataError where any has none.
        """
        if label_folder is None:
            return labelled_images(folder, Image_Processing.extraction_label)
        return labelled_images(folder, partial(Image_Processing.extraction_boxes, label_folder=label_folder), False)

    @staticmethod
    def preprosess_save_images(data: list[LabelledImage], folder: Path, count: int, seed: int) -> list[LabelledImage]:
        """Write `count` changed copies of each image into a folder, those that are there left as they are.

        Returns the copies with their images' labels; a damaged image has none. The images are not touched.
        """

        def write(item: LabelledImage) -> list[LabelledImage]:
            try:
                copies = enhanced_copies(item.path, folder / item.inside, count, seed)
            except ImageError:
                return []  # packing names it
            return [LabelledImage(path, item.label, item.inside) for path in copies]

        originals = [item for item in data if not is_enhanced(item.path)]
        copies = show_progress(map_in_threads(write, originals), len(originals), f"writing {folder.name}")
        return [copy for of_one in copies for copy in of_one]

    @staticmethod
    def cut_grid(image: Source, grid: Grid) -> list[Image.Image]:
        """Return the cells of an image in reading order; raise ImageError where they would be too small."""
        return cut(open_image(image), grid)


class WriteTFRecord:
    """Packs the images of a work into TFRecords."""

    def __init__(self, spec: InputSpec, mode: str, captcha_length: int, vocabulary: Vocabulary):
        self.spec = spec
        self.codec = make_codec(mode, vocabulary, captcha_length)
        self.damaged: list[str] = []

    def check(self, data: list[LabelledImage]) -> None:
        """Raise LabelError, naming the file, for a label that the mode cannot learn; the longest come first."""
        for item in sorted(data, key=lambda item: -len(item.label)):
            check_label(item.label, self.codec, str(item.path))

    def fields(self, data: list[LabelledImage]) -> dict[str, object]:
        """Return what the index of a pack of these images says of all of them."""
        return fields_of_all(self.spec, self.codec, [item.label for item in data])

    def write(self, data: list[LabelledImage], folder: Path, seed: int):
        """Pack shuffled images into `folder` and return the pack's index; damaged ones are named and left out."""
        from bearcat.data.tfrecords import write_pack

        return write_pack(folder, self.records(data, folder, seed), len(data), self.fields(data))

    def records(self, data: list[LabelledImage], folder: Place, seed: int) -> Iterator:
        """Yield the records of shuffled images under a bar; damaged ones are named and left out."""
        data = random.Random(seed).sample(data, len(data))
        images = show_progress(map_in_threads(self._record, data), len(data), f"packing {folder.name}")
        return self._whole(images)

    def _record(self, item: LabelledImage):
        from bearcat.data.tfrecords import Record

        try:
            pixels = Image_Processing.extraction_image(item.path, self.spec)
        except ImageError as error:
            return error
        return Record(pixels, item.label, item.name, self.codec.encode(item.label))

    def _whole(self, images: Iterator) -> Iterator:
        for image in images:
            if isinstance(image, ImageError):
                self.damaged.append(str(image))
            else:
                yield image


class Predict_Image:
    """Reads images with a trained unit of App_model; testing and serving call this class."""

    def __init__(self, app_model: Path, name: str = ""):
        """Load the unit of that name, or the only one in the folder; raise ArtifactError where there is none."""
        app_model = Path(app_model)
        path = choose_unit(find_units(app_model), name, app_model)
        self.name = path.stem
        self.recogniser = load_recogniser(path, Image_Processing.extraction_image)

    def predict(self, image: Source) -> Prediction:
        """Read one image; raise ImageError where it cannot be opened."""
        return self.recogniser.read(image)

    def predict_grid(self, image: Source, grid: Grid, name: str = "") -> list[Cell]:
        """Return the cells of an image that show `name`; all of them where no name is given.

        Raises ImageError where the image cannot be opened or its cells would be too small.
        """
        opened = open_image(image)
        predictions = self.recogniser.read_batch(cut(opened, grid))
        pairs = [(prediction.text, prediction.confidence) for prediction in predictions]
        return matching_cells(pairs, grid.boxes_xyxy(*opened.size), name)

    def predict_image(self, path: Path, drawing: Path | None = None) -> str:
        """Read an image file, print what it says and how sure that is, and return it.

        `drawing` names a file for the image with what was found, its boxes and names drawn in (EFFICIENTDET).
        """
        prediction = self.predict(Path(path))
        print(f"{Path(path).name}: {prediction.text} ({prediction.confidence:.1%})")
        if drawing and not isinstance(prediction, Detections):
            raise ArtifactError(f"{self.name} reads {self.recogniser.card.mode}, which finds no boxes to draw")
        if drawing:
            save_image(draw_found(open_image(Path(path)), prediction), Path(drawing))
        return prediction.text

    def api(self, image: bytes, **options: object) -> dict:
        """Read an image's bytes and return the service's answer, without its return code.

        With a `grid` (see Grid.parse) the result is the list of its cells that show `name`; with a `prompt` the
        answer holds the points to click in its order (see Detections.points).
        Raises RequestOptionError for options that this unit has no use for.
        """
        return answer_of(self, image, **options)


def read_data(work: Work, split: str, mode: str) -> list[LabelledImage]:
    """Return the labelled images of a work's split, 'train', 'validation' or 'test', as a mode needs them.

    Raises DataError where any has no label, or texts are to be read and an image lies in a sub-folder.
    """
    unit, folder = MODES[mode].task, work.data_folder(split)
    data = Image_Processing.extraction_data(folder, work.folder(LABEL_FOLDER) if unit == Task.DETECTION else None)
    if unit == Task.TEXT:
        refuse_sub_folders(data, folder, mode)
    return data


def vocabulary_of(data: list[LabelledImage], file: Path, mode: str, renew: bool, extend: bool) -> Vocabulary:
    """Return the vocabulary of the data; a new one of characters has those too that few labels lack by chance.

    Raises LabelError where num_classes.json holds another one, unless it is to be made anew (`renew`) or to take what
    is new at its end (`extend`, which keeps the order of the old).
    """
    symbols_of = MODES[mode].symbols
    found = Vocabulary.of_symbols(symbols_of(item.label) for item in data)
    if not found.characters:
        raise DataError("all labels are empty")
    of_characters = MODES[mode].task is Task.TEXT
    if renew or not file.is_file():
        return found.completed(Counter(s for item in data for s in item.label)) if of_characters else found
    known = Vocabulary.load(file)
    if extend:
        return known.extended(found)
    if known.covers(found) if of_characters else set(known.characters) == set(found.characters):
        return known
    stranger = next((item for item in data if not set(symbols_of(item.label)) <= set(known.characters)), None)
    where = f"\nfor example {stranger.path}" if stranger else ""
    raise LabelError(
        f"the labels do not fit {file} ({known.difference(found)}){where}\n"
        "Mend the labels, or add what is new (a training goes on): python pack_dataset.py --extend; "
        "or make a new vocabulary: python pack_dataset.py --renew"
    )


def boxed_data(work: Work, renew: bool, extend: bool) -> tuple[dict[str, list[LabelledImage]], Vocabulary, list[str]]:
    """Return split → images with boxes, their vocabulary (see vocabulary_of), and the damaged images in words."""
    data = {split: read_data(work, split, "EFFICIENTDET") for split in ("train", "validation")}
    everything = [item for items in data.values() for item in items]
    vocabulary = vocabulary_of(everything, work.vocabulary_file, "EFFICIENTDET", renew, extend)
    opened = show_progress(map_in_threads(_damage, everything), len(everything), "looking at the images")
    damage = {item.path: words for item, words in opened if words}
    whole = {split: [item for item in items if item.path not in damage] for split, items in data.items()}
    for split, items in whole.items():
        if not items:
            raise DataError(f"not one image in {work.data_folder(split)} can be read: {next(iter(damage.values()))}")
    return whole, vocabulary, list(damage.values())


def _damage(item: LabelledImage) -> tuple[LabelledImage, str]:
    """Return what is wrong with an image and its boxes, '' where nothing is."""
    try:
        check_size(item.label, open_image(item.path).size, item.path)
    except (ImageError, LabelError) as error:
        return item, str(error)
    return item, ""
