"""The dynamic programs against brute force over every binning, and the laws of binning."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.tree import DecisionTreeClassifier

from fengkong.foundation.tables import Field
from fengkong.scorecard.binning import Binner, ColumnBins, Special

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


columns = st.lists(
    st.tuples(st.integers(-20, 20), st.booleans(), st.integers(1, 3)), min_size=12, max_size=60
)


def drawn(rows):
    """Return values, outcomes and whole weights of drawn rows, or leave the draw out."""
    x, y, weight = (np.array(part) for part in zip(*rows, strict=True))
    assume(0 < y.sum() < len(y))
    return pd.DataFrame({"x": x / 4.0}), y.astype(int), weight


def same(one, other):
    assert one.cuts.tolist() == other.cuts.tolist()
    np.testing.assert_array_equal(one.count, other.count)
    np.testing.assert_array_equal(one.woe, other.woe)


@given(rows=columns, seed=st.integers(0, 99))
def test_order_of_rows_does_not_matter(rows, seed):
    X, y, weight = drawn(rows)
    moved = np.random.default_rng(seed).permutation(len(y))
    one = Binner(min_bin_events=1).fit(X, y, sample_weight=weight)
    other = Binner(min_bin_events=1).fit(X.iloc[moved], y[moved], sample_weight=weight[moved])
    same(one.bins_["x"], other.bins_["x"])


@given(rows=columns)
def test_a_weight_is_as_many_rows(rows):
    X, y, weight = drawn(rows)
    weighted = Binner(min_bin_events=2).fit(X, y, sample_weight=weight)
    repeated = Binner(min_bin_events=2).fit(X.loc[X.index.repeat(weight)], np.repeat(y, weight))
    same(weighted.bins_["x"], repeated.bins_["x"])


@given(rows=columns)
def test_a_rising_function_of_the_values_leaves_the_codes(rows):
    X, y, _ = drawn(rows)
    moved = np.exp(X / 3.0) + 7.0
    codes = [Binner(min_bin_events=1).fit(T, y).transform(T, output="code") for T in (X, moved)]
    np.testing.assert_array_equal(*codes)


@given(rows=columns)
def test_auto_never_loses_to_a_forced_trend(rows):
    X, y, _ = drawn(rows)
    rules = {"min_bin_events": 1, "min_bin_share": 0.1}
    auto = Binner(trend="auto", **rules).fit(X, y).bins_["x"]
    for trend in ["monotonic", *TRENDS[:-1]]:
        forced = Binner(trend=trend, **rules).fit(X, y).bins_["x"]
        if "relaxed" not in forced.note:
            assert auto.iv >= forced.iv - ROUNDING


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("p_value", [None, 0.05])
def test_auto_never_loses_where_cuts_are_searched(seed, p_value):
    # Thousands of distinct values: pre-bins, then cuts moved to single values.
    rng = np.random.default_rng(seed)
    x = rng.normal(size=3000)
    y = rng.random(3000) < 0.2 + 0.1 * np.sin(seed * x) * (seed % 3 > 0)
    X = pd.DataFrame({"x": x})
    auto = Binner(max_p_value=p_value).fit(X, y).bins_["x"]
    for trend in ["monotonic", *TRENDS[:-1]]:
        forced = Binner(trend=trend, max_p_value=p_value).fit(X, y).bins_["x"]
        assert auto.iv >= forced.iv - ROUNDING


@given(pairs=counts, place=st.integers(0, 7))
def test_merging_neighbours_never_raises_iv(pairs, place):
    goods, bads = np.array(pairs).T + 1.0  # no empty cell, where half a row is added
    assume(place < len(goods) - 1)
    merged = [np.add.reduceat(part, [k for k in range(len(part)) if k != place + 1])
              for part in (goods, bads)]  # fmt: skip
    whole = value_of(goods, bads, goods.sum(), bads.sum(), "iv")
    assert value_of(*merged, goods.sum(), bads.sum(), "iv") <= whole + ROUNDING


def partitions(items):
    """List every way to put items into groups."""
    if not items:
        yield []
        return
    for rest in partitions(items[1:]):
        for place in range(len(rest)):
            yield [*rest[:place], [items[0], *rest[place]], *rest[place + 1 :]]
        yield [[items[0]], *rest]


@given(
    pairs=st.lists(st.tuples(st.integers(1, 12), st.integers(1, 12)), min_size=2, max_size=6),
    max_bins=st.integers(2, 4),
)
def test_contiguous_groups_of_categories_are_best_of_all(pairs, max_bins):
    goods, bads = np.array(pairs).T
    X, y = rows_of(goods, bads)
    X = X.astype(int).astype(str)
    wish = {"min_bin_share": 0.0, "min_bin_events": 0, "rare_count": 0.0, "max_bins": max_bins}
    bins = Binner(**wish).fit(X, y).bins_["x"]
    best = max(
        value_of([goods[g].sum() for g in groups], [bads[g].sum() for g in groups],
                 goods.sum(), bads.sum(), "iv")
        for groups in partitions(list(range(len(goods)))) if len(groups) <= max_bins
    )  # fmt: skip
    assert bins.iv == pytest.approx(best, abs=1e-10)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("trend", ["ascending", "peak", "convex", "none"])
def test_no_binning_of_the_leaves_of_a_tree_is_better(seed, trend):
    # The pre-bins of other libraries: 20 leaves of at least 5 % of a tree by Gini impurity.
    rng = np.random.default_rng(seed)
    x = rng.normal(size=5000).astype(np.float32).astype(float)
    y = rng.random(5000) < 0.1 + 0.15 * (seed % 2) / (1 + np.exp(-2 * x))
    tree = DecisionTreeClassifier(max_leaf_nodes=20, min_samples_leaf=250).fit(x[:, None], y).tree_
    cuts = np.sort(tree.threshold[tree.feature >= 0])
    codes = np.searchsorted(cuts, x, side="left")
    goods, bads = (np.bincount(codes[y == k], minlength=len(cuts) + 1) for k in (0, 1))
    best = brute_force(
        goods, bads, trend, min_bins=1, max_bins=5, least=250, events=1, z_squared=0.0,
        objective="iv",
    )  # fmt: skip
    binner = Binner(trend=trend, max_bins=5, min_bin_events=1).fit(pd.DataFrame({"x": x}), y)
    assert binner.bins_["x"].iv >= best - ROUNDING


@given(
    values=st.lists(st.floats(width=64) | st.integers(-3, 3).map(float), min_size=1, max_size=80),
    cuts=st.sets(st.integers(-3, 3) | st.floats(-1e9, 1e9), max_size=6),
    special=st.integers(-3, 3),
)
def test_a_code_is_the_number_of_cuts_not_above(values, cuts, special):
    ascending = np.sort(np.array(list(cuts), dtype=float))
    size = len(ascending) + 4
    bins = ColumnBins(
        name="x", kind="numeric", cuts=ascending,
        specials=(Special(name="s", values=(float(special),)),),
        count=np.ones(size), bad_count=np.ones(size) / 2, woe=np.zeros(size),
    )  # fmt: skip
    codes = bins.codes(Field(name="x", values=np.array(values)))
    for value, code in zip(values, codes, strict=True):
        if np.isnan(value):
            assert code == bins.missing_code
        elif value == special:
            assert code == bins.missing_code + 1
        else:
            assert code == sum(cut <= value for cut in ascending)
