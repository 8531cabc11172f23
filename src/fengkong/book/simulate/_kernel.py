# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""The loop over loans and months: schedules, events of the month, and what they leave behind.

State of a loan: ``paid`` instalments, a clock ``tick`` (months since the schedule began, less
extensions) and ``step`` (months between instalments: 1, or the whole term of a bullet). Instalment
i falls due at tick i * step, so months past due of the oldest unpaid one is
``tick - (paid + 1) * step + 1``. Due days lie in 4..27: then k months past due at a month-end are
exactly bucket Mk whatever the lengths of the months.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

LONGEST = 64
RATE_SCALE = 12_000_000  # rates are held in millionths a year; a month is a twelfth
PAYMENT, PAYOFF, RECOVERY = 0, 1, 2
DEFAULT, CURED, WRITTEN_OFF, WORKOUT_CLOSED = 0, 1, 2, 3
_MISS, _PAY, _TWO, _CURE, _EXTEND, _RESTRUCTURE, _PREPAY, _WRITE_OFF = range(8)
_njit = numba.njit(cache=True, nogil=True)


@_njit
def period_interest(balance: int, rate_millionths: int, periods: int) -> int:
    """Interest in cents of so many twelfths of a year, rounded half up, exact in integers."""
    return (2 * balance * rate_millionths * periods + RATE_SCALE) // (2 * RATE_SCALE)


@_njit
def fill_schedule(
    principal: int, rate: int, term: int, method: int, interest: Any, capital: Any
) -> int:
    """Write interest and principal (cents) of instalments 1, 2, ...; return how many there are.

    Methods: 0 equal_instalment, 1 equal_principal, 2 interest_only, 3 bullet.
    """
    if method == 3:
        interest[1], capital[1] = period_interest(principal, rate, term), principal
        return 1
    level = (2 * principal + term) // (2 * term)
    if method == 0 and rate > 0:
        monthly = rate / RATE_SCALE
        level = int(np.floor(principal * monthly / (1.0 - (1.0 + monthly) ** (-term)) + 0.5))
    balance = principal
    for number in range(1, term + 1):
        interest[number] = period_interest(balance, rate, 1)
        if method == 0:
            capital[number] = level - interest[number]
        elif method == 1:
            capital[number] = level
        else:
            capital[number] = 0
        if number == term:
            capital[number] = balance
        balance -= capital[number]
    return term


@_njit
def _chances(
    late: int,
    last: bool,
    step: int,
    fee: int,
    miss: float,
    prepay: float,
    move: Any,
    bullet: float,
    q: Any,
) -> None:
    """Fill the probability of each event of the month."""
    q[:] = move
    if late == 0:
        q[_MISS] = min(0.5, miss * bullet) if step > 1 else miss
        q[_PREPAY] = 0.0 if last or step > 1 else prepay
        q[_PAY] = 1.0 - q[_MISS] - q[_PREPAY] - q[_EXTEND]
    elif fee > 0:
        # A schedule with fees is not restructured: those loans pay one instalment instead.
        q[_PAY] += q[_RESTRUCTURE]
        q[_RESTRUCTURE] = 0.0


@_njit
def _instalments_paid(event: int, tick: int, paid: int, count: int, step: int) -> int:
    """How many instalments the event pays."""
    wanted = 0
    if event == _PAY:
        wanted = 1
    elif event == _TWO:
        wanted = 2
    elif event == _CURE:
        wanted = tick // step - paid
    elif event == _PREPAY:
        wanted = count - paid
    return min(wanted, count - paid)


@_njit
def _state_after(event: int, tick: int, paid: int, count: int, step: int) -> int:
    """State at the month-end: 0..7 for C..M7, 8 paid off, 9 written off."""
    if event == _WRITE_OFF:
        return 9
    if event in (_EXTEND, _RESTRUCTURE):
        return 0
    paid += _instalments_paid(event, tick, paid, count, step)
    if paid >= count:
        return 8
    return min(7, max(0, tick - (paid + 1) * step + 1))


@_njit
def _draw(rng: Any, q: Any) -> int:
    """Pick an event by its probability."""
    level = rng.random()
    last = 0
    for event in range(8):
        if q[event] > 0.0:
            last = event
            level -= q[event]
            if level < 0.0:
                return event
    return last


@_njit
def _pay_day(rng: Any, event: int, late: int, due_day: int) -> int:
    """Day of the month of a payment, 1..28: mostly the due day, sometimes before or after."""
    luck = rng.random()
    if event == _PREPAY:
        return due_day
    if late == 0:
        if luck < 0.80:
            return due_day
        if luck < 0.90:
            return due_day - 1 - int(rng.random() * 2)
        return min(28, due_day + 1 + int(rng.random() * 8))
    first = due_day if event == _CURE else 1
    return first + int(luck * (29 - first))


@_njit
def walk_recovery(
    rng: Any, loan: int, month: int, total: int, timing: Any, cost_millionths: int, starts: Any,
    months: int, rows: Any, row: int, flow: Any, flows: int,
) -> tuple[int, int]:  # fmt: skip
    """Write the recoveries after a write-off in ``month``: three parts, months drawn by timing."""
    span = len(timing)
    parts = np.zeros(span, np.int64)
    for part in range(3):
        level, place = rng.random(), 0
        while place < span - 1 and level >= timing[place]:
            level -= timing[place]
            place += 1
        parts[place] += total // 3 if part < 2 else total - 2 * (total // 3)
    for place in range(span):
        when = month + 1 + place
        if parts[place] == 0 or when >= months:
            continue
        cost = (parts[place] * cost_millionths + 500_000) // 1_000_000
        rows[row, :] = 0
        rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3] = loan, when, 2, -1
        rows[row, 9], rows[row, 10], rows[row, 11] = parts[place], cost, 1
        row += 1
        flow[flows, 0], flow[flows, 1], flow[flows, 2] = loan, starts[when] + 14, RECOVERY
        flow[flows, 3], flow[flows, 4], flow[flows, 5] = parts[place], cost, 0
        flows += 1
    return row, flows


@_njit
def _restructure(
    loan: int, on: int, owed: int, interest: Any, capital: Any, paid: int, due: int, count: int,
    rate: int, modification: Any, made: int,
) -> tuple[int, int]:  # fmt: skip
    """Turn the unpaid principal and overdue interest into a new equal-principal schedule.

    Returns
    -------
    tuple of int
        New principal (cents) and number of instalments; the new schedule is in place.
    """
    capitalised = 0
    for number in range(paid + 1, min(due, count) + 1):
        capitalised += interest[number]
    term = min(48, count - paid + 6)
    fill_schedule(owed + capitalised, rate, term, 1, interest, capital)
    modification[made, 0], modification[made, 1], modification[made, 2] = loan, on, 1
    modification[made, 3], modification[made, 4], modification[made, 5] = (
        0,
        owed + capitalised,
        capitalised,
    )
    modification[made, 6], modification[made, 7], modification[made, 8] = rate, term, 1
    return owed + capitalised, term


@_njit
def _extend(loan: int, on: int, late: int, modification: Any, made: int) -> int:
    """Note an extension by one month more than the loan is late; return the months."""
    modification[made, :] = 0
    modification[made, 0], modification[made, 1], modification[made, 3] = loan, on, late + 1
    modification[made, 8] = 1 if late > 0 else 0
    return late + 1


@_njit
def _receive(
    loan: int, event: int, late: int, day: int, first: int, last: int, owed: int, fee: int,
    interest: Any, capital: Any, start: int, flow: Any, flows: int, posted: Any, fees: int,
) -> tuple[int, int, int]:  # fmt: skip
    """Write the payment of instalments first..last; return principal, interest paid, fees posted.

    A prepayment pays the instalment of the day and then all principal; later interest and fees are
    not charged. The extra fee is posted and paid on the day of the payment.
    """
    principal, charged, number = 0, 0, 1
    if event == _PREPAY:
        principal, charged = owed, interest[first]
        extra = (owed - capital[first]) // 100
    else:
        number = last - first + 1
        for instalment in range(first, last + 1):
            principal += capital[instalment]
            charged += interest[instalment]
        extra = 2000 if late > 0 else 0
    on = start + day - 1
    if extra > 0:
        posted[fees, 0], posted[fees, 1], posted[fees, 2] = loan, on, extra
        posted[fees, 3] = 1 if event == _PREPAY else 0
        fees += 1
    flow[flows, 0], flow[flows, 1], flow[flows, 2] = (
        loan,
        on,
        PAYOFF if event == _PREPAY else PAYMENT,
    )
    flow[flows, 3], flow[flows, 4], flow[flows, 5] = (
        principal + charged + number * fee + extra,
        0,
        extra,
    )
    return principal, charged, fees
