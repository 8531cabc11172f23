"""The ladder: distinct values from riskiest to safest with their goods and bads.

One sort makes it; AUC, DeLong, KS, ROC, CAP, lift and bands are then sums over its steps, and rows
of equal value always stand on one step, so no figure depends on the order of tied rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError, OneClassError
from fengkong.scorecard.validation._inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    numbers,
    outcomes,
    tally,
    weights,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Goods and bads by distinct value, riskiest first.

    Attributes
    ----------
    value : array of shape (n_steps,)
        Distinct values in the caller's unit; riskiest first.
    rows : array of int of shape (n_steps,)
        Rows on the step.
    good, bad : arrays of shape (n_steps,)
        Weight of goods and of bads on the step (their number when no weights are given).
    step : array of int of shape (n_rows,)
        The step each row stands on.
    is_bad : array of bool of shape (n_rows,)
    weight : array of shape (n_rows,) or None
    higher_is_safer : bool
    """

    value: FloatArray
    rows: IntArray
    good: FloatArray
    bad: FloatArray
    step: IntArray
    is_bad: BoolArray
    weight: FloatArray | None
    higher_is_safer: bool

    @property
    def total(self) -> FloatArray:
        """Weight of all rows on each step."""
        return self.good + self.bad

    def placements(self) -> tuple[FloatArray, FloatArray]:
        """Return, by step, the share of goods that are safer and of bads that are riskier.

        Ties count one half. These are the structural components V10 and V01 of DeLong et al.
        """
        goods, bads = self.good.sum(), self.bad.sum()
        safer_goods = (goods - np.cumsum(self.good) + 0.5 * self.good) / goods
        riskier_bads = (np.cumsum(self.bad) - 0.5 * self.bad) / bads
        return safer_goods, riskier_bads

    def auc(self) -> float:
        """Return the chance that a bad is riskier than a good, ties counting one half."""
        safer_goods, _ = self.placements()
        return float(self.bad @ safer_goods / self.bad.sum())


def ladder(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> Ladder:
    """Return the ladder of ``value``.

    Parameters
    ----------
    bad : array-like of shape (n_rows,)
        1 for bad, 0 for good; both must occur.
    value : array-like of shape (n_rows,)
        A probability of bad, or a score with ``higher_is_safer=True``.
    higher_is_safer : bool, default=False
        Which end of ``value`` is the risky one.
    sample_weight : array-like of shape (n_rows,), optional

    Raises
    ------
    InputError
        Empty, missing, infinite or of different lengths.
    OneClassError
        Only goods or only bads, or all the weight is on one of them.
    """
    is_bad = outcomes(bad)
    values = numbers(value, name="value", rows=is_bad.size)
    weight = weights(sample_weight, rows=is_bad.size)
    order = np.argsort(values if higher_is_safer else -values)
    sorted_values = values[order]
    starts = np.concatenate(([True], sorted_values[1:] != sorted_values[:-1]))
    step = np.empty(is_bad.size, dtype=np.int64)
    step[order] = np.cumsum(starts) - 1
    steps = int(step[order[-1]]) + 1
    rows = np.bincount(step, minlength=steps)
    ones = np.ones(is_bad.size) if weight is None else weight
    total_bad = tally(step, np.where(is_bad, ones, 0.0), count=steps)
    total_good = tally(step, np.where(is_bad, 0.0, ones), count=steps)
    if total_bad.sum() <= 0.0 or total_good.sum() <= 0.0:
        raise OneClassError("goods or bads carry no weight at all")
    return Ladder(
        value=sorted_values[starts],
        rows=rows.astype(np.int64),
        good=total_good,
        bad=total_bad,
        step=step,
        is_bad=is_bad,
        weight=weight,
        higher_is_safer=higher_is_safer,
    )


def band_of_steps(steps: Ladder, *, bands: int) -> IntArray:
    """Return the band of each step: bands of about equal weight, 0 the riskiest, no band empty.

    A step goes whole into the band where the middle of its weight lies, so ties stay together.
    """
    if bands < 1:
        raise InputError(f"bands must be at least 1; got {bands}")
    total = steps.total
    middle = (np.cumsum(total) - 0.5 * total) / total.sum()
    band = np.minimum((middle * bands).astype(np.int64), bands - 1)
    return np.unique(band, return_inverse=True)[1].astype(np.int64)


def equal_bands(value: FloatArray, weight: FloatArray | None, *, bands: int) -> IntArray:
    """Return the band of each row by ascending value, as `band_of_steps` but without outcomes."""
    if bands < 1:
        raise InputError(f"bands must be at least 1; got {bands}")
    distinct, step = np.unique(value, return_inverse=True)
    total = tally(step, weight, count=distinct.size)
    middle = (np.cumsum(total) - 0.5 * total) / total.sum()
    band = np.minimum((middle * bands).astype(np.int64), bands - 1)
    return np.unique(band, return_inverse=True)[1].astype(np.int64)[step]
