# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""The dynamic program of curved trends: the bad rate bends one way from bin to bin."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.binning._parts import NEVER, allowed, differ, part

_njit = numba.njit(cache=True, nogil=True)
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_FLAT = 1e-14  # second differences this near to zero are straight, whatever rounding says


@_njit
def solve_curve(
    goods: FloatArray, bads: FloatArray, totals: FloatArray, limits: FloatArray,
    bins_at_most: int, objective: int, z_squared: float, bend: float, value: FloatArray,
    best: FloatArray, ends: IntArray,
) -> None:  # fmt: skip
    """Find the best bins whose bad rates r have bend x (r[t+1] - 2 r[t] + r[t-1]) >= 0.

    Parameters are those of `solve_pairs`; ``bend`` is 1.0 for convex, -1.0 for concave. The state
    is the last two bins, so ``value`` has the shape (P + 1, P + 1, P + 1, bins_at_most), by end,
    start and start of the bin before, and the cost is O(P^4 K): for some 40 pre-bins.
    """
    edges = len(goods)
    rate = np.empty((edges, edges))  # by end, by start; NaN where no bin may be
    rate[:] = np.nan
    gain = np.zeros((edges, edges))
    for end in range(1, edges):
        for begin in range(end):
            g, b = goods[end] - goods[begin], bads[end] - bads[begin]
            if allowed(g, b, limits[0], limits[1]):
                rate[end, begin] = b / (g + b)
                gain[end, begin] = part(g, b, totals[0], totals[1], objective)
    last = edges - 1
    for end in range(2, edges):
        for begin in range(1, end):
            for before in range(begin):
                _enter(value, rate, gain, goods, bads, z_squared, bend, before, begin, end)
    best[:] = NEVER
    if not np.isnan(rate[last, 0]):
        best[0], ends[0, 0] = gain[last, 0], last
    for k in range(1, bins_at_most):
        found_begin, found_before = 0, 0
        for begin in range(1, last):
            for before in range(begin):
                if value[last, begin, before, k] > best[k]:
                    best[k] = value[last, begin, before, k]
                    found_begin, found_before = begin, before
        if best[k] > NEVER:
            _trace(value, rate, bend, k, found_begin, found_before, ends[k])


@_njit
def _enter(
    value: FloatArray, rate: FloatArray, gain: FloatArray, goods: FloatArray, bads: FloatArray,
    z_squared: float, bend: float, before: int, begin: int, end: int,
) -> None:  # fmt: skip
    """Fill the state whose last two bins are (before, begin] and (begin, end]."""
    if np.isnan(rate[end, begin]) or np.isnan(rate[begin, before]):
        return
    b_1, b_2 = bads[begin] - bads[before], bads[end] - bads[begin]
    w_1, w_2 = b_1 + goods[begin] - goods[before], b_2 + goods[end] - goods[begin]
    if not differ(w_1, b_1, w_2, b_2, z_squared):
        return
    if before == 0:
        value[end, begin, before, 1] = gain[begin, before] + gain[end, begin]
    step = rate[end, begin] - rate[begin, before]
    for first in range(before):
        earlier = rate[begin, before] - rate[before, first]
        if not bend * (step - earlier) >= -_FLAT:  # also where there is no such bin (NaN)
            continue
        for k in range(2, value.shape[3]):
            value[end, begin, before, k] = max(
                value[end, begin, before, k],
                value[begin, before, first, k - 1] + gain[end, begin],
            )


@_njit
def _trace(
    value: FloatArray, rate: FloatArray, bend: float, k: int, begin: int, before: int,
    ends: IntArray,
) -> None:  # fmt: skip
    """Write the ends of the best ``k + 1`` bins, walking back from the last two."""
    end = value.shape[0] - 1
    ends[k] = end
    for left in range(k, 1, -1):
        ends[left - 1] = begin
        step = rate[end, begin] - rate[begin, before]
        found, most = 0, NEVER
        for first in range(before):
            bends = bend * (step - (rate[begin, before] - rate[before, first])) >= -_FLAT
            if bends and value[begin, before, first, left - 1] > most:
                found, most = first, value[begin, before, first, left - 1]
        end, begin, before = begin, before, found
    ends[0] = begin
