"""Effective annual rate of a contract: dated flows, days / 365, the upfront fee held back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fengkong.book.replay import _terms as tm
from fengkong.book.replay._versions import load_rows

Array = np.ndarray[Any, Any]


@njit(cache=True)
def _solve(flows: Array, years: Array, count: int, paid_out: float, guess: float) -> float:
    """Newton on the logarithm of growth: the value is convex in it, so it converges from below."""
    growth = np.log1p(guess)
    for _ in range(60):
        value, slope = -paid_out, 0.0
        for k in range(count):
            now = flows[k] * np.exp(-growth * years[k])
            value += now
            slope -= years[k] * now
        if slope == 0.0:
            return np.nan
        step = value / slope
        growth -= step
        if abs(step) < 1e-14 * (1.0 + abs(growth)):
            break
        if abs(growth) > 20.0:
            return np.nan
    return np.expm1(growth)


@njit(cache=True)
def effective_rates(
    terms: Array, contract: Array, contract_at: Array, upfront: Array, width: int
) -> Array:
    """Return the effective annual rate of each contract.

    Parameters
    ----------
    terms : ndarray of int64, shape (loans, TERMS)
        Terms; used where a loan has no rows in ``contract``.
    contract, contract_at : ndarray of int64
        Schedules of a tape, as in `_events.Chunk`.
    upfront : ndarray of int64, shape (loans,)
        Fee held back at disbursement, cents.
    width : int
        Highest number of instalments.

    Returns
    -------
    ndarray of float64, shape (loans,)
        NaN where neither schedule nor terms are known, or no rate solves it.
    """
    result = np.full(len(terms), np.nan)
    schedule = np.zeros((tm.SCHEDULE_ROWS, max(1, width)), dtype=np.int64)
    flows = np.zeros(max(1, width))
    years = np.zeros(max(1, width))
    for i in range(len(terms)):
        own = terms[i].copy()
        if contract_at[i + 1] > contract_at[i]:
            rows = contract[:, contract_at[i] : contract_at[i + 1]]
            count = load_rows(schedule, rows, own[tm.T_START], -1_000_000_000, 0)
        elif own[tm.T_METHOD] >= 0 and own[tm.T_RATE] >= 0 and own[tm.T_TERM] > 0:
            tm.complete(own)
            count = tm.build(schedule, own)
        else:
            continue
        total = 0.0
        for k in range(count):
            flows[k] = schedule[tm.PRINCIPAL, k] + schedule[tm.INTEREST, k] + schedule[tm.FEE, k]
            years[k] = (schedule[tm.DUE, k] - own[tm.T_START]) / 365.0
            total += flows[k]
        paid_out = float(own[tm.T_PRINCIPAL] - upfront[i])
        if total > 0.0 and paid_out > 0.0:
            result[i] = _solve(flows, years, count, paid_out, 0.0)
    return result
