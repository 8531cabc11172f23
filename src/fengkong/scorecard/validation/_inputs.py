"""Checked arrays: what every figure of validation asks of its input, in one place."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def numbers(values: ArrayLike, *, name: str, rows: int | None = None) -> FloatArray:
    """Return ``values`` as finite float64 of shape (rows,).

    Raises
    ------
    InputError
        Not numeric, not one-dimensional, empty, of another length, or holding NaN or infinity.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers") from error
    if array.ndim != 1:
        raise InputError(f"{name} must have one dimension; got shape {array.shape}")
    if array.size == 0:
        raise InputError(f"{name} is empty")
    if rows is not None and array.size != rows:
        raise InputError(f"{name} has {array.size} rows where {rows} are expected")
    if not np.isfinite(array).all():
        wrong = int((~np.isfinite(array)).sum())
        raise InputError(f"{name} holds {wrong} missing or infinite values")
    return array


def outcomes(bad: ArrayLike, *, name: str = "bad", both: bool = True) -> BoolArray:
    """Return outcomes as booleans, True for bad.

    Raises
    ------
    InputError
        Empty, missing, or a value other than 0 and 1.
    OneClassError
        ``both`` is asked and there are only goods or only bads.
    """
    array = numbers(bad, name=name)
    result = array == 1.0
    if not (result | (array == 0.0)).all():
        raise InputError(f"{name} must hold 0 (good) and 1 (bad) only")
    if both and (result.all() or not result.any()):
        raise OneClassError(f"{name} holds only {'bads' if result[0] else 'goods'}")
    return result


def probabilities(
    probability: ArrayLike, *, name: str = "probability", rows: int | None = None
) -> FloatArray:
    """Return probabilities of bad, each in [0, 1].

    Raises
    ------
    InputError
        As `numbers`.
    OutOfRangeError
        A value below 0 or above 1.
    """
    array = numbers(probability, name=name, rows=rows)
    for extreme in (float(array.min()), float(array.max())):
        if not 0.0 <= extreme <= 1.0:
            raise OutOfRangeError(name=name, value=extreme, allowed="[0, 1]")
    return array


def weights(sample_weight: ArrayLike | None, *, rows: int) -> FloatArray | None:
    """Return row weights, none negative and not all zero, or None where none are given.

    Raises
    ------
    InputError
        As `numbers`, or all weights are zero.
    OutOfRangeError
        A weight is negative.
    """
    if sample_weight is None:
        return None
    array = numbers(sample_weight, name="sample_weight", rows=rows)
    if array.min() < 0.0:
        raise OutOfRangeError(name="sample_weight", value=float(array.min()), allowed="[0, inf)")
    if not array.any():
        raise InputError("sample_weight is zero on every row")
    return array


def fraction(value: float, *, name: str) -> float:
    """Return ``value`` when it lies strictly between 0 and 1.

    Raises
    ------
    OutOfRangeError
        It does not.
    """
    if not 0.0 < value < 1.0:
        raise OutOfRangeError(name=name, value=value, allowed="(0, 1)")
    return float(value)


def tally(codes: IntArray, amount: FloatArray | None, *, count: int) -> FloatArray:
    """Return the sum of ``amount`` (1 where None) by code, as float64 of shape (count,)."""
    return np.bincount(codes, weights=amount, minlength=count).astype(np.float64)


def labels(values: ArrayLike, *, name: str, rows: int) -> tuple[IntArray, list[object]]:
    """Return codes and sorted labels of a column; missing values are the label "(missing)".

    Raises
    ------
    InputError
        Not one-dimensional, or of another length.
    """
    series = pd.Series(values) if isinstance(values, pd.Series) else pd.Series(np.asarray(values))
    if len(series) != rows:
        raise InputError(f"{name} has {len(series)} rows where {rows} are expected")
    codes, found = pd.factorize(series.reset_index(drop=True), sort=False)
    names: list[object] = [_plain(value) for value in found]
    codes = codes.astype(np.int64)
    if (codes < 0).any():
        codes = np.where(codes < 0, len(names), codes)
        names.append("(missing)")
    # Numbers in their order, everything else by its text: labels of two kinds can stand together.
    order = sorted(range(len(names)), key=lambda place: _sort_key(names[place]))
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    return rank[codes], [names[place] for place in order]


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value


def _sort_key(value: object) -> tuple[int, float, str]:
    if isinstance(value, (bool, int, float)):
        return (0, float(value), "")
    return (2 if value == "(missing)" else 1, 0.0, str(value))
