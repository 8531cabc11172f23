"""Regression: against statsmodels, scikit-learn and scipy, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from tests.unit.scorecard.card.designs import drawn, objective

from fengkong.foundation.errors import (
    CollinearError,
    InputError,
    OneClassError,
    OutOfRangeError,
    SeparationError,
)
from fengkong.scorecard.card import _logistic
from fengkong.scorecard.card._design import BLOCK_ROWS, CHUNK_BLOCKS, Design, Outcomes
from fengkong.scorecard.card._logistic import fit_logistic, missing_slopes, undetermined

sm = pytest.importorskip("statsmodels.api", reason="statsmodels: for tests only")


def close(left, right, tolerance=1e-8):
    np.testing.assert_allclose(left, right, rtol=tolerance, atol=tolerance)


def beta_of(fit):
    return np.array([fit.intercept, *fit.coefficients])


@pytest.mark.parametrize(("rows", "columns"), [(300, 1), (5_000, 8)])
def test_equals_statsmodels_logit(rows, columns):
    design, bad = drawn(rows, columns, seed=columns)
    fit = fit_logistic(design, Outcomes.of(bad), nonnegative=False)
    peer = sm.Logit((~bad).astype(float), sm.add_constant(design.matrix())).fit(
        disp=0, method="newton", tol=1e-13
    )
    close(beta_of(fit), peer.params)
    close(fit.standard_errors, peer.bse)
    close(fit.p_values, peer.pvalues)
    close([fit.log_likelihood, fit.aic, fit.bic], [peer.llf, peer.aic, peer.bic])
    close(fit.covariance, peer.cov_params())


def test_weights_and_offsets_equal_statsmodels_glm():
    design, bad = drawn(2_000, 4, seed=5)
    draw = np.random.default_rng(1)
    weight, offset = draw.integers(0, 4, 2_000).astype(float), draw.normal(size=2_000)
    fit = fit_logistic(design, Outcomes.of(bad, weight=weight, offset=offset), nonnegative=False)
    peer = sm.GLM(
        (~bad).astype(float), sm.add_constant(design.matrix()), family=sm.families.Binomial(),
        freq_weights=weight, offset=offset,
    ).fit(tol=1e-14, maxiter=100)  # fmt: skip
    close(beta_of(fit), peer.params)
    close(fit.standard_errors, peer.bse)
    close(fit.log_likelihood, peer.llf)


def test_robust_errors_equal_statsmodels_hc0():
    design, bad = drawn(2_000, 4, seed=6)
    fit = fit_logistic(design, Outcomes.of(bad), nonnegative=False, errors="robust")
    peer = sm.Logit((~bad).astype(float), sm.add_constant(design.matrix())).fit(
        disp=0, method="newton", tol=1e-13, cov_type="HC0"
    )
    close(fit.standard_errors, peer.bse)


def test_weights_are_repeated_rows():
    design, bad = drawn(400, 3, seed=2)
    weight = np.random.default_rng(0).integers(0, 4, 400)
    rows = np.repeat(np.arange(400), weight)
    whole = fit_logistic(design, Outcomes.of(bad, weight=weight.astype(float)))
    repeated = fit_logistic(design.at(rows), Outcomes.of(bad[rows]))
    close(beta_of(whole), beta_of(repeated))
    close(whole.standard_errors, repeated.standard_errors)
    assert whole.bic == pytest.approx(repeated.bic)


def test_penalty_equals_scikit_learn():
    design, bad = drawn(1_000, 5, seed=3)
    fit = fit_logistic(design, Outcomes.of(bad), nonnegative=False, penalty=2.5)
    peer = LogisticRegression(C=1 / 2.5, tol=1e-12, max_iter=1_000).fit(design.matrix(), ~bad)
    close(fit.coefficients, peer.coef_[0], 1e-6)
    close(fit.intercept, peer.intercept_[0], 1e-6)
    assert fit.degrees < 6


@pytest.mark.parametrize("penalty", [0.0, 3.0])
def test_bounds_equal_scipy(penalty):
    design, bad = drawn(1_500, 6, seed=9, truth=[0.8, -0.6, 0.5, -0.05, 0.02, 0.4])
    outcomes = Outcomes.of(bad)
    fit = fit_logistic(design, outcomes, penalty=penalty)
    peer = minimize(
        objective, np.full(7, 0.1), args=(design, outcomes, penalty), method="L-BFGS-B",
        bounds=[(None, None)] + [(0, None)] * 6, options={"ftol": 1e-15, "gtol": 1e-9},
    )  # fmt: skip
    assert objective(beta_of(fit), design, outcomes, penalty) <= peer.fun + 1e-9 * abs(peer.fun)
    close(beta_of(fit), peer.x, 2e-4)
    assert fit.at_bound.tolist() == (peer.x[1:] == 0.0).tolist()
    assert fit.at_bound.any()
    assert (fit.coefficients >= 0.0).all()
    assert np.isnan(fit.p_values[1:]).tolist() == fit.at_bound.tolist()


def test_columns_at_the_bound_can_leave_without_a_change():
    design, bad = drawn(1_500, 6, seed=9, truth=[0.8, -0.6, 0.5, -0.05, 0.02, 0.4])
    fit = fit_logistic(design, Outcomes.of(bad))
    rest = fit_logistic(design.only(np.flatnonzero(~fit.at_bound)), Outcomes.of(bad))
    close(beta_of(fit.without_bound()), beta_of(rest))
    close(fit.without_bound().standard_errors, rest.standard_errors)
    slopes = missing_slopes(fit, design, Outcomes.of(bad))
    assert ((slopes < 0.0) == fit.at_bound).all()


def test_many_rows_start_from_a_part_and_end_where_few_rows_do(monkeypatch):
    rows = BLOCK_ROWS * CHUNK_BLOCKS * 3 + 17  # several chunks, the last block short
    design, bad = drawn(rows, 4, seed=4)
    monkeypatch.setattr(_logistic, "START_ROWS", rows)
    plain = fit_logistic(design, Outcomes.of(bad))
    monkeypatch.setattr(_logistic, "START_ROWS", 5_000)
    quick = fit_logistic(design, Outcomes.of(bad))
    assert quick.steps < plain.steps
    close(beta_of(quick), beta_of(plain), 1e-10)
    close(quick.standard_errors, plain.standard_errors, 2e-3)


def test_the_same_rows_give_the_same_bits():
    design, bad = drawn(BLOCK_ROWS * CHUNK_BLOCKS * 2 + 5, 3, seed=8)
    first, second = (fit_logistic(design, Outcomes.of(bad)) for _ in range(2))
    assert beta_of(first).tobytes() == beta_of(second).tobytes()


def test_perfect_separation_is_refused_and_named():
    codes = np.array([[0] * 50 + [1] * 50, [0, 1] * 50], dtype=np.uint8)
    design = Design.of(codes, [np.array([-2.0, 2.0]), np.array([-0.1, 0.1])], names=["leak", "x"])
    bad = np.arange(100) < 50
    with pytest.raises(SeparationError) as caught:
        fit_logistic(design, Outcomes.of(bad))
    assert caught.value.columns[0] == "leak"
    held = fit_logistic(design, Outcomes.of(bad), penalty=1.0)
    assert held.separated
    assert np.isfinite(held.coefficients).all()


def test_separation_in_one_bin_only_is_refused():
    # All rows of bin 2 are good: its coefficient alone grows without limit.
    codes = np.array([[0] * 40 + [1] * 40], dtype=np.uint8)
    bad = np.array(([True, False] * 20) + [False] * 40)
    with pytest.raises(SeparationError):
        fit_logistic(Design.of(codes, [np.array([-1.0, 1.0])]), Outcomes.of(bad))


@pytest.mark.parametrize("worth", [np.array([0.0] * 6), np.array([0.3] * 6)])
def test_a_constant_column_is_refused(worth):
    design, bad = drawn(500, 2)
    flat = Design.of(design.codes, [design.tables[0][:6], worth], names=["a", "flat"])
    with pytest.raises(CollinearError) as caught:
        fit_logistic(flat, Outcomes.of(bad))
    assert caught.value.columns == ("flat",)


def test_a_column_that_is_another_is_refused_without_a_penalty():
    design, bad = drawn(500, 2)
    twin = Design.of(design.codes[[0, 1, 0]], [design.tables[i][:6] * (1 + i) for i in (0, 1, 0)])
    with pytest.raises(CollinearError) as caught:
        fit_logistic(twin, Outcomes.of(bad))
    assert caught.value.columns == ("x2",)
    shared = fit_logistic(twin, Outcomes.of(bad), penalty=0.5)
    assert shared.coefficients[0] == pytest.approx(shared.coefficients[2])


def test_no_columns_leave_the_log_odds_of_all():
    bad = np.array([True, False, False, False])
    fit = fit_logistic(Design.of(np.empty((0, 4), dtype=np.uint8), []), Outcomes.of(bad))
    assert fit.intercept == pytest.approx(np.log(3))


@pytest.mark.parametrize("bad", [np.zeros(50, dtype=bool), np.ones(50, dtype=bool)])
def test_one_class_is_refused(bad):
    design, _ = drawn(50, 1)
    with pytest.raises(OneClassError):
        fit_logistic(design, Outcomes.of(bad))


def test_one_class_by_weight_is_refused():
    design, bad = drawn(200, 1)
    with pytest.raises(OneClassError):
        fit_logistic(design, Outcomes.of(bad, weight=np.where(bad, 0.0, 1.0)))


def test_settings_outside_their_intervals_are_refused():
    design, bad = drawn(200, 1)
    with pytest.raises(OutOfRangeError):
        fit_logistic(design, Outcomes.of(bad), penalty=-1.0)
    with pytest.raises(OutOfRangeError):
        fit_logistic(design, Outcomes.of(bad, weight=np.full(200, -1.0)))
    with pytest.raises(InputError, match="finite"):
        fit_logistic(design, Outcomes.of(bad, offset=np.full(200, np.nan)))
    with pytest.raises(InputError, match="rows"):
        fit_logistic(design, Outcomes.of(bad[:-1]))
    with pytest.raises(InputError, match="not finite"):
        Design.of(design.codes, [np.array([np.nan] * 6)])


def test_undetermined_names_the_later_of_two():
    x = np.array([[1.0, 2.0, 2.0], [1.0, 0.0, 5.0], [1.0, 1.0, 3.5]])
    assert undetermined(x.T @ x) == [2]  # 5 - 1.5 x the second column
    assert undetermined(np.eye(3)) == []
