"""When the learning rate is lowered and when the training stops, epoch by epoch."""

import math

import pytest

from bearcat.training.schedules import (
    MIN_DELTA,
    UNLEARNT_PATIENCE,
    PlateauRule,
    cosine_rate,
    describe_duration,
    few_images_rate,
)


def watch(rule: PlateauRule, losses: list[float], val_exact: float = 0.5) -> str:
    """Feeds losses; returns for each epoch '.', 'v' (reduce the rate) or '!' (stop)."""
    signs = ""
    for loss in losses:
        rule.observe(loss, val_exact)
        signs += "!" if rule.stops else "v" if rule.reduces_rate else "."
    return signs


def test_while_the_loss_falls_nothing_happens():
    assert watch(PlateauRule(1, 1), [5, 4, 3, 2, 1]) == "....."


def test_the_rate_is_reduced_every_lr_patience_epochs_without_improvement_until_the_stop():
    assert watch(PlateauRule(2, 7), [1, 1, 1, 1, 1, 1, 1, 1]) == "..v.v.v!"


def test_an_improvement_resets_the_patience():
    assert watch(PlateauRule(2, 3), [1, 2, 2, 0.5, 2, 2, 2]) == "..v..v!"


def test_an_improvement_is_measured_against_the_best_epoch_not_the_last():
    assert watch(PlateauRule(9, 3), [1, 5, 4, 3]) == "...!"


@pytest.mark.parametrize(("decrease", "signs"), [(MIN_DELTA * 2, ".."), (MIN_DELTA / 2, ".!")])
def test_a_decrease_below_min_delta_is_no_improvement(decrease: float, signs: str):
    assert watch(PlateauRule(9, 1), [1, 1 - decrease]) == signs


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_nan_or_infinity_is_no_improvement_and_leaves_the_best_loss(loss: float):
    rule = PlateauRule(9, 3)
    assert watch(rule, [1, loss, loss]) == "..."
    assert rule.best == 1
    assert watch(rule, [0.5, loss, loss, loss]) == "...!"


def test_before_the_first_exact_match_the_rate_is_kept_and_the_patience_is_longer():
    assert watch(PlateauRule(1, 2), [1] * 8, val_exact=0) == "." * (2 * UNLEARNT_PATIENCE) + "!!"


def test_the_first_exact_match_resets_the_patience():
    rule = PlateauRule(2, 3)
    assert watch(rule, [1] * 6, val_exact=0) == "......"
    assert watch(rule, [1, 1, 1, 1], val_exact=0.01) == "..v!"


def test_an_exact_match_once_seen_is_remembered():
    rule = PlateauRule(1, 3)
    watch(rule, [1], val_exact=0.1)
    assert watch(rule, [1, 1, 1], val_exact=0) == "vv!"


def test_replaying_the_epochs_of_an_interrupted_run_restores_the_rule():
    losses = [3, 2, 2, 1.5, 1.6, 1.7, 1.4, 1.4, 1.4, 1.4]
    whole = watch(PlateauRule(2, 4), losses)
    for stop in range(len(losses)):
        rule = PlateauRule(2, 4)
        watch(rule, losses[:stop])
        assert watch(rule, losses[stop:]) == whole[stop:]


def test_a_cosine_rate_warms_up_peaks_and_ends_at_0():
    rates = [cosine_rate(step, 200, 1.0) for step in range(201)]
    assert rates[0] == 0.1
    assert rates[9] == rates[10] == 1.0
    assert rates[105] == pytest.approx(0.5)
    assert rates[200] == pytest.approx(0.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_few_images_take_a_lower_rate():
    assert few_images_rate(2e-3, 25, 400) == pytest.approx(5e-4)
    assert few_images_rate(2e-3, 400, 400) == few_images_rate(2e-3, 10**6, 400) == 2e-3


@pytest.mark.parametrize(
    ("epoch", "train_seconds", "cosine", "expected"),
    [
        (12, 60, False, "An epoch takes about 12 s; TRAIN_SECONDS = 60 leaves time for about 5"),
        (97, 60, False, "An epoch takes about 97 s; TRAIN_SECONDS = 60 ends the training within the first"),
        (12, 0, True, "An epoch takes about 12 s, EPOCHS = 200 about 40 min"),
        (
            300,
            0,
            False,
            "An epoch takes about 5 min, EPOCHS = 200 about 17 h; EARLY_PATIENCE usually ends the training before",
        ),
        (0.2, 0, True, "An epoch takes about 1 s, EPOCHS = 200 about 40 s"),
    ],
)
def test_the_estimate_tells_what_ends_the_training(epoch: float, train_seconds: int, cosine: bool, expected: str):
    assert describe_duration(epoch, train_seconds, 200, cosine) == expected
