"""What images without labels add: the sentence says whether the difference may be chance."""

import pytest

from bearcat.training.learning_curve.points import CurvePoint
from bearcat.training.learning_curve.unlabelled_gain import find_gains

START = "With 3,000 images without labels, 1,000 labelled images reach an exact match of "


@pytest.mark.parametrize(
    ("alone", "both", "sentence"),
    [
        (160, 184, "92.0% instead of 80.0%; the gain is more than chance explains."),
        (160, 170, "85.0% instead of 80.0%; the difference is within chance."),
        (160, 150, "75.0% instead of 80.0%; the difference is within chance."),
        (160, 160, "80.0%, as they do alone."),
        (200, 200, "100.0%, as they do alone."),
        (184, 160, "80.0% instead of 92.0%; the loss is more than chance explains, so set SELF_TRAIN = False."),
    ],
)
def test_the_sentence_says_what_the_difference_means(alone: int, both: int, sentence: str):
    (gain,) = find_gains([CurvePoint(1000, alone, 200), CurvePoint(1000, both, 200, 3000)])
    assert gain.describe() == START + sentence


def test_the_same_difference_on_more_validation_images_is_no_chance():
    few, many = (find_gains([CurvePoint(50, 8 * n, 10 * n), CurvePoint(50, 9 * n, 10 * n, 99)])[0] for n in (10, 100))
    assert few.p_value > 0.05 > many.p_value > 0


def test_each_training_is_compared_with_that_on_the_same_labelled_images():
    points = [CurvePoint(10, 1, 20), CurvePoint(20, 5, 20), CurvePoint(40, 10, 20)]
    gains = find_gains([*points, CurvePoint(20, 8, 20, 60), CurvePoint(40, 12, 20, 500)])
    assert [gain.alone for gain in gains] == points[1:]
    assert gains[0].as_dict() == {
        "pictures": 20,
        "unlabelled": 60,
        "exact_without": 0.25,
        "exact_with": 0.4,
        "validated": 20,
    }
    assert find_gains(points) == []


def test_points_say_what_they_were_trained_on():
    assert CurvePoint(1200, 190, 200).describe() == "1,200 images: exact match 95.00% of 200 validation images"
    described = CurvePoint(300, 180, 200, 1500).describe()
    assert described == "300 images and 1,500 without labels: exact match 90.00% of 200 validation images"
