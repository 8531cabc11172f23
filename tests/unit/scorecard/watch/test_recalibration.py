"""Proposals of recalibration: the right one for each way to be wrong, and none by chance."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binom
from statsmodels.api import GLM, add_constant, families

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.scorecard.validation import auc, calibrator_from_dict
from fengkong.scorecard.watch import recalibration_proposal

ROWS = 20_000


def truth(rng, rows=ROWS):
    return rng.normal(-2.0, 1.2, size=rows)


def drawn(rng, log_odds):
    return (rng.random(log_odds.size) < expit(log_odds)).astype(float)


@pytest.fixture
def rng():
    return np.random.default_rng(33)


def test_nothing_for_right_probabilities_as_often_as_stated(rng):
    runs = 300
    nothing = 0
    for run in range(runs):
        eta = truth(rng, 2_000)
        found = recalibration_proposal(expit(eta), drawn(rng, eta), seed=run)
        nothing += found.advice == "nothing"
    # The level is 5 %; the held-out part only takes proposals back, so 95 % or more.
    assert nothing >= binom.ppf(1e-4, runs, 0.945)


def test_a_shift_is_called_a_shift(rng):
    eta = truth(rng)
    found = recalibration_proposal(expit(eta), drawn(rng, eta + 0.5))
    assert found.advice == "shift"
    assert found.calibrators["shift"]["intercept"] == pytest.approx(0.5, abs=0.1)
    assert found.calibrators["shift"]["slope"] == 1.0
    figures = found.figures.set_index("candidate")
    assert figures.loc["before", "ratio"] > 1.2
    assert figures.loc["shift", "ratio"] == pytest.approx(1.0, abs=0.08)
    assert figures.loc["shift", "log_loss"] < figures.loc["before", "log_loss"]
    assert figures.loc["shift", "auc"] == figures.loc["before", "auc"]
    assert "Shift the log odds" in found.reason["en"]
    assert "平移" in found.reason["zh"]
    json.dumps(found.to_dict(), allow_nan=False)


def test_probabilities_too_spread_are_refitted_as_statsmodels_fits_them(rng):
    eta = truth(rng)
    bad = drawn(rng, 0.5 * eta - 0.3)
    held = np.arange(ROWS) >= 14_000
    # A strict level: at 5 % one right refit in twenty is called a map, as the next test counts.
    found = recalibration_proposal(expit(eta), bad, held_out=held, level=0.001)
    assert found.advice == "refit"
    assert "too spread" in found.reason["en"]
    assert (found.rows_fit, found.rows_held_out) == (14_000, 6_000)
    binomial = families.Binomial()
    refit = GLM(bad[~held], add_constant(eta[~held]), family=binomial).fit()
    made = found.calibrators["refit"]
    assert [made["intercept"], made["slope"]] == pytest.approx(refit.params, rel=1e-6)
    p = expit(eta[~held])
    beta = GLM(
        bad[~held], add_constant(np.column_stack([np.log(p), -np.log1p(-p)])), family=binomial
    ).fit()
    tests = found.tests.set_index("held")
    assert tests.loc["refit", "statistic"] == pytest.approx(2 * (beta.llf - refit.llf), abs=1e-5)
    fixed = float((bad[~held] * eta[~held] - np.logaddexp(0, eta[~held])).sum())
    assert tests.loc["nothing", "statistic"] == pytest.approx(2 * (beta.llf - fixed), abs=1e-5)
    assert tests["degrees"].tolist() == [3, 2, 1]


@pytest.mark.parametrize(("advice", "offset", "slope"), [("shift", 0.5, 1.0), ("refit", -0.3, 0.5)])
def test_more_than_needed_is_proposed_as_seldom_as_stated(rng, advice, offset, slope):
    runs = 150
    right = 0
    for run in range(runs):
        eta = truth(rng, 6_000)
        bad = drawn(rng, offset + slope * eta)
        right += recalibration_proposal(expit(eta), bad, seed=run).advice == advice
    assert right >= binom.ppf(1e-4, runs, 0.95)


def test_a_bent_error_asks_for_a_map(rng):
    eta = truth(rng)
    found = recalibration_proposal(expit(eta), drawn(rng, np.where(eta > -2, 2 * eta + 2, eta)))
    assert found.advice == "map"
    figures = found.figures.set_index("candidate")
    assert figures.loc["map", "log_loss"] < figures.loc["refit", "log_loss"]
    made = calibrator_from_dict(found.calibrators["map"]).transform(np.linspace(0.01, 0.99, 50))
    assert (np.diff(made) > 0).all()


def test_lost_ranking_asks_for_a_new_model(rng):
    eta = truth(rng)
    bad = drawn(rng, 0.3 * eta - 1)
    p = expit(eta)
    found = recalibration_proposal(p, bad, reference_auc=0.80, reference_auc_error=0.01)
    assert found.advice == "rebuild"
    assert "against 0.800 at validation" in found.reason["en"]
    assert found.auc == pytest.approx(auc(bad, p))
    # The same fall, but within what chance explains, or smaller than asked, is no reason.
    kept = recalibration_proposal(p, bad, reference_auc=0.80, reference_auc_error=0.2)
    assert kept.advice == "refit"
    near = recalibration_proposal(p, bad, reference_auc=found.auc + 0.04)
    assert near.advice == "refit"
    for reversed_or_noise in (drawn(rng, -eta - 4), drawn(rng, np.full(ROWS, -2.0) - 0.1 * eta)):
        lost = recalibration_proposal(p, reversed_or_noise)
        assert lost.advice == "rebuild"
        assert "no better than chance" in lost.reason["en"]


def test_too_few_outcomes_wait(rng):
    eta = truth(rng, 100)
    bad = np.zeros(100)
    bad[:20] = 1
    found = recalibration_proposal(expit(eta), bad)
    assert found.advice == "wait"
    assert found.calibrators == {}
    assert found.auc is None
    assert "at least 30" in found.reason["en"]
    json.dumps(found.to_dict(), allow_nan=False)


def test_what_does_not_hold_on_the_held_out_part_is_not_proposed(rng):
    # The fitted part is off, the held-out part (later) is right: nothing may be proposed.
    eta = truth(rng)
    held = np.arange(ROWS) >= 10_000
    found = recalibration_proposal(
        expit(eta), drawn(rng, np.where(held, eta, eta + 0.5)), held_out=held
    )
    assert found.advice == "nothing"
    assert "does not lower the log loss" in found.reason["en"]


def test_the_probabilities_given_are_left_alone(rng):
    eta = truth(rng, 3_000)
    p = expit(eta)
    kept = p.copy()
    recalibration_proposal(p, drawn(rng, eta + 1))
    assert np.array_equal(p, kept)


def test_bad_input_is_refused(rng):
    eta = truth(rng, 2_000)
    p, bad = expit(eta), drawn(rng, eta)
    with pytest.raises(OneClassError):
        recalibration_proposal(p, np.zeros(2_000))
    with pytest.raises(InputError, match="all the same"):
        recalibration_proposal(np.full(2_000, 0.1), bad)
    with pytest.raises(InputError, match="separated"):
        recalibration_proposal(p, (p > 0.2).astype(float))
    for held in (np.zeros(2_000, bool), np.ones(2_000, bool), np.ones(2_000), [True]):
        with pytest.raises(InputError):
            recalibration_proposal(p, bad, held_out=held)
    for wrong in ({"level": 0.0}, {"held_out_share": 1.0}, {"reference_auc": 1.0},
                  {"auc_drop": -0.1}, {"reference_auc_error": float("nan")}):  # fmt: skip
        with pytest.raises(OutOfRangeError):
            recalibration_proposal(p, bad, **wrong)
    only_good = np.zeros(2_000, bool)
    only_good[np.flatnonzero(bad == 0)[:100]] = True
    with pytest.raises(OneClassError):
        recalibration_proposal(p, bad, held_out=only_good)
