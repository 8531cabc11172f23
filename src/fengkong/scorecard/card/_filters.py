"""Figures that tell whether a variable is worth a place: pure functions of counts and products."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError
from fengkong.scorecard.binning.bins import ZERO_CELL, FloatArray

PIVOT_LEAST = 1e-9


def stability_index(expected: ArrayLike, actual: ArrayLike) -> float:
    """Return the population stability index: sum of (a - e) ln(a / e) over bins.

    Parameters
    ----------
    expected, actual : array-like of shape (n_bins,)
        Rows (or weights) of each bin at two times.

    Returns
    -------
    float
        0 where the shares agree. A bin that is empty at one time only gets half a row at both;
        a bin that is empty at both times adds nothing.

    Raises
    ------
    InputError
        Lengths differ, or one time has no rows.

    References
    ----------
    Lewis (1994), An Introduction to Credit Scoring; regulation.md, section D4.
    """
    e, a = np.asarray(expected, dtype=np.float64), np.asarray(actual, dtype=np.float64)
    if e.shape != a.shape or not (e.sum() > 0.0 and a.sum() > 0.0):
        raise InputError("stability needs two counts of the same bins, neither of them empty")
    used = (e > 0.0) | (a > 0.0)
    e, a = e[used], a[used]
    add = np.where((e == 0.0) | (a == 0.0), ZERO_CELL, 0.0)
    e, a = (e + add) / (e + add).sum(), (a + add) / (a + add).sum()
    return float(np.sum((a - e) * np.log(a / e)))


def correlations(products: FloatArray) -> FloatArray:
    """Return correlations from weighted sums of products, the constant first.

    A column that does not vary has correlation 0 with every other.
    """
    mean = products[0, 1:] / products[0, 0]
    covariance = products[1:, 1:] / products[0, 0] - np.outer(mean, mean)
    own = np.diag(covariance)
    # What rounding leaves of a constant column's variance is no variance.
    spread = np.sqrt(np.where(own > 1e-14 * (own + mean**2), own, np.inf))
    result = covariance / np.outer(spread, spread)
    np.fill_diagonal(result, 1.0)
    return np.clip(result, -1.0, 1.0)


def inflation_factors(correlation: FloatArray) -> FloatArray:
    """Return the variance inflation factor of each column: 1 / (1 - R squared on the others).

    Returns
    -------
    ndarray of shape (n_columns,)
        At most 1e9, which stands for "a sum of the others".
    """
    if len(correlation) == 0:
        return np.empty(0)
    values, vectors = np.linalg.eigh(correlation)
    inverse = (vectors**2 / np.maximum(values, PIVOT_LEAST)) @ np.ones(len(values))
    return np.minimum(inverse, 1.0 / PIVOT_LEAST)


def early_half(period: ArrayLike, weight: FloatArray) -> NDArray[np.bool_]:
    """Tell which rows lie in the earlier half of time.

    Parameters
    ----------
    period : array-like of shape (n_rows,)
        Dates or numbers that rise with time; two distinct values are two given halves.
    weight : ndarray of shape (n_rows,)

    Returns
    -------
    ndarray of bool
        True up to the period that brings the weight of the early rows nearest to one half.

    Raises
    ------
    InputError
        Another length, a missing period, or only one period.
    """
    found = np.asarray(period)
    if found.shape != weight.shape:
        raise InputError(f"period has shape {found.shape}; {weight.shape} is expected")
    if found.dtype.kind == "f" and np.isnan(found).any():
        raise InputError("period is missing on some rows")
    if found.dtype.kind in "mM" and np.isnat(found).any():
        raise InputError("period is missing on some rows")
    try:
        values, place = np.unique(found, return_inverse=True)
    except TypeError as error:
        raise InputError("periods must be of one kind, and none missing") from error
    if len(values) < 2:
        raise InputError("stability over time needs two periods at least; there is one")
    share = np.cumsum(np.bincount(place, weights=weight)) / weight.sum()
    last = int(np.argmin(np.abs(share[:-1] - 0.5)))
    return np.asarray(place <= last)
