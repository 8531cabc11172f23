"""Reject inference where the truth is known: right where its assumption holds, and not elsewhere.

Simulated, because only a simulation knows the outcomes of rejects. Seeds are fixed; each claim is
made with a margin of many standard errors of a sample of this size.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from fengkong.scorecard.validation import (
    acceptance_by_band,
    fuzzy_augmentation,
    parcelling,
    reject_sensitivity,
    reweighting,
)

ROWS = 40_000


def fit(X, bad, weight):
    model = LogisticRegression(C=1e9, tol=1e-8, max_iter=500).fit(X, bad, weight)

    def predict(X):
        return model.predict_proba(X)[:, 1]

    predict.slope = model.coef_[0, 0]
    return predict


def fit_design(X, design):
    return fit(X[design.index], design.bad, design.weight)


@pytest.fixture(scope="module")
def seen_selection():
    """Acceptance depends on x alone, but risk bends in x where the model is straight."""
    random = np.random.default_rng(1)
    x = random.normal(0, 1, ROWS)
    bad = random.random(ROWS) < expit(-2 + 0.6 * x + 0.4 * x**2)
    chance = expit(1.0 - 1.5 * x)
    accepted = random.random(ROWS) < chance
    X = np.concatenate([x[accepted], x[~accepted]])[:, None]
    return X, bad[accepted], bad[~accepted], chance[accepted]


@pytest.fixture(scope="module")
def hidden_selection():
    """The lender saw z and turned the worse away; the model has only x, in the right shape."""
    random = np.random.default_rng(2)
    x, z = random.normal(0, 1, (2, ROWS))
    bad = random.random(ROWS) < expit(-2 + x + z)
    accepted = z + 0.3 * x + random.normal(0, 0.5, ROWS) < 0.3
    X = np.concatenate([x[accepted], x[~accepted]])[:, None]
    return X, bad[accepted], bad[~accepted]


def test_reweighting_brings_back_the_model_of_all_applicants(seen_selection):
    X, bad, bad_rejected, chance = seen_selection
    every = fit(X, np.concatenate([bad, bad_rejected]), np.ones(ROWS))
    alone = fit(X[: bad.size], bad, np.ones(bad.size))
    exact = fit_design(X, reweighting(bad, chance))
    by_band = fit_design(
        X, reweighting(bad, acceptance_by_band(X[: bad.size, 0], X[bad.size :, 0], bands=50))
    )
    astray = abs(alone.slope - every.slope)
    assert astray > 0.3  # accepted alone are far off
    assert abs(exact.slope - every.slope) < 0.25 * astray
    assert abs(by_band.slope - every.slope) < 0.25 * astray
    rejected, truth = X[bad.size :], bad_rejected.mean()
    assert abs(exact(rejected).mean() - truth) < 0.5 * abs(alone(rejected).mean() - truth)


def test_reweighting_cannot_undo_what_the_lender_saw_and_the_data_do_not_hold(hidden_selection):
    X, bad, bad_rejected = hidden_selection
    alone = fit(X[: bad.size], bad, np.ones(bad.size))
    chance = acceptance_by_band(alone(X[: bad.size]), alone(X[bad.size :]))
    again = fit_design(X, reweighting(bad, chance))
    truth, rejected = bad_rejected.mean(), X[bad.size :]
    missed = truth - alone(rejected).mean()
    assert missed > 0.1
    assert truth - again(rejected).mean() > 0.9 * missed


@pytest.mark.parametrize("method", ["fuzzy", "parcelling"])
def test_the_right_factor_brings_rejects_to_their_truth_and_factor_one_does_not(
    hidden_selection, method
):
    X, bad, bad_rejected = hidden_selection
    alone = fit(X[: bad.size], bad, np.ones(bad.size))
    p, p_rejected = alone(X[: bad.size]), alone(X[bad.size :])
    truth = bad_rejected.mean()
    means = []
    for factor in (1.0, truth / p_rejected.mean(), 1.2 * truth / p_rejected.mean()):
        design = (
            fuzzy_augmentation(bad, p_rejected, factor=factor)
            if method == "fuzzy"
            else parcelling(bad, p, p_rejected, factor=factor, seed=3)
        )
        # A model of all applicants cannot tell the two apart; so ask it of all applicants.
        means.append(fit_design(X, design)(X).mean())
    every = np.concatenate([bad, bad_rejected]).mean()
    first, right, beyond = means
    missed = every - first
    assert missed > 0.05
    assert abs(every - right) < 0.25 * missed
    assert beyond > right > first


def test_fuzzy_with_factor_one_does_not_move_a_logistic_model(hidden_selection):
    X, bad, _ = hidden_selection
    alone = fit(X[: bad.size], bad, np.ones(bad.size))
    again = fit_design(X, fuzzy_augmentation(bad, alone(X[bad.size :])))
    assert again(X) == pytest.approx(alone(X), abs=1e-4)


def test_the_table_of_sensitivity_says_how_much_hangs_on_the_factor(hidden_selection):
    X, bad, _ = hidden_selection
    table = reject_sensitivity(
        fit, X[: bad.size], bad, X[bad.size :], cutoff=0.12, factors=(1.0, 2.0, 3.0), seed=4
    )
    assert table.method.tolist() == [
        "accepted_only", *["fuzzy"] * 3, *["parcelling"] * 3, "reweighting",
    ]  # fmt: skip
    for method in ("fuzzy", "parcelling"):
        mine = table[table.method == method]
        assert mine.mean_pd_rejected.is_monotonic_increasing
        assert mine.approval_rate.is_monotonic_decreasing
        assert mine.rejected_now_approved.is_monotonic_decreasing
    assert table.auc_change[0] == 0.0
    assert table.mean_pd_rejected_change.iloc[1] == pytest.approx(0.0, abs=1e-4)  # fuzzy, factor 1
    assert np.isnan(table.rejected_bad_rate[0])
