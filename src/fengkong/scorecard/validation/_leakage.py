"""The leakage alarm: features that know the outcome, and models too good to be true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import entr

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import weight_of_evidence
from fengkong.scorecard.validation._findings import Finding, finding
from fengkong.scorecard.validation._inputs import BoolArray, FloatArray, IntArray, outcomes, tally

# regulation.md D4: IV > 0.5 is a convention that says "look", not a proof.
IV_ABOVE = 0.5
AUC_ABOVE = 0.95
EXPLAINED_ABOVE = 0.9
# A category with fewer rows says something about its rows, not about the feature.
_RARE = 50
_BANDS = 20


def leakage_findings(
    bad: ArrayLike,
    features: Mapping[str, ArrayLike] | pd.DataFrame,
    *,
    known_after: Iterable[str] = (),
    iv_above: float = IV_ABOVE,
    auc_above: float = AUC_ABOVE,
    explained_above: float = EXPLAINED_ABOVE,
) -> list[Finding]:
    """Return what is suspicious about the features, one finding a reason.

    Parameters
    ----------
    bad : array-like of shape (n_rows,)
    features : mapping of name to array-like, or DataFrame, of n_rows rows
        Raw columns: numbers, texts, dates; missing values are allowed and are a level of their own.
    known_after : iterable of str
        Columns known only after the decision: each is a finding when it is among ``features``.
    iv_above : float, default=0.5
        Information value over 20 equal-count bands, or over categories.
    auc_above : float, default=0.95
        AUC of the column alone, in either direction; numbers by value, others by bad rate, missing
        values where they fit best.
    explained_above : float, default=0.9
        Share of the outcome's uncertainty (entropy) that the column removes: 1 is a function of the
        target.

    Returns
    -------
    list of Finding
        Kinds "leakage.known_after", "leakage.function_of_target", "leakage.auc", "leakage.iv", in
        the order of the columns.

    Raises
    ------
    InputError
        Empty, missing outcomes, other lengths.
    OneClassError
        Only goods or only bads.
    OutOfRangeError
        A limit that is not positive, or above 1 where it is a share.

    Notes
    -----
    Categories with fewer than 50 rows are joined, so that an identifier does not explain its own
    rows; an identifier that sorts by outcome is found by its AUC. A silent list is no proof: a weak
    leak passes every limit.
    """
    is_bad = outcomes(bad)
    if iv_above <= 0.0:
        raise OutOfRangeError(name="iv_above", value=iv_above, allowed="(0, inf)")
    for name, limit in (("auc_above", auc_above), ("explained_above", explained_above)):
        if not 0.0 < limit <= 1.0:
            raise OutOfRangeError(name=name, value=limit, allowed="(0, 1]")
    later = {str(name) for name in known_after}
    found: list[Finding] = []
    for key, values in features.items():
        name = str(key)
        if name in later:
            found.append(finding("leakage.known_after", name))
        column = pd.Series(values).reset_index(drop=True)
        if len(column) != is_bad.size:
            raise InputError(f"{name} has {len(column)} rows where {is_bad.size} are expected")
        explained, area, value = _strength(column, is_bad)
        if explained > explained_above:
            found.append(finding("leakage.function_of_target", name, explained, explained_above))
        if area > auc_above:
            found.append(finding("leakage.auc", name, area, auc_above))
        if value > iv_above:
            found.append(finding("leakage.iv", name, value, iv_above))
    return found


def _strength(column: pd.Series[Any], is_bad: BoolArray) -> tuple[float, float, float]:
    """Return share of entropy explained, AUC in the better direction, information value."""
    values = _as_numbers(column)
    step, steps = _categories(column) if values is None else _steps(values)
    present = step >= 0
    good = tally(step[present & ~is_bad], None, count=steps)
    bad = tally(step[present & is_bad], None, count=steps)
    goods, bads = float((~is_bad).sum()), float(is_bad.sum())
    missing = (goods - good.sum(), bads - bad.sum())
    if values is None:  # no order of its own: by bad rate
        order = np.argsort(bad / np.maximum(good + bad, 1.0), kind="stable")
        area = _best_area(good[order], bad[order], missing)
    else:
        area = _best_area(good, bad, missing)
        band = _bands_of(good + bad)
        good, bad = (tally(band, part, count=_BANDS) for part in (good, bad))
    good, bad = np.append(good, missing[0]), np.append(bad, missing[1])
    return _explained(good, bad), area, _information_value(good, bad)


def _as_numbers(column: pd.Series[Any]) -> FloatArray | None:
    """Return a column of numbers, flags or dates as float64 with NaN for missing, else None."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        stamps = column.to_numpy(dtype="datetime64[ns]")
        return np.where(np.isnat(stamps), np.nan, stamps.astype(np.int64).astype(np.float64))
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return None


def _steps(values: FloatArray) -> tuple[IntArray, int]:
    """Return the place of each row among the distinct values, -1 where missing."""
    present = ~np.isnan(values)
    distinct, place = np.unique(values[present], return_inverse=True)
    step = np.full(values.size, -1, dtype=np.int64)
    step[present] = place
    return step, int(distinct.size)


def _categories(column: pd.Series[Any]) -> tuple[IntArray, int]:
    """Return codes of categories, rare ones joined into the last, -1 where missing."""
    code = pd.factorize(column)[0].astype(np.int64)
    if not (code >= 0).any():
        return code, 0
    rows = np.bincount(code[code >= 0])
    rare = rows < _RARE
    new = np.cumsum(~rare) - 1
    new[rare] = int((~rare).sum())
    return np.where(code < 0, -1, new[np.maximum(code, 0)]), int((~rare).sum()) + 1


def _bands_of(total: FloatArray) -> IntArray:
    middle = (np.cumsum(total) - 0.5 * total) / max(float(total.sum()), 1.0)
    return np.minimum((middle * _BANDS).astype(np.int64), _BANDS - 1)


def _best_area(good: FloatArray, bad: FloatArray, missing: tuple[float, float]) -> float:
    """Return the AUC of the steps, in the better direction, missing rows at the better end."""
    best = 0.5
    for at_end in (False, True):
        ends = (good.size, good.size) if at_end else (0, 0)
        g, b = np.insert(good, ends[0], missing[0]), np.insert(bad, ends[1], missing[1])
        area = float(b @ (np.cumsum(g) - 0.5 * g) / (b.sum() * g.sum()))
        best = max(best, area, 1.0 - area)
    return best


def _explained(good: FloatArray, bad: FloatArray) -> float:
    """Return the share of the entropy of the outcome that the levels remove."""
    total = good + bad
    within = float(total @ _entropy(np.divide(bad, np.maximum(total, 1.0))))
    return 1.0 - within / float(total.sum() * _entropy(np.array([bad.sum() / total.sum()]))[0])


def _entropy(share: FloatArray) -> FloatArray:
    return np.asarray(entr(share) + entr(1.0 - share), dtype=np.float64)


def _information_value(good: FloatArray, bad: FloatArray) -> float:
    """Return the information value, by the WoE of bins."""
    woe = weight_of_evidence(good + bad, bad)
    return float((good / good.sum() - bad / bad.sum()) @ woe)
