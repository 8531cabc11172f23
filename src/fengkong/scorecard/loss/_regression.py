"""Fractional logit: the mean of a share, by quasi-likelihood, with robust standard errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import expit

from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_STEPS = 100
_FLAT = 1e-10
_FAR = 30.0  # log odds; beyond it the target is told apart perfectly
_RIDGE = 1.0  # rows' worth, on standardised columns, when there is no finite fit


@dataclass(frozen=True, slots=True, kw_only=True)
class LogitFit:
    """Coefficients of a logit and their robust covariance.

    Attributes
    ----------
    names : tuple of str
    coefficients : ndarray of shape (n_columns,)
        Intercept first.
    covariance : ndarray of shape (n_columns, n_columns)
        Sandwich estimate (HC0).
    ridge : float
        0, or the penalty that was needed for a finite fit.
    """

    names: tuple[str, ...]
    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    ridge: float

    @property
    def standard_errors(self) -> NDArray[np.float64]:
        """Robust standard errors."""
        return np.sqrt(np.diag(self.covariance))

    def mean(self, design: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the expected share, in (0, 1)."""
        return np.asarray(expit(design @ self.coefficients), dtype=np.float64)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "names": list(self.names),
            "coefficients": self.coefficients.tolist(),
            "covariance": self.covariance.tolist(),
            "ridge": self.ridge,
        }

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Return the fit that ``to_dict`` described."""
        return cls(
            names=tuple(found["names"]),
            coefficients=np.array(found["coefficients"], dtype=np.float64),
            covariance=np.array(found["covariance"], dtype=np.float64),
            ridge=float(found["ridge"]),
        )


def fit_logit(
    design: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    names: tuple[str, ...],
) -> LogitFit:
    """Return the fractional logit of a share in [0, 1].

    Parameters
    ----------
    design : ndarray of shape (n_rows, n_columns)
        Intercept first, no column a sum of others.
    share, weight : ndarray of shape (n_rows,)
        Rows of weight 0 do not count.

    Notes
    -----
    Newton steps on standardised columns, halved until the quasi-likelihood rises. Where no finite
    maximum exists (a column tells zero from the rest) a ridge penalty of one row is put on the
    standardised slopes and stands in ``ridge``. Weights are frequencies in the estimate, and enter
    the sandwich squared, so that they may also be importance.

    References
    ----------
    Papke, Wooldridge (1996), Econometric methods for fractional response variables, Journal of
    Applied Econometrics 11, 619-632, equations 5 to 9.
    """
    held = weight > 0.0
    design, share, weight = design[held], share[held], weight[held]
    centre = np.average(design, axis=0, weights=weight)
    spread = np.sqrt(np.average((design - centre) ** 2, axis=0, weights=weight))
    centre[0], spread[0] = 0.0, 1.0
    spread[spread == 0.0] = 1.0
    standard = (design - centre) / spread
    ridge = 0.0
    found = _newton(standard, share, weight, ridge)
    if found is None:
        ridge = _RIDGE
        found = _newton(standard, share, weight, ridge)
    if found is None:  # pragma: no cover - a penalised likelihood has its maximum
        raise InputError("the fractional logit did not converge")
    # Back to the columns' own units: slope / spread, and the intercept takes the centres.
    back = np.diag(1.0 / spread)
    back[0, 1:] = -centre[1:] / spread[1:]
    covariance = _sandwich(standard, share, weight, found, ridge)
    return LogitFit(
        names=names, coefficients=back @ found, covariance=back @ covariance @ back.T, ridge=ridge
    )


def _penalty(columns: int, ridge: float) -> NDArray[np.float64]:
    found = np.full(columns, ridge)
    found[0] = 0.0
    return found


def _newton(
    design: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    ridge: float,
) -> NDArray[np.float64] | None:
    """Return the maximum, None where none is finite."""
    penalty = _penalty(design.shape[1], ridge)
    total = weight.sum()
    mean = float(np.clip(weight @ share / total, 1e-9, 1.0 - 1e-9))
    found = np.zeros(design.shape[1])
    found[0] = np.log(mean) - np.log1p(-mean)
    best = _likelihood(design, share, weight, found, penalty)
    for _ in range(_STEPS):
        expected = np.asarray(expit(design @ found))
        gradient = design.T @ (weight * (share - expected)) - penalty * found
        inner = (design * (weight * expected * (1.0 - expected))[:, None]).T @ design
        try:
            step = np.linalg.solve(inner + np.diag(penalty), gradient)
        except np.linalg.LinAlgError:
            return None
        if not np.isfinite(step).all():
            return None
        if float(np.abs(step).max()) < _FLAT:
            return found + step
        moved, value = found + step, -np.inf
        for _ in range(40):
            value = _likelihood(design, share, weight, moved, penalty)
            if value >= best - 1e-13 * abs(best):
                break
            step = 0.5 * step
            moved = found + step
        found, best = moved, value
        if ridge == 0.0 and float(np.abs(design @ found).max()) > _FAR:
            return None
    return None


def _likelihood(
    design: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    found: NDArray[np.float64],
    penalty: NDArray[np.float64],
) -> float:
    eta = design @ found
    fit = weight @ (share * eta - np.logaddexp(0.0, eta))
    return float(fit - 0.5 * penalty @ found**2)


def _sandwich(
    design: NDArray[np.float64],
    share: NDArray[np.float64],
    weight: NDArray[np.float64],
    found: NDArray[np.float64],
    ridge: float,
) -> NDArray[np.float64]:
    expected = np.asarray(expit(design @ found))
    inner = (design * (weight * expected * (1.0 - expected))[:, None]).T @ design
    bread = np.linalg.inv(inner + np.diag(_penalty(design.shape[1], ridge)))
    score = design * (weight * (share - expected))[:, None]
    return np.asarray(bread @ (score.T @ score) @ bread, dtype=np.float64)
