"""Result of test.py: predictions for the test images, their scores, the lines for a terminal and the page."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from PIL.Image import Image

from bearcat.core.errors import DataError, ImageError
from bearcat.core.progress import show_progress
from bearcat.core.workspace import LABEL_FOLDER, Work
from bearcat.data.codecs import Prediction
from bearcat.data.decoding.restrictions import Restriction
from bearcat.data.images import open_image
from bearcat.data.labels.boxes import PROMPT_SUFFIX, label_file, read_prompt
from bearcat.data.labels.reading import LabelledImage
from bearcat.detection.decoding import Detections
from bearcat.detection.drawing import draw_comparison, save_image
from bearcat.modes import MODES, Task
from bearcat.reports.attention import StripDrawer
from bearcat.reports.box_next_steps import BOX_RULES
from bearcat.reports.box_page import render_box_page
from bearcat.reports.box_scores import count_errors, is_exact_match, score_detections
from bearcat.reports.html import plural
from bearcat.reports.mistake_patterns import Pair, image_patterns, label_patterns, text_patterns
from bearcat.reports.next_steps import advise
from bearcat.reports.text_page import render_text_page
from bearcat.reports.text_scores import (
    answer_lines,
    restriction_lines,
    score_answers,
    score_predictions,
    score_restricted,
)

SHOWN = 10  # mistakes and damaged images in the terminal
DRAWN = 20  # images


class Predictor(Protocol):
    """A trained model, as `utils.Predict_Image` loads it."""

    name: str
    recogniser: Any

    def predict(
        self, image: Path, characters: str = "", length: str = "", pattern: str = ""
    ) -> Prediction | Detections:
        """Predicts what an image shows, under a `Restriction`; raises ImageError if it cannot be opened."""


class EvaluatedImage(NamedTuple):
    """An image with its label, what the model predicts, and how long that took."""

    item: LabelledImage
    prediction: Any  # a Prediction or Detections, as the model's task has it
    seconds: float


class Tested(NamedTuple):
    """What was tested.

    Args:
        images: The images that opened.
        damaged: A message for each of the others.
        others: The labelled images of the other data sets.
        allowed: Which texts may be predicted in a second test of the same images.
    """

    images: list[EvaluatedImage]
    damaged: list[str]
    others: Sequence[LabelledImage]
    allowed: Restriction | None


@dataclass(frozen=True)
class Evaluation:
    """Result of a test.

    Args:
        figures: What report/test.json holds.
        lines: What a terminal shows.
        page: What report/test.html holds.
    """

    figures: dict
    lines: list[str]
    page: str


def evaluate_model(
    predictor: Predictor,
    data: Sequence[LabelledImage],
    work: Work,
    others: Sequence[LabelledImage] = (),
    allowed: Restriction | None = None,
) -> Evaluation:
    """Scores a model on labelled images.

    For a detector it also draws the worst images into report/worst.

    Args:
        predictor: The model.
        data: Labelled images; damaged ones are skipped and listed.
        work: The work that the images and the report belong to.
        others: The labelled images of the other data sets, whose labels are looked at too; they are not opened.
        allowed: A restriction under which the images are tested once more.

    Raises:
        DataError: All images are damaged.
        RequestOptionError: The model predicts no allowed text.
    """
    if allowed:
        predictor.recogniser.check_allowed(allowed)
    tested, damaged = predict_all(predictor, data)
    reporter = REPORTERS[MODES[predictor.recogniser.card.mode].task]
    report = reporter(predictor, Tested(tested, damaged, others, allowed), work)
    skipped = [f"Left out: {line}" for line in damaged[:SHOWN]]
    return Evaluation(report.figures | {"unit": predictor.name}, report.lines + skipped, report.page)


def predict_all(predictor: Predictor, data: Sequence[LabelledImage]) -> tuple[list[EvaluatedImage], list[str]]:
    """Predicts one image after the other, as the service does.

    Returns:
        The tested images, and a message for each damaged one.

    Raises:
        DataError: If all images are damaged.
    """
    tested, damaged = [], []
    for item in show_progress(data, len(data), f"testing {predictor.name}"):
        started = time.perf_counter()
        try:
            prediction = predictor.predict(item.path)
        except ImageError as error:
            damaged.append(str(error))
            continue
        tested.append(EvaluatedImage(item, prediction, time.perf_counter() - started))
    if not tested:
        raise DataError(f"not one image in {data[0].path.parent} could be read:\n{damaged[0]}")
    return tested, damaged


def _report_text(predictor: Predictor, tested: Tested, work: Work) -> Evaluation:
    card, mode = predictor.recogniser.card, MODES[predictor.recogniser.card.mode]
    items, predictions, seconds = zip(*tested.images, strict=True)
    names, labels = [item.name for item in items], [item.label for item in items]
    figures = score_predictions(names, labels, predictions, seconds, mode.symbols)
    unknown = _unknown_symbols(map(mode.symbols, labels), card)
    figures |= {"symbol": mode.task, "damaged": tested.damaged, "never_learnt": unknown}
    if card.reads_sums:
        figures |= score_answers(labels, predictions)
    if tested.allowed:
        restricted: list[Any] = [predictor.predict(item.path, **asdict(tested.allowed)) for item in items]
        figures |= score_restricted(labels, restricted, tested.allowed, card.make_codec())
    paths = {name: item.path for name, item in zip(names, items, strict=True)}
    pairs = [Pair(name, label, one.text) for name, label, one in zip(names, labels, predictions, strict=True)]
    figures |= text_patterns(pairs, mode.symbols) | label_patterns(figures["mistakes"], items, tested.others)
    figures |= image_patterns(paths, figures["mistakes"], card.spec)
    steps = advise(figures, card.metrics)
    rows = _describe(work, predictor) + [("restricted", line) for line in restriction_lines(figures)]
    page = render_text_page(figures, paths, steps, rows, mode.symbols, StripDrawer(predictor.recogniser))
    return Evaluation(figures, _text_lines(figures), page)


def _report_boxes(predictor: Predictor, tested: Tested, work: Work) -> Evaluation:
    card, label_folder = predictor.recogniser.card, work.folder(LABEL_FOLDER)
    items, found, seconds = zip(*tested.images, strict=True)
    truths = [item.label for item in items]
    prompts = [read_prompt(label_file(item.path, label_folder, PROMPT_SUFFIX)) for item in items]
    figures = score_detections([item.name for item in items], truths, prompts, found, seconds)
    figures |= {"damaged": tested.damaged, "never_learnt": _unknown_symbols((truth.names for truth in truths), card)}
    worst = _draw_worst(work.folder("report") / "worst", tested.images, card.spec.frames)
    lines = _box_lines(figures)
    if worst:
        lines.append(f"The {len(worst)} worst images are in report/worst: true boxes in green, detected ones in red")
    page = render_box_page(figures, worst, advise(figures, card.metrics, BOX_RULES), _describe(work, predictor))
    return Evaluation(figures, lines, page)


Reporter = Callable[[Predictor, Tested, Work], Evaluation]
REPORTERS: dict[Task, Reporter] = {
    Task.TEXT: _report_text,
    Task.CLASSIFICATION: _report_text,
    Task.DETECTION: _report_boxes,
}


def _unknown_symbols(labels: Iterable[Sequence[str]], card) -> list[str]:
    """Symbols of the test labels that the model's vocabulary lacks."""
    return sorted({symbol for label in labels for symbol in label} - set(card.characters))


def _describe(work: Work, predictor: Predictor) -> list[tuple[str, str]]:
    """Rows of the page that say what was tested."""
    card = predictor.recogniser.card
    rows = [
        ("work", work.path.name),
        ("model", predictor.name),
        ("network", f"{card.mode} with {card.backbone}, input {card.spec}"),
    ]
    temperature = card.metrics.get("temperature", 1)
    if temperature != 1:
        images = plural(int(card.metrics["val_images"]), "validation image")
        rows.append(("confidence", f"calibrated on {images} (temperature {temperature:.2f})"))
    elif MODES[card.mode].task is not Task.DETECTION:
        rows.append(("confidence", "not calibrated"))
    return [*rows, ("tested", time.strftime("%Y-%m-%d %H:%M"))]


def _draw_worst(folder: Path, tested: list[EvaluatedImage], frames: str) -> list[tuple[str, Image]]:
    """Draws the images with most errors, replacing those of an earlier run; returns names and drawings."""
    for path in folder.glob("*-worst.png"):
        path.unlink()
    wrong = [one for one in tested if not is_exact_match(one.item.label, one.prediction)]
    worst = sorted(wrong, key=lambda one: -count_errors(one.item.label, one.prediction))[:DRAWN]
    drawn = [
        (one.item.path.name, draw_comparison(open_image(one.item.path, frames), one.item.label, one.prediction))
        for one in worst
    ]
    for number, (name, drawing) in enumerate(drawn, start=1):
        save_image(drawing, folder / f"{number:02d}-{Path(name).stem}-worst.png")
    return drawn


def _text_lines(figures: dict) -> list[str]:
    low, high = figures["exact_ci95"]
    lines = [
        f"{figures['images']} images, exact match {figures['exact']:.2%} (95 % interval {low:.2%} – {high:.2%})",
        f"exact match ignoring case {figures['exact_ignore_case']:.2%}, "
        f"{figures['symbol']} accuracy {figures['character_accuracy']:.2%}",
        *answer_lines(figures),
        *restriction_lines(figures),
        _latency_line(figures),
    ]
    mistakes, unknown = figures["mistakes"], figures["never_learnt"]
    for one in mistakes[:SHOWN]:
        prediction = f"{one['label']!r} predicted as {one['read']!r}, confidence {one['confidence']:.0%}"
        lines.append(f"  {one['file']}: {prediction}")
    if len(mistakes) > SHOWN:
        lines.append(f"  … {len(mistakes) - SHOWN} more in report/test.json")
    if unknown:
        lines.append(f"Not in the training labels, so never predicted: {' '.join(unknown)}")
    return lines


def _box_lines(figures: dict) -> list[str]:
    low, high = figures["all_clicks_correct_ci95"]
    lines = [
        f"{figures['images']} images, mAP@0.5 {figures['map_50']:.2%}, mAP@0.5:0.95 {figures['map_50_95']:.2%}",
        f"exact match (every object and nothing else) {figures['all_clicks_correct']:.2%} "
        f"(95 % interval {low:.2%} – {high:.2%})",
    ]
    if "prompts" in figures:
        low, high = figures["points_correct_ci95"]
        lines.append(f"all points of the prompt correct {figures['points_correct']:.2%} ({low:.2%} – {high:.2%})")
    return [*lines, _latency_line(figures)]


def _latency_line(figures: dict) -> str:
    return f"{figures['ms_per_image']['p50']:.1f} ms per image (median), {figures['ms_per_image']['p99']:.1f} ms (p99)"
