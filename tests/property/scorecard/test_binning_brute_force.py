"""The dynamic programs against brute force over every binning, and the laws of binning."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fengkong.scorecard.binning import Binner

TRENDS = ["ascending", "descending", "peak", "valley", "convex", "concave", "none"]
ROUNDING = 1e-12


def value_of(goods, bads, all_goods, all_bads, objective):
    """Write the objective out once more, by its definition."""
    total = 0.0
    for g, b in zip(goods, bads, strict=True):
        if objective == "js":
            p, q = g / all_goods, b / all_bads
            for share in (p, q):
                if share > 0:
                    total += 0.5 * share * np.log(share / ((p + q) / 2))
            continue
        add = 0.5 if g == 0 or b == 0 else 0.0
        total += (g / all_goods - b / all_bads) * np.log(
            ((g + add) / all_goods) / ((b + add) / all_bads)
        )
    return total


def keeps_trend(rates, trend):
    steps = np.diff(rates)
    bends = np.diff(steps)
    up, down = steps >= 0, steps <= 0
    return {
        "ascending": up.all(),
        "descending": down.all(),
        "peak": any(up[:k].all() and down[k:].all() for k in range(len(steps) + 1)),
        "valley": any(down[:k].all() and up[k:].all() for k in range(len(steps) + 1)),
        "convex": (bends >= -ROUNDING).all(),
        "concave": (bends <= ROUNDING).all(),
        "none": True,
    }[trend]


def differ(goods, bads, z_squared):
    weight = goods + bads
    for a, b in pairwise(range(len(goods))):
        rate = (bads[a] + bads[b]) / (weight[a] + weight[b])
        gap = bads[a] / weight[a] - bads[b] / weight[b]
        if gap == 0 or gap**2 < z_squared * rate * (1 - rate) * (1 / weight[a] + 1 / weight[b]):
            return False
    return True


def brute_force(goods, bads, trend, *, min_bins, max_bins, least, events, z_squared, objective):
    """Try every contiguous binning; return the best value, or None where none keeps the limits."""
    size, best = len(goods), None
    for bins in range(min_bins, min(max_bins, size) + 1):
        for inner in combinations(range(1, size), bins - 1):
            edges = [0, *inner]
            g, b = np.add.reduceat(goods, edges), np.add.reduceat(bads, edges)
            if (g + b < least - 1e-9).any() or (g < events).any() or (b < events).any():
                continue
            if not keeps_trend(b / (g + b), trend):
                continue
            if z_squared and not differ(g, b, z_squared):
                continue
            value = value_of(g, b, goods.sum(), bads.sum(), objective)
            best = value if best is None else max(best, value)
    return best


counts = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda pair: sum(pair) > 0),
    min_size=2,
    max_size=9,
)


def rows_of(goods, bads):
    """Spread counts over rows: one row a unit of weight."""
    x = np.concatenate(
        [np.repeat(np.arange(len(goods)), goods), np.repeat(np.arange(len(bads)), bads)]
    )
    y = np.concatenate([np.zeros(goods.sum()), np.ones(bads.sum())])
    return pd.DataFrame({"x": x.astype(float)}), y


def regular_value(bins, objective):
    k = bins.n_bins
    bads, goods = bins.bad_count[:k], (bins.count - bins.bad_count)[:k]
    return value_of(goods, bads, goods.sum(), bads.sum(), objective)


@pytest.mark.parametrize("trend", TRENDS)
@pytest.mark.parametrize("p_value", [None, 0.2])
@given(
    pairs=counts, min_bins=st.integers(1, 3), more=st.integers(0, 4),
    share=st.sampled_from([0.0, 0.05, 0.2]), events=st.sampled_from([0, 1, 3]),
    objective=st.sampled_from(["iv", "js"]),
)  # fmt: skip
def test_program_is_brute_force(  # noqa: PLR0917 - drawn by hypothesis
    trend, p_value, pairs, min_bins, more, share, events, objective
):
    goods, bads = np.array(pairs).T
    assume(goods.sum() > 0 and bads.sum() > 0)
    X, y = rows_of(goods, bads)
    z_squared = 0.0 if p_value is None else 1.2815515655446004**2
    best = brute_force(
        goods, bads, trend, min_bins=min_bins, max_bins=min_bins + more, least=share * len(y),
        events=events, z_squared=z_squared, objective=objective,
    )  # fmt: skip
    binner = Binner(
        trend=trend, min_bins=min_bins, max_bins=min_bins + more, min_bin_share=share,
        min_bin_events=events, max_p_value=p_value, objective=objective,
    )  # fmt: skip
    bins = binner.fit(X, y).bins_["x"]
    if best is None:
        assert "relaxed" in bins.note
        return
    if "relaxed" in bins.note:
        assert "separated" in bins.note  # one bin would do, but hides that the classes are apart
        return
    assert bins.trend in {trend, "none"}
    assert keeps_trend(bins.bad_rate[: bins.n_bins], trend)
    assert regular_value(bins, objective) == pytest.approx(best, abs=1e-10)
