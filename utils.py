"""The three doors to the workshop: Image_Processing, WriteTFRecord and Predict_Image.

What people change by hand stands here and is short: how a picture becomes pixels (extraction_image) and where its
label comes from (extraction_label). Packing, testing and serving all go through these doors.
"""

import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bearcat.annotations import LabelledImage, label_of_name, labelled_images
from bearcat.artifact import find_units
from bearcat.errors import DataError, ImageError, LabelError
from bearcat.images import InputSpec, Source, extract_pixels
from bearcat.inference import OnnxEngine, Recogniser, choose_unit
from bearcat.label_codecs import CODECS, Reading, check_label, make_codec
from bearcat.progress import map_in_threads, show_progress
from bearcat.vocabulary import Vocabulary


class Image_Processing:
    """Pictures and labels as files hold them."""

    @staticmethod
    def extraction_image(source: Source, spec: InputSpec) -> np.ndarray:
        """Return what the network sees of a picture: uint8 pixels (height, width, channels)."""
        return extract_pixels(source, spec)

    @staticmethod
    def extraction_label(path: Path) -> str:
        """Return the label in a file's name: what stands before the first `_`."""
        return label_of_name(path)

    @staticmethod
    def extraction_data(folder: Path) -> list[LabelledImage]:
        """Return the pictures of a folder with their labels; raise DataError where any has none."""
        return labelled_images(folder, Image_Processing.extraction_label)


class WriteTFRecord:
    """Packs the pictures of a work into TFRecords."""

    def __init__(self, spec: InputSpec, mode: str, captcha_length: int, vocabulary: Vocabulary):
        self.spec = spec
        self.codec = make_codec(mode, vocabulary, captcha_length)
        self.damaged: list[str] = []

    def check(self, data: list[LabelledImage]) -> None:
        """Raise LabelError, naming the file, for a label that the mode cannot learn; the longest come first."""
        for item in sorted(data, key=lambda item: -len(item.label)):
            check_label(item.label, self.codec, str(item.path))

    def write(self, data: list[LabelledImage], folder: Path, seed: int):
        """Pack shuffled pictures into `folder` and return the pack's index; damaged ones are named and left out."""
        from bearcat import records  # imports TensorFlow, which the service must not load

        data = random.Random(seed).sample(data, len(data))
        labels = [item.label for item in data]
        of_all = {
            **self.spec.as_dict(),
            "characters": list(self.codec.vocabulary.characters),
            "longest_label": max(map(len, labels)),
            "steps_needed": {mode: max(map(codec.steps_needed, labels)) for mode, codec in CODECS.items()},
        }
        pictures = show_progress(map_in_threads(self._record, data), len(data), f"packing {folder.name}")
        return records.write_pack(folder, self._whole(pictures), len(data), of_all)

    def _record(self, item: LabelledImage):
        from bearcat.records import Record

        try:
            pixels = Image_Processing.extraction_image(item.path, self.spec)
        except ImageError as error:
            return error
        return Record(pixels, item.label, item.path.name, self.codec.vocabulary.encode(item.label))

    def _whole(self, pictures: Iterator) -> Iterator:
        for picture in pictures:
            if isinstance(picture, ImageError):
                self.damaged.append(str(picture))
            else:
                yield picture


class Predict_Image:
    """Reads pictures with a trained unit of App_model; testing and serving call this class."""

    def __init__(self, app_model: Path, name: str = ""):
        """Load the unit of that name, or the only one in the folder; raise ArtifactError where there is none."""
        app_model = Path(app_model)
        path = choose_unit(find_units(app_model), name, app_model)
        self.name = path.stem
        self.recogniser = Recogniser(OnnxEngine(path), Image_Processing.extraction_image)

    @classmethod
    def all_units(cls, app_model: Path) -> dict[str, "Predict_Image"]:
        """Return name → reader of every unit in the folder."""
        return {name: cls(app_model, name) for name in find_units(app_model)}

    def predict(self, image: Source) -> Reading:
        """Read one picture; raise ImageError where it cannot be opened."""
        return self.recogniser.read(image)

    def predict_image(self, path: Path) -> str:
        """Read a picture file, print text and confidence, and return the text."""
        reading = self.predict(Path(path))
        print(f"{Path(path).name}: {reading.text} ({reading.confidence:.1%})")
        return reading.text

    def api(self, image: bytes) -> dict:
        """Read a picture's bytes and return the service's answer, without its return code."""
        started = time.perf_counter()
        reading = self.predict(image)
        return {
            "result": reading.text,
            "recognition_rate": [round(probability, 6) for probability in reading.confidences],
            "overall_recognition_rate": round(reading.confidence, 6),
            "time": round(time.perf_counter() - started, 6),
        }


def vocabulary_of(data: list[LabelledImage], file: Path, renew: bool) -> Vocabulary:
    """Return the vocabulary of the data; raise where num_classes.json holds another one, unless it is to be renewed."""
    found = Vocabulary.of_labels(item.label for item in data)
    if not found.characters:
        raise DataError("all labels are empty")
    if renew or not file.is_file():
        return found
    known = Vocabulary.load(file)
    if known == found:
        return known
    stranger = next((item for item in data if set(item.label) - set(known.characters)), None)
    where = f"\nfor example {stranger.path}" if stranger else ""
    raise LabelError(
        f"the labels do not fit {file} ({known.difference(found)}){where}\n"
        "Mend the labels, or make a new vocabulary: python pack_dataset.py --renew"
    )
