"""Checked outcomes and weights."""

from __future__ import annotations

from numbers import Real
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fengkong.foundation.errors import (
    ColumnTypeError,
    InputError,
    OneClassError,
    OutOfRangeError,
)
from fengkong.scorecard.binning._numeric import Target

# Sums of products of three weights of a billion rows neither overflow nor become 0 in between.
LEAST_WEIGHT, GREATEST_WEIGHT = 1e-12, 1e12
WEIGHTS_ALLOWED = "0 or [1e-12, 1e12]"
_OTHER_KINDS = {
    "U": "text", "S": "text", "c": "complex numbers", "M": "dates", "m": "durations",
}  # fmt: skip
Flags: TypeAlias = NDArray[np.bool_]


def read_target(y: Any, sample_weight: Any, *, rows: int) -> Target:
    """Return outcomes and weights of the rows.

    Raises
    ------
    InputError
        No outcomes, of another length, or other values than 0 (good) and 1 (bad).
    OneClassError
        Only goods or only bads, among rows of positive weight.
    ColumnTypeError, OutOfRangeError
        As `read_weights`.
    """
    bad = _outcomes(y, rows)
    weights = np.empty(0)
    totals = np.array([rows - bad.sum(), bad.sum()], dtype=np.float64)
    if sample_weight is not None:
        weights = read_weights(sample_weight, rows=rows)
        totals = np.array([weights[bad == 0].sum(), weights[bad == 1].sum()])
        if (weights == 1.0).all():
            weights = np.empty(0)
    if not (totals > 0.0).all():
        kind = "goods" if totals[1] <= 0.0 else "bads"
        if len(weights) and not weights.any():
            raise InputError("sample_weight is zero on every row")
        raise OneClassError(f"y holds only {kind} (one class): bins need both 0 (good) and 1 (bad)")
    n_bads = int(bad.sum())
    return Target(bad=bad, weights=weights, totals=totals, rows=(rows - n_bads, n_bads))


def read_weights(sample_weight: Any, *, rows: int) -> NDArray[np.float64]:
    """Return weights of the rows as float64.

    Raises
    ------
    InputError
        Not one weight a row.
    ColumnTypeError
        Text, dates or anything else that is no number.
    OutOfRangeError
        A weight is missing, negative, or so small or large that sums would vanish or overflow.
    """
    given = one_array(sample_weight, name="sample_weight")
    if given.shape != (rows,):
        raise InputError(f"sample_weight has shape {given.shape}; {rows} rows need one each")
    other = _OTHER_KINDS.get(given.dtype.kind)
    if given.dtype.kind == "O" and any(isinstance(value, str | bytes) for value in given):
        other = "text"
    if other is not None:
        raise ColumnTypeError(name="sample_weight", expected="numbers", found=other)
    if given.dtype.kind == "O":
        given = np.where(pd.isna(given), np.nan, given)  # NA has no float of its own
    try:
        weights = np.ascontiguousarray(given, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ColumnTypeError(name="sample_weight", expected="numbers", found=str(error)) from error
    fits = (weights >= LEAST_WEIGHT) & (weights <= GREATEST_WEIGHT)
    wrong = ~(fits | (weights == 0.0))
    if wrong.any():
        raise OutOfRangeError(
            name="sample_weight", value=float(weights[wrong][0]), allowed=WEIGHTS_ALLOWED
        )
    return weights


def one_array(values: Any, *, name: str) -> NDArray[Any]:
    """Return values as an array; rows of different lengths are refused.

    Raises
    ------
    InputError
        The values do not form an array.
    """
    try:
        return np.asarray(values)
    except ValueError as error:
        raise InputError(f"{name} must have one dimension: {error}") from error


def refuse_unclear(y: Any, found: NDArray[Any]) -> None:
    """Refuse outcomes that are missing, or of more than one kind.

    Parameters
    ----------
    y : array-like
        Outcomes as they were given.
    found : ndarray of shape (n_rows,)
        The array that NumPy made of them.

    Raises
    ------
    InputError
        Says how many rows are wrong, and the first of them, counted from 0.
    """
    if found.dtype.kind in "biu":
        return
    if found.dtype.kind == "f":
        _refuse_rows(
            ~np.isfinite(found), "y contains NaN or infinity", "every row needs an outcome"
        )
        return
    if isinstance(y, list | tuple) and found.dtype.kind in "US":
        found = np.array(y, dtype=object).reshape(-1)  # NumPy has made text of None and numbers
    _refuse_rows(
        np.asarray(pd.isna(found)), "y contains NaN or missing values", "every row needs an outcome"
    )
    if found.dtype.kind != "O":
        return
    kinds = np.array([_kind(value) for value in found], dtype=object)
    if not (kinds != kinds[:1]).any():
        return
    names, counts = np.unique(kinds.astype(str), return_counts=True)
    usual = str(names[counts.argmax()])
    _refuse_rows(kinds != usual, f"y holds other values than {usual}", "one kind is expected")


def _refuse_rows(wrong: Flags, what: str, why: str) -> None:
    if wrong.any():
        raise InputError(
            f"{what} in {int(wrong.sum())} of {len(wrong)} rows, the first in row "
            f"{int(wrong.argmax())} (counted from 0): {why}"
        )


def _kind(value: object) -> str:
    """Say what an outcome is, in the words of a message."""
    if isinstance(value, str):
        return "text"
    is_number = isinstance(value, Real | np.bool_) or hasattr(value, "as_tuple")  # Decimal
    return "numbers" if is_number else type(value).__name__


def _outcomes(y: Any, rows: int) -> NDArray[np.uint8]:
    if y is None:
        raise InputError(
            "requires y to be passed, but the target y is None: bins need outcomes, 1 = bad"
        )
    array = one_array(y, name="y")
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"y must have one dimension; got shape {array.shape}")
    if len(array) != rows:
        raise InputError(f"y has {len(array)} rows, X has {rows}: inconsistent numbers of samples")
    if array.dtype.kind == "c":
        raise InputError("Complex data not supported: y must hold 0 (good) and 1 (bad) only")
    refuse_unclear(y, array)
    try:
        numbers = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("y must hold 0 (good) and 1 (bad) only: it holds text") from error
    if not np.isfinite(numbers).all():
        raise InputError("y contains NaN or infinity: every row needs an outcome")
    bad = numbers == 1.0
    if not (bad | (numbers == 0.0)).all():
        found = np.unique(numbers)[:5].tolist()
        raise InputError(
            f"y must hold 0 (good) and 1 (bad) only; Unknown label type: it holds {found}"
        )
    return bad.astype(np.uint8)
