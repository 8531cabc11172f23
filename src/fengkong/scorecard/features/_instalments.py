# ruff: noqa: PLR0917  (Numba functions take no keyword-only arguments)
"""How late instalments were paid, as it could be known at an instant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.scorecard.features._windows import Asked

COUNT, LATE_MAX, LATE_MEAN, ON_TIME, TREND = range(5)
_STATISTICS = 5
PAY, CLOSE, OTHER = range(3)
_NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Schedule:
    """Versions of instalments, sorted by key, loan, version and due day; amounts in cents."""

    start: NDArray[np.int64]
    loan: NDArray[np.int64]
    due: NDArray[np.int64]
    effective: NDArray[np.int64]
    version: NDArray[np.int64]
    known: NDArray[np.int64]
    until: NDArray[np.int64]
    cents: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Receipts:
    """Versions of payments, sorted by loan and day; amounts in cents."""

    start: NDArray[np.int64]
    day: NDArray[np.int64]
    known: NDArray[np.int64]
    until: NDArray[np.int64]
    cents: NDArray[np.int64]
    kind: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lateness:
    """What is known of the instalments of each observation.

    ``windows`` of shape (n_observations, n_windows + n_lasts, 5): COUNT, LATE_MAX, LATE_MEAN,
    ON_TIME (share) and TREND (days late per 30 days of due date). ``last_late`` is the last due day
    of a late instalment (minus 2**63 when none), ``past_due`` the age in days of the oldest unpaid
    instalment, ``unpaid`` what is due and unpaid in cents.
    """

    windows: NDArray[np.float64]
    last_late: NDArray[np.int64]
    past_due: NDArray[np.int64]
    unpaid: NDArray[np.int64]


def lateness(
    asked: Asked,
    schedule: Schedule,
    receipts: Receipts,
    *,
    windows: NDArray[np.int64],
    lasts: NDArray[np.int64],
    late_after_days: int,
) -> Lateness:
    """Let the payments of each loan pay its instalments in order of due date, and look how late.

    Notes
    -----
    Receipts pay the oldest instalment first. A payoff or settlement closes the loan: what is due
    later no longer counts. A new schedule version takes over on the day it is in force: what the
    old one left unpaid counts as settled that day, and later receipts pay the new one.
    """
    found = _lateness(
        asked.key, asked.day, asked.at, windows, lasts, late_after_days,
        schedule.start, schedule.loan, schedule.due, schedule.effective, schedule.version,
        schedule.known, schedule.until, schedule.cents,
        receipts.start, receipts.day, receipts.known, receipts.until, receipts.cents,
        receipts.kind,
    )  # fmt: skip
    return Lateness(*found)


@numba.njit(cache=True, nogil=True)
def _lateness(  # type: ignore[no-untyped-def]
    key, today, at, windows, lasts, tolerance,
    start, loan, due, effective, version, known, until, cents,
    paid_start, paid_day, paid_known, paid_until, paid_cents, paid_kind,
):  # fmt: skip
    found = np.zeros((key.size, windows.size + lasts.size, _STATISTICS))
    last_late = np.full(key.size, np.iinfo(np.int64).min, dtype=np.int64)
    past_due = np.zeros(key.size, dtype=np.int64)
    unpaid = np.zeros(key.size, dtype=np.int64)
    longest = 0
    for k in range(start.size - 1):
        longest = max(longest, start[k + 1] - start[k])
    late, due_day = np.empty(longest, dtype=np.int64), np.empty(longest, dtype=np.int64)
    taken_over = np.empty(longest, dtype=np.int64)
    for i in range(key.size):
        if key[i] < 0:
            continue
        row, end, filled = start[key[i]], start[key[i] + 1], 0
        while row < end:
            this, first = loan[row], row
            while row < end and loan[row] == this:
                row += 1
            if not _taken_over(taken_over, first, row, version, effective, known, until, at[i]):
                continue
            filled, open_day, open_cents = _one_loan(
                first, row, due, effective, version, known, until, cents, taken_over,
                today[i], at[i], paid_start[this], paid_start[this + 1],
                paid_day, paid_known, paid_until, paid_cents, paid_kind, late, due_day, filled,
            )  # fmt: skip
            unpaid[i] += open_cents
            if open_cents > 0:
                past_due[i] = max(past_due[i], today[i] - open_day)
        order = np.argsort(due_day[:filled], kind="mergesort")[::-1]
        last_late[i] = _summarise(
            found[i], late[order], due_day[order], today[i], windows, lasts, tolerance
        )
    return found, last_late, past_due, unpaid


@numba.njit(cache=True, nogil=True)
def _taken_over(into, first, end, version, effective, known, until, at):  # type: ignore[no-untyped-def]
    """Fill the day on which a later version takes each row's place; say whether any is known."""
    earliest, block, version_before, any_known = _NEVER, _NEVER, version[end - 1], False
    for row in range(end - 1, first - 1, -1):
        if version[row] != version_before:
            earliest, version_before = min(earliest, block), version[row]
        into[row - first] = earliest
        if known[row] <= at and until[row] > at:
            block, any_known = min(block, effective[row]), True
    return any_known


@numba.njit(cache=True, nogil=True)
def _one_loan(  # type: ignore[no-untyped-def]  # noqa: PLR0912  one walk, two pointers
    first, end, due, effective, version, known, until, cents, taken_over,
    today, at, pay, pay_end, paid_day, paid_known, paid_until, paid_cents, paid_kind,
    late, due_day, filled,
):  # fmt: skip
    """Pay one loan's instalments; append how late each was, and return what is still open."""
    money, money_day, open_day, open_cents, closed = 0, 0, 0, 0, False
    version_now = version[first]
    for row in range(first, end):
        if known[row] > at or until[row] <= at or due[row] > today or effective[row] > today:
            continue
        replaced = taken_over[row - first]
        if due[row] >= replaced:
            continue  # never in force on its due day
        if version[row] != version_now:
            version_now, money = version[row], 0  # what was left over was the old version's
            while pay < pay_end and paid_day[pay] < effective[row]:
                pay += 1
        need = cents[row]
        while money < need and not closed and pay < pay_end:
            if paid_day[pay] > today or paid_day[pay] >= replaced:
                break
            if paid_known[pay] <= at and paid_until[pay] > at:
                if paid_kind[pay] == CLOSE:
                    closed, money_day = True, paid_day[pay]
                elif paid_kind[pay] == PAY:
                    money += paid_cents[pay]
                    money_day = paid_day[pay]
            pay += 1
        if closed and due[row] > money_day:
            break
        if money >= need or closed:
            money = max(money - need, 0)
            late[filled] = max(money_day - due[row], 0)
        elif replaced <= today:
            money = 0
            late[filled] = replaced - due[row]
        else:
            short, money = need - money, 0
            late[filled] = today - due[row]
            open_day = due[row] if open_cents == 0 else open_day
            open_cents += short
        due_day[filled] = due[row]
        filled += 1
    return filled, open_day, open_cents


@numba.njit(cache=True, nogil=True)
def _summarise(into, late, due_day, today, windows, lasts, tolerance):  # type: ignore[no-untyped-def]
    """Fill the statistics of the windows and of the last instalments, the newest first."""
    last_late = np.iinfo(np.int64).min
    for j in range(late.size):
        if late[j] > tolerance:
            last_late = due_day[j]
            break
    for w in range(windows.size + lasts.size):
        if w < windows.size:
            size = 0
            while size < late.size and today - due_day[size] < windows[w]:
                size += 1
        else:
            size = min(lasts[w - windows.size], late.size)
        if size == 0:
            continue
        mean_due, mean_late, on_time = 0.0, 0.0, 0
        for j in range(size):
            mean_due += due_day[j] / size
            mean_late += late[j] / size
            on_time += late[j] <= tolerance
            into[w, LATE_MAX] = max(into[w, LATE_MAX], float(late[j]))
        cross, square = 0.0, 0.0
        for j in range(size):
            cross += (due_day[j] - mean_due) * (late[j] - mean_late)
            square += (due_day[j] - mean_due) ** 2
        into[w, COUNT] = size
        into[w, LATE_MEAN] = mean_late
        into[w, ON_TIME] = on_time / size
        into[w, TREND] = 30.0 * cross / square if square > 0.0 else 0.0
    return last_late
