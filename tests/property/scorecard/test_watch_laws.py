"""Laws of expected performance and of vintages."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fengkong.scorecard.watch import expected_performance, vintage_adjusted
from fengkong.scorecard.watch._soft import Ranked, soft_auc

shares = st.lists(st.integers(1, 19).map(lambda k: k / 20), min_size=4, max_size=40)


@given(shares, st.randoms(use_true_random=False))
def test_order_of_rows_and_rising_maps_do_not_matter(values, random):
    p = np.array(values)
    places = list(range(len(p)))
    random.shuffle(places)
    one = soft_auc(Ranked.of(p, p))
    for other in (soft_auc(Ranked.of(p[places], p[places])), soft_auc(Ranked.of(p, np.exp(3 * p)))):
        assert other == pytest.approx(one, rel=1e-9, abs=1e-12)


@given(shares)
def test_turning_good_and_bad_round_turns_the_auc(values):
    p = np.array(values)
    one, turned = soft_auc(Ranked.of(p, p)), soft_auc(Ranked.of(1 - p, p))
    assert one.expected + turned.expected == pytest.approx(1.0)
    assert one.standard_error == pytest.approx(turned.standard_error)
    # Two halves with the same rows twice: as many pairs again, nearly the same AUC, less doubt.
    twice = soft_auc(Ranked.of(np.tile(p, 40), np.tile(p, 40)))
    assert twice.standard_error <= one.standard_error + 1e-12


@given(shares)
def test_every_band_holds_its_expectation_and_stays_in_the_unit_interval(values):
    found = expected_performance(values, draws=100).figures
    assert not found.isna().any().any()
    assert (found["lower"] <= found["expected"] + 1e-12).all()
    assert (found["expected"] <= found["upper"] + 1e-12).all()
    assert found["lower"].min() >= 0
    assert found["upper"].max() <= 1


@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(0, 14), st.integers(1, 14)),
        min_size=1, max_size=60,
    ),
    st.integers(1, 12),
)  # fmt: skip
def test_every_cell_of_a_vintage_is_judged_or_listed_and_counted_once(rows, age):
    cohort = np.array([row[0] for row in rows])
    seen = np.array([row[1] for row in rows], dtype=float)
    bad = np.array([row[2] if row[2] <= row[1] else np.nan for row in rows], dtype=float)
    names = sorted(set(cohort))
    found = vintage_adjusted(
        cohort, seen, bad, reference=names, ages=[age, age + 1], loans_at_least=1
    )
    cells = [(row.cohort, row.age_months) for row in found.cells.itertuples()]
    left = [(row.cohort, row.age_months) for row in found.left_out.itertuples()]
    assert sorted(cells + left) == sorted((name, a) for name in names for a in (age, age + 1))
    for row in found.cells.itertuples():
        own = cohort == row.cohort
        assert seen[own].min() >= row.age_months
        assert row.bads == (bad[own] <= row.age_months).sum()
        assert 0 <= row.lower <= row.bad_rate <= row.upper + 1e-12
    # What all mature cohorts together had is what is expected of them together.
    for _, part in found.cells.groupby("age_months"):
        assert (part["expected_rate"] * part["loans"]).sum() == pytest.approx(part["bads"].sum())
