"""How many values lie at or above each threshold: one pass in blocks that stay in cache.

Bins are differences of such counts, so no value is ever given a code: a block is compared with one
threshold after the other, and the comparisons are added up without a branch, which the compiler
turns into vector instructions.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
BLOCK = 2048  # values; 16 KiB of float64 stay in the first cache
NATIVE = tuple(
    np.dtype(name) for name in ("f8", "f4", "i8", "i4", "i2", "i1", "u4", "u2", "u1")
)  # types that are read as they are; all others become float64


def native(values: NDArray[Any]) -> NDArray[Any]:
    """Return a column as the kernels read it: contiguous, read-only, without a copy if possible."""
    if values.dtype == np.bool_:
        values = values.view(np.uint8)
    elif values.dtype not in NATIVE or not values.dtype.isnative:
        values = values.astype(np.float64)
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False  # one compiled kernel for both kinds of array
    return view


def native_thresholds(
    thresholds: FloatArray, dtype: np.dtype[Any]
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return the smallest values of ``dtype`` that are not below the thresholds, and which none is.

    So ``x >= threshold`` has the same answer in the column's own type, exactly, and nothing is
    converted in the loop.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            near = thresholds.astype(dtype)
        low = near.astype(np.float64) < thresholds
        near[low] = np.nextafter(near[low], dtype.type(np.inf))
        return near, np.zeros(len(near), dtype=bool)
    limits = np.iinfo(dtype)
    ceiling = np.ceil(thresholds)
    beyond = ceiling > limits.max if dtype.itemsize < 8 else ceiling >= 2.0**63
    near = np.full(len(ceiling), limits.max, dtype=dtype)
    low = ceiling <= limits.min
    near[low] = limits.min
    inside = ~beyond & ~low
    near[inside] = ceiling[inside].astype(dtype)
    return near, beyond


@njit(cache=True, nogil=True)
def _present(block: NDArray[Any]) -> int:
    """Count the values that equal themselves: NaN alone does not."""
    count = 0
    for place in range(block.size):
        count += block[place] == block[place]
    return count


@njit(cache=True, nogil=True)
def _at_least(values: NDArray[Any], thresholds: NDArray[Any]) -> NDArray[np.int64]:
    """Count present values, then values at or above each threshold."""
    count = np.zeros(thresholds.size + 1, np.int64)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        count[0] += _present(block)
        for which in range(thresholds.size):
            threshold = thresholds[which]
            above = 0
            for place in range(block.size):
                above += block[place] >= threshold
            count[which + 1] += above
    return count


@njit(cache=True, nogil=True)
def _weight_at_least(
    values: NDArray[Any], weights: FloatArray, thresholds: NDArray[Any]
) -> FloatArray:
    """Add the weights of present values, then of values at or above each ascending threshold."""
    cells = np.zeros(thresholds.size + 1, np.float64)
    code = np.empty(BLOCK, np.uint16)
    for start in range(0, values.size, BLOCK):
        block = values[start : start + BLOCK]
        code[:] = 0
        for which in range(thresholds.size):
            threshold = thresholds[which]
            for place in range(block.size):
                code[place] += block[place] >= threshold
        for place in range(block.size):
            if block[place] == block[place]:
                cells[code[place]] += weights[start + place]
    for which in range(thresholds.size - 1, -1, -1):
        cells[which] += cells[which + 1]
    return cells


def at_least(
    values: NDArray[Any], thresholds: FloatArray, weights: FloatArray | None = None
) -> tuple[float, FloatArray]:
    """Return the present rows (or their weight) and those at or above each threshold.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Made by :func:`native`; NaN is missing, infinities are ordinary values.
    thresholds : ndarray of shape (n_thresholds,)
        In any order, no NaN.
    weights : ndarray of shape (n_rows,), optional
        Not negative.
    """
    ranked = np.argsort(thresholds, kind="stable")
    exact, beyond = native_thresholds(thresholds[ranked], values.dtype)
    if weights is None:
        found = _at_least(values, exact).astype(np.float64)
    else:
        found = _weight_at_least(values, weights, exact)
    above = np.empty(len(thresholds))
    above[ranked] = np.where(beyond, 0.0, found[1:])
    return float(found[0]), above
