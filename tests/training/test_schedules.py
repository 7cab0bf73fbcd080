"""When the learning rate is lowered and when the training stops, epoch by epoch."""

import math

import pytest

from bearcat.training.schedules import BARREN_PATIENCE, LEAST_GAIN, PlateauRule, cosine_rate, rate_for


def watch(rule: PlateauRule, losses: list[float], val_exact: float = 0.5) -> str:
    """Feed losses; return for each epoch '.', 'v' (lower the rate) or '!' (stop)."""
    signs = ""
    for loss in losses:
        rule.observe(loss, val_exact)
        signs += "!" if rule.stops else "v" if rule.lowers else "."
    return signs


def test_while_the_loss_falls_nothing_happens():
    assert watch(PlateauRule(1, 1), [5, 4, 3, 2, 1]) == "....."


def test_the_rate_is_lowered_every_lr_patience_epochs_without_a_gain_until_the_stop():
    assert watch(PlateauRule(2, 7), [1, 1, 1, 1, 1, 1, 1, 1]) == "..v.v.v!"


def test_a_gain_starts_the_patience_anew():
    assert watch(PlateauRule(2, 3), [1, 2, 2, 0.5, 2, 2, 2]) == "..v..v!"


def test_a_gain_is_measured_against_the_best_not_the_last_epoch():
    assert watch(PlateauRule(9, 3), [1, 5, 4, 3]) == "...!"


@pytest.mark.parametrize(("gain", "signs"), [(LEAST_GAIN * 2, ".."), (LEAST_GAIN / 2, ".!")])
def test_a_fall_smaller_than_the_least_gain_is_none(gain: float, signs: str):
    assert watch(PlateauRule(9, 1), [1, 1 - gain]) == signs


@pytest.mark.parametrize("loss", [math.nan, math.inf])
def test_a_loss_that_is_no_number_is_no_gain_and_does_not_spoil_the_best(loss: float):
    rule = PlateauRule(9, 3)
    assert watch(rule, [1, loss, loss]) == "..."
    assert rule.best == 1
    assert watch(rule, [0.5, loss, loss, loss]) == "...!"


def test_while_nothing_is_read_right_the_rate_is_kept_and_the_patience_is_longer():
    assert watch(PlateauRule(1, 2), [1] * 8, val_exact=0) == "." * (2 * BARREN_PATIENCE) + "!!"


def test_the_first_captcha_read_right_starts_the_patience_anew():
    rule = PlateauRule(2, 3)
    assert watch(rule, [1] * 6, val_exact=0) == "......"
    assert watch(rule, [1, 1, 1, 1], val_exact=0.01) == "..v!"


def test_fruit_once_borne_is_not_forgotten():
    rule = PlateauRule(1, 3)
    watch(rule, [1], val_exact=0.1)
    assert watch(rule, [1, 1, 1], val_exact=0) == "vv!"


def test_feeding_the_epochs_of_an_interrupted_run_brings_the_rule_to_where_it_stood():
    losses = [3, 2, 2, 1.5, 1.6, 1.7, 1.4, 1.4, 1.4, 1.4]
    whole = watch(PlateauRule(2, 4), losses)
    for stop in range(len(losses)):
        rule = PlateauRule(2, 4)
        watch(rule, losses[:stop])
        assert watch(rule, losses[stop:]) == whole[stop:]


def test_a_cosine_rate_warms_up_peaks_and_ends_at_nothing():
    rates = [cosine_rate(step, 200, 1.0) for step in range(201)]
    assert rates[0] == 0.1
    assert rates[9] == rates[10] == 1.0
    assert rates[105] == pytest.approx(0.5)
    assert rates[200] == pytest.approx(0.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_few_images_take_a_lower_rate():
    assert rate_for(2e-3, 25) == pytest.approx(1e-3)
    assert rate_for(2e-3, 100) == rate_for(2e-3, 10**6) == 2e-3
