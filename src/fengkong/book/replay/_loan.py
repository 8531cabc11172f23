"""What each fact does to one loan: the rules of a claim, in integer cents.

A loan is a vector of numbers (places ``S_*``) and a matrix of instalments (rows of `_terms`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fengkong.book.replay._terms import (
    BULLET,
    CHARGE,
    CONTRACT_PRINCIPAL,
    DUE,
    FEE,
    INTEREST,
    NUMBER,
    PAID_FEE,
    PAID_INTEREST,
    PAID_PRINCIPAL,
    PRINCIPAL,
    START,
    T_DAY_COUNT,
    T_DUE_DAY,
    T_METHOD,
    T_RATE,
    T_TERM,
    amortise,
)
from fengkong.foundation.calendar import add_months, day_in_month, month_and_day
from fengkong.foundation.money import mul_div_half_up

ACTIVE, CLOSED, WRITTEN_OFF = 0, 1, 2
NO_DAY = -1_000_000_000

(S_COUNT, S_FIRST_OPEN, S_STATUS, S_OUTSTANDING, S_CREDIT, S_PAID_FEE, S_PAID_INTEREST,
 S_PAID_PRINCIPAL, S_RECOVERED, S_RECOVERY_COST, S_OFF_FEE, S_OFF_INTEREST, S_OFF_PRINCIPAL,
 S_OFF_DAY, S_WAIVED_FEE, S_WAIVED_INTEREST, S_WAIVED_PRINCIPAL, S_DECLARED, S_WATCH,
 S_RESTRUCTURED, S_RESTRUCTURED_FIRST, S_GENERATION, S_CARRIED,
 S_CAPITALISED) = range(24)  # fmt: skip
STATE = 24

# What one payment did, written by `allocate` and its like.
A_FEE, A_INTEREST, A_PRINCIPAL, A_CREDIT, A_W_FEE, A_W_INTEREST, A_W_PRINCIPAL = range(7)
ALLOCATION = 7


@njit(cache=True)
def open_amount(schedule: np.ndarray[Any, Any], k: int) -> int:
    """Return what is unpaid of instalment ``k``."""
    return (
        schedule[FEE, k] + schedule[CHARGE, k] - schedule[PAID_FEE, k]
        + schedule[INTEREST, k] - schedule[PAID_INTEREST, k]
        + schedule[PRINCIPAL, k] - schedule[PAID_PRINCIPAL, k]
    )  # fmt: skip


@njit(cache=True)
def move_on(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any]) -> None:
    """Put the pointer on the oldest instalment with anything unpaid; close when there is none."""
    k = state[S_FIRST_OPEN]
    while k < state[S_COUNT] and open_amount(schedule, k) == 0:
        k += 1
    state[S_FIRST_OPEN] = k
    if state[S_STATUS] != WRITTEN_OFF:
        state[S_STATUS] = CLOSED if k == state[S_COUNT] else ACTIVE


@njit(cache=True)
def accrued_of(schedule: np.ndarray[Any, Any], k: int, day: int) -> int:
    """Return the interest of instalment ``k`` earned by ``day``, paid or not."""
    if schedule[DUE, k] <= day:
        return schedule[INTEREST, k]
    if schedule[START, k] >= day:
        return 0
    return mul_div_half_up(
        schedule[INTEREST, k], day - schedule[START, k], schedule[DUE, k] - schedule[START, k]
    )


@njit(cache=True)
def accrued_interest(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], day: int) -> int:
    """Return the interest earned by ``day`` and not paid."""
    total = 0
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        if schedule[DUE, k] > day and schedule[START, k] >= day:
            break
        total += max(0, accrued_of(schedule, k, day) - schedule[PAID_INTEREST, k])
    return total


@njit(cache=True)
def fees_due(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], day: int) -> int:
    """Return the unpaid fees, charges included, of the instalments due by ``day``."""
    total = 0
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        if schedule[DUE, k] > day:
            break
        total += schedule[FEE, k] + schedule[CHARGE, k] - schedule[PAID_FEE, k]
    return total


@njit(cache=True)
def _pay(schedule: np.ndarray[Any, Any], k: int, row: int, claim: int, rest: int) -> int:
    part = min(max(0, claim), rest)
    schedule[row, k] += part
    return part


@njit(cache=True)
def _booked(
    state: np.ndarray[Any, Any], got: np.ndarray[Any, Any], rest: int, recovery: bool
) -> None:
    """Add one allocation to the totals of the loan."""
    got[A_CREDIT] += rest
    state[S_CREDIT] += rest
    state[S_OUTSTANDING] -= got[A_PRINCIPAL]
    if not recovery:
        state[S_PAID_FEE] += got[A_FEE]
        state[S_PAID_INTEREST] += got[A_INTEREST]
        state[S_PAID_PRINCIPAL] += got[A_PRINCIPAL]


@njit(cache=True)
def _pay_instalments(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    rest: int,
    until: int,
    got: np.ndarray[Any, Any],
) -> int:
    """Pay instalments due by ``until``, oldest first: fees, interest, principal."""
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        if rest == 0 or schedule[DUE, k] > until:
            break
        claim = schedule[FEE, k] + schedule[CHARGE, k] - schedule[PAID_FEE, k]
        part = _pay(schedule, k, PAID_FEE, claim, rest)
        got[A_FEE] += part
        rest -= part
        claim = schedule[INTEREST, k] - schedule[PAID_INTEREST, k]
        part = _pay(schedule, k, PAID_INTEREST, claim, rest)
        got[A_INTEREST] += part
        rest -= part
        claim = schedule[PRINCIPAL, k] - schedule[PAID_PRINCIPAL, k]
        part = _pay(schedule, k, PAID_PRINCIPAL, claim, rest)
        got[A_PRINCIPAL] += part
        rest -= part
    return rest


@njit(cache=True)
def pay(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    amount: int,
    got: np.ndarray[Any, Any],
    recovery: bool,
) -> None:
    """Take a payment: oldest instalment first, the surplus to the next, then to the credit."""
    rest = _pay_instalments(state, schedule, amount, np.int64(1) << 40, got)
    _booked(state, got, rest, recovery)
    move_on(state, schedule)


@njit(cache=True)
def _cut_to_payoff(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], day: int) -> int:
    """Reduce the claims to what ends the loan today and return their sum.

    Instalments due stay; of later ones: principal, posted charges, interest earned by days.
    """
    total = 0
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        if schedule[DUE, k] > day:
            schedule[FEE, k] = max(0, schedule[PAID_FEE, k] - schedule[CHARGE, k])
            schedule[INTEREST, k] = max(schedule[PAID_INTEREST, k], accrued_of(schedule, k, day))
        total += open_amount(schedule, k)
    return total


@njit(cache=True)
def payoff_claim(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], day: int) -> int:
    """Return what ends the loan today, without changing it."""
    total = 0
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        total += open_amount(schedule, k)
        if schedule[DUE, k] > day:
            fee = max(0, schedule[PAID_FEE, k] - schedule[CHARGE, k])
            interest = max(schedule[PAID_INTEREST, k], accrued_of(schedule, k, day))
            total -= schedule[FEE, k] - fee + schedule[INTEREST, k] - interest
    return total


@njit(cache=True)
def pay_off(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    day: int,
    amount: int,
    got: np.ndarray[Any, Any],
) -> None:
    """Take a payoff; one that does not cover the claim is an ordinary payment."""
    if amount >= payoff_claim(state, schedule, day):
        _cut_to_payoff(state, schedule, day)
    pay(state, schedule, amount, got, False)


@njit(cache=True)
def settle(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    day: int,
    amount: int,
    got: np.ndarray[Any, Any],
) -> None:
    """Take a settlement: it pays like a payment, the rest of the claim is waived, the loan ends."""
    _cut_to_payoff(state, schedule, day)
    pay(state, schedule, amount, got, False)
    for k in range(state[S_FIRST_OPEN], state[S_COUNT]):
        fee = schedule[FEE, k] + schedule[CHARGE, k] - schedule[PAID_FEE, k]
        interest = schedule[INTEREST, k] - schedule[PAID_INTEREST, k]
        principal = schedule[PRINCIPAL, k] - schedule[PAID_PRINCIPAL, k]
        got[A_W_FEE] += fee
        got[A_W_INTEREST] += interest
        got[A_W_PRINCIPAL] += principal
        schedule[CHARGE, k] -= fee
        schedule[INTEREST, k] -= interest
        schedule[PRINCIPAL, k] -= principal
    state[S_WAIVED_FEE] += got[A_W_FEE]
    state[S_WAIVED_INTEREST] += got[A_W_INTEREST]
    state[S_WAIVED_PRINCIPAL] += got[A_W_PRINCIPAL]
    state[S_OUTSTANDING] -= got[A_W_PRINCIPAL]
    move_on(state, schedule)


@njit(cache=True)
def prepay(  # noqa: PLR0917 - Numba calls by position
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    day: int,
    amount: int,
    got: np.ndarray[Any, Any],
) -> None:
    """Take a prepayment: what is due, interest earned, then principal; amortise the rest again."""
    rest = _pay_instalments(state, schedule, amount, day, got)
    first = state[S_FIRST_OPEN]
    while first < state[S_COUNT] and schedule[DUE, first] <= day:
        first += 1
    if rest == 0 or first == state[S_COUNT]:
        _booked(state, got, rest, False)
        move_on(state, schedule)
        return
    earned = accrued_of(schedule, first, day)
    part = _pay(schedule, first, PAID_INTEREST, earned - schedule[PAID_INTEREST, first], rest)
    got[A_INTEREST] += part
    rest -= part
    balance = 0
    for k in range(first, state[S_COUNT]):
        balance += schedule[PRINCIPAL, k] - schedule[PAID_PRINCIPAL, k]
    extra = min(rest, balance)
    if extra == 0:
        _booked(state, got, rest, False)
        move_on(state, schedule)
        return
    got[A_PRINCIPAL] += extra
    _again(state, schedule, terms, first, day, earned, balance, balance - extra)
    _booked(state, got, rest - extra, False)
    move_on(state, schedule)


@njit(cache=True)
def _again(  # noqa: PLR0917 - Numba calls by position
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    first: int,
    day: int,
    earned: int,
    before: int,
    after: int,
) -> None:
    """Amortise ``after`` over the instalments from ``first``.

    The running period owes what it has earned and its share of the new interest from today.
    Without method or rate (a schedule from a tape) the old amounts shrink in proportion.
    """
    n = state[S_COUNT]
    terms_known = terms[T_METHOD] >= 0 and terms[T_RATE] >= 0
    if after == 0:
        for k in range(first, n):
            schedule[PRINCIPAL, k] = schedule[INTEREST, k] = 0
            schedule[FEE, k] = max(0, schedule[PAID_FEE, k] - schedule[CHARGE, k])
    elif terms_known:
        months = terms[T_TERM] if terms[T_METHOD] == BULLET else 1
        amortise(
            schedule, first, n, after, terms[T_RATE], terms[T_METHOD], terms[T_DAY_COUNT], months
        )
    else:
        left = after
        for k in range(first, n):
            old = schedule[CONTRACT_PRINCIPAL, k]
            part = left if k == n - 1 else min(left, mul_div_half_up(old, after, before))
            schedule[PRINCIPAL, k] = part
            schedule[INTEREST, k] = mul_div_half_up(schedule[INTEREST, k], after, before)
            left -= part
    whole = schedule[DUE, first] - schedule[START, first]
    if whole > 0:
        gone = min(max(0, day - schedule[START, first]), whole)
        schedule[INTEREST, first] = earned + mul_div_half_up(
            schedule[INTEREST, first], whole - gone, whole
        )
    for k in range(first, n):
        schedule[CONTRACT_PRINCIPAL, k] = schedule[PRINCIPAL, k]
        schedule[PRINCIPAL, k] += schedule[PAID_PRINCIPAL, k]
        schedule[INTEREST, k] = max(schedule[INTEREST, k], schedule[PAID_INTEREST, k])


@njit(cache=True)
def charge(
    state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], amount: int, number: int
) -> None:
    """Post a fee to the instalment of that number; 0: to the oldest unpaid."""
    if state[S_STATUS] == WRITTEN_OFF or state[S_COUNT] == 0:
        return
    k = min(state[S_FIRST_OPEN], state[S_COUNT] - 1)
    if number > 0:
        k = state[S_COUNT] - 1
        for place in range(state[S_COUNT]):
            if schedule[NUMBER, place] == number:
                k = place
                break
    schedule[CHARGE, k] += amount
    state[S_FIRST_OPEN] = min(state[S_FIRST_OPEN], k)
    move_on(state, schedule)


@njit(cache=True)
def extend(
    state: np.ndarray[Any, Any],
    schedule: np.ndarray[Any, Any],
    terms: np.ndarray[Any, Any],
    months: int,
) -> None:
    """Move due dates and interest periods of the unpaid instalments; amounts stay."""
    first = state[S_FIRST_OPEN]
    for k in range(state[S_COUNT] - 1, first - 1, -1):
        month, day = month_and_day(schedule[DUE, k])
        due_day = terms[T_DUE_DAY] if terms[T_DUE_DAY] > 0 else day
        if k == 0:
            schedule[START, k] = add_months(schedule[START, k], months)
        else:
            before, its_day = month_and_day(schedule[DUE, k - 1])
            start_day = terms[T_DUE_DAY] if terms[T_DUE_DAY] > 0 else its_day
            schedule[START, k] = day_in_month(before + months, start_day)
        schedule[DUE, k] = day_in_month(month + months, due_day)


@njit(cache=True)
def write_off(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], day: int) -> None:
    """Take principal, interest earned and fees due off the book."""
    if state[S_STATUS] != ACTIVE:
        return
    state[S_OFF_FEE] = fees_due(state, schedule, day)
    state[S_OFF_INTEREST] = accrued_interest(state, schedule, day)
    state[S_OFF_PRINCIPAL] = state[S_OUTSTANDING]
    state[S_OFF_DAY] = day
    state[S_OUTSTANDING] = 0
    state[S_STATUS] = WRITTEN_OFF


@njit(cache=True)
def carry(state: np.ndarray[Any, Any], schedule: np.ndarray[Any, Any], day: int) -> None:
    """Keep the principal that was due in this month before the schedule is replaced."""
    month, _ = month_and_day(day)
    for k in range(state[S_COUNT]):
        due_month, _ = month_and_day(schedule[DUE, k])
        if due_month == month and schedule[DUE, k] < day:
            state[S_CARRIED] += schedule[CONTRACT_PRINCIPAL, k]
