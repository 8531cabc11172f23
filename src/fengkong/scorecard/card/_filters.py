"""Correlation, inflation and halves of time: pure functions of products and periods."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError
from fengkong.scorecard.binning.bins import FloatArray

PIVOT_LEAST = 1e-9


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
