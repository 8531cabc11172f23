# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""One pass over the months of every loan of a chunk."""

from __future__ import annotations

from typing import Any

import numpy as np

from fengkong.book.simulate._kernel import (
    _EXTEND,
    _RESTRUCTURE,
    _WRITE_OFF,
    CURED,
    DEFAULT,
    LONGEST,
    WORKOUT_CLOSED,
    WRITTEN_OFF,
    _chances,
    _draw,
    _extend,
    _instalments_paid,
    _njit,
    _pay_day,
    _receive,
    _restructure,
    _state_after,
    fill_schedule,
    walk_recovery,
)  # fmt: skip

ROW, FLOW, FEE, EVENT, MODIFICATION = 12, 6, 4, 3, 9


@_njit
def _note(event: Any, events: int, loan: int, on: int, kind: int) -> int:
    """Write one dated event of a loan."""
    event[events, 0], event[events, 1], event[events, 2] = loan, on, kind
    return events + 1


@_njit
def _month_row(
    rows: Any, row: int, loan: int, month: int, state: int, dpd: int, owed: int, due: int,
    principal: int, interest: int, lost: int, defaulted: bool,
) -> int:  # fmt: skip
    """Write the platform's end of day of one loan and month."""
    rows[row, 0], rows[row, 1] = loan, month
    rows[row, 2] = 1 if state == 8 else (2 if state == 9 else 0)
    rows[row, 3] = -1 if state == 9 else dpd
    rows[row, 4], rows[row, 5], rows[row, 6], rows[row, 7] = owed, due, principal, interest
    rows[row, 8], rows[row, 9], rows[row, 10] = lost, 0, 0
    rows[row, 11] = 1 if defaulted else 0
    return row + 1


@_njit
def _expect(
    expected: Any, variance: Any, q: Any, late: int, tick: int, paid: int, n: int, step: int
) -> None:
    """Add the exact chances of each state after this month, and their variance."""
    chance = np.zeros(10)
    for event in range(8):
        if q[event] > 0.0:
            chance[_state_after(event, tick, paid, n, step)] += q[event]
    for state in range(10):
        expected[min(late, 7), state] += chance[state]
        variance[min(late, 7), state] += chance[state] * (1.0 - chance[state])


@_njit
def _walk_loan(  # noqa: PLR0912, PLR0915  (one life, one loop: its state would be copied around)
    rng: Any, loan: int, terms: Any, recovery: float, starts: Any, months: int, miss: Any,
    prepay: Any, move: Any, bullet: float, timing: Any, cost: int, expected: Any, variance: Any,
    rows: Any, flow: Any, posted: Any, event: Any, modification: Any, at: Any,
) -> None:  # fmt: skip
    """Live one loan from disbursement to its end or the end of time.

    ``terms``: principal, rate, term, method, disbursement month, due day, fee, grade.
    """
    owed, rate, step, born, day, fee, grade = (
        terms[0], terms[1], 1, terms[4], terms[5], terms[6], terms[7])  # fmt: skip
    interest, capital, q = np.zeros(LONGEST, np.int64), np.zeros(LONGEST, np.int64), np.zeros(8)
    count = fill_schedule(owed, rate, terms[2], terms[3], interest, capital)
    if terms[3] == 3:
        step = terms[2]
    row, flows, fees, events, made = at[0], at[1], at[2], at[3], at[4]
    row = _month_row(rows, row, loan, born, 0, 0, owed, 0, 0, 0, 0, False)
    paid, shift, in_default, month = 0, 0, False, born
    while month + 1 < months:
        month += 1
        tick = month - born - shift
        late = max(0, tick - (paid + 1) * step)
        if late == 0 and tick < (paid + 1) * step:
            expected[grade, month, 0, 0] += 1.0
            row = _month_row(rows, row, loan, month, 0, 0, owed, 0, 0, 0, 0, in_default)
            continue
        place = min(late, 7)
        _chances(late, tick >= count * step, step, fee, miss[grade, month - born, month],
                 prepay[grade, month - born, month], move[grade, place, month], bullet,
                 q)  # fmt: skip
        _expect(expected[grade, month], variance[grade, month], q, late, tick, paid, count, step)
        what = _draw(rng, q)
        state = _state_after(what, tick, paid, count, step)
        due = capital[tick // step] if tick % step == 0 and tick // step <= count else 0
        principal = charged = lost = 0
        number = _instalments_paid(what, tick, paid, count, step)
        on = starts[month] + 27
        if number > 0:
            when = _pay_day(rng, what, late, day)
            on = starts[month] + when - 1
            principal, charged, fees = _receive(
                loan, what, late, when, paid + 1, paid + number, owed, fee, interest, capital,
                starts[month], flow, flows, posted, fees)  # fmt: skip
            flows, owed, paid = flows + 1, owed - principal, paid + number
        elif what == _EXTEND:
            shift += _extend(loan, starts[month], late, modification, made)
            made, due = made + 1, 0
        elif what == _RESTRUCTURE:
            rate = rate // 2
            owed, count = _restructure(
                loan, starts[month], owed, interest, capital, paid, (tick - 1) // step, count, rate,
                modification, made)  # fmt: skip
            made, paid, shift, step, due = made + 1, 0, month - born, 1, 0
        elif what == _WRITE_OFF:
            lost, owed, in_default = owed, 0, True
            events = _note(event, events, loan, on, WRITTEN_OFF)
        dpd = 0
        if 0 < state < 8:
            oldest = starts[born + shift + (paid + 1) * step] + day - 1
            dpd = starts[month + 1] - 1 - oldest
            if state >= 4 and not in_default:
                in_default = True
                events = _note(event, events, loan, oldest + 91, DEFAULT)
        elif in_default and state != 9 and number > 0:
            in_default = False
            events = _note(event, events, loan, on, CURED)
        row = _month_row(
            rows, row, loan, month, state, dpd, owed, due, principal, charged, lost, in_default
        )
        if state >= 8:
            break
    if rows[row - 1, 2] == 2:
        total = int(np.floor(rows[row - 1, 8] * recovery + 0.5))
        row, flows = walk_recovery(
            rng, loan, month, total, timing, cost, starts, months, rows, row, flow, flows
        )
        if month + len(timing) < months:
            events = _note(event, events, loan, starts[month + len(timing) + 1] - 1, WORKOUT_CLOSED)
    at[0], at[1], at[2], at[3], at[4] = row, flows, fees, events, made


@_njit
def walk(
    rng: Any, first: int, terms: Any, recovery: Any, starts: Any, months: int, miss: Any,
    prepay: Any, move: Any, bullet: float, timing: Any, cost: int, expected: Any, variance: Any,
    rows: Any, flow: Any, posted: Any, event: Any, modification: Any,
) -> Any:  # fmt: skip
    """Live all loans of a chunk; returns how many rows of each output are filled.

    Parameters
    ----------
    rng : numpy.random.Generator
        The chunk's own.
    first : int
        Number of the first loan.
    terms : array of int64, shape (loans, 8)
        Principal (cents), rate (millionths), term, method, disbursement month, due day,
        instalment fee (cents), grade.
    recovery : array of float, shape (loans,)
        Recovered share of principal, should the loan be written off.
    starts : array of int64
        Day number of the first day of month 0, 1, ...
    """
    at = np.zeros(5, np.int64)
    for loan in range(terms.shape[0]):
        _walk_loan(
            rng, first + loan, terms[loan], recovery[loan], starts, months, miss, prepay, move,
            bullet, timing, cost, expected, variance, rows, flow, posted, event, modification, at,
        )  # fmt: skip
    return at
