"""Exact quantiles of a long column for the price of a few reads: a sample finds where to look.

The values around each quantile are bracketed by a sample, only those inside a bracket are copied
and sorted, and the count of values below proves the rank of what is found. If a bracket should
miss, the column is sorted whole. The answer is therefore always that of ``np.quantile``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fengkong.scorecard.watch._count import BLOCK, FloatArray

SORT_AT_MOST = 100_000  # shorter columns are sorted whole
SAMPLE_AT_MOST = 65_536
WIDTH = 4.5  # half width of a bracket, in standard errors of a sampled rank


@njit(cache=True, nogil=True)
def _sample(values: NDArray[Any], size: int) -> NDArray[Any]:
    """Draw one present value from each of ``size`` stretches; always the same draw."""
    stride = values.size // size
    drawn = np.empty(size, values.dtype)
    state = np.uint64(88172645463325252)  # xorshift: a periodic column cannot fool the sample
    count = 0
    for stretch in range(size):
        state ^= state << np.uint64(13)
        state ^= state >> np.uint64(7)
        state ^= state << np.uint64(17)
        value = values[stretch * stride + np.int64(state % np.uint64(stride))]
        if value == value:  # noqa: PLR0124 - false for NaN alone
            drawn[count] = value
            count += 1
    return drawn[:count]


@njit(cache=True, nogil=True)
def _gather(
    values: NDArray[Any], pivots: NDArray[Any], wanted: NDArray[np.uint8], room: NDArray[Any]
) -> tuple[int, NDArray[np.int64]]:
    """Copy the values of the wanted cells between pivots; count all cells. -1: no room."""
    at_least = np.zeros(pivots.size + 1, np.int64)
    code = np.empty(BLOCK, np.uint8)
    kept = 0
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        if kept + block.size > room.size:
            return -1, at_least
        present = 0
        for place in range(block.size):
            present += block[place] == block[place]
        at_least[0] += present
        code[:] = 0
        for which in range(pivots.size):
            pivot = pivots[which]
            above = 0
            for place in range(block.size):
                reached = block[place] >= pivot
                code[place] += reached
                above += reached
            at_least[which + 1] += above
        for place in range(block.size):
            room[kept] = block[place]
            kept += wanted[code[place]]
    return kept, at_least


def _next(value: NDArray[Any]) -> NDArray[Any]:
    """Return the next representable value above each."""
    if value.dtype.kind == "f":
        return np.nextafter(value, value.dtype.type(np.inf))
    return np.where(value < np.iinfo(value.dtype).max, value + value.dtype.type(1), value)


def _pivots(drawn: NDArray[Any], probabilities: FloatArray) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return ascending pivots, and which of the cells between them hold a wanted quantile."""
    ordered = np.sort(drawn)
    last = len(ordered) - 1
    middle = probabilities * last
    width = WIDTH * np.sqrt(len(ordered) * probabilities * (1 - probabilities)) + 2
    low = np.floor(middle - width).astype(np.int64)
    high = np.ceil(middle + width).astype(np.int64)
    place = np.clip(np.stack([low, high]), 0, last)
    ends = ordered[place]
    # An end that the sample holds twice has a cell for itself: its equals need no copy.
    tied = (ends == ordered[np.maximum(place - 1, 0)]) & (place > 0)
    tied |= (ends == ordered[np.minimum(place + 1, last)]) & (place < last)
    pivots = np.unique(np.concatenate([ends.ravel(), _next(ends[tied])]))
    wanted = np.zeros(len(pivots) + 1, dtype=np.uint8)
    for which in range(len(probabilities)):
        start = 0 if low[which] < 0 else np.searchsorted(pivots, ends[0, which]) + 1
        stop = len(pivots) if high[which] > last else np.searchsorted(pivots, ends[1, which])
        wanted[start : stop + 1] = 1
    # Cell c holds pivots[c - 1] <= x < pivots[c]; of one value alone when the two are neighbours.
    wanted[1:-1][_next(pivots[:-1]) == pivots[1:]] = 0
    return pivots, wanted


def _ranks(present: int, probabilities: FloatArray) -> tuple[NDArray[np.int64], FloatArray]:
    """Return the lower rank of each quantile and how far it leans to the next one."""
    virtual = (present - 1) * probabilities
    lower = np.floor(virtual).astype(np.int64)
    return lower, virtual - lower


def _selected(
    values: NDArray[Any], probabilities: FloatArray
) -> tuple[int, NDArray[Any], NDArray[Any]] | None:
    """Find the two neighbours of each quantile by brackets; None if a bracket missed."""
    drawn = _sample(values, min(SAMPLE_AT_MOST, values.size // 8))
    if not drawn.size:
        return None
    pivots, wanted = _pivots(drawn, probabilities)
    if len(pivots) > 250:  # codes of cells are bytes
        return None
    room = np.empty(values.size // 2, dtype=values.dtype)
    kept, at_least = _gather(values, pivots, wanted, room)
    if kept < 0:
        return None
    present = int(at_least[0])
    below = present - at_least  # rows below the start of each cell
    inside = np.append(below[1:], present) - below
    offset = np.concatenate([[0], np.cumsum(np.where(wanted, inside, 0))])[:-1]
    copied = np.sort(room[:kept])
    lower, _ = _ranks(present, probabilities)
    ranks = np.stack([lower, np.minimum(lower + 1, present - 1)])
    cell = np.searchsorted(below, ranks, side="right") - 1
    alone = np.zeros(len(wanted), dtype=bool)
    alone[1:-1] = _next(pivots[:-1]) == pivots[1:]
    if not np.all(alone[cell] | (wanted[cell] == 1)):
        return None
    from_copy = (
        copied[np.minimum(ranks - below[cell] + offset[cell], max(kept - 1, 0))] if kept else 0
    )
    both = np.where(alone[cell], pivots[np.maximum(cell - 1, 0)], from_copy)
    return present, both[0], both[1]


def exact_quantiles(values: NDArray[Any], probabilities: FloatArray) -> tuple[int, FloatArray]:
    """Return the number of present values and their quantiles, equal to ``np.quantile``.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Made by `native`; NaN is missing.
    probabilities : ndarray of shape (n_quantiles,)
        Ascending, in (0, 1).

    Returns
    -------
    int, ndarray of shape (n_quantiles,)
        Linear interpolation between neighbours (type 7 of Hyndman and Fan), in float64; next to an
        infinity the upper neighbour instead. Empty if no value is present.

    Notes
    -----
    Exact for every column: the sample only says where to look. Room for half a column is taken.
    """
    found = _selected(values, probabilities) if values.size > SORT_AT_MOST else None
    if found is None:
        ordered = np.sort(values)
        present = (
            int(values.size - np.isnan(values).sum()) if values.dtype.kind == "f" else values.size
        )
        if not present:
            return 0, np.empty(0)
        lower, _ = _ranks(present, probabilities)
        found = present, ordered[lower], ordered[np.minimum(lower + 1, present - 1)]
    present, first, second = found[0], *(part.astype(np.float64) for part in found[1:])
    _, lean = _ranks(present, probabilities)
    with np.errstate(invalid="ignore", over="ignore"):
        gap = second - first
        # The two forms of NumPy's own interpolation, so that edges are bit-equal to its quantiles.
        between = np.where(lean >= 0.5, second - gap * (1 - lean), first + gap * lean)
    return present, np.where(np.isfinite(between), between, second)
