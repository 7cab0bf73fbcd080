"""How the benchmark of the labelling page counts keys."""

import pytest

from benchmarks.labelling import Cost, keys_to_correct, steps_between


def predicted(text: str, *confidences: float) -> dict:
    values = confidences or (0.99,) * len(text)
    return {"text": text, "parts": list(map(list, zip(text, values, strict=True)))}


@pytest.mark.parametrize(
    ("image", "label", "keys"),
    [
        (predicted("1234"), "1234", 0),
        (predicted(""), "1234", 4),
        (predicted("1834", 0.99, 0.4, 0.99, 0.99), "1234", 1),  # the selected character
        (predicted("1239", 0.99, 0.4, 0.99, 0.99), "1234", 4),  # two steps to the right, Delete, 4
        (predicted("9234"), "1234", 3),  # Home, Delete, 1
        (predicted("1235"), "1234", 3),  # one step to the left, Delete, 4
        (predicted("123"), "1234", 5),  # Ctrl + A and the label
    ],
)
def test_a_label_is_corrected_with_few_keys(image: dict, label: str, keys: int):
    assert keys_to_correct(image, label) == keys


def test_typing_is_a_key_for_each_character_and_enter():
    cost = Cost()
    cost.add(predicted("1234") | {"predictor": {"kind": "guess"}}, "1234")
    cost.add(predicted("") | {"predictor": None}, "12")
    assert (cost.images, cost.typed) == (2, 8)
    assert (cost.correct["guess"], cost.shown["nobody"], cost.correct["nobody"]) == (1, 1, 0)


def test_arrow_keys_move_by_rows_and_columns():
    assert [steps_between(0, 0), steps_between(0, 7), steps_between(12, 3)] == [0, 3, 3]
