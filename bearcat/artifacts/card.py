"""The trained unit: what every checkpoint, saved model and served file says of itself, so that no setting can drift."""

import hashlib
import json
import platform
import re
import sys
import zipfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

from bearcat import __version__
from bearcat.core.errors import ArtifactError
from bearcat.core.files import check_fields, parse_json
from bearcat.core.settings_file import AUTO
from bearcat.data.images import InputSpec
from bearcat.data.vocabulary import Vocabulary
from bearcat.detection.configs import choose_phi, detector_name, input_spec
from bearcat.modes import MODES, Task

FORMAT = 1
METADATA_KEY, CHECKSUM_KEY = "bearcat", "bearcat_checksum"  # of an ONNX file's metadata
UNSEALED = "sha256:" + "0" * 64  # where the checksum of a file goes into the file itself
_SEAL = re.compile(rb"sha256:[0-9a-f]{64}")
CARD_MEMBER = "bearcat.json"  # of a .keras file, which is a zip archive
ONNX_SUFFIX, KERAS_SUFFIX = ".onnx", ".keras"
IMAGES_COMPARED = 64  # on which a unit's Keras model and its ONNX file are held to each other


@dataclass(frozen=True)
class Card:
    """What a reader must know: mode, vocabulary and input; and what a person wants to: figures and versions."""

    name: str
    mode: str
    backbone: str
    characters: tuple[str, ...]
    height: int
    width: int
    channels: int
    captcha_length: int
    metrics: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    format: int = FORMAT

    @classmethod
    def from_settings(cls, settings: SimpleNamespace, vocabulary: Vocabulary, on_gpu: bool = False) -> "Card":
        """Return the card of what the settings ask for; which detector PHI = 'auto' means depends on the device."""
        backbone, spec = settings.BACKBONE, InputSpec.from_settings(settings)
        if MODES[settings.MODE].task is Task.DETECTION:
            phi = choose_phi(settings.PHI, on_gpu)
            backbone, spec = detector_name(phi), input_spec(settings, phi)
        return cls(
            name=settings.MODEL_NAME,
            mode=settings.MODE,
            backbone=backbone,
            characters=vocabulary.characters,
            **spec.as_dict(),
            captcha_length=settings.CAPTCHA_LENGTH,
        )

    @property
    def spec(self) -> InputSpec:
        return InputSpec(self.height, self.width, self.channels)

    @property
    def vocabulary(self) -> Vocabulary:
        return Vocabulary(tuple(self.characters))

    def make_codec(self):
        """Return the codec that turns this unit's output into what it read."""
        return MODES[self.mode].codec.from_card(self)

    def with_metrics(self, metrics: dict[str, float]) -> "Card":
        """Return the card with figures, and with the versions that are at work now."""
        return replace(self, metrics=metrics, versions=self.versions | library_versions())

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, where: Path) -> "Card":
        """Read a card; raise ArtifactError where it is damaged or made by a newer Bearcat."""
        try:
            values = parse_json(text)
            if values["format"] > FORMAT:
                raise ArtifactError(f"{where} was made by a newer Bearcat (format {values['format']}): update this one")
            card = cls(**values | {"characters": tuple(values["characters"])})
            check_fields(card)
            if min(card.spec.shape) < 1:
                raise ValueError(f"the input is {card.spec}")
            if card.mode not in MODES:
                raise ArtifactError(f"{where} has mode {card.mode!r}, known are: {', '.join(MODES)}")
        except (ValueError, KeyError, TypeError) as error:
            raise ArtifactError(f"{where} has a damaged card ({error!r})") from None
        return card

    def differences(self, other: "Card") -> list[str]:
        """Say, one line each, what makes the weights of this card unfit for the other's network."""
        lines = [
            f"{name}: {getattr(self, name)!r} there, {getattr(other, name)!r} now"
            for name in ("mode", "backbone", "height", "width", "channels")
            if getattr(self, name) != getattr(other, name) and AUTO not in (getattr(self, name), getattr(other, name))
        ]
        if self.mode == "ORDINARY" and self.captcha_length != other.captcha_length:
            lines.append(f"captcha_length: {self.captcha_length} there, {other.captcha_length} now")
        if self.characters != other.characters:
            lines.append(f"vocabulary: {self.vocabulary.difference(other.vocabulary)}")
        return lines


def library_versions() -> dict[str, str]:
    """Return the versions of what a unit depends on, of the libraries that are imported already."""
    libraries = {name: sys.modules[name].__version__ for name in ("keras", "tensorflow") if name in sys.modules}
    return {"bearcat": __version__, "python": platform.python_version(), **libraries}


def write_card(keras_file: Path, payload: dict) -> None:
    """Add a card (and what else belongs beside it) to a .keras file."""
    with zipfile.ZipFile(keras_file, "a") as archive:
        archive.writestr(CARD_MEMBER, json.dumps(payload, ensure_ascii=False))


def read_card(keras_file: Path) -> tuple[Card, dict]:
    """Return the card of a .keras file and all that lies beside it; raise ArtifactError where there is none."""
    try:
        with zipfile.ZipFile(keras_file) as archive:
            payload = parse_json(archive.read(CARD_MEMBER))
        return Card.from_json(json.dumps(payload["card"]), keras_file), payload
    except FileNotFoundError:
        raise ArtifactError(f"{keras_file} is not there: run python save_model.py") from None
    except (zipfile.BadZipFile, KeyError, ValueError) as error:
        raise ArtifactError(f"{keras_file} is damaged or was not written by Bearcat ({error})") from None


def sealed(content: bytes) -> bytes:
    """Return a file's content with its checksum in the place of UNSEALED, which it is reckoned with."""
    return content.replace(UNSEALED.encode(), b"sha256:" + hashlib.sha256(content).hexdigest().encode())


def check_seal(content: bytes, where: Path) -> None:
    """Raise ArtifactError where a file's content is not what was sealed; one without a checksum is let through."""
    seal = _SEAL.search(content)
    if seal and sealed(content.replace(seal[0], UNSEALED.encode())) != content:
        raise ArtifactError(
            f"{where} is damaged, its checksum does not hold: copy it again, or run save_model.py again"
        )


def find_units(folder: Path) -> dict[str, Path]:
    """Return name → file of the units in an App_model folder; raise ArtifactError where there are none."""
    files = [path for suffix in (KERAS_SUFFIX, ONNX_SUFFIX) for path in folder.glob(f"*{suffix}")]
    units = {path.stem: path for path in files if not path.name.startswith(".")}  # of two of a name the ONNX file
    if not units:
        raise ArtifactError(f"{folder} holds no trained unit: run python train.py, then python save_model.py")
    return dict(sorted(units.items()))
