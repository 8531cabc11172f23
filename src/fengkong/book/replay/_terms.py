"""From the terms of a contract to its instalments, in integer cents."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from fengkong.foundation.calendar import day_in_month, month_and_day
from fengkong.foundation.money import RATE_SCALE, mul_div_half_up

EQUAL_INSTALMENT, EQUAL_PRINCIPAL, INTEREST_ONLY, BULLET = 0, 1, 2, 3
METHOD_CODES = {
    "equal_instalment": EQUAL_INSTALMENT,
    "equal_principal": EQUAL_PRINCIPAL,
    "interest_only": INTEREST_ONLY,
    "bullet": BULLET,
}
THIRTY_360, ACT_365F, ACT_360 = 0, 1, 2
DAY_COUNT_CODES = {"30/360": THIRTY_360, "ACT/365F": ACT_365F, "ACT/360": ACT_360}

# Rows of the schedule matrix of one loan.
(DUE, START, PRINCIPAL, INTEREST, FEE, CHARGE, PAID_PRINCIPAL, PAID_INTEREST, PAID_FEE,
 CONTRACT_PRINCIPAL, NUMBER) = range(11)  # fmt: skip
SCHEDULE_ROWS = 11

# Places of the terms of one loan.
(T_PRINCIPAL, T_RATE, T_TERM, T_METHOD, T_DAY_COUNT, T_START, T_FIRST_DUE, T_DUE_DAY,
 T_FEE) = range(9)  # fmt: skip
TERMS = 9

_SPLIT = 134217729.0  # 2**27 + 1: Dekker's constant for float64


@njit(cache=True)
def _two_product(a: float, b: float) -> tuple[float, float]:
    """Return a * b as an unevaluated sum of two floats, exact (Dekker 1971)."""
    p = a * b
    t = _SPLIT * a
    ah = t - (t - a)
    al = a - ah
    t = _SPLIT * b
    bh = t - (t - b)
    bl = b - bh
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


@njit(cache=True)
def _multiply(xh: float, xl: float, yh: float, yl: float) -> tuple[float, float]:
    p, e = _two_product(xh, yh)
    e += xh * yl + xl * yh
    s = p + e
    return s, e - (s - p)


@njit(cache=True)
def _add(xh: float, xl: float, yh: float, yl: float) -> tuple[float, float]:
    s = xh + yh
    v = s - xh
    e = (xh - (s - v)) + (yh - v) + xl + yl
    t = s + e
    return t, e - (t - s)


@njit(cache=True)
def _divide(xh: float, xl: float, yh: float, yl: float) -> tuple[float, float]:
    q = xh / yh
    rest = np.zeros(2)
    for _ in range(2):
        ph, pl = _multiply(yh, yl, q, rest[0])
        rest_high, _ = _add(xh, xl, -ph, -pl)
        c = rest_high / yh
        s = q + (rest[0] + c)
        rest[0] = (rest[0] + c) - (s - q)
        q = s
    return q, rest[0]


@njit(cache=True)
def level_instalment(principal: int, rate: int, n: int) -> int:
    """Return the level instalment by the annuity formula at ``rate`` / 12, half up to the cent.

    Computed with about 30 digits (pairs of floats), so an exact tie is seen as one.

    Parameters
    ----------
    principal : int
        Cents.
    rate : int
        Annual rate in units of 1e-10.
    n : int
        Number of instalments, at least 1.
    """
    if rate == 0:
        return mul_div_half_up(principal, 1, n)
    rh, rl = _divide(float(rate), 0.0, 12.0 * RATE_SCALE, 0.0)
    bh, bl = _add(1.0, 0.0, rh, rl)
    gh, gl = 1.0, 0.0
    left = n
    while left > 0:
        if left & 1:
            gh, gl = _multiply(gh, gl, bh, bl)
        bh, bl = _multiply(bh, bl, bh, bl)
        left >>= 1
    th, tl = _multiply(gh, gl, rh, rl)
    th, tl = _multiply(th, tl, float(principal), 0.0)
    dh, dl = _add(gh, gl, -1.0, 0.0)
    qh, ql = _divide(th, tl, dh, dl)
    whole = np.floor(qh)
    part = (qh - whole) + ql
    return int(whole) + int(np.floor(part + 0.5 + 1e-15))


@njit(cache=True)
def interest_of(balance: int, rate: int, day_count: int, months: int, days: int) -> int:
    """Return the interest of a period in cents, half up.

    30/360 takes ``months`` twelfths of the annual rate, the others calendar ``days``.
    """
    if rate <= 0 or balance <= 0:
        return 0
    if day_count == THIRTY_360:
        return mul_div_half_up(balance, rate * months, 12 * RATE_SCALE)
    if day_count == ACT_365F:
        return mul_div_half_up(balance, rate * days, 365 * RATE_SCALE)
    return mul_div_half_up(balance, rate * days, 360 * RATE_SCALE)


@njit(cache=True)
def amortise(  # noqa: PLR0917 - Numba calls by position
    schedule: np.ndarray[Any, Any],
    first: int,
    n: int,
    balance: int,
    rate: int,
    method: int,
    day_count: int,
    months: int,
) -> None:
    """Fill principal and interest of instalments ``first`` to ``n - 1``; their dates are set.

    The last instalment takes what is left. ``months`` is the length of a period, used by 30/360.
    """
    count = n - first
    level = 0
    if method == EQUAL_INSTALMENT:
        level = level_instalment(balance, rate, count)
    elif method == EQUAL_PRINCIPAL:
        level = mul_div_half_up(balance, 1, count)
    for k in range(first, n):
        days = schedule[DUE, k] - schedule[START, k]
        interest = interest_of(balance, rate, day_count, months, days)
        part = 0
        if k == n - 1:
            part = balance
        elif method == EQUAL_INSTALMENT:
            part = min(balance, max(0, level - interest))
        elif method == EQUAL_PRINCIPAL:
            part = min(balance, level)
        schedule[PRINCIPAL, k] = part
        schedule[INTEREST, k] = interest
        schedule[CONTRACT_PRINCIPAL, k] = part
        balance -= part


@njit(cache=True)
def build(schedule: np.ndarray[Any, Any], terms: np.ndarray[Any, Any]) -> int:
    """Write the instalments of ``terms`` into ``schedule`` and return how many there are."""
    n = 1 if terms[T_METHOD] == BULLET else terms[T_TERM]
    month, _ = month_and_day(terms[T_FIRST_DUE])
    start = terms[T_START]
    for k in range(n):
        due = terms[T_FIRST_DUE] if k == 0 else day_in_month(month + k, terms[T_DUE_DAY])
        for row in range(SCHEDULE_ROWS):
            schedule[row, k] = 0
        schedule[DUE, k] = due
        schedule[START, k] = start
        schedule[FEE, k] = terms[T_FEE]
        schedule[NUMBER, k] = k + 1
        start = due
    months = terms[T_TERM] if terms[T_METHOD] == BULLET else 1
    amortise(
        schedule, 0, n, terms[T_PRINCIPAL], terms[T_RATE], terms[T_METHOD], terms[T_DAY_COUNT],
        months,
    )  # fmt: skip
    return n


@njit(cache=True)
def complete(terms: np.ndarray[Any, Any]) -> None:
    """Fill the first due date and the due day of one loan's terms where they are absent (0)."""
    month, day = month_and_day(terms[T_START])
    if terms[T_FIRST_DUE] < 0:
        due_day = terms[T_DUE_DAY] if terms[T_DUE_DAY] > 0 else day
        later = terms[T_TERM] if terms[T_METHOD] == BULLET else 1
        terms[T_FIRST_DUE] = day_in_month(month + later, due_day)
        terms[T_DUE_DAY] = due_day
    if terms[T_DUE_DAY] <= 0:
        _, terms[T_DUE_DAY] = month_and_day(terms[T_FIRST_DUE])


@njit(cache=True)
def build_many(
    terms: np.ndarray[Any, Any], offsets: np.ndarray[Any, Any], width: int
) -> np.ndarray[Any, Any]:
    """Build the schedules of many loans.

    Parameters
    ----------
    terms : ndarray of int64, shape (loans, TERMS)
        Terms, completed in place.
    offsets : ndarray of int64, shape (loans + 1,)
        Where each loan's instalments start in the result.
    width : int
        Highest number of instalments of a loan.

    Returns
    -------
    ndarray of int64, shape (5, instalments)
        Number, due day, principal, interest and fee.
    """
    result = np.zeros((5, offsets[-1]), dtype=np.int64)
    schedule = np.zeros((SCHEDULE_ROWS, max(width, 1)), dtype=np.int64)
    for loan in range(len(terms)):
        complete(terms[loan])
        n = build(schedule, terms[loan])
        at = offsets[loan]
        for k in range(n):
            result[0, at + k] = k + 1
            result[1, at + k] = schedule[DUE, k]
            result[2, at + k] = schedule[PRINCIPAL, k]
            result[3, at + k] = schedule[INTEREST, k]
            result[4, at + k] = schedule[FEE, k]
    return result
