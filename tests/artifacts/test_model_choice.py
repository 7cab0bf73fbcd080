"""The choice of a model by the size and colour of an image."""

import re

import pytest

from bearcat.artifacts.card import Card
from bearcat.artifacts.model_choice import choose_fitting, expected_images, fitting_models
from bearcat.core.errors import RequestOptionError
from bearcat.data.images import COLOUR, COLOURS, GREY, ImageKind, ImageKinds, InputSpec


def expects(*sizes: tuple[int, int], colours: tuple[str, ...] = COLOURS) -> ImageKinds:
    return ImageKinds(sizes, colours)


SIZES = {"small": expects((120, 40)), "wide": expects((160, 40), (200, 50)), "square": expects((64, 64))}
TINTED = {
    "grey": expects((120, 40), colours=(GREY,)),
    "coloured": expects((120, 40), colours=(COLOUR,)),
    "other": expects((60, 60), colours=(COLOUR,)),
}
TWO_GREY = {"first": expects((120, 40), colours=(GREY,)), "second": expects((120, 40), colours=(GREY,))}
CASES = [
    # the same size
    (SIZES, (120, 40, GREY), ["small"]),
    (SIZES, (200, 50, COLOUR), ["wide"]),
    # the aspect ratio, within 5 %, if no model has the size
    (SIZES, (240, 80, GREY), ["small"]),
    (SIZES, (126, 40, GREY), ["small"]),
    (SIZES, (127, 40, GREY), []),
    (SIZES, (114, 40, GREY), ["small"]),
    (SIZES, (113, 40, GREY), []),
    (SIZES, (640, 160, GREY), ["wide"]),
    (SIZES, (40, 120, GREY), []),
    # the size comes before the aspect ratio
    ({"near": expects((122, 40)), **SIZES}, (120, 40, GREY), ["small"]),
    ({"near": expects((122, 40)), **SIZES}, (240, 80, GREY), ["near", "small"]),
    # colour decides only between those that are left
    (TINTED, (120, 40, GREY), ["grey"]),
    (TINTED, (120, 40, COLOUR), ["coloured"]),
    (TINTED, (240, 80, COLOUR), ["coloured"]),
    (TINTED, (60, 60, GREY), ["other"]),
    (TWO_GREY, (120, 40, GREY), ["first", "second"]),
    (TWO_GREY, (120, 40, COLOUR), []),
    ({"any": expects((120, 40)), **TINTED}, (120, 40, GREY), ["any", "grey"]),
    ({}, (120, 40, GREY), []),
]


@pytest.mark.parametrize(("models", "image", "names"), CASES)
def test_the_models_that_an_image_fits(models: dict[str, ImageKinds], image: tuple[int, int, str], names: list[str]):
    kind = ImageKind(*image)
    assert fitting_models(kind, models) == names
    if len(names) == 1:
        assert choose_fitting(kind, models) == names[0]
    else:
        with pytest.raises(RequestOptionError):
            choose_fitting(kind, models)


def test_the_message_says_what_was_sent_and_what_each_model_expects():
    models = {"text": expects((120, 40), (90, 30), (60, 20), (30, 10), colours=(GREY,)), "any": expects((120, 40))}
    expected = "Name a model: text expects 120×40, 90×30, 60×20, … in grey; any expects 120×40 in colour or grey"
    none = f"model is 'auto', but the image fits no model: it is 64×64 in colour. {expected}"
    with pytest.raises(RequestOptionError, match=re.escape(none)):
        choose_fitting(ImageKind(64, 64, COLOUR), models)
    several = f"model is 'auto', but the image fits several models: it is 120×40 in grey. {expected}"
    with pytest.raises(RequestOptionError, match=re.escape(several)):
        choose_fitting(ImageKind(120, 40, GREY), models)


def test_a_model_of_an_earlier_version_expects_images_of_its_input():
    card = Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3)
    assert expected_images(card) == expects((48, 24))
    kinds = expects((96, 48), colours=(GREY,))
    assert expected_images(Card("captcha", "CTC", "light", ("a",), InputSpec(24, 48, 1), 3, kinds=kinds)) == kinds
