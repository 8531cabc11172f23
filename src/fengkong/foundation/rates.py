"""Effective and nominal annual rates of cash flows: many flows at once, periodic or dated.

Sign: any, as long as it is one (borrower's or lender's view); the rate is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

DAYS_PER_YEAR = 365.0
_STEPS = 200


@njit(cache=True)  # type: ignore[misc]
def _present_value(  # noqa: PLR0917 - Numba calls by position
    amount: NDArray[np.float64],
    whole: NDArray[np.float64],
    odd: NDArray[np.float64],
    start: int,
    stop: int,
    rate: float,
) -> float:
    total = 0.0
    growth = np.log1p(rate)
    for k in range(start, stop):
        total += amount[k] * np.exp(-whole[k] * growth) / (1.0 + odd[k] * rate)
    return total


@njit(cache=True)  # type: ignore[misc]
def _root(
    amount: NDArray[np.float64],
    whole: NDArray[np.float64],
    odd: NDArray[np.float64],
    start: int,
    stop: int,
) -> float:
    """Bracket around zero, growing both ways, then bisect to the last bits; NaN when no root."""
    centre = _present_value(amount, whole, odd, start, stop, 0.0)
    if centre == 0.0:
        return 0.0 if stop > start else np.nan
    low, high, found = 0.0, 0.0, False
    step = 1e-3
    for _ in range(60):
        up = _present_value(amount, whole, odd, start, stop, step)
        if centre * up <= 0.0:
            low, high, found = 0.0, step, True
            break
        down = -step / (1.0 + step)
        if centre * _present_value(amount, whole, odd, start, stop, down) <= 0.0:
            low, high, found = down, 0.0, True
            break
        step *= 1.5
    if not found:
        return np.nan
    at_low = _present_value(amount, whole, odd, start, stop, low)
    for _ in range(_STEPS):
        middle = 0.5 * (low + high)
        if middle in (low, high):
            break
        value = _present_value(amount, whole, odd, start, stop, middle)
        if value * at_low <= 0.0:
            high = middle
        else:
            low, at_low = middle, value
    return 0.5 * (low + high)


@njit(cache=True)  # type: ignore[misc]
def _roots(
    amount: NDArray[np.float64],
    whole: NDArray[np.float64],
    odd: NDArray[np.float64],
    start: NDArray[np.int64],
) -> NDArray[np.float64]:
    result = np.empty(start.size - 1)
    for loan in range(start.size - 1):
        result[loan] = _root(amount, whole, odd, start[loan], start[loan + 1])
    return result


def periodic_rate(
    amount: ArrayLike,
    periods: ArrayLike,
    *,
    start: ArrayLike | None = None,
    odd_fraction: ArrayLike | None = None,
) -> NDArray[np.float64]:
    """Rate of one unit period, for each of many sets of flows.

    Parameters
    ----------
    amount : array-like of shape (n_flows,)
        Flows, money received and paid with opposite signs; sets one after the other.
    periods : array-like of shape (n_flows,)
        Time of each flow in unit periods from the first flow of its set.
    start : array-like of shape (n_sets + 1,), optional
        Index of the first flow of each set, then ``n_flows``; one set when absent.
    odd_fraction : array-like of shape (n_flows,), optional
        Fraction f of a unit period: the flow is divided by ``(1 + f i) (1 + i) ** periods``
        (Regulation Z, appendix J). Zero when absent.

    Returns
    -------
    ndarray of shape (n_sets,)
        The unit-period rate i with present value zero, nearest to zero when there are several; NaN
        when there is none (flows of one sign, or no flows).

    Raises
    ------
    InputError
        Shapes do not fit, or a value is not finite.
    """
    flows = _vector(amount, "amount")
    whole = _vector(periods, "periods")
    odd = np.zeros_like(flows) if odd_fraction is None else _vector(odd_fraction, "odd_fraction")
    if not flows.size == whole.size == odd.size:
        raise InputError("amount, periods and odd_fraction must have one length")
    bounds = np.array([0, flows.size]) if start is None else np.asarray(start)
    bounds = bounds.astype(np.int64)
    whole_range = bounds.ndim == 1 and bounds.size >= 1
    if not whole_range or bounds[0] != 0 or bounds[-1] != flows.size or (np.diff(bounds) < 0).any():
        raise InputError("start must rise from 0 to the number of flows")
    return np.asarray(_roots(flows, whole, odd, bounds), dtype=np.float64)


def effective_annual_rate(
    amount: ArrayLike, days: ArrayLike, *, start: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Effective annual rate of dated flows, calendar days over 365.

    Parameters
    ----------
    amount, start
        As in `periodic_rate`.
    days : array-like of shape (n_flows,)
        Calendar days from the first flow of the set.

    Returns
    -------
    ndarray of shape (n_sets,)
        X with ``sum(amount * (1 + X) ** (-days / 365)) == 0``; NaN when there is none.
    """
    return periodic_rate(amount, _vector(days, "days") / DAYS_PER_YEAR, start=start)


def nominal_from_effective(rate: ArrayLike, periods_per_year: float) -> NDArray[np.float64]:
    """Nominal annual rate with the same yield as the effective annual ``rate``."""
    log_growth = np.log1p(np.asarray(rate, dtype=np.float64))
    return np.asarray(periods_per_year * np.expm1(log_growth / periods_per_year))


def effective_from_periodic(rate: ArrayLike, periods_per_year: float) -> NDArray[np.float64]:
    """Effective annual rate of the unit-period ``rate``."""
    log_growth = np.log1p(np.asarray(rate, dtype=np.float64))
    return np.asarray(np.expm1(periods_per_year * log_growth))


def _vector(values: ArrayLike, name: str) -> NDArray[np.float64]:
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1 or not np.isfinite(vector).all():
        raise InputError(f"{name} must be one-dimensional and finite")
    return vector
