# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""Move the cuts of a solution together, on ever finer candidates, down to distinct values."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.binning._parts import NEVER, allowed, differ, part
from fengkong.scorecard.binning._ranked import weight_below
from fengkong.scorecard.binning._search import count_under, count_up_to, place_of_greatest

_njit = numba.njit(cache=True, nogil=True)
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_HALF = 5  # candidates of a zone taken from each class
_SIZE = 2 * _HALF + 1
_LEVELS = 16  # a zone shrinks about fivefold a level: enough for 10^11 rows


@_njit
def refine(
    goods: FloatArray, goods_below: FloatArray, bads: FloatArray, bads_below: FloatArray,
    totals: FloatArray, limits: FloatArray, objective: int, z_squared: float,
    directions: IntArray, cuts: FloatArray, lows: FloatArray, highs: FloatArray,
) -> float:  # fmt: skip
    """Move each cut between its neighbours among the pre-bins; the objective never falls.

    Parameters
    ----------
    goods, goods_below, bads, bads_below : ndarray
        As in `Ranked`.
    totals, limits : ndarray of shape (2,)
        As in `solve_free`.
    objective : int
    z_squared : float
        Least squared z of neighbouring bins; 0 asks for none.
    directions : ndarray of shape (k - 1,)
        1 where the bad rate may not fall from a bin to the next, -1 where it may not rise, else 0.
    cuts, lows, highs : ndarray of shape (k - 1,)
        The cuts, moved here, and the open interval in which each may move.

    Returns
    -------
    float
        The objective of the regular bins.

    Notes
    -----
    At each level a dynamic program takes one candidate of each zone, where the candidates hold
    the cut itself; then each zone shrinks to the neighbours of the chosen one.
    """
    zones = len(cuts)
    candidates = np.empty((zones, _SIZE))
    counts = np.empty(zones, dtype=np.int64)
    sums = np.zeros((zones + 2, _SIZE, 2))  # the outer two are the ends of the line
    sums[zones + 1, 0, 0] = goods_below[-1] if len(goods_below) else float(len(goods))
    sums[zones + 1, 0, 1] = bads_below[-1] if len(bads_below) else float(len(bads))
    reached = NEVER
    for _ in range(_LEVELS):
        open_zones = 0
        for zone in range(zones):
            counts[zone], more = _fill_zone(goods, bads, cuts[zone], lows[zone], highs[zone],
                                            candidates[zone])  # fmt: skip
            open_zones += more
            for place in range(counts[zone]):
                value = candidates[zone, place]
                sums[zone + 1, place, 0] = weight_below(goods, goods_below, value)
                sums[zone + 1, place, 1] = weight_below(bads, bads_below, value)
        chosen, value = _choose(sums, counts, totals, limits, objective, z_squared, directions)
        if value == NEVER:  # the start itself does not keep the limits: nothing to move
            return reached
        reached = value
        for zone in range(zones):
            place = chosen[zone]
            cuts[zone] = candidates[zone, place]
            if place > 0:
                lows[zone] = candidates[zone, place - 1]
            if place < counts[zone] - 1:
                highs[zone] = candidates[zone, place + 1]
        if open_zones == 0:
            break
    return reached


@_njit
def _fill_zone(
    goods: FloatArray, bads: FloatArray, cut: float, low: float, high: float, found: FloatArray
) -> tuple[int, int]:
    """Write the candidates of a zone, ascending; return their number, and 1 if more are left."""
    found[0] = cut
    count, more = 1, 0
    for values in (goods, bads):
        begin = count_up_to(values, low)
        end = count_under(values, high)
        size = end - begin
        taken = min(size, _HALF)
        if size > _HALF:
            more = 1
        for place in range(taken):
            value = values[begin + (place * size + size // 2) // taken]
            if np.isfinite(value):
                found[count] = value
                count += 1
    for place in range(1, count):
        value, hole = found[place], place
        while hole > 0 and found[hole - 1] > value:
            found[hole] = found[hole - 1]
            hole -= 1
        found[hole] = value
    kept = 1
    for place in range(1, count):
        if found[place] != found[kept - 1]:
            found[kept] = found[place]
            kept += 1
    return kept, more


@_njit
def _choose(
    sums: FloatArray, counts: IntArray, totals: FloatArray, limits: FloatArray, objective: int,
    z_squared: float, directions: IntArray,
) -> tuple[IntArray, float]:  # fmt: skip
    """Take one candidate of each zone so that the objective is greatest."""
    zones = len(counts)
    value = np.empty((zones + 1, _SIZE, _SIZE))  # bin of each zone by its start and end
    value[:] = NEVER
    came = np.zeros((zones + 1, _SIZE, _SIZE), dtype=np.int64)
    for bin_ in range(zones + 1):
        starts = counts[bin_ - 1] if bin_ else 1
        ends = counts[bin_] if bin_ < zones else 1
        for start in range(starts):
            for end in range(ends):
                g = sums[bin_ + 1, end, 0] - sums[bin_, start, 0]
                b = sums[bin_ + 1, end, 1] - sums[bin_, start, 1]
                if not allowed(g, b, limits[0], limits[1]):
                    continue
                gain = part(g, b, totals[0], totals[1], objective)
                if bin_ == 0:
                    value[0, start, end] = gain
                    continue
                earlier = counts[bin_ - 2] if bin_ > 1 else 1
                for before in range(earlier):
                    reached = value[bin_ - 1, before, start] + gain
                    if reached > value[bin_, start, end] and _may_follow(
                        sums[bin_ - 1, before], sums[bin_, start], g, b, z_squared,
                        directions[bin_ - 1],
                    ):  # fmt: skip
                        value[bin_, start, end] = reached
                        came[bin_, start, end] = before
    chosen = np.zeros(zones, dtype=np.int64)
    end, start = 0, place_of_greatest(value[zones, :, 0])
    best = value[zones, start, 0]
    for bin_ in range(zones, 0, -1):
        chosen[bin_ - 1] = start
        start, end = came[bin_, start, end], start
    return chosen, best


@_njit
def _may_follow(
    before: FloatArray, start: FloatArray, goods: float, bads: float, z_squared: float,
    direction: int,
) -> bool:  # fmt: skip
    """Whether a bin may stand after the one between two candidates."""
    g, b = start[0] - before[0], start[1] - before[1]
    gap = bads / (goods + bads) - b / (g + b)
    if direction * gap < 0.0:
        return False
    return differ(g + b, b, goods + bads, bads, z_squared)
