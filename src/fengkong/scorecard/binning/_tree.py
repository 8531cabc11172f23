# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""Cuts that a greedy tree would make: good candidates where distinct values are many.

Quantiles alone miss the places where goods and bads part, and on a weak variable these are all
that there is to gain. A tree of 20 leaves of at least 5 % is what other libraries take for their
pre-bins, so that the best binning of such pre-bins is never better than ours; the same tree is
then grown on with small leaves.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.binning._search import place_of_greatest

_njit = numba.njit(cache=True, nogil=True)
# A greatest value is the same in any order, so its loop may run on vectors; sums keep theirs.
_vector = numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
_BLOCK = 512
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@_njit
def list_boundaries(
    few: FloatArray, few_below: FloatArray, many: FloatArray, many_below: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return weights below every cut that stands right before or right after a value of a class.

    Parameters
    ----------
    few, few_below, many, many_below : ndarray
        The class with fewer values, which is walked over, and the other one.

    Returns
    -------
    tuple of three ndarray of shape (2 * n_distinct + 2,)
        The value of ``few`` at the cut (odd places: right before it; even: right after it),
        weight of the few below, weight of the many below. The first and the last are the ends of
        the line.

    Notes
    -----
    No other cut can be a best one: moving it towards one of these two gains (Fayyad and Irani
    1992, theorem 1). Where a least leaf stops it on the way, the refinement finds it later.
    """
    at = np.empty(2 * len(few) + 2)
    below_few, below_many = np.empty(len(at)), np.empty(len(at))
    at[0], below_few[0], below_many[0] = -np.inf, 0.0, 0.0
    count, i, j = 1, 0, 0
    while i < len(few):
        value = few[i]
        while j < len(many) and many[j] < value:
            j += 1
        for _ in range(2):  # before the value, then after it
            at[count] = value
            below_few[count] = few_below[i] if len(few_below) else float(i)
            below_many[count] = many_below[j] if len(many_below) else float(j)
            count += 1
            while i < len(few) and few[i] == value:
                i += 1
            while j < len(many) and many[j] == value:
                j += 1
    at[count] = np.inf
    below_few[count] = few_below[-1] if len(few_below) else float(len(few))
    below_many[count] = many_below[-1] if len(many_below) else float(len(many))
    return at[: count + 1], below_few[: count + 1], below_many[: count + 1]


@_njit
def grow(
    below_few: FloatArray, below_many: FloatArray, min_leaf: float, leaves_at_most: int,
    cuts: IntArray, count: int,
) -> int:  # fmt: skip
    """Split the leaf with the greatest fall of Gini impurity until there are enough leaves.

    Parameters
    ----------
    below_few, below_many : ndarray
        As `list_boundaries` returns them.
    min_leaf : float
        Least weight of a leaf.
    leaves_at_most : int
    cuts : ndarray of shape (leaves_at_most + 1,)
        The first ``count`` are the places of the cuts so far, ascending, with both ends of the
        line; more are written in.
    count : int

    Returns
    -------
    int
        How many cuts there are now, with both ends.
    """
    gains, places = np.zeros(len(cuts)), np.zeros(len(cuts), dtype=np.int64)
    for leaf in range(count - 1):
        gains[leaf], places[leaf] = _best_split(
            below_few, below_many, cuts[leaf], cuts[leaf + 1], min_leaf
        )
    while count <= leaves_at_most:
        leaf = place_of_greatest(gains[: count - 1])
        if gains[leaf] <= 0.0:
            break
        for place in range(count, leaf + 1, -1):
            cuts[place], gains[place] = cuts[place - 1], gains[place - 1]
            places[place] = places[place - 1]
        cuts[leaf + 1] = places[leaf]
        count += 1
        for half in (leaf, leaf + 1):
            gains[half], places[half] = _best_split(
                below_few, below_many, cuts[half], cuts[half + 1], min_leaf
            )
    return count


@_njit
def _best_split(
    below_few: FloatArray, below_many: FloatArray, low: int, high: int, min_leaf: float
) -> tuple[float, int]:
    """Return the greatest fall of Gini impurity within a leaf, times its weight, and where."""
    few, many = below_few[high] - below_few[low], below_many[high] - below_many[low]
    weight = few + many
    first, last = low + 1, high - 1  # weights ascend: cut off what would be too small a leaf
    while first < high and _weight(below_few, below_many, low, first) < min_leaf:
        first += 1
    while last > low and _weight(below_few, below_many, last, high) < min_leaf:
        last -= 1
    if first > last:
        return 0.0, -1
    falls = np.empty(_BLOCK)
    best, found = 0.0, -1
    for start in range(first, last + 1, _BLOCK):
        size = min(_BLOCK, last + 1 - start)
        most = _score(
            below_few[start : start + size], below_many[start : start + size], below_few[low],
            below_many[low], few, weight, falls,
        )  # fmt: skip
        if most > best:
            best, found = most, start + place_of_greatest(falls[:size])
    return best, found


@_vector
def _score(
    below_few: FloatArray, below_many: FloatArray, few_low: float, many_low: float, few: float,
    weight: float, falls: FloatArray,
) -> float:  # fmt: skip
    """Write the fall of impurity of each cut; return the greatest. Both loops run on vectors."""
    for place in range(len(below_few)):
        f = below_few[place] - few_low
        left = f + below_many[place] - many_low
        gap = f * weight - few * left
        falls[place] = 2.0 * gap * gap / (left * (weight - left) * weight)
    most = 0.0
    for place in range(len(below_few)):
        most = max(most, falls[place])
    return most


@_njit
def _weight(below_few: FloatArray, below_many: FloatArray, low: int, high: int) -> float:
    return below_few[high] - below_few[low] + below_many[high] - below_many[low]
