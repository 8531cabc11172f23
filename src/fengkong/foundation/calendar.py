"""Calendar arithmetic on day numbers (days since 1970-01-01) inside compiled loops.

A month is the integer ``12 * year + month - 1``. Source of the civil conversion: H. Hinnant,
chrono-Compatible Low-Level Date Algorithms.
"""

from __future__ import annotations

from datetime import date

from numba import njit

EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Return the days from 1970-01-01 to ``day``."""
    return (day - EPOCH).days


@njit(cache=True)
def month_and_day(number: int) -> tuple[int, int]:
    """Return (month number, day of the month) of a day number."""
    z = number + 719468
    era = z // 146097
    doe = z - era * 146097
    yoe = (doe - doe // 1460 + doe // 36524 - doe // 146096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    day = doy - (153 * mp + 2) // 5 + 1
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    return 12 * year + month - 1, day


@njit(cache=True)
def month_first(month: int) -> int:
    """Return the day number of the first day of a month number."""
    year = month // 12
    m = month - 12 * year + 1
    y = year - 1 if m <= 2 else year
    era = y // 400
    yoe = y - era * 400
    mp = m - 3 if m > 2 else m + 9
    doy = (153 * mp + 2) // 5
    doe = yoe * 365 + yoe // 4 - yoe // 100 + doy
    return era * 146097 + doe - 719468


@njit(cache=True)
def month_last(month: int) -> int:
    """Return the day number of the last day of a month number."""
    return month_first(month + 1) - 1


@njit(cache=True)
def day_in_month(month: int, day: int) -> int:
    """Return the day number of ``day`` in a month, cut to the length of the month."""
    first = month_first(month)
    length = month_first(month + 1) - first
    return first + min(day, length) - 1


@njit(cache=True)
def add_months(number: int, months: int) -> int:
    """Return the day number ``months`` later, cut to the length of the month."""
    month, day = month_and_day(number)
    return day_in_month(month + months, day)
