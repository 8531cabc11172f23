"""Cohorts compared at the same age, so that a young vintage is not judged as an old one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr, ndtri

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard._score_interval import score_interval
from fengkong.scorecard.validation import auc, ks
from fengkong.scorecard.validation._inputs import fraction, probabilities
from fengkong.scorecard.watch._count import FloatArray
from fengkong.scorecard.watch._plain import plain, records

REASONS = {
    "immature": ("not all loans of the cohort have reached this age", "该批次尚有贷款未到此账龄"),
    "thin": ("fewer loans than asked", "贷款笔数少于要求"),
    "no reference": (
        "no reference cohort has reached this age, or it had no bads",
        "参照批次均未到此账龄，或其中没有坏账",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VintagePerformance:
    """Cohorts against the age curve of the reference.

    Attributes
    ----------
    cells : DataFrame, one row a cohort and age that can be judged
        cohort, age_months, loans, bads, bad_rate, lower, upper (Wilson), expected_rate,
        ratio (observed over expected), z, p_value, verdict ("worse", "better", "as expected"),
        auc, ks (null without probabilities or with one class), is_reference.
    curve : DataFrame
        age_months, loans, bads, bad_rate of the mature reference cohorts.
    left_out : DataFrame
        cohort, age_months, loans, reason, reason_en, reason_zh: cells that would mislead.
    cohorts : DataFrame
        The oldest judged age of each cohort: the columns of ``cells``.
    settings : dict
    """

    cells: pd.DataFrame
    curve: pd.DataFrame
    left_out: pd.DataFrame
    cohorts: pd.DataFrame
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "cells": records(self.cells), "curve": records(self.curve),
            "left_out": records(self.left_out), "cohorts": records(self.cohorts),
            "settings": dict(self.settings),
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Loans:
    """Checked columns of the loans, cohorts as codes in ascending order."""

    names: list[Any]
    code: NDArray[np.intp]
    observed: FloatArray
    bad_from: FloatArray
    p: FloatArray | None
    size: FloatArray
    youngest: FloatArray
    predicted: FloatArray


def vintage_adjusted(
    cohort: ArrayLike,
    months_observed: ArrayLike,
    month_bad: ArrayLike,
    *,
    reference: Collection[Any],
    ages: Sequence[int] = (3, 6, 12),
    probability: ArrayLike | None = None,
    loans_at_least: int = 50,
    confidence: float = 0.95,
) -> VintagePerformance:
    """Return each cohort's bad rate at each age, against what the reference had at that age.

    Parameters
    ----------
    cohort : array-like of shape (n_loans,)
        Month of origination, or any label that can be sorted.
    months_observed : array-like of shape (n_loans,)
        Age in whole months on the date of the data, also of loans that closed early; 0 or more.
    month_bad : array-like of shape (n_loans,)
        Month on book in which the loan first was bad; NaN if it never was. Not above
        ``months_observed``.
    reference : collection of cohort labels
        Cohorts that make the age curve, for example those the card was validated on.
    ages : sequence of int, default (3, 6, 12)
        Months on book to compare at, 1 or more.
    probability : array-like of shape (n_loans,), optional
        Probability of bad at origination. The expectation is then adjusted for the mix: the
        reference's bads per predicted bad at that age, times the cohort's predicted bads; and AUC
        and KS stand in each cell.
    loans_at_least : int, default 50
        Smaller cohorts are left out.
    confidence : float, default 0.95
        Of the interval and of the verdict.

    Returns
    -------
    VintagePerformance

    Raises
    ------
    InputError
        Empty, lengths that differ, a cohort without a label, a reference cohort that is not there,
        a bad month that was not observed yet.
    OutOfRangeError
        An age below 1, ``confidence`` outside (0, 1), a probability outside [0, 1].

    Notes
    -----
    A cell is mature when every loan of its cohort has reached the age; others are listed in
    ``left_out`` with the reason and enter neither curve nor verdict. The verdict tests
    bads - expected with variance expected (1 - r) + expected^2 (1 - r_ref) / bads_ref: the chance
    of the cohort and of the reference. A reference cohort is compared with a curve that it is
    part of, so its verdict is mild; it is marked.
    """
    confidence = fraction(confidence, name="confidence")
    wanted = sorted(set(ages))
    if not wanted or wanted[0] < 1:
        raise OutOfRangeError(name="ages", value=min(ages, default=0), allowed="[1, inf)")
    loans = _checked(cohort, months_observed, month_bad, probability)
    places = {name: place for place, name in enumerate(loans.names)}
    absent = [name for name in reference if name not in places]
    if absent or not len(reference):
        raise InputError(f"reference cohorts are not in the data: {absent or 'none was named'}")
    in_reference = np.zeros(len(loans.names), dtype=bool)
    in_reference[[places[name] for name in reference]] = True
    cells: list[dict[str, Any]] = []
    curve: list[dict[str, Any]] = []
    left_out: list[dict[str, Any]] = []
    for age in wanted:
        basis = _Basis.of(loans, in_reference, age)
        if basis.loans:
            curve.append({"age_months": age, "loans": basis.loans, "bads": basis.bads,
                          "bad_rate": basis.bads / basis.loans})  # fmt: skip
        for place in range(len(loans.names)):
            reason = _reason(loans, basis, place, loans_at_least)
            head = {"cohort": plain(loans.names[place]), "age_months": age,
                    "loans": int(loans.size[place])}  # fmt: skip
            if reason:
                words = dict(zip(("reason_en", "reason_zh"), REASONS[reason], strict=True))
                left_out.append({**head, "reason": reason, **words})
            else:
                found = {**_judged(loans, basis, place, confidence), **_ranking(loans, place, age)}
                cells.append({**head, **found, "is_reference": bool(in_reference[place])})
    table = pd.DataFrame(cells, columns=_CELL)
    return VintagePerformance(
        cells=table, curve=pd.DataFrame(curve, columns=["age_months", "loans", "bads", "bad_rate"]),
        left_out=pd.DataFrame(left_out, columns=_LEFT_OUT),
        cohorts=table.groupby("cohort", sort=True).tail(1).reset_index(drop=True),
        settings={"ages": wanted, "reference": [plain(name) for name in reference],
                  "loans_at_least": loans_at_least, "confidence": confidence,
                  "mix_adjusted": probability is not None},
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Basis:
    """All cohorts at one age, and the sums over the mature reference cohorts."""

    age: int
    by_cohort: FloatArray
    loans: float
    bads: float
    predicted: float

    @classmethod
    def of(cls, loans: _Loans, in_reference: NDArray[np.bool_], age: int) -> _Basis:
        is_bad = (loans.bad_from <= age).astype(np.float64)
        bads = np.bincount(loans.code, weights=is_bad, minlength=len(loans.names))
        basis = in_reference & (loans.youngest >= age)
        sums = (float(part[basis].sum()) for part in (loans.size, bads, loans.predicted))
        size, known, predicted = sums
        return cls(
            age=age, by_cohort=bads.astype(np.float64), loans=size, bads=known, predicted=predicted
        )


_CELL = [
    "cohort", "age_months", "loans", "bads", "bad_rate", "lower", "upper", "expected_rate", "ratio",
    "z", "p_value", "verdict", "auc", "ks", "is_reference",
]  # fmt: skip
_LEFT_OUT = ["cohort", "age_months", "loans", "reason", "reason_en", "reason_zh"]


def _reason(loans: _Loans, basis: _Basis, place: int, loans_at_least: int) -> str:
    """Say why a cell cannot be judged; empty if it can."""
    if loans.youngest[place] < basis.age:
        return "immature"
    if loans.size[place] < loans_at_least:
        return "thin"
    return "" if basis.bads > 0 and basis.predicted > 0 else "no reference"


def _checked(
    cohort: ArrayLike, observed: ArrayLike, month_bad: ArrayLike, probability: ArrayLike | None
) -> _Loans:
    series = cohort if isinstance(cohort, pd.Series) else pd.Series(np.asarray(cohort))
    if not len(series):
        raise InputError("there are no loans")
    code, found = pd.factorize(series.reset_index(drop=True), sort=True)
    if (code < 0).any():
        raise InputError(f"{int((code < 0).sum())} loans have no cohort")
    rows = len(series)
    seen, bad_from = np.asarray(observed, np.float64), np.asarray(month_bad, np.float64)
    for name, values in (("months_observed", seen), ("month_bad", bad_from)):
        if values.shape != (rows,):
            raise InputError(f"{name}: {rows} loans but shape {values.shape}")
    if not np.isfinite(seen).all() or (seen < 0).any():
        raise InputError("months_observed must be 0 or more for every loan")
    bad_from = np.where(np.isnan(bad_from), np.inf, bad_from)
    late = np.isfinite(bad_from) & ((bad_from > seen) | (bad_from < 0))
    if late.any():
        raise InputError(f"{int(late.sum())} loans are bad in a month that was not observed")
    size = np.bincount(code).astype(np.float64)
    youngest = np.full(len(size), np.inf)
    np.minimum.at(youngest, code, seen)
    p = None if probability is None else probabilities(probability, rows=rows)
    predicted = size if p is None else np.bincount(code, weights=p).astype(np.float64)
    return _Loans(
        names=list(found), code=code, observed=seen, bad_from=bad_from, p=p, size=size,
        youngest=youngest, predicted=predicted,
    )  # fmt: skip


def _judged(loans: _Loans, basis: _Basis, place: int, confidence: float) -> dict[str, Any]:
    """Compare one cell with the expectation."""
    z_limit = float(ndtri(0.5 + confidence / 2))
    bads, size = float(basis.by_cohort[place]), float(loans.size[place])
    expected = basis.bads * float(loans.predicted[place]) / basis.predicted
    rate, expected_rate = bads / size, expected / size
    own = expected * max(1 - expected_rate, 0.0)
    error = np.sqrt(own + expected**2 * (1 - basis.bads / basis.loans) / basis.bads)
    z = float((bads - expected) / error) if error > 0 else 0.0
    verdict = "as expected"
    if abs(z) > z_limit:
        verdict = "worse" if z > 0 else "better"
    lower, upper = (float(end) for end in score_interval(bads, size, z=z_limit))
    return {
        "bads": int(bads), "bad_rate": rate, "lower": lower, "upper": upper,
        "expected_rate": expected_rate,
        "ratio": bads / expected if expected > 0 else None,
        "z": z, "p_value": float(2 * ndtr(-abs(z))), "verdict": verdict,
    }  # fmt: skip


def _ranking(loans: _Loans, place: int, age: int) -> dict[str, float | None]:
    """Return AUC and KS of one cell, null where they do not exist."""
    if loans.p is None:
        return {"auc": None, "ks": None}
    rows = loans.code == place
    bad = loans.bad_from[rows] <= age
    if bad.all() or not bad.any():
        return {"auc": None, "ks": None}
    return {"auc": auc(bad, loans.p[rows]), "ks": ks(bad, loans.p[rows]).ks}
