"""What is remembered of the days a loan has lived through: days past due, EBA counter, default."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fengkong.book.replay._loan import (
    ACTIVE,
    NO_DAY,
    S_COUNT,
    S_DECLARED,
    S_FIRST_OPEN,
    S_OUTSTANDING,
    S_STATUS,
    WRITTEN_OFF,
    accrued_interest,
    fees_due,
    open_amount,
)
from fengkong.book.replay._terms import DUE
from fengkong.foundation.calendar import add_months

DEFAULT_DAYS = 90
PROBATION_MONTHS = 3

(H_WORST, H_MATERIAL_DAYS, H_EBA_DEFAULT, H_PROBATION_END, H_DEFAULT_FROM, H_DEFAULT_TO,
 H_FIRST_PAID) = range(7)  # fmt: skip
HISTORY = 7


@njit(cache=True)
def start_history(history: np.ndarray[Any, Any]) -> None:
    """Empty the memory of a loan."""
    history[:] = 0
    history[H_PROBATION_END] = NO_DAY
    history[H_DEFAULT_FROM] = history[H_DEFAULT_TO] = history[H_FIRST_PAID] = NO_DAY


@njit(cache=True)
def days_past_due(
    state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], grace: int, day: int
) -> int:
    """Return days past due at the close of ``day``; 0 when closed, -1 when written off."""
    if state[S_STATUS] == WRITTEN_OFF:
        return -1
    if state[S_STATUS] != ACTIVE:
        return 0
    late = day - schedule[DUE, state[S_FIRST_OPEN]]
    return late if late > grace and late > 0 else 0


@njit(cache=True)
def overdue_amount(
    state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], grace: int, day: int
) -> int:
    """Return fees, interest and principal of instalments past due and out of grace."""
    total = 0
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        if day - schedule[DUE, k] <= grace or day <= schedule[DUE, k]:
            break
        total += open_amount(schedule, k)
    return total


@njit(cache=True)
def _is_material(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    overdue: int,
    limit: int,
    day: int,
) -> bool:
    if overdue <= limit:
        return False
    exposure = (
        state[S_OUTSTANDING]
        + accrued_interest(state, schedule, day)
        + fees_due(state, schedule, day)
    )
    return overdue * 100 > exposure


@njit(cache=True)
def _next_step(
    state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], grace: int, day: int
) -> int:
    """Return the first later day on which a claim falls due or leaves grace."""
    best = np.int64(1) << 40
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        due = schedule[DUE, k]
        if due > day:
            best = min(best, due)
        if due + grace + 1 > day:
            best = min(best, due + grace + 1)
        if due > day:
            break
    return int(best)


@njit(cache=True)
def _in_default(history: np.ndarray[Any, Any], first: int, last: int) -> None:
    """Note that the loan is in default from ``first`` to ``last``; touching spans are one."""
    if first > history[H_DEFAULT_TO] + 1:
        history[H_DEFAULT_FROM], history[H_DEFAULT_TO] = first, last
    else:
        history[H_DEFAULT_FROM] = min(history[H_DEFAULT_FROM], first)
        history[H_DEFAULT_TO] = max(history[H_DEFAULT_TO], last)


@njit(cache=True)
def _material_span(history: np.ndarray[Any, Any], first: int, last: int) -> None:
    """Count days above both limits; past 90 the loan is in default."""
    before = history[H_MATERIAL_DAYS]
    history[H_MATERIAL_DAYS] = before + last - first + 1
    if history[H_MATERIAL_DAYS] <= DEFAULT_DAYS:
        _probation(history, first, last)
        return
    passes = max(first, first + DEFAULT_DAYS - before)
    if passes > first:
        _probation(history, first, passes - 1)
    history[H_EBA_DEFAULT] = 1
    history[H_PROBATION_END] = NO_DAY
    _in_default(history, passes, last)


@njit(cache=True)
def _calm_span(history: np.ndarray[Any, Any], first: int, last: int) -> None:
    """Days not above both limits: the counter is 0, a default runs out its probation."""
    if history[H_EBA_DEFAULT] == 1 and history[H_PROBATION_END] == NO_DAY:
        history[H_PROBATION_END] = add_months(first, PROBATION_MONTHS)
    history[H_MATERIAL_DAYS] = 0
    _probation(history, first, last)


@njit(cache=True)
def _probation(history: np.ndarray[Any, Any], first: int, last: int) -> None:
    if history[H_EBA_DEFAULT] == 0:
        return
    end = history[H_PROBATION_END]
    if end > first:
        _in_default(history, first, min(last, end - 1))
    if end <= last:
        history[H_EBA_DEFAULT] = 0
        history[H_PROBATION_END] = NO_DAY


@njit(cache=True)
def _count_material(  # noqa: PLR0917 - Numba calls by position
    history: np.ndarray[Any, Any],
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    grace: int,
    limit: int,
    today: int,
    until: int,
) -> None:
    """Run the EBA counter over days on which no fact arrives.

    Between due dates the exposure only grows, so equal answers at both ends hold for all days.
    """
    day = today
    while day <= until:
        last = min(until, _next_step(state, schedule, grace, day) - 1)
        overdue = overdue_amount(state, schedule, grace, day)
        while day <= last:
            ends = last
            above = _is_material(state, schedule, overdue, limit, day)
            if above and not _is_material(state, schedule, overdue, limit, last):
                ends = day
            if above:
                _material_span(history, day, ends)
            else:
                _calm_span(history, day, ends)
            day = ends + 1


@njit(cache=True)
def live_through(  # noqa: PLR0917 - Numba calls by position
    history: np.ndarray[Any, Any],
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    grace: int,
    limit: int,
    today: int,
    until: int,
) -> None:
    """Remember the days from ``today`` to ``until``, on which no fact arrives.

    ``limit`` is the EBA limit in cents, negative where the definition does not apply.
    """
    if until < today:
        return
    if state[S_STATUS] == WRITTEN_OFF:
        _in_default(history, today, until)
        history[H_EBA_DEFAULT] = 1 if limit >= 0 else 0
        history[H_MATERIAL_DAYS] = 0
        return
    if limit >= 0:
        if days_past_due(state, schedule, grace, until) > 0:
            _count_material(history, state, schedule, grace, limit, today, until)
        else:
            _calm_span(history, today, until)
    if state[S_DECLARED] == 1:
        _in_default(history, today, until)
    worst = days_past_due(state, schedule, grace, until)
    history[H_WORST] = max(history[H_WORST], worst)
    if worst > DEFAULT_DAYS:
        due = schedule[DUE, state[S_FIRST_OPEN]]
        _in_default(history, max(today, due + max(DEFAULT_DAYS, grace) + 1), until)
