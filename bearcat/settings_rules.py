"""The settings: one row each with its default, what is allowed and what it means; and how a work's settings are loaded.

`settings.py` repeats names, defaults and meanings for the people who edit it; a test keeps both equal.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import TypeGuard

from bearcat.artifacts.card import IMAGENET
from bearcat.artifacts.pretrained import PRETRAINED
from bearcat.core.devices import POLICIES
from bearcat.core.errors import SettingsError
from bearcat.core.settings_file import AUTO, Unreadable, parse_override, read_settings_file
from bearcat.data.frames import FIRST, FRAMES, MAX_FRAMES, SPREAD, SPREAD_FRAMES
from bearcat.data.layouts.arrangement import LAYOUTS, LINE, TWO_LINES, VERTICAL
from bearcat.detection.configs import LIGHT_PHI
from bearcat.modes import MODES, Task
from bearcat.networks.registry import BACKBONES, IMAGENET_BACKBONE, OPTIMIZERS, has_imagenet_weights
from bearcat.training.cluster import STRATEGIES


@dataclass(frozen=True)
class Rule:
    """The values that a setting accepts: as a predicate, and as text."""

    accepts: Callable[[object], bool]
    allowed: str


@dataclass(frozen=True)
class Setting:
    """A setting.

    Args:
        name: Its name in settings.py.
        default: Its default.
        rule: The values that it accepts.
        meaning: What it does, as its comment in settings.py.
        details: Further sentences for the documentation.
        aliases: Old value → the value that has replaced it.
        old_names: Names that it had before.
    """

    name: str
    default: object
    rule: Rule
    meaning: str
    details: str = ""
    aliases: Mapping[object, object] = field(default_factory=dict)
    old_names: tuple[str, ...] = ()


def _is_int(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> TypeGuard[int | float]:
    return _is_int(value) or isinstance(value, float)


def _integer(lowest: int, highest: int) -> Rule:
    return Rule(lambda value: _is_int(value) and lowest <= value <= highest, f"an integer from {lowest} to {highest}")


def _between(lowest: float, highest: float) -> Rule:
    return Rule(
        lambda value: _is_number(value) and lowest < value < highest,
        f"a number above {lowest:g} and below {highest:g}",
    )


def _one_of(*choices: object) -> Rule:
    # True == 1 in Python, so the type is compared too
    return Rule(
        lambda value: any(type(value) is type(choice) and value == choice for choice in choices),
        "one of " + ", ".join(map(repr, choices)),
    )


_FLAG = _one_of(True, False)
_SIZES = Rule(
    lambda value: isinstance(value, list) and len(value) == 8 and all(map(_integer(128, 4096).accepts, value)),
    "a list of eight integers from 128 to 4096, one for each PHI from 0 to 7",
)
_FILE_NAME = Rule(
    lambda value: isinstance(value, str) and bool(re.fullmatch(r"\w([\w .+-]*\w)?", value)),
    "a valid file name: letters, digits and _, with . + - or spaces between them",
)
_COPIES = Rule(
    lambda value: value is False or _integer(1, 1000).accepts(value),
    "False, or an integer from 1 to 1000",
)
_FOLDER = Rule(
    lambda value: value is None or (isinstance(value, str) and bool(value.strip())),
    "None, or the path or URL of a folder",
)
_SMOOTHING = Rule(lambda value: _is_number(value) and 0 <= value < 1, "a number from 0 to below 1")
_UPDATE_FREQ = Rule(
    lambda value: value in ("epoch", "batch") or (_is_int(value) and value > 0),
    "'epoch', 'batch' or a number of steps",
)

# heading → its settings
GROUPS: dict[str, tuple[Setting, ...]] = {
    "What is recognised": (
        Setting(
            "MODE",
            "ORDINARY",
            _one_of(*MODES),
            "Text: 'ORDINARY', 'CTC', 'CTC_TINY'; one class per image: 'NUM_CLASSES'; boxes: 'EFFICIENTDET'",
        ),
        Setting(
            "BACKBONE",
            AUTO,
            _one_of(AUTO, *BACKBONES),
            "Feature extractor, a name in bearcat/networks/registry.py; 'auto' fits weights and device",
            "'auto' takes the network of the initial weights; without any, a light one on a CPU and a larger one on a "
            "GPU.",
        ),
        Setting(
            "CAPTCHA_LENGTH",
            8,
            _integer(1, 1000),
            "ORDINARY, CTC_TINY: length of the longest label; shorter ones are padded",
        ),
        Setting(
            "PHI",
            AUTO,
            _one_of(AUTO, LIGHT_PHI, *range(8)),
            "EFFICIENTDET: 0 … 7 for D0 … D7, -1 for the light network; 'auto': -1 on a CPU, 0 on a GPU",
        ),
        Setting(
            "IMAGE_SIZES",
            [512, 640, 768, 896, 1024, 1280, 1408, 1536],
            _SIZES,
            "EFFICIENTDET: input sizes of D0 … D7 in pixels",
            "The input is a square. The light network takes IMAGE_HEIGHT × IMAGE_WIDTH, rounded up to multiples of 32.",
        ),
        Setting("MODEL_NAME", "captcha", _FILE_NAME, "Name that the trained model is saved and served under"),
    ),
    "Input of the network": (
        Setting(
            "IMAGE_HEIGHT",
            60,
            _integer(8, 2048),
            "Height of the network's input in pixels; larger images are shrunk, smaller ones get white margins",
            "The aspect ratio is kept, and images are never enlarged. `cheak_file.py --apply` sets height, width and "
            "channels from the images. The light backbones then resize the input to a height of 48.",
        ),
        Setting(
            "IMAGE_WIDTH",
            100,
            _integer(8, 2048),
            "Width of the network's input in pixels",
            "CTC has more time steps the wider it is; `train.py` says if the longest label needs more.",
        ),
        Setting(
            "IMAGE_CHANNALS",
            1,
            _one_of(1, 3),
            "Channels of the network's input: 1 for grey, 3 for colour",
            "Colour costs some time per step and three times the size of the packs, and with few labels rarely some "
            "accuracy.",
        ),
        Setting(
            "FRAMES",
            FIRST,
            _one_of(*FRAMES),
            "Animated images: 'first' or 'last' frame; 'darkest', 'lightest', 'median' of all; 'spread'",
            "'darkest', 'lightest' and 'median' take that value of each pixel over the frames: dark letters on light "
            "paper that appear one after the other come together with 'darkest', light ones on dark paper with "
            f"'lightest', and 'median' removes what moves. 'spread' puts up to {SPREAD_FRAMES} evenly spaced frames "
            "side by side, so IMAGE_WIDTH has to be that many times as large; not for EFFICIENTDET. Still images stay "
            f"as they are. The first {MAX_FRAMES} frames count, and 16,000,000 pixels in all. `cheak_file.py --apply` "
            "sets it if there are animated images.",
        ),
        Setting(
            "LAYOUT",
            LINE,
            _one_of(*LAYOUTS),
            "Text: one 'line'; 'two_lines', one above the other; 'vertical', a column of upright characters",
            "The network reads one line, so images of two lines are cut at the emptiest row of the middle third, and "
            "columns between their characters; the parts are put side by side. IMAGE_HEIGHT and IMAGE_WIDTH are the "
            "size of that line. The label is the upper line, then the lower one, or the column from top to bottom. Not "
            "for right-to-left texts, nor with FRAMES = 'spread'. `cheak_file.py --apply` sets it if most images have "
            "such a layout.",
        ),
    ),
    "Data": (
        Setting(
            "IGNORE_CASE",
            False,
            _FLAG,
            "Text: the site ignores case, so labels are folded to lower case",
            "Image files and label tables stay as they are. The model predicts lower case, whichever case images show. "
            "After a change run `pack_dataset.py --renew`.",
        ),
        Setting("DIVIDE", True, _FLAG, "move_path.py: split off validation and test images; False: only test images"),
        Setting(
            "DIVIDE_RATO", 0.1, _between(0, 0.5), "move_path.py: fraction of the images that goes into each of these"
        ),
        Setting(
            "AUGMENT",
            True,
            _FLAG,
            "Online augmentation: small random rotations, shifts, changes of contrast and brightness",
            "With 500 training images or more and a known end (TRAIN_SECONDS or COSINE_SCHEDULER) it fades out towards "
            "that end, except for EFFICIENTDET.",
        ),
        Setting("MOSAIC", False, _FLAG, "EFFICIENTDET: mosaic augmentation, which combines four images into one"),
        Setting(
            "DATA_ENHANCEMENT",
            False,
            _COPIES,
            "Offline augmentation: number of augmented copies of each training image to pack; or False",
            "`pack_dataset.py` writes them to `train_enhance_dataset`. No copy is mirrored.",
        ),
        Setting(
            "PACK_FOLDER",
            None,
            _FOLDER,
            "Folder or URL of the packs, such as 'gs://bucket/packs'; None: in the work",
            "There each work has a folder of its own name.",
        ),
        Setting("SEED", 0, _integer(0, 2**31 - 1), "Seed of everything random"),
    ),
    "Training": (
        Setting("USE_GPU", True, _FLAG, "False hides the GPU", "TensorFlow uses GPUs under Linux only."),
        Setting(
            "STRATEGY",
            AUTO,
            _one_of(*STRATEGIES),
            "'single', 'mirrored' (several GPUs), 'multi_worker' (TF_CONFIG); 'auto' uses what is available",
        ),
        Setting(
            "WEIGHTS",
            PRETRAINED,
            _one_of(PRETRAINED, IMAGENET, None),
            "Start from 'pretrained' weights (text) or 'imagenet' ones (photographs); None: random ones",
            "There are pretrained weights for ORDINARY and CTC with the backbone `light` and for CTC_TINY with `tiny`; "
            "with them a few dozen labels are enough. `train.py` downloads ImageNet weights, once; they are for the "
            f"backbones {', '.join(filter(has_imagenet_weights, BACKBONES))}, and with 'auto' for {IMAGENET_BACKBONE}. "
            "A file in the work's `weight` folder overrides this setting.",
            aliases={"base": PRETRAINED},
        ),
        Setting(
            "SELF_TRAIN",
            True,
            _FLAG,
            "Use the images of unlabelled_dataset, if there are any, for self-training",
            "Only for texts: ORDINARY, CTC, CTC_TINY. After a change run `pack_dataset.py`, which packs them.",
        ),
        Setting(
            "TRAIN_SECONDS",
            0,
            _integer(0, 10_000_000),
            "Duration of the training, with a cosine schedule; 0: until EARLY_PATIENCE ends it",
        ),
        Setting(
            "EPOCHS",
            200,
            _integer(1, 1_000_000),
            "Maximum number of epochs; EARLY_PATIENCE usually stops the training before",
        ),
        Setting("BATCH_SIZE", 32, _integer(1, 65_536), "Images per step and replica (a GPU, or a worker without one)"),
        Setting(
            "PRECISION",
            AUTO,
            _one_of(AUTO, *POLICIES),
            "'float32', 'bfloat16' or 'float16'; 'auto' takes the fastest on this device",
            "'auto' is bfloat16 on a CPU that has it in hardware, unless the backbone's convolutions are depthwise; "
            "float16 on one GPU, bfloat16 on several; else float32. The exported model computes in float32.",
        ),
        Setting(
            "OPTIMIZER",
            "AdamW",
            _one_of(*OPTIMIZERS),
            "'AdaBelief', 'Adam', 'SGD', 'Lion' …: a name in bearcat/networks/registry.py",
            "Gradients are clipped, and weights decay.",
        ),
        Setting("RECTIFY", False, _FLAG, "AdaBelief: rectify the variance of the first steps, as RAdam does"),
        Setting(
            "LR",
            2e-3,
            _between(0, 1),
            "Initial learning rate",
            "It is multiplied by √n for n replicas (SGD: by n), and for few images if the training starts from "
            "pretrained or ImageNet weights: by √(n / 400) for n < 400 images if the weights know nearly all "
            "characters, else by √(n / 100) for n < 100. A new value takes effect when `train.py` resumes.",
        ),
        Setting("LABEL_SMOOTHING", 0, _SMOOTHING, "Probability that is spread over all classes, 0 to below 1"),
        Setting(
            "WEIGHT_AVERAGE",
            False,
            _FLAG,
            "Keep a moving average of the weights; it is what an epoch saves if it validates better",
        ),
        Setting(
            "COSINE_SCHEDULER",
            False,
            _FLAG,
            "Cosine schedule of the learning rate over EPOCHS, in place of LR_PATIENCE",
            "Set EPOCHS to what you have time for.",
        ),
        Setting(
            "LR_PATIENCE",
            2,
            _integer(1, 1_000_000),
            "Epochs without a lower validation loss after which the learning rate is halved",
            "Only without TRAIN_SECONDS and COSINE_SCHEDULER.",
        ),
        Setting(
            "EARLY_PATIENCE",
            8,
            _integer(1, 1_000_000),
            "Epochs without a lower validation loss after which the training stops",
        ),
        Setting("MIN_EPOCH_STEPS", 50, _integer(1, 1_000_000), "Minimum steps per epoch: a small data set is repeated"),
        Setting(
            "KEEP_CHECKPOINTS",
            5,
            _integer(0, 1_000_000),
            "Number of newest checkpoints to keep, besides the best one; 0 keeps all",
        ),
        Setting(
            "DETERMINISTIC",
            False,
            _FLAG,
            "The same SEED, data and machine give the same weights",
            "On a CPU this costs no measurable time.",
        ),
        Setting("UPDATE_FREQ", "epoch", _UPDATE_FREQ, "TensorBoard: 'epoch', 'batch' or a number of steps"),
    ),
    "Saving": (
        Setting(
            "QUANTIZE",
            AUTO,
            _one_of(AUTO, True, False),
            "Serve the model as int8: 'auto' if it is as right as in float; True: or fail; False: in float",
            "`save_model.py` compares both forms on validation and training images and says which one it wrote.",
        ),
    ),
}
SETTINGS: dict[str, Setting] = {row.name: row for rows in GROUPS.values() for row in rows}


def _ignore(message: str) -> None:
    pass


def load_settings(
    default_file: Path,
    work_file: Path | None,
    overrides: Iterable[str] = (),
    notify: Callable[[str], object] = _ignore,
) -> SimpleNamespace:
    """Loads all settings: the command line overrides the work's file, which overrides the defaults.

    Args:
        default_file: The toolkit's settings.py.
        work_file: The work's settings.py; None for the defaults alone.
        overrides: Texts NAME=VALUE.
        notify: Called with a message for each old name or value that is used.

    Returns:
        The settings as attributes.

    Raises:
        SettingsError: Names or values are not allowed; the message lists all of them.
    """
    found: dict[str, tuple[object, str]] = {}
    for file in (default_file, work_file) if work_file else (default_file,):
        for name, (value, node) in read_settings_file(file).items():
            found[_current_name(name, notify)] = value, f"{file}, line {node.lineno}"
    for name, value in map(parse_override, overrides):
        found[_current_name(name, notify)] = value, "--set"
    found = {name: (_current_value(name, *pair, notify), pair[1]) for name, pair in found.items()}
    problems = list(_problems(found))
    if problems:
        raise SettingsError("the settings cannot be used:\n  " + "\n  ".join(problems))
    return SimpleNamespace(**{name: value for name, (value, _) in found.items()})


def parse_overrides(overrides: Iterable[str]) -> dict[str, object]:
    """Parses texts NAME=VALUE, and replaces old names and values."""
    parsed = {_current_name(name): value for name, value in map(parse_override, overrides)}
    return {name: _current_value(name, value) for name, value in parsed.items()}


def _current_name(name: str, notify: Callable[[str], object] = _ignore) -> str:
    current = next((row.name for row in SETTINGS.values() if name in row.old_names), name)
    if current != name:
        notify(f"Note: the setting {name} is now called {current}")
    return current


def _current_value(name: str, value: object, place: str = "--set", notify: Callable[[str], object] = _ignore) -> object:
    for old, current in SETTINGS[name].aliases.items() if name in SETTINGS else ():
        if value == old:
            notify(f"Note: {name} = {old!r} ({place}) is now called {current!r}, which means the same")
            return current
    return value


def _problems(found: dict[str, tuple[object, str]]) -> Iterator[str]:
    for name, (value, place) in found.items():
        if name not in SETTINGS:
            similar = difflib.get_close_matches(name, SETTINGS, n=1)
            hint = f"did you mean {similar[0]}?" if similar else f"the settings are: {', '.join(SETTINGS)}"
            yield f"{name} ({place}) is not a setting; {hint}"
        elif isinstance(value, Unreadable):
            yield f"{name} = {value!r} ({place}): a plain value is expected (a number, 'text', True …)"
        elif not SETTINGS[name].rule.accepts(value):
            yield f"{name} = {value!r} ({place}): {SETTINGS[name].rule.allowed} is expected"
    for name in SETTINGS.keys() - found.keys():
        yield f"{name} is missing in the toolkit's settings.py"
    values = {name: value for name, (value, _) in found.items()}
    if values.get("RECTIFY") is True and values["OPTIMIZER"] != "AdaBelief":
        yield f"RECTIFY = True is for OPTIMIZER = 'AdaBelief', not {values['OPTIMIZER']!r}"
    mode = values.get("MODE")
    has_boxes = mode in [name for name, row in MODES.items() if row.task is Task.DETECTION]
    if values.get("FRAMES") == SPREAD and has_boxes:
        yield f"FRAMES = {SPREAD!r} is not for MODE = {mode!r}, whose boxes lie in one frame: take another of FRAMES"
    if values.get("WEIGHTS") == IMAGENET:
        yield from _problems_of_imagenet(values.get("BACKBONE"), mode, has_boxes)
    yield from _problems_of_layout(values.get("LAYOUT"), mode, values.get("FRAMES"))
    lr_patience, early_patience = values.get("LR_PATIENCE"), values.get("EARLY_PATIENCE")
    if _is_number(lr_patience) and _is_number(early_patience) and lr_patience >= early_patience > 0:
        yield f"LR_PATIENCE = {lr_patience} is not below EARLY_PATIENCE = {early_patience}: LR would never be lowered"


def _problems_of_imagenet(backbone: object, mode: object, has_boxes: bool) -> Iterator[str]:
    named = [name for name in BACKBONES if has_imagenet_weights(name)]
    if has_boxes:
        yield f"WEIGHTS = {IMAGENET!r} is not for MODE = {mode!r}, whose networks are others: set None"
    elif backbone in BACKBONES and backbone not in named:
        yield (
            f"there are no ImageNet weights of BACKBONE = {backbone!r}: set WEIGHTS = None, or one of the backbones "
            f"that have some: {AUTO!r} ({IMAGENET_BACKBONE}), {', '.join(map(repr, named))}"
        )


def _problems_of_layout(layout: object, mode: object, frames: object) -> Iterator[str]:
    if layout not in (TWO_LINES, VERTICAL):
        return
    if mode in [name for name, row in MODES.items() if row.task is not Task.TEXT]:
        yield f"LAYOUT = {layout!r} is for texts, which MODE = {mode!r} does not read: set LAYOUT = {LINE!r}"
    if frames == SPREAD:
        yield f"LAYOUT = {layout!r} does not go with FRAMES = {SPREAD!r}: take another of FRAMES, or LAYOUT = {LINE!r}"


def settings_table() -> str:
    """Markdown of all settings: a heading and a table per group."""
    parts = []
    for heading, rows in GROUPS.items():
        lines = [f"## {heading}", "", "| name | default | allowed | meaning |", "| --- | --- | --- | --- |"]
        for row in rows:
            meaning = f"{row.meaning}. {row.details}" if row.details else row.meaning
            lines.append(f"| `{row.name}` | `{row.default!r}` | {row.rule.allowed} | {meaning} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)
