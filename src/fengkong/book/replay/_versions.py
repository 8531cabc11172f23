"""A new schedule takes the place of the old one; arrears stay due."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fengkong.book.replay import _loan as ln
from fengkong.book.replay import _terms as tm
from fengkong.book.replay._events import V_DUE, V_FEE, V_INTEREST, V_NUMBER, V_PRINCIPAL


@njit(cache=True)
def replace(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], count: int) -> None:
    """Take note that a new schedule with ``count`` instalments is in force."""
    total = 0
    for k in range(count):
        total += schedule[tm.PRINCIPAL, k] - schedule[tm.PAID_PRINCIPAL, k]
    difference = total - state[ln.S_OUTSTANDING]
    if difference > 0:
        state[ln.S_CAPITALISED] += difference
    else:
        state[ln.S_WAIVED_PRINCIPAL] -= difference
    state[ln.S_OUTSTANDING] = total
    state[ln.S_COUNT] = count
    state[ln.S_FIRST_OPEN] = 0
    state[ln.S_GENERATION] += 1
    ln.move_on(state, schedule)


@njit(cache=True)
def load_rows(
    schedule: np.ndarray[Any, Any], rows: np.ndarray[Any, Any], start: int, since: int, kept: int
) -> int:
    """Write the rows due from ``since`` on after the first ``kept``; return how many there are."""
    count = kept
    for place in range(rows.shape[1]):
        if rows[V_DUE, place] < since:
            continue
        for row in range(tm.SCHEDULE_ROWS):
            schedule[row, count] = 0
        schedule[tm.NUMBER, count] = rows[V_NUMBER, place]
        schedule[tm.DUE, count] = rows[V_DUE, place]
        schedule[tm.START, count] = start
        schedule[tm.PRINCIPAL, count] = rows[V_PRINCIPAL, place]
        schedule[tm.CONTRACT_PRINCIPAL, count] = rows[V_PRINCIPAL, place]
        schedule[tm.INTEREST, count] = rows[V_INTEREST, place]
        schedule[tm.FEE, count] = rows[V_FEE, place]
        start = rows[V_DUE, place]
        count += 1
    return count


@njit(cache=True)
def _keep_arrears(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    rows: np.ndarray[Any, Any],
    day: int,
) -> int:
    """Move unpaid instalments due before ``day`` to the front; return how many stay.

    One whose number the new rows have again is moved, not kept; none is kept when the new rows
    make up all principal outstanding although arrears are part of it.
    """
    kept = principal = fresh = 0
    for place in range(rows.shape[1]):
        if rows[V_DUE, place] >= day:
            fresh += rows[V_PRINCIPAL, place]
    for k in range(state[ln.S_FIRST_OPEN], state[ln.S_COUNT]):
        if schedule[tm.DUE, k] >= day:
            break
        stays = ln.open_amount(schedule, k) > 0
        for place in range(rows.shape[1]):
            same = rows[V_NUMBER, place] == schedule[tm.NUMBER, k]
            stays = stays and not (same and rows[V_DUE, place] >= day)
        if stays:
            principal += schedule[tm.PRINCIPAL, k] - schedule[tm.PAID_PRINCIPAL, k]
            schedule[:, kept] = schedule[:, k]
            schedule[tm.CONTRACT_PRINCIPAL, kept] = 0  # carried: due in the old schedule
            kept += 1
    return 0 if principal > 0 and fresh >= state[ln.S_OUTSTANDING] else kept


@njit(cache=True)
def new_version(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    rows: np.ndarray[Any, Any],
    disbursed: int,
    day: int,
) -> None:
    """Put the rows of a version in force from ``day``."""
    start = disbursed
    for k in range(state[ln.S_COUNT]):
        if schedule[tm.DUE, k] <= day:
            start = schedule[tm.DUE, k]
    ln.carry(state, schedule, day)
    # A restructure has ended the old claims.
    ended = state[ln.S_RESTRUCTURED] == day
    kept = 0 if ended else _keep_arrears(state, schedule, rows, day)
    replace(state, schedule, load_rows(schedule, rows, start, day, kept))
    if state[ln.S_RESTRUCTURED] == day and state[ln.S_COUNT] > 0:
        state[ln.S_RESTRUCTURED_FIRST] = schedule[tm.DUE, 0]
