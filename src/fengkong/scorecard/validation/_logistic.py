"""A small weighted logistic regression by Newton steps, for calibration: one to three columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._inputs import FloatArray

_STEPS = 60
# Probabilities of 0 and 1 have no finite log odds: they stand for this much doubt.
TINY = 1e-12


def log_odds(probability: FloatArray) -> FloatArray:
    """Return ln(p / (1 - p)), p held within [1e-12, 1 - 1e-12]."""
    p = np.clip(probability, TINY, 1.0 - TINY)
    return np.log(p) - np.log1p(-p)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Maximum-likelihood coefficients with their covariance (sandwich when weighted)."""

    coefficient: FloatArray
    covariance: FloatArray
    log_likelihood: float


def fit_logistic(
    design: FloatArray,
    target: FloatArray,
    *,
    weight: FloatArray | None = None,
    offset: FloatArray | None = None,
    start: FloatArray | None = None,
) -> Fitted:
    """Return the fit of P(target) = expit(offset + design @ coefficient).

    Parameters
    ----------
    design : array of shape (n_rows, n_columns)
        The intercept is a column of ones.
    target : array of shape (n_rows,)
        In [0, 1]; shares are allowed.
    weight, offset : array of shape (n_rows,), optional
    start : array of shape (n_columns,), optional
        Where to begin; zeros by default.

    Raises
    ------
    InputError
        No maximum exists (goods and bads are separated) or the columns depend on each other.
    """
    ones = np.ones(target.size) if weight is None else weight
    base = np.zeros(target.size) if offset is None else offset
    coefficient = np.zeros(design.shape[1]) if start is None else start
    best = _log_likelihood(base + design @ coefficient, target, ones)
    for _ in range(_STEPS):
        p = expit(base + design @ coefficient)
        gradient = design.T @ (ones * (target - p))
        try:
            step = np.linalg.solve(_information(design, ones * p * (1.0 - p)), gradient)
        except np.linalg.LinAlgError:  # no row is left in doubt
            break
        decrement = float(step @ gradient)
        coefficient, best = _advance(design, target, ones, base, coefficient, step, best)
        # Where goods and bads are separated the likelihood settles but the log odds go on rising.
        if decrement < 1e-9 and float(np.abs(design @ step).max()) < 1e-4:
            return _fitted(design, target, weight, base, coefficient, best)
    raise InputError("the calibration has no finite solution: goods and bads are separated")


def _advance(  # noqa: PLR0917
    design: FloatArray,
    target: FloatArray,
    ones: FloatArray,
    base: FloatArray,
    coefficient: FloatArray,
    step: FloatArray,
    best: float,
) -> tuple[FloatArray, float]:
    """Go along the step, halving it until the likelihood does not fall."""
    for _ in range(30):
        moved = coefficient + step
        value = _log_likelihood(base + design @ moved, target, ones)
        if value >= best - 1e-12 * abs(best):
            return moved, value
        step = 0.5 * step
    return coefficient, best


def _fitted(  # noqa: PLR0917
    design: FloatArray,
    target: FloatArray,
    weight: FloatArray | None,
    base: FloatArray,
    coefficient: FloatArray,
    best: float,
) -> Fitted:
    p = expit(base + design @ coefficient)
    ones = np.ones(target.size) if weight is None else weight
    inverse = np.linalg.inv(_information(design, ones * p * (1.0 - p)))
    if weight is not None:
        inverse = inverse @ _information(design, np.square(ones * (target - p))) @ inverse
    covariance = np.asarray(inverse, dtype=np.float64)
    return Fitted(coefficient=coefficient, covariance=covariance, log_likelihood=best)


def _information(design: FloatArray, weight: FloatArray) -> FloatArray:
    return np.asarray(design.T @ (design * weight[:, None]), dtype=np.float64)


def _log_likelihood(eta: FloatArray, target: FloatArray, weight: FloatArray) -> float:
    return float(weight @ (target * eta - np.logaddexp(0.0, eta)))
