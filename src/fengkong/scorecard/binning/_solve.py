"""From pre-bins and rules to the best bins: which program runs, and what is relaxed if none can."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.binning._curves import solve_curve
from fengkong.scorecard.binning._program import PHASES, solve_free, solve_pairs, solve_trends
from fengkong.scorecard.binning._ranked import FEW
from fengkong.scorecard.binning._rules import Rules

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CURVE_PREBINS = FEW  # the programs cost P^4 and P^3
PAIR_PREBINS = 100
SAME = 1e-12  # an additional bin must add more than this to be worth having
_ROWS = {"ascending": 0, "descending": 1, "peak": 2, "valley": 3, "none": PHASES}
_MEMBERS = {
    "auto": ("ascending", "descending", "peak", "valley"),
    "monotonic": ("ascending", "descending"),
}
ONE_BIN = "no split keeps the limits: one bin"
FEWER_BINS = "min_bins was relaxed: no binning of so many bins keeps the other limits"
SMALL_BIN = (
    "min_bin_share and min_bin_events were relaxed: too few rows outside missing and specials"
)
PURE_BINS = "min_bin_events was relaxed: goods and bads are separated, a bin holds one of them only"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PreBins:
    """Weights of goods and bads below each edge, and of all.

    Attributes
    ----------
    goods, bads : ndarray of shape (P + 1,)
        Below each edge; the first is 0, the last the sum of all regular rows.
    totals : ndarray of shape (2,)
        Goods and bads with missing and special rows.
    """

    goods: FloatArray
    bads: FloatArray
    totals: FloatArray

    def thinned(self, at_most: int, keep: IntArray) -> tuple[PreBins, IntArray]:
        """Return about ``at_most`` pre-bins, with the places of their edges; ``keep`` stay."""
        count = len(self.goods) - 1
        if count <= at_most:
            return self, np.arange(count + 1)
        evenly = max(at_most - len(keep), 1)
        places = np.unique(np.round(np.linspace(0, count, evenly + 1)).astype(np.int64))
        places = np.union1d(places, keep)
        return PreBins(goods=self.goods[places], bads=self.bads[places], totals=self.totals), places


@dataclass(frozen=True, slots=True, kw_only=True)
class Solution:
    """Bins as places of edges; what they reach, which trend they have, what was relaxed."""

    ends: tuple[int, ...]
    value: float
    trend: str
    note: str = ""


def members(trend: str) -> tuple[str, ...]:
    """Return the trends that a wish such as "auto" chooses from."""
    return _MEMBERS.get(trend, (trend,))


def solve(prebins: PreBins, trend: str, rules: Rules, *, keep: IntArray) -> list[Solution]:
    """Return the best bins of every trend that the wish allows; never an empty list.

    Notes
    -----
    Where no split keeps all rules they are relaxed in this order, and the note says so:
    min_bin_events, if then there is a split whose sides differ at 5 %; min_bins; min_bin_share
    with min_bin_events. With min_bins of 1 a single bin is an answer, and is noted too.
    """
    found = _of_all(prebins, trend, rules, keep)
    if found and (rules.max_bins == 1 or max(len(one.ends) for one in found) > 1):
        return found
    if rules.max_bins > 1 and rules.min_bin_events > 0.0:
        level = min(rules.max_p_value or 0.05, 0.05)
        pure = replace(
            rules, min_bin_events=0.0, max_p_value=level, min_bins=max(rules.min_bins, 2)
        )
        if separated := _of_all(prebins, trend, pure, keep):
            return [replace(one, note=PURE_BINS) for one in separated]
    if found:
        return [replace(one, note=ONE_BIN) for one in found]
    if rules.min_bins > 1 and (fewer := _of_all(prebins, trend, replace(rules, min_bins=1), keep)):
        return [replace(one, note=FEWER_BINS) for one in fewer]
    return [Solution(ends=(len(prebins.goods) - 1,), value=0.0, trend="none", note=SMALL_BIN)]


def directions(prebins: PreBins, ends: tuple[int, ...], trend: str) -> IntArray:
    """Return for each pair of neighbours: the bad rate must rise (1), fall (-1) or neither."""
    pairs = len(ends) - 1
    if trend == "none":
        return np.zeros(pairs, dtype=np.int64)
    edges = np.array([0, *ends])
    bads, goods = np.diff(prebins.bads[edges]), np.diff(prebins.goods[edges])
    rate = bads / (goods + bads)
    if trend in {"ascending", "descending"}:
        return np.full(pairs, 1 if trend == "ascending" else -1, dtype=np.int64)
    top = int(np.argmax(rate)) if trend == "peak" else int(np.argmin(rate))
    rising = np.arange(pairs) < top
    return np.where(rising == (trend == "peak"), 1, -1).astype(np.int64)


def _of_all(prebins: PreBins, trend: str, rules: Rules, keep: IntArray) -> list[Solution]:
    """Solve every trend of the wish under the rules as they stand."""
    if trend in {"convex", "concave"}:
        return _of_curve(prebins, trend, rules, keep)
    if rules.max_p_value is not None:
        return _of_pairs(prebins, trend, rules, keep)
    size = rules.max_bins
    limits = rules.limits(float(prebins.totals.sum()))
    given = (prebins.goods, prebins.bads, prebins.totals, limits, size, rules.objective_code)
    if trend == "none":
        best, ends = np.empty(size), np.zeros((size, size), dtype=np.int64)
        solve_free(*given, best, ends)
        return _picked(best, ends, trend, rules)
    best, ends = np.empty((PHASES, size)), np.zeros((PHASES, size, size), dtype=np.int64)
    solve_trends(*given, _nowhere(PHASES, prebins, size), best, ends)
    return [one for name in members(trend)
            for one in _picked(best[_ROWS[name]], ends[_ROWS[name]], name, rules)]  # fmt: skip


def _of_pairs(prebins: PreBins, trend: str, rules: Rules, keep: IntArray) -> list[Solution]:
    thin, places = prebins.thinned(PAIR_PREBINS, keep)
    size = rules.max_bins
    best, ends = np.empty((PHASES + 1, size)), np.zeros((PHASES + 1, size, size), dtype=np.int64)
    solve_pairs(
        thin.goods, thin.bads, thin.totals, rules.limits(float(thin.totals.sum())), size,
        rules.objective_code, rules.z_squared, _nowhere(PHASES + 1, thin, size), best, ends,
    )  # fmt: skip
    ends = places[ends]
    return [one for name in members(trend)
            for one in _picked(best[_ROWS[name]], ends[_ROWS[name]], name, rules)]  # fmt: skip


def _of_curve(prebins: PreBins, trend: str, rules: Rules, keep: IntArray) -> list[Solution]:
    thin, places = prebins.thinned(PAIR_PREBINS, keep)  # so that peaks and valleys see every edge
    thinner, among = thin.thinned(CURVE_PREBINS, np.searchsorted(places, keep))
    size = rules.max_bins
    best, ends = np.empty(size), np.zeros((size, size), dtype=np.int64)
    solve_curve(
        thinner.goods, thinner.bads, thinner.totals, rules.limits(float(thin.totals.sum())), size,
        rules.objective_code, rules.z_squared, 1.0 if trend == "convex" else -1.0,
        _nowhere(len(thinner.goods), thinner, size), best, ends,
    )  # fmt: skip
    return _picked(best, places[among[ends]], trend, rules)


def _nowhere(first: int, prebins: PreBins, size: int) -> FloatArray:
    """Return the working space of a program: no state reached yet."""
    edges = len(prebins.goods)
    return np.full((first, edges, edges, size), -np.inf)


def _picked(best: FloatArray, ends: IntArray, trend: str, rules: Rules) -> list[Solution]:
    """Take the number of bins with the greatest objective; the fewest among equals."""
    allowed = best[rules.min_bins - 1 :]
    top = allowed.max()
    if top == -np.inf:
        return []
    bins = rules.min_bins + int(np.argmax(allowed >= top - SAME * max(1.0, abs(top))))
    return [Solution(ends=tuple(int(end) for end in ends[bins - 1, :bins]),
                     value=float(best[bins - 1]), trend=trend)]  # fmt: skip
