"""Properties of all labels, vocabularies, image sizes and settings files (hypothesis)."""

import ast
import base64
import contextlib
import tempfile
from pathlib import Path

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from bearcat.core.errors import ImageError, LabelError, SettingsError
from bearcat.core.names import show_name
from bearcat.core.settings_file import change_settings_file, parse_override, read_settings_file
from bearcat.data.codecs import TEXT_CODECS, make_codec, pad_targets
from bearcat.data.images import PAPER, InputSpec, letterbox, open_image, place
from bearcat.data.labels.reading import label_of_name
from bearcat.data.vocabulary import BLANK, BLANK_INDEX, Vocabulary
from bearcat.serving.protocol import decode_base64

settings.register_profile("bearcat", derandomize=True, deadline=None, max_examples=60, database=None)
settings.load_profile("bearcat")

CHARACTERS = st.characters(exclude_characters=BLANK, exclude_categories=["Cs", "Cc"])
VOCABULARIES = st.lists(CHARACTERS, min_size=1, max_size=30, unique=True).map(lambda found: Vocabulary(tuple(found)))
SIDES = st.integers(1, 400)
SPECS = st.builds(InputSpec, st.integers(8, 200), st.integers(8, 200), st.sampled_from([1, 3]))
VALUES = st.one_of(st.integers(), st.booleans(), st.text(CHARACTERS, max_size=12), st.lists(st.integers(), max_size=4))
NAMES = st.text("ABCDEFGH_", min_size=1, max_size=6).filter(lambda name: name.isupper())
COMMENTS = st.text(CHARACTERS, max_size=15).map(lambda text: "".join(text.splitlines()))


@given(VOCABULARIES, st.data())
def test_encoded_labels_are_decoded_in_every_text_mode(vocabulary: Vocabulary, data: st.DataObject):
    label = "".join(data.draw(st.lists(st.sampled_from(vocabulary.characters), min_size=1, max_size=9)))
    for mode in ("ORDINARY", "CTC", "CTC_TINY"):
        codec = make_codec(mode, vocabulary, captcha_length=9)
        (target,) = pad_targets([codec.encode(label)], codec.target_width(9))
        classes = classes_of_steps(target, mode)
        (prediction,) = codec.decode(certain_logits(classes, len(vocabulary))[None])
        assert prediction.text == label
        assert len(prediction.confidences) == len(label)
        assert codec.steps_needed(label) <= len(classes)


def classes_of_steps(target: np.ndarray, mode: str) -> list[int]:
    """Returns the class of each step of a correct output: in CTC with repeats, and blanks between characters."""
    if mode == "ORDINARY":
        return target.tolist()
    return [index for symbol in target if symbol for index in (symbol, symbol, BLANK_INDEX)]


def certain_logits(classes: list[int], count: int) -> np.ndarray:
    """Returns logits (steps, count) that are certain of one class per step."""
    return np.eye(count)[classes] * 20


@given(st.lists(st.text(CHARACTERS, min_size=1, max_size=8), min_size=1, max_size=9, unique=True))
def test_a_class_of_any_name_is_one_symbol(names: list[str]):
    vocabulary = Vocabulary.of_symbols([(name,) for name in names])
    codec = TEXT_CODECS["NUM_CLASSES"](vocabulary, 1)
    for name in names:
        (index,) = codec.encode(name)
        assert codec.decode(certain_logits([index], len(vocabulary))[None])[0].text == name


@given(VOCABULARIES, VOCABULARIES)
def test_a_vocabulary_survives_its_file_and_keeps_its_indices_when_extended(one: Vocabulary, other: Vocabulary):
    with tempfile.TemporaryDirectory() as folder:
        one.save(Path(folder) / "num_classes.json")
        assert Vocabulary.load(Path(folder) / "num_classes.json") == one
    grown = one.extended(other)
    assert grown.characters[: len(one.characters)] == one.characters
    assert set(grown.characters) == {*one.characters, *other.characters}
    assert grown.extended(other) == grown


@given(SIDES, SIDES, SPECS, st.floats(0, 1), st.floats(0, 1))
def test_a_point_of_an_image_maps_to_the_input_and_back(
    width: int, height: int, spec: InputSpec, across: float, down: float
):
    placement = place(width, height, spec)
    x, y = placement.to_input(across * width, down * height)
    # a side shorter than a pixel of the input is drawn as one
    assert -1 <= x <= spec.width + 1
    assert -1 <= y <= spec.height + 1
    np.testing.assert_allclose(placement.to_image(x, y), (across * width, down * height), atol=1e-6)


@given(st.integers(4, 300), st.integers(4, 300), SPECS)
def test_the_letterbox_shows_the_whole_image_and_paper_around_it(width: int, height: int, spec: InputSpec):
    pixels = letterbox(Image.new("RGB", (width, height)), spec)
    assert pixels.shape == spec.shape
    rows, columns = np.nonzero((pixels < PAPER).all(axis=2))
    placement = place(width, height, spec)
    assert (columns.min(), rows.min()) == (placement.left, placement.top)
    assert abs(np.ptp(columns) + 1 - min(width * placement.scale, spec.width)) <= 1
    assert abs(np.ptp(rows) + 1 - min(height * placement.scale, spec.height)) <= 1


@given(
    st.dictionaries(NAMES, VALUES, min_size=1, max_size=5),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    COMMENTS,
)
def test_changing_settings_changes_only_their_values(old: dict, new: dict, end: str, bom: bool, comment: str):
    lines = [f"# {comment}", *(f"{name} = {value!r}  # {comment}" for name, value in old.items())]
    content = (b"\xef\xbb\xbf" if bom else b"") + end.join([*lines, ""]).encode("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.py"
        path.write_bytes(content)
        assume("\0" not in comment and len(content.splitlines()) == len(lines))
        changed = change_settings_file(path, new)
        assert values_of(path) == old | new
        assert set(changed) == {name for name, value in new.items() if repr(old.get(name, ...)) != repr(value)}
        after = path.read_bytes().splitlines(keepends=True)
        for line, before in zip(after, content.splitlines(keepends=True), strict=False):
            assert line == before or any(line.startswith(name.encode()) for name in new)
        change_settings_file(path, old)
        assert path.read_bytes().startswith(content)


def values_of(path: Path) -> dict[str, object]:
    return {name: value for name, (value, _) in read_settings_file(path).items()}


@given(NAMES, VALUES)
def test_an_override_gives_back_every_plain_value(name: str, value: object):
    assert parse_override(f"{name}={value!r}") == (name, value)


@given(st.binary(max_size=200))
def test_a_settings_file_of_any_bytes_is_read_or_refused(content: bytes):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "settings.py"
        path.write_bytes(content)
        try:
            values = values_of(path)
        except SettingsError as error:
            assert str(path) in str(error)
        else:
            assert all(name.isupper() for name in values)
            ast.parse(content.decode("utf-8-sig"))


@given(st.text(CHARACTERS, min_size=1, max_size=12), st.text(max_size=12), st.sampled_from([".png", ".JPG", ""]))
def test_a_label_is_the_part_before_the_first_blank(label: str, rest: str, suffix: str):
    assume(not set(label + rest) & set("/\\:\0"))
    assert label_of_name(Path(f"{label}{BLANK}{rest}{suffix}")) == label


@given(st.text(max_size=12).filter(lambda text: not text.startswith(BLANK)))
def test_a_name_gives_a_label_or_an_error_that_names_it(name: str):
    assume(not set(name) & set("/\\:\0") and name not in ("", ".", ".."))
    try:
        assert label_of_name(Path(name)) == name.partition(BLANK)[0]
    except LabelError as error:
        assert BLANK not in name
        assert show_name(name) in str(error)


@given(st.one_of(st.binary(max_size=300), st.sampled_from([b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"\xff\xd8\xff"])))
def test_bytes_are_an_image_or_an_image_error(content: bytes):
    try:
        assert open_image(content).mode == "RGB"
    except ImageError as error:
        assert "the image" in str(error)


@given(st.binary(min_size=1, max_size=120), st.booleans(), st.booleans(), st.integers(0, 60))
def test_base64_is_decoded_in_every_form(content: bytes, urlsafe: bool, prefix: bool, cut: int):
    text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(content).decode().rstrip("=")
    text = ("data:image/png;base64," if prefix else "") + text[:cut] + "\r\n" + text[cut:]
    assert decode_base64(text) == content


@given(st.text(max_size=60))
def test_text_that_is_not_base64_is_a_value_error(text: str):
    with contextlib.suppress(ValueError):
        assert isinstance(decode_base64(text), bytes)
