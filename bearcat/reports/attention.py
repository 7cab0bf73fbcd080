"""Strips under the images of mistakes: the columns that a model predicts each character from, beside the label."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from statistics import fmean

import numpy as np
from markupsafe import Markup
from PIL import Image

from bearcat.artifacts.attention import LOOKS, LocatedCharacter, Locator
from bearcat.artifacts.inference import Recogniser
from bearcat.data.frames import SPREAD
from bearcat.data.images import InputSpec, letterbox, open_image, place
from bearcat.data.layouts.arrangement import arrange
from bearcat.reports import html
from bearcat.reports.text_scores import align

LEGEND = (
    "Below each image: the columns that each character was predicted from, its probability and, in green, what the "
    "label has instead (an empty box is nothing). If the marks are in wrong places, the model does not find the "
    "characters of such images yet."
)
MIN_WEIGHT = 0.1  # of a marked column; the largest is 1
LEVELS = 5  # of opacity
# in CSS pixels
MAX_WIDTH, MAX_HEIGHT = 240, 144  # of an image
MIN_BAND = 2  # width
FONT, CHIP = 14, 18  # size of a character, and of its background
GAP, PERCENT_GAP = 26, 22  # between characters: at most, and if there is room for their probabilities
LANE, LINE_END, PREDICTED, PERCENT_LINE, LABEL, HEIGHT = 9, 17, 26, 42, 58, 68  # edges and centres, downwards
STRIP = Markup(
    '<figure class="strip" style="max-width:{limit:.0f}px">{image}'
    f'<svg viewBox="0 0 {{width:.0f}} {HEIGHT}" role="img" aria-label="{{told}}" style="font-size:{{font:.0f}}px">'
    f'<rect width="100%" height="{LANE}"/>{{marks}}</svg></figure>'
)
BAND = Markup(f'<rect class="{{kind}}" x="{{x:.1f}}" width="{{width:.1f}}" height="{LANE}" opacity="{{opacity:.1f}}"/>')
LINE = Markup(f'<path d="M{{x0:.1f}} {LANE}L{{x1:.1f}} {LINE_END}"/>')
CHARACTER = Markup(
    f'<rect class="{{kind}} chip" x="{{left:.1f}}" y="{{top}}" width="{{side:.1f}}" height="{CHIP}" rx="2"/>'
    '<text class="{kind}" x="{x:.1f}" y="{y}">{text}</text>'
)
PERCENT = Markup(f'<text class="percent" x="{{x:.1f}}" y="{PERCENT_LINE}">{{text}}</text>')

Band = tuple[float, float, float]


@dataclass(frozen=True)
class Mark:
    """A character of a strip.

    Args:
        predicted: The predicted character; '' if the label has one more.
        true: The character of the label; '' if the prediction has one more.
        probability: That of the predicted character.
        centre: Where it was found, as a fraction of the image's width.
        bands: Left edge, right edge and opacity of the marked columns, all from 0 to 1.
    """

    predicted: str
    true: str
    probability: float
    centre: float
    bands: Sequence[Band]

    @property
    def is_wrong(self) -> bool:
        return self.predicted != self.true

    def describe(self) -> str:
        """Returns what the strip shows of the character, in words."""
        if not self.predicted:
            return f"nothing predicted, the label has {self.true}"
        left, right = self.bands[0][0], self.bands[-1][1]
        text = f"{self.predicted} predicted with {self.probability:.1%} from {left:.0%} to {right:.0%} of the width"
        return f"{text}, the label has {self.true or 'nothing'}" if self.is_wrong else text


class StripDrawer:
    """Draws the images of mistakes, with a strip each if the model's mode tells where it finds characters.

    Args:
        recogniser: The model.
    """

    def __init__(self, recogniser: Recogniser):
        self._recogniser = recogniser
        self.legend = LEGEND if recogniser.card.mode in LOOKS else ""

    @cached_property
    def _locator(self) -> Locator:
        return Locator(self._recogniser)

    def draw(self, mistake: dict, path: Path) -> Markup:
        """Draws the image of a mistake of report/test.json.

        If the model does not get the image as it is, but a frame of an animation, its two lines as one, or what an
        edited `extraction_image` makes of it, that is drawn with the strip below the image.
        """
        card, pixels = self._recogniser.card, self._recogniser.extract(path)
        found = self._locator.locate(pixels, mistake["read"]) if self.legend else []
        if not found:
            return draw_image(mistake, path)
        image, span = arrange(open_image(path, card.spec.frames), card.spec.layout), (0.0, 1.0)
        if is_plain := np.array_equal(letterbox(image, card.spec), pixels):
            span = input_span(image, card.spec)
        else:
            image = Image.fromarray(pixels.squeeze())
        marks = make_marks(card.make_codec().arrange(mistake["label"]), found, span)
        strip = draw_strip(image, marks, f"captcha {mistake['label']}")
        is_whole = is_plain and image.size == open_image(path, SPREAD).size
        return strip if is_whole else html.join((draw_image(mistake, path), strip))


def draw_image(mistake: dict, path: Path) -> Markup:
    """Draws the image of a mistake alone, of an animation several frames."""
    return html.image(open_image(path, SPREAD), f"captcha {mistake['label']}")


def input_span(image: Image.Image, spec: InputSpec) -> tuple[float, float]:
    """Returns the left and right edge of the network's input as fractions of an image's width."""
    placement = place(*image.size, spec)
    left, right = (placement.to_image(x, 0)[0] / image.width for x in (0, spec.width))
    return left, right


def make_marks(label: Sequence[str], found: Sequence[LocatedCharacter], span: tuple[float, float]) -> list[Mark]:
    """Aligns the characters that a model found with those of a label.

    Args:
        label: The characters of the label from left to right.
        found: Those of the prediction.
        span: The left and right edge of the network's input as fractions of the image's width.

    Returns:
        The marks from left to right. A character that only the label has is between its neighbours.
    """
    pairs = align(label, [one.symbol for one in found])
    numbers = [number for number, (_, predicted) in enumerate(pairs) if predicted]
    edges = [np.linspace(*span, len(one.weights) + 1).clip(0, 1) for one in found]
    peaks = [int(one.weights.argmax()) for one in found]
    centres = [float(edge[peak : peak + 2].mean()) for edge, peak in zip(edges, peaks, strict=True)]
    all_centres = np.interp(range(len(pairs)), [-1, *numbers, len(pairs)], [0, *centres, 1]).tolist()
    marks = [Mark("", true, 0, centre, ()) for (true, _), centre in zip(pairs, all_centres, strict=True)]
    for number, one, edge in zip(numbers, found, edges, strict=True):
        bands = list(_bands(one.weights, edge))
        marks[number] = replace(marks[number], predicted=one.symbol, probability=one.probability, bands=bands)
    return marks


def _bands(weights: np.ndarray, edges: np.ndarray) -> Iterator[Band]:
    """Yields neighbouring columns of about the same weight, as one band; without those of hardly any."""
    levels = np.where(weights >= MIN_WEIGHT, np.ceil(weights * LEVELS), 0).tolist()
    for level, run in groupby(range(len(levels)), key=levels.__getitem__):
        columns = list(run)
        if level:
            yield float(edges[columns[0]]), float(edges[columns[-1] + 1]), level / LEVELS


def draw_strip(image: Image.Image, marks: Sequence[Mark], alt: str) -> Markup:
    """Draws an image and below it the marks, aligned with it."""
    limit = MAX_HEIGHT * image.width / image.height
    width = min(limit, MAX_WIDTH)
    gap = min(GAP, width / len(marks))
    places = _spread_out([width * mark.centre for mark in marks], gap, width)
    return STRIP.format(
        limit=limit,
        image=html.image(image, alt),
        width=width,
        told=f"from left to right: {'; '.join(mark.describe() for mark in marks)}",
        font=min(FONT, gap),
        marks=html.join(_draw_mark(mark, x, width, gap) for mark, x in zip(marks, places, strict=True)),
    )


def _spread_out(centres: Sequence[float], gap: float, width: float) -> list[float]:
    """Returns places as near to the centres as their order and a gap between them allow (isotonic regression)."""
    groups: list[list[float]] = []  # of characters side by side, each as if all were in the first one's place
    for number, centre in enumerate(centres):
        groups.append([centre - number * gap])
        while len(groups) > 1 and fmean(groups[-2]) > fmean(groups[-1]):
            groups[-2:] = [groups[-2] + groups[-1]]
    firsts = [fmean(group) for group in groups for _ in group]
    most = width - gap * (len(centres) - 0.5)
    return [min(max(first, gap / 2), most) + number * gap for number, first in enumerate(firsts)]


def _draw_mark(mark: Mark, x: float, width: float, gap: float) -> Markup:
    """Draws the bands of a character, and at `x` what is predicted and what the label has."""
    kind = "wrong" if mark.is_wrong else "right"
    parts = [
        BAND.format(
            kind=kind,
            x=min(width * left, width - MIN_BAND),
            width=max(width * (right - left), MIN_BAND),
            opacity=opacity,
        )
        for left, right, opacity in mark.bands
    ]
    if mark.predicted:
        parts.append(LINE.format(x0=width * mark.centre, x1=x))
    parts.append(_draw_character(mark.predicted, kind, x, PREDICTED, gap))
    if mark.predicted and gap >= PERCENT_GAP:
        parts.append(PERCENT.format(x=x, text=f"{mark.probability:.0%}"))
    if mark.is_wrong:
        parts.append(_draw_character(mark.true, "true", x, LABEL, gap))
    return Markup("<g><title>{}</title>{}</g>").format(mark.describe(), html.join(parts))


def _draw_character(character: str, kind: str, x: float, y: int, gap: float) -> Markup:
    side = min(CHIP, gap)
    return CHARACTER.format(
        kind=kind, left=x - side / 2, top=y - CHIP // 2, side=side, x=x, y=y, text=_visible(character)
    )


def _visible(character: str) -> str:
    """Returns a character, or none, as it can be shown alone: a combining mark on a circle, a space as a sign."""
    if character and unicodedata.category(character[0]).startswith("M"):
        return f"\N{DOTTED CIRCLE}{character}"
    return "\N{OPEN BOX}" if character.isspace() else character
