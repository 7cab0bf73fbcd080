"""What people edit: how an image becomes pixels and where its label comes from.

Packing, testing and serving all go through the three classes of this file, so a change of `extraction_image` or
`extraction_label` reaches them all. The work itself is done in bearcat.
"""

from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from bearcat.artifacts.card import find_models
from bearcat.artifacts.inference import choose_model, load_recogniser
from bearcat.core.errors import ArtifactError
from bearcat.data.codecs import Prediction, make_codec
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.frames import FIRST
from bearcat.data.grids import Cell, Grid, cut
from bearcat.data.images import InputSpec, Source, extract_pixels, open_image
from bearcat.data.labels.boxes import BoxLabels, read_boxes
from bearcat.data.labels.reading import LabelledImage, label_of_name, labelled_images
from bearcat.data.offline_augmentation import augment_data_set
from bearcat.data.packing import Packer
from bearcat.data.vocabulary import Vocabulary
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_detections, save_image
from bearcat.serving.answers import make_answer, predict_grid


class Image_Processing:
    """Reads images and labels from files."""

    @staticmethod
    def extraction_image(source: Source, spec: InputSpec) -> np.ndarray:
        """Returns the network's input for an image: uint8 pixels (height, width, channels).

        Edit this if your images need cleaning first, then run pack_dataset.py again.
        """
        return extract_pixels(source, spec)

    @staticmethod
    def extraction_label(path: Path) -> str:
        """Returns the label in a file name: the part before the first `_`.

        Edit this if your files are named differently. It is not called if there is a labels.csv, .tsv or .txt beside
        the images, nor for an image in a sub-folder: train_dataset/cat/1.png has the label `cat`.
        """
        return label_of_name(path)

    @staticmethod
    def extraction_boxes(path: Path, label_folder: Path) -> BoxLabels:
        """Returns the objects of an image from its VOC or YOLO file, beside the image or in the label folder."""
        return read_boxes(path, label_folder)

    @classmethod
    def extraction_data(cls, folder: Path, label_folder: Path | None = None) -> list[LabelledImage]:
        """Returns the labelled images of a folder, with boxes if there is a label folder.

        Raises:
            DataError: There are no images, or one has no label.
        """
        if label_folder is None:
            return labelled_images(folder, cls.extraction_label)
        return labelled_images(folder, partial(cls.extraction_boxes, label_folder=label_folder), with_table=False)

    @staticmethod
    def preprosess_save_images(
        data: list[LabelledImage], folder: Path, count: int, seed: int, frames: str = FIRST
    ) -> list[LabelledImage]:
        """Writes `count` augmented copies of each image to a folder and returns them; the images stay unchanged.

        Edit this for another offline augmentation (DATA_ENHANCEMENT).
        """
        return augment_data_set(data, folder, count, seed, frames)

    @staticmethod
    def cut_grid(image: Source, grid: Grid) -> list[Image.Image]:
        """Cuts an image into its cells, row by row; raises ImageError if they would be too small."""
        return cut(open_image(image), grid)


class WriteTFRecord(Packer):
    """Packs the images of a work into TFRecords.

    Args:
        spec: Size of the packed images.
        mode: The value of MODE.
        captcha_length: The value of CAPTCHA_LENGTH.
        vocabulary: The vocabulary of the labels.
    """

    def __init__(self, spec: InputSpec, mode: str, captcha_length: int, vocabulary: Vocabulary):
        super().__init__(spec, make_codec(mode, vocabulary, captcha_length), Image_Processing)


class Predict_Image:
    """A predictor: a trained model of App_model, as testing and serving use it."""

    def __init__(self, app_model: Path, name: str = ""):
        """Loads the model of that name, or the only one in the folder; raises ArtifactError if there is none."""
        app_model = Path(app_model)
        path = choose_model(find_models(app_model), name, app_model)
        self.name = path.stem
        self.recogniser = load_recogniser(path, Image_Processing.extraction_image)

    def predict(
        self, image: Source, characters: str = "", length: str | int = "", pattern: str = ""
    ) -> Prediction | Detections:
        r"""Predicts an image.

        Args:
            image: The image.
            characters: The only characters that the text may have.
            length: Its number of characters, 4 or '4-6'.
            pattern: What the whole text is like, as [A-Z]{2}\d{3}; see `bearcat.data.decoding.patterns`.

        Raises:
            ImageError: The image cannot be opened.
            RequestOptionError: The model cannot predict such a text, or predicts no texts.
        """
        return self.recogniser.predict(image, Restriction.of(characters, length, pattern))

    def predict_grid(self, image: Source, grid: Grid, name: str = "") -> list[Cell]:
        """Predicts each cell of an image and returns those that show `name`, or all of them without a name.

        Raises:
            ImageError: The image cannot be opened, or its cells would be too small.
        """
        return predict_grid(self.recogniser, image, grid, name)

    def predict_image(self, path: Path, drawing: Path | None = None) -> str:
        """Predicts an image file, prints the text and its confidence, and returns the text.

        Args:
            path: The image.
            drawing: Where to save the image with its detections drawn in (EFFICIENTDET).

        Raises:
            ImageError: The image cannot be opened.
            ArtifactError: There is to be a drawing, and the model finds no boxes.
        """
        prediction = self.predict(Path(path))
        print(f"{Path(path).name}: {prediction.text} ({prediction.confidence:.1%})")
        if drawing:
            if not isinstance(prediction, Detections):
                raise ArtifactError(
                    f"{self.name} has MODE = {self.recogniser.card.mode!r}, which finds no boxes to draw"
                )
            opened = open_image(Path(path), self.recogniser.card.spec.frames)
            save_image(draw_detections(opened, prediction), Path(drawing))
        return prediction.text

    def api(self, image: bytes, **options: object) -> dict:
        """Returns the service's answer to an image, without `return_code` and `return_info`.

        Args:
            image: Content of an image file.
            options: `grid` (see `Grid.parse`): the result lists its cells that show `name`; `characters`, `length`
                and `pattern`: see `predict`; `prompt`: the answer has the points to click, in the prompt's order (see
                `Detections.points`).

        Raises:
            ImageError: The image cannot be opened.
            RequestOptionError: The model does not support an option, or cannot predict such a text.
        """
        return make_answer(self.recogniser, image, **options)
