"""The best bins of one numeric column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Context

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.tables import Field
from fengkong.scorecard.binning._encode import read_only
from fengkong.scorecard.binning._ranked import FEW, Ranked, split_by_class
from fengkong.scorecard.binning._refine import refine
from fengkong.scorecard.binning._rules import Rules
from fengkong.scorecard.binning._solve import SAME, PreBins, Solution, directions, solve
from fengkong.scorecard.binning.bins import ColumnBins, Special, weight_of_evidence

FloatArray = NDArray[np.float64]
ONE_VALUE = "only one value"
ALL_MISSING = "no value outside missing and specials"
FIXED = "splits fixed by the user"
REACH = 2  # edges that a cut may move past in one round of refinement
ROUNDS_AT_MOST = 3
ROUND_GAIN = 1e-6  # a round that gains less is the last one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """Outcomes and weights of the rows.

    Attributes
    ----------
    bad : ndarray of uint8, shape (n_rows,)
        1 for bad.
    weights : ndarray of float64, shape (n_rows,), or empty
        Empty where every row weighs 1.
    totals : ndarray of shape (2,)
        Weight of goods and bads.
    rows : ndarray of shape (2,)
        Number of goods and bads.
    """

    bad: NDArray[np.uint8]
    weights: FloatArray
    totals: FloatArray
    rows: tuple[int, int]


def rank(field: Field, target: Target, specials: Sequence[Special]) -> Ranked:
    """Sort the regular values of a column by class, and tally the others."""
    pairs = [(value, code) for code, special in enumerate(specials, start=1)
             for value in special.values]  # fmt: skip
    goods, bads = np.empty(target.rows[0] + 1), np.empty(target.rows[1] + 1)
    weighted = len(target.weights) > 0
    good_weights = np.empty(len(goods) if weighted else 0)
    bad_weights = np.empty(len(bads) if weighted else 0)
    tallies = np.zeros((1 + len(specials), 2))
    n_goods, n_bads = split_by_class(
        read_only(field.values), target.bad, target.weights,
        np.array([value for value, _ in pairs], dtype=np.float64),
        np.array([code for _, code in pairs], dtype=np.uint8),
        goods, bads, good_weights, bad_weights, tallies,
    )  # fmt: skip
    goods, goods_below = _sorted(goods[:n_goods], good_weights[:n_goods], weighted=weighted)
    bads, bads_below = _sorted(bads[:n_bads], bad_weights[:n_bads], weighted=weighted)
    return Ranked(
        goods=goods, bads=bads, goods_below=goods_below, bads_below=bads_below, tallies=tallies
    )


def _sorted(
    values: FloatArray, weights: FloatArray, *, weighted: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the values ascending, and the sum of the weights below each."""
    if not weighted:
        values.sort()
        return values, weights
    order = np.argsort(values)
    below = np.zeros(len(values) + 1)
    np.cumsum(weights[order], out=below[1:])
    return values[order], below


def numeric_bins(
    field: Field, target: Target, *, trend: str, rules: Rules, specials: tuple[Special, ...],
    hints: FloatArray, n_prebins: int,
) -> ColumnBins:  # fmt: skip
    """Return the best bins of a column."""
    ranked = rank(field, target, specials)
    total = float(target.totals.sum())
    edges, anchors = ranked.candidates(at_most=n_prebins - 1, total=total)
    if len(edges) > FEW:
        anchors = np.union1d(anchors, ranked.smallest_ends(rules.limits(total)[0]))
    edges, keep = _with_hints(edges, np.union1d(hints, anchors))
    if len(edges) == 0:
        empty = len(ranked.goods) + len(ranked.bads) == 0
        note = ALL_MISSING if empty else ONE_VALUE
        return counted(field.name, ranked, edges, specials, trend="none", note=note)
    goods, bads = ranked.below(edges)
    prebins = PreBins(goods=goods, bads=bads, totals=target.totals)
    prebins, edges, keep = _without_empty(prebins, edges, keep)
    found = [_refined(one, prebins, edges, ranked, rules)
             for one in _worth_moving(solve(prebins, trend, rules, keep=keep + 1))]  # fmt: skip
    best, cuts = found[0]
    for one, moved in found[1:]:
        if one.value > best.value + SAME:
            best, cuts = one, moved
    cuts = _plain_cuts(cuts, ranked, hints)
    return counted(field.name, ranked, cuts, specials, trend=best.trend, note=best.note)


def fixed_bins(
    field: Field, target: Target, *, cuts: FloatArray, specials: tuple[Special, ...]
) -> ColumnBins:
    """Return the bins of cuts that the user fixed, counted."""
    ranked = rank(field, target, specials)
    return counted(field.name, ranked, cuts, specials, trend="none", note=FIXED)


def counted(
    name: str, ranked: Ranked, cuts: FloatArray, specials: tuple[Special, ...], *, trend: str,
    note: str,
) -> ColumnBins:  # fmt: skip
    """Count every bin of a column and return it."""
    goods, bads = ranked.below(cuts)
    goods = np.concatenate([np.diff(goods), ranked.tallies[:, 0], [0.0]])
    bads = np.concatenate([np.diff(bads), ranked.tallies[:, 1], [0.0]])
    count = goods + bads
    return ColumnBins(
        name=name, kind="numeric", cuts=cuts, specials=specials, count=count, bad_count=bads,
        woe=weight_of_evidence(count, bads), trend=trend, note=note,
    )  # fmt: skip


def _plain_cuts(cuts: FloatArray, ranked: Ranked, hints: FloatArray) -> FloatArray:
    """Return the shortest decimals that part the same rows; hinted cuts stay as they are."""
    plain = cuts.copy()
    for place, cut in enumerate(cuts):
        if cut not in hints:
            under = [values[np.searchsorted(values, cut) - 1]
                     for values in (ranked.goods, ranked.bads)
                     if len(values) and values[0] < cut]  # fmt: skip
            plain[place] = _shortest(float(max(under)), float(cut))
    return plain


def _shortest(low: float, high: float) -> float:
    """Return the number of fewest digits in (low, high]."""
    for digits in range(1, 17):
        rounded = Context(prec=digits, rounding=ROUND_FLOOR).create_decimal_from_float(high)
        if low < float(rounded):
            return float(rounded)
    return high


def _with_hints(edges: FloatArray, hints: FloatArray) -> tuple[FloatArray, NDArray[np.int64]]:
    """Put the hinted cuts among the edges; return their places too."""
    if len(hints) == 0:
        return edges, np.empty(0, dtype=np.int64)
    joined = np.union1d(edges, hints)
    return joined, np.searchsorted(joined, hints)


def _without_empty(
    prebins: PreBins, edges: FloatArray, keep: NDArray[np.int64]
) -> tuple[PreBins, FloatArray, NDArray[np.int64]]:
    """Drop edges with nothing between them and the edge below; a hint stays, its twin goes."""
    weight = prebins.goods + prebins.bads
    hinted = np.zeros(len(edges), dtype=bool)
    hinted[keep] = True
    under = weight[1:-1]
    # Edges with the same rows below them stand together, a hinted one first.
    order = np.lexsort((~hinted, under))
    ordered = under[order]
    first = np.append(True, ordered[1:] != ordered[:-1])
    parts = (ordered != weight[0]) & (ordered != weight[-1])
    kept = np.sort(order[first & parts]) + 1
    all_places = np.concatenate([[0], kept, [len(weight) - 1]])
    thin = PreBins(
        goods=prebins.goods[all_places], bads=prebins.bads[all_places], totals=prebins.totals
    )
    chosen = kept - 1
    return thin, edges[chosen], np.flatnonzero(hinted[chosen])


def _worth_moving(found: list[Solution]) -> list[Solution]:
    """Leave out what cannot win by moving its cuts a little: twins, and what is worth half.

    Of twins (a peak that only rises is the ascending answer) the first one names the trend.
    """
    top = max(one.value for one in found)
    twins: dict[tuple[int, ...], Solution] = {}
    for one in found:
        if one.value >= 0.5 * top:
            twins.setdefault(one.ends, one)
    return list(twins.values())


def _zones(padded: FloatArray, cuts: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the open interval in which each cut may move: to the second edges on both sides."""
    under = np.searchsorted(padded, cuts, side="left") - REACH
    over = np.searchsorted(padded, cuts, side="right") + REACH - 1
    return padded[np.maximum(under, 0)], padded[np.minimum(over, len(padded) - 1)]


def _refined(
    one: Solution, prebins: PreBins, edges: FloatArray, ranked: Ranked, rules: Rules
) -> tuple[Solution, FloatArray]:
    """Move the cuts of a solution to the best values near them."""
    cuts = edges[np.array(one.ends[:-1], dtype=np.int64) - 1].copy()
    if len(cuts) == 0 or one.trend in {"convex", "concave"}:
        return one, cuts
    padded = np.concatenate([[-np.inf], edges, [np.inf]])
    pure = "min_bin_events" in one.note
    limits = rules.limits(float(prebins.totals.sum()))
    way = directions(prebins, one.ends, one.trend)
    value = -np.inf
    for _ in range(ROUNDS_AT_MOST):
        before = value
        value = refine(
            ranked.goods, ranked.goods_below, ranked.bads, ranked.bads_below, prebins.totals,
            np.array([limits[0], 0.0]) if pure else limits, rules.objective_code, rules.z_squared,
            way, cuts, *_zones(padded, cuts),
        )  # fmt: skip
        if value <= before * (1.0 + ROUND_GAIN):
            break
    return replace(one, value=max(value, one.value)), cuts
