"""Laws of the stability index and of the counts behind it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fengkong.scorecard.watch import DriftReference, drift, stability

counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=12)
pairs = st.integers(2, 12).flatmap(
    lambda size: st.tuples(
        st.lists(st.integers(1, 10_000), min_size=size, max_size=size),
        st.lists(st.integers(1, 10_000), min_size=size, max_size=size),
    )
)
# Sixteenths: sums, differences and doublings of them are exact, so ties stay ties.
values = arrays(
    np.float64, st.integers(1, 60), elements=st.integers(-800, 800).map(lambda v: v / 16)
)


@given(pairs)
def test_never_negative_and_the_same_when_sides_change(pair):
    one, other = stability(*pair), stability(*pair[::-1])
    assert one.psi >= 0
    assert (one.contribution >= 0).all()
    assert one.psi == pytest.approx(other.psi, rel=1e-12, abs=1e-15)
    assert one.js == pytest.approx(other.js, rel=1e-9, abs=1e-14)
    assert 0 <= one.js <= np.log(2) + 1e-12
    assert one.p_value == pytest.approx(other.p_value, rel=1e-9, abs=1e-12)


@given(pairs)
def test_zero_exactly_when_shares_are_equal(pair):
    first, second = (np.array(side) for side in pair)
    same = np.array_equal(first * second.sum(), second * first.sum())
    psi = stability(first, second).psi
    assert (psi < 1e-20) == same


@given(counts, st.integers(2, 50))
def test_rows_added_in_proportion_change_nothing(reference, times):
    reference = np.array(reference)
    assume(reference.any())
    current = reference[::-1]
    # A stated share for empty cells: half a row shrinks as rows are added.
    once = stability(reference, current, zero_cell=0.0001)
    more = stability(reference * times, current * times, zero_cell=0.0001)
    assert more.psi == pytest.approx(once.psi, rel=1e-12, abs=1e-15)
    assert more.psi_95 == pytest.approx(once.psi_95 / times)
    assert stability(reference, reference * times).psi == pytest.approx(0, abs=1e-20)


@given(values, values, st.sampled_from([0.5, 1.0, 4.0]), st.integers(-100, 100))
def test_an_affine_map_changes_no_index(reference, current, scale, shift):
    moved = [{"x": side * scale + shift} for side in (reference, current)]
    before = drift({"x": reference}, {"x": current})
    after = drift(*moved)
    assert after.cells["reference_count"].tolist() == before.cells["reference_count"].tolist()
    assert after.columns["psi"].item() == before.columns["psi"].item()


@given(values, values, st.randoms(use_true_random=False))
def test_the_order_of_rows_and_columns_changes_nothing(reference, current, random):
    places = list(range(len(current)))
    random.shuffle(places)
    before = drift({"x": reference, "y": reference}, {"x": current, "y": current})
    after = drift({"y": reference, "x": reference[::-1]}, {"x": current[places], "y": current})
    by_name = [found.columns.set_index("column")["psi"].to_dict() for found in (before, after)]
    assert by_name[0] == by_name[1]


@given(values, values)
def test_every_row_is_counted_once_and_nothing_is_nan(reference, current):
    found = drift({"x": reference}, {"x": current})
    assert found.cells["reference_count"].sum() == len(reference)
    assert found.cells["current_count"].sum() == len(current)
    assert not found.columns.drop(columns="ks").isna().any().any()
    assert found.columns["psi"].item() == pytest.approx(found.cells["contribution"].sum())
    assert drift({"x": reference}, {"x": reference}).columns["psi"].item() == 0


@given(values, values)
def test_a_reference_from_json_answers_the_same(reference, current):
    fitted = DriftReference.fit({"x": reference})
    again = DriftReference.from_json(fitted.to_json())
    assert drift(again, {"x": current}).to_dict() == drift(fitted, {"x": current}).to_dict()


@given(values, values)
def test_counts_are_those_of_searchsorted(reference, current):
    fitted = DriftReference.fit({"x": reference})
    edges = fitted.columns[0].cells.edges
    for side in (reference, current):
        plain = np.bincount(np.searchsorted(edges, side, side="right"), minlength=len(edges) + 1)
        found = fitted.columns[0].cells.counted_numbers(side, None)
        assert found.tolist() == [*plain.tolist(), 0]
