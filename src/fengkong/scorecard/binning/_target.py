"""Checked outcomes and weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.scorecard.binning._numeric import Target


def read_target(y: Any, sample_weight: Any, *, rows: int) -> Target:
    """Return outcomes and weights of the rows.

    Raises
    ------
    InputError
        No outcomes, of another length, or other values than 0 (good) and 1 (bad).
    OneClassError
        Only goods or only bads, among rows of positive weight.
    OutOfRangeError
        A weight is negative or not finite.
    """
    bad = _outcomes(y, rows)
    weights = np.empty(0)
    totals = np.array([rows - bad.sum(), bad.sum()], dtype=np.float64)
    if sample_weight is not None:
        weights = _weights(sample_weight, rows)
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


def _outcomes(y: Any, rows: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if y is None:
        raise InputError(
            "requires y to be passed, but the target y is None: bins need outcomes, 1 = bad"
        )
    array = np.asarray(y)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise InputError(f"y must have one dimension; got shape {array.shape}")
    if len(array) != rows:
        raise InputError(f"y has {len(array)} rows, X has {rows}: inconsistent numbers of samples")
    if array.dtype.kind == "c":
        raise InputError("Complex data not supported: y must hold 0 (good) and 1 (bad) only")
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


def _weights(sample_weight: Any, rows: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != (rows,):
        raise InputError(f"sample_weight has shape {weights.shape}; X has {rows} rows")
    wrong = ~(np.isfinite(weights) & (weights >= 0.0))
    if wrong.any():
        raise OutOfRangeError(
            name="sample_weight", value=float(weights[wrong][0]), allowed="[0, inf)"
        )
    return np.ascontiguousarray(weights)
