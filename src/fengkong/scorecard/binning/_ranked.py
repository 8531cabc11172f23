# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""One numeric column as two sorted lists, goods and bads: every count is then a binary search.

Sorting both classes costs less than counting into pre-bins and sorting samples of them, is exact
for every cut that a later step may try, and does not depend on the order of the rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

from fengkong.scorecard.binning._search import count_under, count_up_to
from fengkong.scorecard.binning._tree import grow, list_boundaries

_njit = numba.njit(cache=True, nogil=True)
FloatArray = NDArray[np.float64]
ByteArray = NDArray[np.uint8]
TREE_LEAVES, TREE_LEAF = 20, 0.05  # the pre-bins of other libraries
SMALL_LEAF = 0.005
FEW = 40  # so few edges no program makes coarser
_SAMPLED = 1024  # values taken from each class to place the edges of pre-bins


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranked:
    """The regular values of a column by class, and the tallies of all others.

    Attributes
    ----------
    goods, bads : ndarray of shape (n_goods,), (n_bads,)
        Ascending, without missing and special values.
    goods_below, bads_below : ndarray of shape (n_goods + 1,), (n_bads + 1,)
        Sum of the weights of the first i values; empty where every row weighs 1.
    tallies : ndarray of shape (1 + n_specials, 2)
        Weight of goods and bads that are missing, then of each special.
    """

    goods: FloatArray
    bads: FloatArray
    goods_below: FloatArray
    bads_below: FloatArray
    tallies: FloatArray

    def below(self, cuts: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the weight of goods and of bads below each cut, then of all; starts with 0."""
        goods, bads = np.zeros(len(cuts) + 2), np.zeros(len(cuts) + 2)
        count_below(self.goods, self.goods_below, cuts, goods)
        count_below(self.bads, self.bads_below, cuts, bads)
        return goods, bads

    def smallest_ends(self, weight: float) -> FloatArray:
        """Return the cuts that leave just ``weight`` below the first and above the last one.

        The outer bins of a steep column are as small as they may be; a cut there is the best one
        or near it, and no quantile and no tree would find it.
        """
        given = (self.goods, self.goods_below, self.bads, self.bads_below)
        ends = np.array([first_over(*given, weight), last_under(*given, weight)])
        return np.unique(ends[np.isfinite(ends)])

    def candidates(self, *, at_most: int, total: float) -> tuple[FloatArray, FloatArray]:
        """Return edges of pre-bins, and those among them that a coarser choice must keep.

        All distinct values are edges where they are few enough; otherwise quantiles and the cuts
        of a greedy tree: about ``at_most`` in all. ``total`` is the weight of the whole column,
        by which the leaves of the tree are measured; its large leaves must be kept.
        """
        edges = np.empty(at_most + 1)
        count = list_distinct(self.goods, self.bads, at_most, edges)
        if count <= FEW:
            return edges[:count].copy(), np.empty(0)
        large, small = self._tree_cuts(2 * at_most // 3, total)
        if count <= at_most:
            return edges[:count].copy(), large
        count = place_quantiles(self._sample(), self.goods, self.bads, max(at_most // 3, 2), edges)
        return np.union1d(edges[:count], small), large

    def _sample(self) -> FloatArray:
        """Return as many values of either class, ascending.

        Both classes count alike, because a bin's part of the objective hangs on its share of
        goods and of bads.
        """
        classes = [(self.goods, self.goods_below), (self.bads, self.bads_below)]
        held = [one for one in classes if len(one[0])]
        sample = np.empty((len(held), _SAMPLED))
        for row, (values, below) in zip(sample, held, strict=True):
            spread(values, below, row)
        return np.sort(sample, axis=None)

    def _tree_cuts(self, count: int, total: float) -> tuple[FloatArray, FloatArray]:
        """Return the cuts of a tree with large leaves, and those of it grown on with small ones."""
        classes = [(self.goods, self.goods_below), (self.bads, self.bads_below)]
        (few, few_below), (many, many_below) = sorted(classes, key=lambda one: len(one[0]))
        at, below_few, below_many = list_boundaries(few, few_below, many, many_below)
        leaves = max(count, TREE_LEAVES)
        cuts = np.zeros(leaves + 2, dtype=np.int64)
        cuts[1] = len(at) - 1

        def values(found: int) -> FloatArray:
            places = cuts[1 : found - 1]
            held = at[places]
            for after in np.flatnonzero(places % 2 == 0):
                held[after] = next_above(few, many, held[after])
            return held[np.isfinite(held)]

        found = grow(below_few, below_many, TREE_LEAF * total, TREE_LEAVES, cuts, 2)
        large = values(found)
        found = grow(below_few, below_many, SMALL_LEAF * total, leaves, cuts, found)
        return large, values(found)


@_njit
def split_by_class(
    values: FloatArray, bad: ByteArray, weights: FloatArray, special_values: FloatArray,
    special_codes: ByteArray, goods: FloatArray, bads: FloatArray, good_weights: FloatArray,
    bad_weights: FloatArray, tallies: FloatArray,
) -> tuple[int, int]:  # fmt: skip
    """Write the regular values of each class; return how many they are.

    Parameters
    ----------
    values : ndarray of float64, shape (n_rows,)
    bad : ndarray of uint8, shape (n_rows,)
        1 for bad.
    weights : ndarray of float64, shape (n_rows,), or empty
        Empty where every row weighs 1.
    special_values, special_codes : ndarray
        Codes count from 1; 0 is missing.
    goods, bads, good_weights, bad_weights : ndarray
        Written; one place longer than there are goods and bads. Weights only where there are some.
    tallies : ndarray of shape (1 + n_specials, 2)
        Added to.
    """
    n_goods, n_bads = 0, 0
    simple = len(weights) == 0 and len(special_values) == 0
    for row in range(len(values)):
        value, is_bad = values[row], int(bad[row])
        if simple and not np.isnan(value):  # both are written, one place moves on: no branch
            goods[n_goods] = value
            bads[n_bads] = value
            n_goods += 1 - is_bad
            n_bads += is_bad
            continue
        weight = 1.0 if len(weights) == 0 else weights[row]
        code = 0 if np.isnan(value) else -1
        for place in range(len(special_values)):
            if value == special_values[place]:
                code = int(special_codes[place])
        if code >= 0:
            tallies[code, is_bad] += weight
        elif weight > 0.0 and is_bad:
            bads[n_bads] = value
            if len(weights):
                bad_weights[n_bads] = weight
            n_bads += 1
        elif weight > 0.0:
            goods[n_goods] = value
            if len(weights):
                good_weights[n_goods] = weight
            n_goods += 1
    return n_goods, n_bads


@_njit
def weight_below(values: FloatArray, below: FloatArray, cut: float) -> float:
    """Return the weight of the values under a cut."""
    place = count_under(values, cut)
    return below[place] if len(below) else float(place)


@_njit
def weight_under(
    goods: FloatArray, goods_below: FloatArray, bads: FloatArray, bads_below: FloatArray, cut: float
) -> float:  # fmt: skip
    """Return the weight of all values under a cut."""
    return weight_below(goods, goods_below, cut) + weight_below(bads, bads_below, cut)


@_njit
def first_over(
    goods: FloatArray, goods_below: FloatArray, bads: FloatArray, bads_below: FloatArray,
    weight: float,
) -> float:  # fmt: skip
    """Return the smallest value with at least ``weight`` under it; infinity if there is none."""
    found = np.inf
    for values in (goods, bads):
        low, high = 0, len(values)
        while low < high:
            middle = (low + high) // 2
            if weight_under(goods, goods_below, bads, bads_below, values[middle]) >= weight:
                high = middle
            else:
                low = middle + 1
        if low < len(values):
            found = min(found, values[low])
    return found


@_njit
def last_under(
    goods: FloatArray, goods_below: FloatArray, bads: FloatArray, bads_below: FloatArray,
    weight: float,
) -> float:  # fmt: skip
    """Return the largest value with at least ``weight`` from it upwards; -infinity if none."""
    total = goods_below[-1] if len(goods_below) else float(len(goods))
    total += bads_below[-1] if len(bads_below) else float(len(bads))
    found = -np.inf
    for values in (goods, bads):
        low, high = 0, len(values)
        while low < high:
            middle = (low + high) // 2
            under = weight_under(goods, goods_below, bads, bads_below, values[middle])
            if total - under >= weight:
                low = middle + 1
            else:
                high = middle
        if low > 0:
            found = max(found, values[low - 1])
    return found


@_njit
def count_below(values: FloatArray, below: FloatArray, cuts: FloatArray, found: FloatArray) -> None:
    """Write 0, the weight under each cut, and the weight of all."""
    found[0] = 0.0
    for place in range(len(cuts)):
        found[place + 1] = weight_below(values, below, cuts[place])
    found[len(cuts) + 1] = below[-1] if len(below) else float(len(values))


@_njit
def next_above(goods: FloatArray, bads: FloatArray, value: float) -> float:
    """Return the smallest value of either class above ``value``; infinity if there is none."""
    g = count_up_to(goods, value)
    b = count_up_to(bads, value)
    found = goods[g] if g < len(goods) else np.inf
    return min(found, bads[b]) if b < len(bads) else found


@_njit
def list_distinct(goods: FloatArray, bads: FloatArray, at_most: int, edges: FloatArray) -> int:
    """Write the distinct finite values after the first; return their number, at_most + 1 if more.

    The first value is no edge, because nothing is below it; neither is an infinity, because a cut
    must be a number that a person and a document can hold.
    """
    first = np.inf
    if len(goods):
        first = goods[0]
    if len(bads):
        first = min(first, bads[0])
    value, count = first, 0
    while count <= at_most:
        value = next_above(goods, bads, value)
        if value == np.inf:
            return count
        edges[count] = value
        count += 1
    return count


@_njit
def spread(values: FloatArray, below: FloatArray, found: FloatArray) -> None:
    """Write values at equal steps of weight."""
    total = below[-1] if len(below) else float(len(values))
    for place in range(len(found)):
        target = (place + 0.5) / len(found) * total
        index = count_under(below, target) - 1 if len(below) else int(target)
        found[place] = values[min(max(index, 0), len(values) - 1)]


@_njit
def place_quantiles(
    sample: FloatArray, goods: FloatArray, bads: FloatArray, at_most: int, edges: FloatArray
) -> int:
    """Write edges at equal steps of a sorted sample; return their number.

    A value heavier than a step is a pre-bin of its own, and the rest share what is left.
    """
    step = len(sample) / at_most
    heavy_weight, heavy_count, run = 0, 0, 0
    for place in range(1, len(sample) + 1):
        if place == len(sample) or sample[place] != sample[place - 1]:
            if place - run >= step:
                heavy_weight += place - run
                heavy_count += 1
            run = place
    left = max(at_most - 2 * heavy_count, 1)
    light_step = max((len(sample) - heavy_weight) / left, 1.0)
    return _close_steps(sample, step, light_step, goods, bads, at_most, edges)


@_njit
def _close_steps(
    sample: FloatArray, step: float, light_step: float, goods: FloatArray, bads: FloatArray,
    at_most: int, edges: FloatArray,
) -> int:  # fmt: skip
    """Write an edge where a step is full, and on both sides of a heavy value."""
    count, filled, run, last = 0, 0.0, 0, -np.inf
    for place in range(1, len(sample) + 1):
        if place < len(sample) and sample[place] == sample[place - 1]:
            continue
        value, size = sample[run], place - run
        heavy = size >= step
        run = place
        if (heavy or filled >= light_step) and last < value < np.inf and count < at_most:
            edges[count], last, filled = value, value, 0.0
            count += 1
        filled += size
        if heavy:
            after = next_above(goods, bads, value)
            if last < after < np.inf and count < at_most:
                edges[count], last, filled = after, after, 0.0
                count += 1
    return count
