"""Calibration by grade: exact binomial, Jeffreys and normal tests, and a traffic light."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import bdtrc, betainc, ndtr
from scipy.stats import binomtest

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.validation._inputs import FloatArray, labels, outcomes, probabilities, tally
from fengkong.scorecard.validation._intervals import wilson

# regulation.md D4: by-grade tests, a convention of practice.
AMBER_BELOW = 0.05
RED_BELOW = 0.01


def grade_table(
    bad: ArrayLike,
    probability: ArrayLike,
    grade: ArrayLike,
    *,
    grade_probability: Mapping[object, float] | None = None,
    order: Sequence[object] | None = None,
    alternative: str = "greater",
    amber_below: float = AMBER_BELOW,
    red_below: float = RED_BELOW,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return predicted and observed by grade with tests and a traffic light.

    Parameters
    ----------
    bad, probability : array-like of shape (n_rows,)
    grade : array-like of shape (n_rows,)
        Grade of each row; a missing grade is the grade "(missing)".
    grade_probability : mapping of grade to float, optional
        PD of the master scale; without it the mean probability of the grade's rows is tested.
    order : sequence, optional
        Grades in the order wanted; by default sorted.
    alternative : {"greater", "two-sided"}, default="greater"
        "greater" asks whether the PD is too low, what costs money; "two-sided" also whether it is
        too high.
    amber_below, red_below : float, default=0.05 and 0.01
        Levels of the light, compared with ``binomial_p_value``.
    confidence : float, default=0.95

    Returns
    -------
    DataFrame
        grade, rows, bad, bad_rate, lower, upper (Wilson), probability (what is tested),
        expected_bad, ratio (observed over expected; missing where nothing is expected),
        binomial_p_value (exact), jeffreys_p_value, normal_p_value (missing where the PD is 0 or 1),
        light ("green", "amber", "red"). The last row, grade "(all)", sums the others.

    Raises
    ------
    InputError
        As `brier_score`; an unknown ``alternative``; ``grade_probability`` or ``order`` lacks a
        grade.
    OutOfRangeError
        A probability outside [0, 1], or levels that are not 0 < red <= amber < 1.

    Notes
    -----
    One class alone is allowed. No weights: counts are tested. The tests take defaults as
    independent; in a common downturn they are not, and lights turn red too often. With PDs that
    differ inside a grade the binomial is a little wide. Ten grades at 5 % give a light by chance in
    four portfolios of ten.

    References
    ----------
    regulation.md D4; BCBS WP 14 (2005), chapter III (binomial and normal); ECB (2019), Instructions
    for reporting the validation results of internal models, 2.5.3.1 (Jeffreys: the chance, under
    Beta(bad + 1/2, good + 1/2), that the rate is at most the PD).
    """
    if alternative not in {"greater", "two-sided"}:
        raise InputError(f'alternative must be "greater" or "two-sided"; got {alternative!r}')
    if not 0.0 < red_below <= amber_below < 1.0:
        raise OutOfRangeError(name="red_below", value=red_below, allowed="(0, amber_below]")
    is_bad = outcomes(bad, both=False)
    p = probabilities(probability, rows=is_bad.size)
    code, names = labels(grade, name="grade", rows=is_bad.size)
    count = len(names)
    rows, hits = tally(code, None, count=count), tally(code[is_bad], None, count=count)
    tested = np.minimum(tally(code, p, count=count) / rows, 1.0)
    if grade_probability is not None:
        tested = _of_scale(grade_probability, names)
    place = _ordered(names, order)
    rows, hits, tested = rows[place], hits[place], tested[place]
    overall = float(rows @ tested / rows.sum())
    table = _tested(
        np.append(rows, rows.sum()),
        np.append(hits, hits.sum()),
        np.append(tested, min(overall, 1.0)),
        alternative=alternative,
        confidence=confidence,
    )
    exact = table["binomial_p_value"].to_numpy()
    table["light"] = np.where(
        exact < red_below, "red", np.where(exact < amber_below, "amber", "green")
    )
    table.insert(0, "grade", [*(names[k] for k in place), "(all)"])
    return table


def _tested(
    rows: FloatArray, hits: FloatArray, p: FloatArray, *, alternative: str, confidence: float
) -> pd.DataFrame:
    lower, upper = wilson(hits, rows, confidence=confidence)
    expected = rows * p
    greater = alternative == "greater"
    missing = np.full(rows.size, np.nan)
    error = np.sqrt(expected * (1.0 - p))
    z = np.divide(hits - expected, error, out=missing.copy(), where=error > 0.0)
    # Beta(bad + 1/2, good + 1/2): the posterior of the rate under Jeffreys' prior.
    posterior = betainc(hits + 0.5, rows - hits + 0.5, p)
    exact = _above(hits, rows, p) if greater else _either(hits, rows, p)
    return pd.DataFrame(
        {
            "rows": rows.astype(np.int64),
            "bad": hits.astype(np.int64),
            "bad_rate": hits / rows,
            "lower": lower,
            "upper": upper,
            "probability": p,
            "expected_bad": expected,
            "ratio": np.divide(hits, expected, out=missing.copy(), where=expected > 0.0),
            "binomial_p_value": exact,
            "jeffreys_p_value": posterior
            if greater
            else np.minimum(2.0 * np.minimum(posterior, 1.0 - posterior), 1.0),
            "normal_p_value": ndtr(-z) if greater else 2.0 * ndtr(-np.abs(z)),
        }
    )


def _above(hits: FloatArray, rows: FloatArray, p: FloatArray) -> FloatArray:
    """Return the exact chance of at least ``hits`` bads."""
    tail = bdtrc(np.maximum(hits - 1.0, 0.0), rows.astype(np.int64), p)
    return np.where(hits == 0.0, 1.0, tail)


def _either(hits: FloatArray, rows: FloatArray, p: FloatArray) -> FloatArray:
    """Return the exact two-sided p-value: all counts no likelier than the one seen."""
    return np.array(
        [binomtest(int(k), int(n), float(q)).pvalue for k, n, q in zip(hits, rows, p, strict=True)]
    )


def _of_scale(scale: Mapping[object, float], names: list[object]) -> FloatArray:
    absent = [str(name) for name in names if name not in scale]
    if absent:
        raise InputError(f"grade_probability lacks the grades {', '.join(absent)}")
    return probabilities([scale[name] for name in names], name="grade_probability")


def _ordered(names: list[object], order: Sequence[object] | None) -> list[int]:
    if order is None:
        return list(range(len(names)))
    absent = [str(name) for name in names if name not in order]
    if absent:
        raise InputError(f"order lacks the grades {', '.join(absent)}")
    return [names.index(name) for name in order if name in names]
