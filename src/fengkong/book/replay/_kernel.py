"""Replay of the facts of many loans: from event to event, not day by day."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fengkong.book.replay import _loan as ln
from fengkong.book.replay import _terms as tm
from fengkong.book.replay._events import (
    E_AMOUNT,
    E_DAY,
    E_KIND,
    E_OTHER,
    E_PLACE,
    E_REVERSED_ON,
    K_CHARGE,
    K_CURE,
    K_DEFAULT,
    K_EXTENSION,
    K_PAYMENT,
    K_PAYOFF,
    K_PREPAYMENT,
    K_RECOVERY,
    K_RESTRUCTURE,
    K_REVERSAL,
    K_SETTLEMENT,
    K_UNWATCH,
    K_VERSION,
    K_WATCH,
    K_WRITE_OFF,
    M_CAPITALISED,
    M_PRINCIPAL,
    M_TERMS,
)
from fengkong.book.replay._path import (
    H_FIRST_PAID,
    HISTORY,
    days_past_due,
    live_through,
    start_history,
)
from fengkong.book.replay._versions import load_rows, new_version, replace
from fengkong.foundation.calendar import add_months, month_and_day, month_last

(R_MONTH_END, R_STATUS, R_DAYS, R_OUTSTANDING, R_SCHEDULED, R_PAID_PRINCIPAL, R_PAID_INTEREST,
 R_OFF, R_RECOVERED, R_COST, R_DECLARED, R_OFF_EXPOSURE) = range(12)  # fmt: skip
ROW = 12

(O_ACCRUED, O_FEES_DUE, O_LATE_FEE, O_LATE_INTEREST, O_LATE_PRINCIPAL, O_DAYS, O_FIRST_DUE,
 O_MATURES, O_RATE) = range(9)  # fmt: skip
OUTCOME = 9


@njit(cache=True)
def _restructure(  # noqa: PLR0917 - Numba calls by position
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    change: np.ndarray[Any, Any],
    day: int,
    by_version: bool,
) -> None:
    """End the old claims; the new principal runs under the new terms."""
    state[ln.S_RESTRUCTURED] = day
    state[ln.S_RESTRUCTURED_FIRST] = change[M_TERMS + tm.T_FIRST_DUE]
    if by_version:
        return
    for place in (tm.T_RATE, tm.T_METHOD, tm.T_DAY_COUNT):
        if change[M_TERMS + place] >= 0:
            terms[place] = change[M_TERMS + place]
    left = max(1, state[ln.S_COUNT] - state[ln.S_FIRST_OPEN])
    new_term = change[M_TERMS + tm.T_TERM]
    terms[tm.T_TERM] = new_term if new_term > 0 else left
    terms[tm.T_METHOD] = max(0, terms[tm.T_METHOD])
    terms[tm.T_RATE] = max(0, terms[tm.T_RATE])
    principal = change[M_PRINCIPAL]
    if principal < 0:
        principal = state[ln.S_OUTSTANDING] + change[M_CAPITALISED]
    terms[tm.T_PRINCIPAL] = principal
    terms[tm.T_START] = day
    terms[tm.T_FIRST_DUE] = change[M_TERMS + tm.T_FIRST_DUE]
    if change[M_TERMS + tm.T_DUE_DAY] > 0:
        terms[tm.T_DUE_DAY] = change[M_TERMS + tm.T_DUE_DAY]
    elif terms[tm.T_FIRST_DUE] >= 0:
        terms[tm.T_DUE_DAY] = 0
    terms[tm.T_FEE] = 0
    tm.complete(terms)
    ln.carry(state, schedule, day + 1)
    replace(state, schedule, tm.build(schedule, terms))
    state[ln.S_RESTRUCTURED_FIRST] = schedule[tm.DUE, 0]


@njit(cache=True)
def _receive(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    event: np.ndarray[Any, Any],
    got: np.ndarray[Any, Any],
) -> None:
    """Take money by its kind; after a write-off all money is recovery."""
    kind, day, amount = event[E_KIND], event[E_DAY], event[E_AMOUNT]
    if kind == K_RECOVERY or state[ln.S_STATUS] == ln.WRITTEN_OFF:
        state[ln.S_RECOVERED] += amount
        state[ln.S_RECOVERY_COST] += event[E_OTHER]
        if state[ln.S_STATUS] == ln.ACTIVE:
            ln.pay(state, schedule, amount, got, True)
    elif kind == K_PREPAYMENT:
        ln.prepay(state, schedule, terms, day, amount, got)
    elif kind == K_PAYOFF:
        ln.pay_off(state, schedule, day, amount, got)
    elif kind == K_SETTLEMENT:
        ln.settle(state, schedule, day, amount, got)
    else:
        ln.pay(state, schedule, amount, got, False)


@njit(cache=True)
def _status_event(
    state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], kind: int, day: int
) -> None:
    if kind == K_WRITE_OFF:
        ln.write_off(state, schedule, day)
    elif kind == K_DEFAULT:
        state[ln.S_DECLARED] = 1
    elif kind == K_CURE:
        state[ln.S_DECLARED] = 0
    elif kind == K_WATCH:
        state[ln.S_WATCH] = 1
    elif kind == K_UNWATCH:
        state[ln.S_WATCH] = 0


@njit(cache=True)
def _has_version(events: np.ndarray[Any, Any], e: int) -> bool:
    """Tell whether a tape gives the schedule that follows the change of event ``e``."""
    later = e + 1
    while later < len(events) and events[later, E_DAY] == events[e, E_DAY]:
        if events[later, E_KIND] == K_VERSION:
            return True
        later += 1
    return False


@njit(cache=True)
def _apply(  # noqa: PLR0917 - Numba calls by position
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    events: np.ndarray[Any, Any],
    e: int,
    changes: np.ndarray[Any, Any],
    versions: np.ndarray[Any, Any],
    disbursed: int,
    got: np.ndarray[Any, Any],
) -> None:
    """Let event ``e`` of a loan take effect."""
    event = events[e]
    kind, day = event[E_KIND], event[E_DAY]
    open_book = state[ln.S_STATUS] == ln.ACTIVE
    if K_PAYMENT <= kind <= K_RECOVERY:
        _receive(state, schedule, terms, event, got)
    elif kind == K_CHARGE:
        ln.charge(state, schedule, event[E_AMOUNT], event[E_OTHER])
    elif kind == K_EXTENSION:
        if open_book and not _has_version(events, e):
            ln.extend(state, schedule, terms, event[E_AMOUNT])
    elif kind == K_RESTRUCTURE:
        if open_book:
            change = changes[event[E_PLACE]]
            _restructure(state, schedule, terms, change, day, _has_version(events, e))
    elif kind == K_VERSION:
        if open_book:
            rows = versions[:, event[E_PLACE] : event[E_OTHER]]
            new_version(state, schedule, rows, disbursed, day)
    else:
        _status_event(state, schedule, kind, day)


@njit(cache=True)
def _open(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    contract: np.ndarray[Any, Any],
) -> None:
    """Put the loan back to the day of disbursement."""
    state[:] = 0
    state[ln.S_OFF_DAY] = state[ln.S_RESTRUCTURED] = ln.NO_DAY
    state[ln.S_RESTRUCTURED_FIRST] = ln.NO_DAY
    if contract.shape[1] > 0:
        count = load_rows(schedule, contract, terms[tm.T_START], ln.NO_DAY, 0)
    else:
        tm.complete(terms)
        count = tm.build(schedule, terms)
    state[ln.S_COUNT] = count
    for k in range(count):
        state[ln.S_OUTSTANDING] += schedule[tm.PRINCIPAL, k]
    ln.move_on(state, schedule)


@njit(cache=True)
def _one_day(  # noqa: PLR0917 - Numba calls by position
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    contract_terms: np.ndarray[Any, Any],
    contract: np.ndarray[Any, Any],
    events: np.ndarray[Any, Any],
    e: int,
    changes: np.ndarray[Any, Any],
    versions: np.ndarray[Any, Any],
    given: np.ndarray[Any, Any],
) -> tuple[int, bool]:
    """Apply the events of one day; a reversal rebuilds the loan without the payment it undoes.

    Returns the place after the day and whether the loan was rebuilt.
    """
    day = events[e, E_DAY]
    last = e
    again = False
    while last < len(events) and events[last, E_DAY] == day:
        again = again or events[last, E_KIND] == K_REVERSAL
        last += 1
    disbursed = contract_terms[tm.T_START]
    first = e
    if again:
        terms[:] = contract_terms
        _open(state, schedule, terms, contract)
        given[:last] = 0
        first = 0
    for place in range(first, last):
        if events[place, E_KIND] != K_REVERSAL and events[place, E_REVERSED_ON] > day:
            _apply(
                state, schedule, terms, events, place, changes, versions, disbursed, given[place]
            )
            if again and _month(events[place, E_DAY]) < _month(day):
                state[ln.S_CARRIED] = 0
    return last, again


@njit(cache=True)
def _month(day: int) -> int:
    month, _ = month_and_day(day)
    return month


@njit(cache=True)
def _month_row(  # noqa: PLR0917 - Numba calls by position
    row: np.ndarray[Any, Any],
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    before: np.ndarray[Any, Any],
    month: int,
    grace: int,
) -> None:
    """Write the state at a month-end; ``before`` holds the totals of the month-end before."""
    day = month_last(month)
    row[R_MONTH_END] = day
    row[R_STATUS] = state[ln.S_STATUS]
    row[R_DAYS] = days_past_due(state, schedule, grace, day)
    row[R_OUTSTANDING] = state[ln.S_OUTSTANDING]
    scheduled = state[ln.S_CARRIED]
    if before[ln.S_STATUS] == ln.ACTIVE:
        first = day - 31
        for k in range(state[ln.S_COUNT]):
            if first <= schedule[tm.DUE, k] <= day and _month(schedule[tm.DUE, k]) == month:
                scheduled += schedule[tm.CONTRACT_PRINCIPAL, k]
    row[R_SCHEDULED] = scheduled
    row[R_PAID_PRINCIPAL] = state[ln.S_PAID_PRINCIPAL] - before[ln.S_PAID_PRINCIPAL]
    row[R_PAID_INTEREST] = state[ln.S_PAID_INTEREST] - before[ln.S_PAID_INTEREST]
    row[R_OFF] = state[ln.S_OFF_PRINCIPAL] - before[ln.S_OFF_PRINCIPAL]
    row[R_RECOVERED] = state[ln.S_RECOVERED] - before[ln.S_RECOVERED]
    row[R_COST] = state[ln.S_RECOVERY_COST] - before[ln.S_RECOVERY_COST]
    row[R_DECLARED] = state[ln.S_DECLARED]
    row[R_OFF_EXPOSURE] = state[ln.S_OFF_PRINCIPAL]
    state[ln.S_CARRIED] = 0
    before[:] = state


@njit(cache=True)
def _close(  # noqa: PLR0917 - Numba calls by position
    outcome: np.ndarray[Any, Any],
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    grace: int,
    as_of: int,
) -> None:
    """Write what only the close of ``as_of`` shows."""
    count = state[ln.S_COUNT]
    outcome[O_MATURES] = schedule[tm.DUE, count - 1] if count > 0 else ln.NO_DAY
    outcome[O_RATE] = terms[tm.T_RATE]
    outcome[O_DAYS] = days_past_due(state, schedule, grace, as_of)
    if state[ln.S_STATUS] != ln.ACTIVE:
        return
    outcome[O_ACCRUED] = ln.accrued_interest(state, schedule, as_of)
    outcome[O_FEES_DUE] = ln.fees_due(state, schedule, as_of)
    for k in range(state[ln.S_FIRST_OPEN], count):
        if as_of - schedule[tm.DUE, k] > grace:
            outcome[O_LATE_FEE] += (
                schedule[tm.FEE, k] + schedule[tm.CHARGE, k] - schedule[tm.PAID_FEE, k]
            )
            outcome[O_LATE_INTEREST] += schedule[tm.INTEREST, k] - schedule[tm.PAID_INTEREST, k]
            outcome[O_LATE_PRINCIPAL] += schedule[tm.PRINCIPAL, k] - schedule[tm.PAID_PRINCIPAL, k]


@njit(cache=True)
def _exposures(
    years: np.ndarray[Any, Any],
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    as_of: int,
) -> None:
    """Write principal outstanding at the start of each year; arrears stay in the first."""
    if state[ln.S_STATUS] != ln.ACTIVE:
        return
    years[0] = state[ln.S_OUTSTANDING]
    k = state[ln.S_FIRST_OPEN]
    left = 0
    for place in range(k, state[ln.S_COUNT]):
        left += schedule[tm.PRINCIPAL, place] - schedule[tm.PAID_PRINCIPAL, place]
    for year in range(1, len(years)):
        start = add_months(as_of, 12 * year)
        while k < state[ln.S_COUNT] and schedule[tm.DUE, k] <= start:
            left -= schedule[tm.PRINCIPAL, k] - schedule[tm.PAID_PRINCIPAL, k]
            k += 1
        years[year] = left


@njit(cache=True)
def replay_loan(  # noqa: PLR0917 - Numba calls by position
    contract_terms: np.ndarray[Any, Any],
    contract: np.ndarray[Any, Any],
    events: np.ndarray[Any, Any],
    changes: np.ndarray[Any, Any],
    versions: np.ndarray[Any, Any],
    grace: int,
    material: int,
    as_of: int,
    schedule: np.ndarray[Any, Any],
    state: np.ndarray[Any, Any],
    history: np.ndarray[Any, Any],
    rows: np.ndarray[Any, Any],
    given: np.ndarray[Any, Any],
    outcome: np.ndarray[Any, Any],
    years: np.ndarray[Any, Any],
) -> None:
    """Replay one loan up to ``as_of``; every array after it is written."""
    if contract.shape[1] == 0:
        tm.complete(contract_terms)
    terms = contract_terms.copy()
    _open(state, schedule, terms, contract)
    outcome[O_FIRST_DUE] = schedule[tm.DUE, 0] if state[ln.S_COUNT] > 0 else ln.NO_DAY
    start_history(history)
    before = np.zeros(ln.STATE, dtype=np.int64)
    today = terms[tm.T_START]
    month, place, e = _month(today), 0, 0
    while today <= as_of:
        again = False
        while e < len(events) and events[e, E_DAY] <= today:
            e, rebuilt = _one_day(
                state, schedule, terms, contract_terms, contract, events, e, changes, versions,
                given,
            )  # fmt: skip
            again = again or rebuilt
        if state[ln.S_GENERATION] == 0:
            if state[ln.S_FIRST_OPEN] == 0:
                history[H_FIRST_PAID] = ln.NO_DAY if again else history[H_FIRST_PAID]
            elif history[H_FIRST_PAID] == ln.NO_DAY:
                history[H_FIRST_PAID] = today
        until = min(as_of, events[e, E_DAY] - 1) if e < len(events) else as_of
        live_through(history, state, schedule, grace, material, today, until)
        while place < len(rows) and month_last(month) <= until:
            _month_row(rows[place], state, schedule, before, month, grace)
            place += 1
            month += 1
        today = until + 1
    _close(outcome, state, schedule, terms, grace, as_of)
    _exposures(years, state, schedule, as_of)


@njit(cache=True)
def replay_many(  # noqa: PLR0917 - Numba calls by position
    terms: np.ndarray[Any, Any],
    graces: np.ndarray[Any, Any],
    materials: np.ndarray[Any, Any],
    contract: np.ndarray[Any, Any],
    contract_at: np.ndarray[Any, Any],
    events: np.ndarray[Any, Any],
    events_at: np.ndarray[Any, Any],
    changes: np.ndarray[Any, Any],
    versions: np.ndarray[Any, Any],
    rows_at: np.ndarray[Any, Any],
    width: int,
    years: int,
    as_of: int,
    final: np.ndarray[Any, Any],
    final_at: np.ndarray[Any, Any],
) -> tuple[Any, Any, Any, Any, Any, Any]:
    """Replay all loans of a chunk (layout in `_events.Chunk`).

    Returns states, histories, outcomes, month rows, allocations and exposures by year.
    ``final`` takes the schedules in force when ``final_at`` gives each loan room.
    """
    n = len(terms)
    states = np.zeros((n, ln.STATE), dtype=np.int64)
    histories = np.zeros((n, HISTORY), dtype=np.int64)
    outcomes = np.zeros((n, OUTCOME), dtype=np.int64)
    rows = np.zeros((rows_at[-1], ROW), dtype=np.int64)
    given = np.zeros((len(events), ln.ALLOCATION), dtype=np.int64)
    exposed = np.zeros((n, years), dtype=np.int64)
    schedule = np.zeros((tm.SCHEDULE_ROWS, max(1, width)), dtype=np.int64)
    for i in range(n):
        e0, e1 = events_at[i], events_at[i + 1]
        replay_loan(
            terms[i], contract[:, contract_at[i] : contract_at[i + 1]], events[e0:e1], changes,
            versions, graces[i], materials[i], as_of, schedule, states[i], histories[i],
            rows[rows_at[i] : rows_at[i + 1]], given[e0:e1], outcomes[i], exposed[i],
        )  # fmt: skip
        if len(final_at) > 1:
            count = states[i, ln.S_COUNT]
            final[:, final_at[i] : final_at[i] + count] = schedule[:, :count]
    return states, histories, outcomes, rows, given, exposed
