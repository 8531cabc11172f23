"""Laws of the figures of validation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fengkong.scorecard.validation import (
    accuracy_ratio,
    auc,
    auc_interval,
    brier_split,
    calibration_slope,
    calibrator,
    expected_calibration_error,
    gini,
    grade_table,
    ks,
    ks_table,
)


@st.composite
def outcomes_and_values(draw, least: int = 4):
    """Outcomes of both classes (two each at least) with values full of ties, and whole weights."""
    rows = draw(st.integers(least, 60))
    bad = draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    bad[:4] = [0, 1, 0, 1]
    value = draw(st.lists(st.integers(0, 12), min_size=rows, max_size=rows))
    weight = draw(st.lists(st.integers(1, 4), min_size=rows, max_size=rows))
    return np.array(bad), np.array(value) / 12.0, np.array(weight)


@given(outcomes_and_values())
def test_turning_the_value_round_turns_the_area_round(case):
    bad, value, _ = case
    assert auc(bad, value) + auc(bad, -value) == pytest.approx(1.0, abs=1e-12)
    assert auc(bad, value) == pytest.approx(auc(bad, -value, higher_is_safer=True), abs=1e-12)
    assert auc(bad, value) == pytest.approx(auc(1 - bad, 1 - value), abs=1e-12)


@given(outcomes_and_values())
def test_only_the_order_of_values_matters(case):
    bad, value, _ = case
    assert auc_interval(bad, value) == auc_interval(bad, np.exp(3 * value))
    assert ks(bad, value).ks == ks(bad, np.exp(3 * value)).ks


@given(outcomes_and_values())
def test_whole_weights_are_repeated_rows_for_what_is_a_share(case):
    bad, value, weight = case
    many = np.repeat(bad, weight), np.repeat(value, weight)
    assert auc(bad, value, sample_weight=weight) == pytest.approx(auc(*many), abs=1e-12)
    assert ks(bad, value, sample_weight=weight).ks == pytest.approx(ks(*many).ks, abs=1e-12)
    weighted, repeated = ks_table(bad, value, sample_weight=weight), ks_table(*many)
    assert weighted.bad.to_numpy() == pytest.approx(repeated.bad.to_numpy())
    assert weighted.ks.to_numpy() == pytest.approx(repeated.ks.to_numpy(), abs=1e-12)


@given(outcomes_and_values(), st.integers(1, 12))
def test_no_table_of_bands_shows_more_than_the_ks_and_it_loses_no_row(case, bands):
    bad, value, _ = case
    table = ks_table(bad, value, bands=bands)
    assert table.ks.abs().max() <= ks(bad, value).ks + 1e-12
    assert table.rows.sum() == bad.size
    assert table.bad.sum() == bad.sum()
    assert len(table) <= bands
    # Bands do not overlap: each lies wholly on the risky side of the next.
    assert (table.lowest.to_numpy()[:-1] > table.highest.to_numpy()[1:]).all()


@given(outcomes_and_values())
def test_area_of_the_cap_is_the_gini_and_the_interval_holds_the_area(case):
    bad, value, weight = case
    assert accuracy_ratio(bad, value, sample_weight=weight) == pytest.approx(
        gini(bad, value, sample_weight=weight), abs=1e-10
    )
    found = auc_interval(bad, value, sample_weight=weight)
    assert 0.0 <= found.lower <= found.auc <= found.upper <= 1.0


@given(outcomes_and_values(), st.one_of(st.none(), st.integers(1, 8)), st.booleans())
def test_the_parts_of_the_brier_score_add_up(case, bins, weighted):
    bad, value, weight = case
    found = brier_split(bad, value, bins=bins, sample_weight=weight if weighted else None)
    assert found.brier == pytest.approx(
        found.reliability
        - found.resolution
        + found.uncertainty
        + found.within_variance
        - found.within_covariance,
        abs=1e-12,
    )
    assert min(found.reliability, found.resolution, found.within_variance) >= 0.0
    assert found.resolution <= found.uncertainty + 1e-12
    if bins is None:
        assert (found.within_variance, found.within_covariance) == pytest.approx((0, 0), abs=1e-12)


@given(outcomes_and_values(), st.sampled_from(["platt", "isotonic", "beta"]))
def test_calibrated_probabilities_keep_order_and_isotonic_and_beta_keep_the_total(case, kind):
    bad, value, weight = case
    value = 0.05 + 0.9 * value
    try:
        made = calibrator(kind).fit(value, bad, weight)
    except ValueError:  # beta on separated classes
        assert kind == "beta"
        assert value[bad == 1].min() >= value[bad == 0].max()
        return
    calibrated = made.transform(value)
    order = np.argsort(value)
    assert (np.diff(calibrated[order]) >= -1e-12).all()
    if kind != "platt":
        assert weight @ calibrated == pytest.approx(weight @ bad, rel=1e-4)


@given(outcomes_and_values(), st.integers(1, 10))
def test_a_calibration_error_is_at_most_one_and_zero_for_the_bad_rates_themselves(case, bins):
    bad, value, weight = case
    assert 0.0 <= expected_calibration_error(bad, value, bins=bins) <= 1.0
    _, place = np.unique(value, return_inverse=True)
    rate = np.bincount(place, weights=weight * bad) / np.bincount(place, weights=weight)
    error = expected_calibration_error(bad, rate[place], bins=bins, sample_weight=weight)
    assert error == pytest.approx(0.0, abs=1e-12)


@given(outcomes_and_values())
def test_grades_sum_to_the_whole(case):
    bad, value, _ = case
    table = grade_table(bad, value, np.round(value, 1))
    whole, parts = table.iloc[-1], table.iloc[:-1]
    assert (whole.rows, whole.bad) == (parts.rows.sum(), parts.bad.sum())
    assert whole.expected_bad == pytest.approx(parts.expected_bad.sum())
    assert table.binomial_p_value.between(0.0, 1.0 + 1e-12).all()


@given(st.integers(0, 10_000), st.floats(0.4, 2.5), st.floats(-1.0, 1.0))
def test_the_slope_undoes_a_stretch_of_the_log_odds(seed, stretch, shift):
    random = np.random.default_rng(seed)
    eta = random.normal(-1.0, 1.0, 200)
    bad = random.random(200) < 1 / (1 + np.exp(-eta))
    plain = calibration_slope(bad, 1 / (1 + np.exp(-eta)))
    changed = calibration_slope(bad, 1 / (1 + np.exp(-(shift + stretch * eta))))
    assert changed.slope * stretch == pytest.approx(plain.slope, rel=1e-5, abs=1e-6)
