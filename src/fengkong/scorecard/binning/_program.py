# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""The exact dynamic programs over pre-bins: best contiguous bins under limits and a trend.

Pre-bins are given by sums of goods and bads below each edge, so that a bin (i, j] is two
differences. The state of the programs with a trend is the last bin, because the next one is held
to its bad rate; `solve_trends` sorts the bins that end at an edge by bad rate, so that one pass
of running maxima serves all bins that start there: O(P^2 log P + P^2 K), never P^3.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.binning._parts import NEVER, allowed, differ, part
from fengkong.scorecard.binning._search import place_of_greatest, sort_by_key

ASCENDING, DESCENDING, PEAK, VALLEY, FREE = 0, 1, 2, 3, 4
PHASES = 4  # of the program with trends; the fifth, FREE, only the program of pairs knows
_SAME = 1e-12  # a bin more must add more than this share of the objective

_njit = numba.njit(cache=True, nogil=True)
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@_njit
def solve_free(
    goods: FloatArray, bads: FloatArray, totals: FloatArray, limits: FloatArray,
    bins_at_most: int, objective: int, best: FloatArray, ends: IntArray,
) -> None:  # fmt: skip
    """Find the best bins of every number of bins, without a trend.

    Parameters
    ----------
    goods, bads : ndarray of shape (P + 1,)
        Weight below each edge; the first is 0.
    totals : ndarray of shape (2,)
        Goods and bads of the whole column, with missing and special rows.
    limits : ndarray of shape (2,)
        Least weight of a bin, least weight of goods and of bads in it.
    bins_at_most, objective : int
    best : ndarray of shape (bins_at_most,)
        Written: objective by number of bins - 1, minus infinity where there is no such binning.
    ends : ndarray of shape (bins_at_most, bins_at_most)
        Written: row k - 1 holds the k ends of the bins.
    """
    edges = len(goods)
    value = np.empty((bins_at_most + 1, edges))
    value[:] = NEVER
    start = np.zeros((bins_at_most + 1, edges), dtype=np.int64)
    value[0, 0] = 0.0
    for end in range(1, edges):
        for begin in range(end):
            g, b = goods[end] - goods[begin], bads[end] - bads[begin]
            if not allowed(g, b, limits[0], limits[1]):
                continue
            gain = part(g, b, totals[0], totals[1], objective)
            for k in range(bins_at_most):
                if value[k, begin] + gain > value[k + 1, end]:
                    value[k + 1, end] = value[k, begin] + gain
                    start[k + 1, end] = begin
    for k in range(bins_at_most):
        best[k] = value[k + 1, edges - 1]
        end = edges - 1
        for back in range(k + 1):
            ends[k, k - back] = end
            end = start[k + 1 - back, end]


@_njit
def solve_trends(
    goods: FloatArray, bads: FloatArray, totals: FloatArray, limits: FloatArray,
    bins_at_most: int, objective: int, value: FloatArray, best: FloatArray, ends: IntArray,
) -> None:  # fmt: skip
    """Find the best bins of each trend and number of bins, all trends in one sweep.

    Parameters are those of `solve_free`, but ``best`` has the shape (4, bins_at_most) and ``ends``
    (4, bins_at_most, bins_at_most): ascending, descending, peak and valley of the bad rate. Peak
    and valley contain the monotone ones. ``value`` is working space, minus infinity everywhere, of
    shape (4, P + 1, P + 1, bins_at_most): by trend, end and start of the last bin, number of bins.
    """
    edges = len(goods)
    rate = np.zeros((edges, edges))  # of the bin between two edges; both ways, so that all bins
    fits = np.zeros((edges, edges), dtype=np.bool_)  # that touch an edge stand in one row
    for end in range(1, edges):
        for begin in range(end):
            g, b = goods[end] - goods[begin], bads[end] - bads[begin]
            if allowed(g, b, limits[0], limits[1]):
                fits[end, begin] = fits[begin, end] = True
                rate[end, begin] = rate[begin, end] = b / (g + b)
        if fits[end, 0]:
            gain = part(goods[end], bads[end], totals[0], totals[1], objective)
            for phase in range(PHASES):
                value[phase, end, 0, 0] = gain
    befores, afters = np.empty(edges, dtype=np.int64), np.empty(edges, dtype=np.int64)
    keys = np.empty(edges)
    for middle in range(1, edges - 1):
        n_before = _list_by_rate(fits[middle], rate[middle], 0, middle, keys, befores)
        n_after = _list_by_rate(fits[middle], rate[middle], middle + 1, edges, keys, afters)
        if n_before and n_after:
            _extend(middle, befores[:n_before], afters[:n_after], goods, bads, totals, objective,
                    rate, value)  # fmt: skip
    for phase in range(PHASES):
        for k in range(bins_at_most):
            begin = place_of_greatest(value[phase, edges - 1, :, k])
            best[phase, k] = value[phase, edges - 1, begin, k]
            if best[phase, k] > NEVER:
                _trace(value, rate, fits, phase, k, begin, ends[phase, k])


@_njit
def _list_by_rate(
    fits: NDArray[np.bool_], rate: FloatArray, first: int, stop: int, keys: FloatArray,
    found: IntArray,
) -> int:  # fmt: skip
    """Write the other edges of the bins that touch an edge, by rate; return how many they are."""
    count = 0
    for other in range(first, stop):
        if fits[other]:
            keys[count], found[count] = rate[other], other
            count += 1
    sort_by_key(keys, found, count)
    return count


@_njit
def _extend(
    middle: int, befores: IntArray, afters: IntArray, goods: FloatArray, bads: FloatArray,
    totals: FloatArray, objective: int, rate: FloatArray, value: FloatArray,
) -> None:  # fmt: skip
    """Add to every bin that ends at ``middle`` every bin that starts there, in both directions."""
    bins = value.shape[3]
    for up in (True, False):
        # Going up, a bin follows lower rates; then both lists are walked upwards, else downwards.
        pure, turned = (ASCENDING, VALLEY) if up else (DESCENDING, PEAK)
        running = np.empty((2, bins))
        running[:] = NEVER
        taken = 0
        for step in range(len(afters)):
            after = afters[step] if up else afters[len(afters) - 1 - step]
            r = rate[after, middle]
            while taken < len(befores):
                before = befores[taken] if up else befores[len(befores) - 1 - taken]
                r_before = rate[middle, before]
                if (r_before > r) if up else (r_before < r):
                    break
                for k in range(bins):
                    running[0, k] = max(running[0, k], value[pure, middle, before, k])
                    running[1, k] = max(running[1, k], value[turned, middle, before, k])
                taken += 1
            if taken == 0:
                continue
            g, b = goods[after] - goods[middle], bads[after] - bads[middle]
            gain = part(g, b, totals[0], totals[1], objective)
            for k in range(bins - 1):
                value[pure, after, middle, k + 1] = gain + running[0, k]
                # A valley that has only gone down so far is in `value` already, or will be.
                value[turned, after, middle, k + 1] = max(
                    value[turned, after, middle, k + 1], gain + running[1, k]
                )
    for step in range(len(afters)):
        after = afters[step]
        for k in range(bins):
            value[PEAK, after, middle, k] = max(
                value[PEAK, after, middle, k], value[ASCENDING, after, middle, k]
            )
            value[VALLEY, after, middle, k] = max(
                value[VALLEY, after, middle, k], value[DESCENDING, after, middle, k]
            )


@_njit
def _trace(
    value: FloatArray, rate: FloatArray, fits: NDArray[np.bool_], phase: int, k: int, begin: int,
    ends: IntArray,
) -> None:  # fmt: skip
    """Write the ends of the best ``k + 1`` bins, walking back from the last."""
    end = value.shape[1] - 1
    for left in range(k, 0, -1):
        ends[left] = end
        if phase == PEAK and value[PEAK, end, begin, left] == value[ASCENDING, end, begin, left]:
            phase = ASCENDING
        if (
            phase == VALLEY
            and value[VALLEY, end, begin, left] == value[DESCENDING, end, begin, left]
        ):
            phase = DESCENDING
        up = phase in (ASCENDING, VALLEY)
        found, most = -1, NEVER
        for before in range(begin):
            if not fits[begin, before]:
                continue
            gap = rate[end, begin] - rate[begin, before]
            if (gap >= 0.0 if up else gap <= 0.0) and value[phase, begin, before, left - 1] > most:
                found, most = before, value[phase, begin, before, left - 1]
        end, begin = begin, found
    ends[0] = end


@_njit
def solve_pairs(
    goods: FloatArray, bads: FloatArray, totals: FloatArray, limits: FloatArray,
    bins_at_most: int, objective: int, z_squared: float, value: FloatArray, best: FloatArray,
    ends: IntArray,
) -> None:  # fmt: skip
    """Find the best bins of each trend when neighbours must also differ by a z test.

    As `solve_trends`, with a fifth row for no trend. Whether two bins differ does not follow from
    an order of their rates, so all triples of edges are tried: O(P^3 K).
    """
    edges = len(goods)
    for end in range(1, edges):
        for begin in range(end):
            g, b = goods[end] - goods[begin], bads[end] - bads[begin]
            if not allowed(g, b, limits[0], limits[1]):
                continue
            gain = part(g, b, totals[0], totals[1], objective)
            if begin == 0:
                for phase in range(PHASES + 1):
                    value[phase, end, 0, 0] = gain
            for before in range(begin):
                _add_pair(value, goods, bads, before, begin, end, z_squared)
            for phase in range(PHASES + 1):
                for k in range(1, bins_at_most):
                    value[phase, end, begin, k] += gain
            # Kept for the trace: each phase on its own, then a peak may still be ascending.
            for k in range(1, bins_at_most):
                value[PEAK, end, begin, k] = max(
                    value[PEAK, end, begin, k], value[ASCENDING, end, begin, k]
                )
                value[VALLEY, end, begin, k] = max(
                    value[VALLEY, end, begin, k], value[DESCENDING, end, begin, k]
                )
    for phase in range(PHASES + 1):
        for k in range(bins_at_most):
            begin = place_of_greatest(value[phase, edges - 1, :, k])
            best[phase, k] = value[phase, edges - 1, begin, k]
            if best[phase, k] > NEVER:
                _trace_pairs(value, goods, bads, z_squared, phase, k, begin, ends[phase, k])


@_njit
def _add_pair(
    value: FloatArray, goods: FloatArray, bads: FloatArray, before: int, begin: int, end: int,
    z_squared: float,
) -> None:  # fmt: skip
    """Let the bin (begin, end] follow the bin (before, begin] in every phase that allows it."""
    bins = value.shape[3]
    free = value[FREE, begin, before]
    if free[place_of_greatest(free)] == NEVER:
        return
    b_1, b_2 = bads[begin] - bads[before], bads[end] - bads[begin]
    w_1, w_2 = b_1 + goods[begin] - goods[before], b_2 + goods[end] - goods[begin]
    if not differ(w_1, b_1, w_2, b_2, z_squared):
        return
    gap = b_2 / w_2 - b_1 / w_1
    for phase in range(PHASES + 1):
        if phase != FREE and ((gap < 0.0) if phase in (ASCENDING, VALLEY) else (gap > 0.0)):
            continue
        for k in range(bins - 1):
            value[phase, end, begin, k + 1] = max(
                value[phase, end, begin, k + 1], value[phase, begin, before, k]
            )


@_njit
def _trace_pairs(
    value: FloatArray, goods: FloatArray, bads: FloatArray, z_squared: float, phase: int, k: int,
    begin: int, ends: IntArray,
) -> None:  # fmt: skip
    """Write the ends of the best ``k + 1`` bins, walking back from the last."""
    end = value.shape[1] - 1
    for left in range(k, 0, -1):
        ends[left] = end
        if phase == PEAK and value[PEAK, end, begin, left] == value[ASCENDING, end, begin, left]:
            phase = ASCENDING
        if (
            phase == VALLEY
            and value[VALLEY, end, begin, left] == value[DESCENDING, end, begin, left]
        ):
            phase = DESCENDING
        found, most = -1, NEVER
        for before in range(begin):
            b_1, b_2 = bads[begin] - bads[before], bads[end] - bads[begin]
            w_1, w_2 = b_1 + goods[begin] - goods[before], b_2 + goods[end] - goods[begin]
            if w_1 <= 0.0 or not differ(w_1, b_1, w_2, b_2, z_squared):
                continue
            gap = b_2 / w_2 - b_1 / w_1
            fits = phase == FREE or (gap >= 0.0 if phase in (ASCENDING, VALLEY) else gap <= 0.0)
            if fits and value[phase, begin, before, left - 1] > most:
                found, most = before, value[phase, begin, before, left - 1]
        end, begin = begin, found
    ends[0] = end
