"""The outer bins may be as small as the least share: the cuts that make them so are candidates.

Goal: those cuts are found exactly. Method: by counting all rows for every value.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fengkong.foundation.tables import Field
from fengkong.scorecard import Binner
from fengkong.scorecard.binning._numeric import rank
from fengkong.scorecard.binning._target import read_target

ROWS = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), st.integers(1, 3)), min_size=4, max_size=40
).filter(lambda rows: len({bad for _, bad, _ in rows}) == 2)


@given(ROWS, st.integers(1, 30), st.booleans())
def test_ends_are_those_of_counting(rows, least, weighted):
    values = np.array([value for value, _, _ in rows], dtype=np.float64)
    bad = np.array([bad for _, bad, _ in rows], dtype=np.float64)
    weight = np.array([weight for _, _, weight in rows], dtype=np.float64)
    if not weighted:
        weight = np.ones(len(rows))
    target = read_target(bad, weight if weighted else None, rows=len(rows))
    found = rank(Field(name="x", values=values), target, ()).smallest_ends(float(least))
    first = [cut for cut in np.unique(values) if weight[values < cut].sum() >= least]
    last = [cut for cut in np.unique(values) if weight[values >= cut].sum() >= least]
    expected = {*first[:1], *last[-1:]}
    assert set(found) == expected


@pytest.mark.parametrize("seed", range(6))
def test_no_outer_bin_gains_by_becoming_as_small_as_it_may(seed):
    draw = np.random.default_rng(seed)
    values = draw.normal(size=20_000)
    bad = draw.random(20_000) < 1.0 / (1.0 + np.exp(2.7 - 0.25 * (values**2 - 1.0)))
    found = Binner(max_bins=8, min_bin_share=0.05).fit({"x": values}, bad).bins_["x"]
    assert found.trend == "valley"
    ordered = np.sort(values)
    for place, end in ((0, ordered[1_000]), (-1, ordered[-1_000])):
        cuts = found.cuts.copy()
        cuts[place] = end
        moved = Binner(splits={"x": cuts}).fit({"x": values}, bad).bins_["x"]
        rate = moved.bad_rate[: moved.n_bins]
        turn = int(np.argmin(rate))
        keeps = (np.diff(rate[: turn + 1]) <= 0).all() and (np.diff(rate[turn:]) >= 0).all()
        assert not keeps or moved.iv <= found.iv + 1e-12
