"""The card: what every checkpoint, saved model and served file says of itself, so that it never depends on settings."""

import hashlib
import json
import platform
import re
import sys
import zipfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import SimpleNamespace

from bearcat import __version__
from bearcat.core.errors import ArtifactError
from bearcat.core.files import check_types, parse_json
from bearcat.core.settings_file import AUTO
from bearcat.data.images import UNKNOWN_KINDS, ImageKinds, InputSpec
from bearcat.data.labels.arithmetic import is_arithmetic
from bearcat.data.labels.direction import DIRECTIONS
from bearcat.data.vocabulary import Vocabulary
from bearcat.detection.configs import choose_phi, detector_name, input_spec
from bearcat.modes import MODES, Task

FORMAT = 1
METADATA_KEY, CHECKSUM_KEY = "bearcat", "bearcat_checksum"  # in the metadata of an ONNX file
CHECKSUM_PLACEHOLDER = "sha256:" + "0" * 64  # what stands for the checksum while it is computed
_CHECKSUM = re.compile(rb"sha256:[0-9a-f]{64}")
# fields that are stored only if they are not empty
OPTIONAL = ("direction", "ignore_case", "preprocessing", "label_lengths")
IMAGENET = "imagenet"  # a card's preprocessing
PREPROCESSINGS = ("", IMAGENET)
CARD_MEMBER = "bearcat.json"  # in a .keras file, which is a zip archive
ONNX_SUFFIX, KERAS_SUFFIX = ".onnx", ".keras"


@dataclass(frozen=True)
class Card:
    """Description of a trained model.

    Args:
        name: The name it is saved and served under.
        mode: A name in MODES.
        backbone: A name in BACKBONES; EFFICIENTDET: in DETECTORS. May be 'auto' before training.
        characters: The vocabulary's entries, without the blank.
        spec: Size of the network's input.
        captcha_length: Number of positions (ORDINARY) or longest label (CTC_TINY).
        metrics: Metrics of the checkpoint, and of its calibration.
        versions: Versions of the libraries that made it.
        format: Version of the card itself.
        direction: Order of the symbols in the network's output, see `Vocabulary`; stored unless it is ''.
        ignore_case: Whether the labels were folded to lower case; stored if they were.
        preprocessing: How the network scales pixels: 'imagenet' as ImageNet weights expect, '' to −1 … 1; stored
            unless it is ''.
        kinds: The sizes and colours of the training images; stored if they are known.
        label_lengths: The smallest and the largest number of characters of the texts that it was trained on; stored
            if they are known.
    """

    name: str
    mode: str
    backbone: str
    characters: tuple[str, ...]
    spec: InputSpec
    captcha_length: int
    metrics: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT
    direction: str = ""
    ignore_case: bool = False
    preprocessing: str = ""
    kinds: ImageKinds = UNKNOWN_KINDS
    label_lengths: tuple[int, ...] = ()

    @classmethod
    def from_settings(cls, settings: SimpleNamespace, vocabulary: Vocabulary, on_gpu: bool = False) -> "Card":
        """Describes the network that the settings ask for; PHI = 'auto' depends on `on_gpu`."""
        backbone, spec = settings.BACKBONE, InputSpec.from_settings(settings)
        if MODES[settings.MODE].task is Task.DETECTION:
            phi = choose_phi(settings.PHI, on_gpu)
            backbone, spec = detector_name(phi), input_spec(settings, phi)
        return cls(
            name=settings.MODEL_NAME,
            mode=settings.MODE,
            backbone=backbone,
            characters=vocabulary.characters,
            spec=spec,
            captcha_length=settings.CAPTCHA_LENGTH,
            direction=vocabulary.direction,
            ignore_case=vocabulary.ignore_case,
        )

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(tuple(self.characters), self.direction, self.ignore_case)

    @property
    def reads_sums(self) -> bool:
        """Whether the texts are sums, which are answered."""
        return MODES[self.mode].task is Task.TEXT and is_arithmetic(self.characters)

    def make_codec(self):
        """Creates the codec that decodes the model's output."""
        return MODES[self.mode].codec.from_card(self)

    def with_metrics(self, metrics: dict[str, float]) -> "Card":
        """Copies the card with new metrics and the versions of the libraries in use."""
        return replace(self, metrics=metrics, versions=self.versions | library_versions())

    def to_dict(self) -> dict[str, object]:
        """The card as it is stored: `spec` and `kinds` are flattened, as their `as_dict` does it."""
        values: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            values |= value.as_dict() if isinstance(value, InputSpec | ImageKinds) else {item.name: value}
        return {name: value for name, value in values.items() if value or name not in OPTIONAL}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: Path) -> "Card":
        """Parses a card.

        Raises:
            ArtifactError: The card is damaged, or was made by a newer version. The message names `where`.
        """
        try:
            values = parse_json(text)
            if values["format"] > FORMAT:
                raise ArtifactError(f"{where} was made by a newer Bearcat (format {values['format']}): update this one")
            spec, kinds = InputSpec.take_from(values), ImageKinds.take_from(values)
            values["label_lengths"] = tuple(values.get("label_lengths", ()))
            card = cls(**values | {"characters": tuple(values["characters"]), "spec": spec, "kinds": kinds})
            check_types(card)
            check_types(spec)
            if min(spec.shape) < 1:
                raise ValueError(f"the input is {spec}")
            if card.direction not in DIRECTIONS:
                raise ValueError(f"the direction is {card.direction!r}")
            if len(card.label_lengths) not in (0, 2):
                raise ValueError(f"the label_lengths are {card.label_lengths!r:.60}")
            if card.preprocessing not in PREPROCESSINGS:
                raise ValueError(f"the preprocessing is {card.preprocessing!r}")
            if card.mode not in MODES:
                raise ArtifactError(f"{where} has mode {card.mode!r}, known are: {', '.join(MODES)}")
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{where} has a damaged card ({error!r})") from None
        return card

    def differences(self, other: "Card") -> list[str]:
        """Lists, one line each, why the weights of this card do not fit the network of another one."""
        pairs = {
            name: (getattr(self, name), getattr(other, name))
            for name in ("mode", "backbone", "direction", "ignore_case")
        }
        pairs |= {item.name: tuple(getattr(one.spec, item.name) for one in (self, other)) for item in fields(InputSpec)}
        lines = [
            f"{name}: {saved!r} in the checkpoint, {now!r} now"
            for name, (saved, now) in pairs.items()
            if saved != now and AUTO not in (saved, now)
        ]
        if self.mode == "ORDINARY" and self.captcha_length != other.captcha_length:
            lines.append(f"captcha_length: {self.captcha_length} in the checkpoint, {other.captcha_length} now")
        if self.characters != other.characters:
            lines.append(f"vocabulary: {self.vocabulary.difference(other.vocabulary)}")
        return lines


def library_versions() -> dict[str, str]:
    """Versions of Bearcat, Python, and of Keras and TensorFlow if they are imported."""
    libraries: dict[str, str] = {
        name: sys.modules[name].__version__ for name in ("keras", "tensorflow") if name in sys.modules
    }
    return {"bearcat": __version__, "python": platform.python_version(), **libraries}


def write_card(keras_file: Path, card: Card, **further: object) -> None:
    """Adds a card to a .keras file.

    Args:
        keras_file: The file, which must not have a card yet.
        card: The card.
        **further: What else to keep beside it, as JSON.
    """
    with zipfile.ZipFile(keras_file, "a") as archive:
        archive.writestr(CARD_MEMBER, json.dumps({"card": card.to_dict(), **further}, ensure_ascii=False))


def read_card(keras_file: Path) -> tuple[Card, dict]:
    """Reads the card of a .keras file, and everything stored with it.

    Raises:
        ArtifactError: There is no such file, or it has no usable card.
    """
    try:
        with zipfile.ZipFile(keras_file) as archive:
            payload = parse_json(archive.read(CARD_MEMBER))
        return Card.from_json(json.dumps(payload["card"]), keras_file), payload
    except FileNotFoundError:
        raise ArtifactError(f"{keras_file} is not there: run python save_model.py") from None
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArtifactError(f"{keras_file} is damaged or was not written by Bearcat ({error})") from None


def insert_checksum(content: bytes) -> bytes:
    """Replaces CHECKSUM_PLACEHOLDER in a file's content by the SHA-256 of that content."""
    return content.replace(CHECKSUM_PLACEHOLDER.encode(), b"sha256:" + hashlib.sha256(content).hexdigest().encode())


def verify_checksum(content: bytes, where: Path) -> None:
    """Checks a file's content against the checksum in it, if there is one.

    Raises:
        ArtifactError: They do not match.
    """
    checksum = _CHECKSUM.search(content)
    if checksum and insert_checksum(content.replace(checksum[0], CHECKSUM_PLACEHOLDER.encode())) != content:
        raise ArtifactError(
            f"{where} is damaged, its checksum does not match: copy it again, or run save_model.py again"
        )


def find_models(folder: Path) -> dict[str, Path]:
    """Finds the models in an App_model folder: name → file, sorted by name; of two files of a model the ONNX one.

    Raises:
        ArtifactError: There are none.
    """
    files = [path for suffix in (KERAS_SUFFIX, ONNX_SUFFIX) for path in folder.glob(f"*{suffix}")]
    models = {path.stem: path for path in files if not path.name.startswith(".")}
    if not models:
        raise ArtifactError(f"{folder} holds no trained model: run python train.py, then python save_model.py")
    return dict(sorted(models.items()))
