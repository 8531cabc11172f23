"""Laws of the figures of validation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fengkong.scorecard.validation import accuracy_ratio, auc, auc_interval, gini, ks, ks_table


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
