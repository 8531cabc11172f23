"""From rows of month-ends to the panel: what the month before was, and what has ever been."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from fengkong.book.replay._arrow import Column, array
from fengkong.book.replay._kernel import (
    R_COST,
    R_DAYS,
    R_DECLARED,
    R_MONTH_END,
    R_OFF,
    R_OFF_EXPOSURE,
    R_OUTSTANDING,
    R_PAID_INTEREST,
    R_PAID_PRINCIPAL,
    R_RECOVERED,
    R_SCHEDULED,
    R_STATUS,
)
from fengkong.book.replay._loan import ACTIVE, CLOSED, WRITTEN_OFF
from fengkong.book.schema import PANEL
from fengkong.book.schema._derived import STATE_CODES
from fengkong.foundation.money import from_cents

if TYPE_CHECKING:
    from collections.abc import Iterable

Array = np.ndarray[Any, Any]

NULL = np.iinfo(np.int64).min
PAID_OFF_STATE, WRITTEN_OFF_STATE = 8, 9

# What a month-end row tells rows apart by, in one number:
# ((opening state + 1) * STATE_COUNT + state) * FLAGS + flags; opening state -1 where there is none.
STATE_COUNT, FLAGS, CODES = 10, 64, 11 * 10 * 64
EVER_30, EVER_90, ENTERED, DEFAULTED, WAS_OPEN, IN_DEFAULT = 1, 2, 4, 8, 16, 32


FLAG_COLUMNS = {
    "ever_over_30": EVER_30, "ever_over_90": EVER_90, "default_entered": ENTERED,
    "defaulted": DEFAULTED, "was_open": WAS_OPEN,
}  # fmt: skip


@njit(cache=True, nogil=True)
def bucket(days: int) -> int:
    """Return 0 for C, 1 to 7 for M1 to M7: 1-30, 31-60, ..., above 180."""
    if days <= 0:
        return 0
    return min(7, (days + 29) // 30)


def nobody() -> Array:
    """Return what `follow` carries before the first row: no owner, no state."""
    return np.array([0, 0, 0, 0, -1, -1], dtype=np.int64)


@njit(cache=True, nogil=True)
def follow(  # noqa: PLR0917 - Numba calls by position
    owner: Array, month: Array, status: Array, days: Array, balance: Array, declared: Array,
    carry: Array, code: Array,
) -> None:  # fmt: skip
    """Say of each month-end what it is and what came before.

    Parameters
    ----------
    owner, month, status, days, balance, declared : ndarray of int, shape (rows,)
        Loan, month number, ``ACTIVE`` and so on, days past due, cents, 1 where declared in
        default; sorted by loan and month.
    carry : ndarray of int64, shape (6,)
        What the row before left: `nobody` at the start, then as this function leaves it, so that
        rows may come in pieces.
    code : ndarray of int16, shape (rows,)
        Is filled.
    """
    started, last_owner, ever, last_balance, last_month, last_state = carry
    for r in range(len(owner)):
        if started == 0 or owner[r] != last_owner:
            ever, last_balance, last_month, last_state = 0, 0, -1, -1
        state = bucket(days[r])
        if status[r] == CLOSED:
            state = PAID_OFF_STATE
        elif status[r] == WRITTEN_OFF:
            state = WRITTEN_OFF_STATE
        # An ended loan stays what it is in the months that nobody speaks of.
        follows = last_month == month[r] - 1 or last_state >= PAID_OFF_STATE
        flags = WAS_OPEN if follows and last_balance > 0 else 0
        if state != PAID_OFF_STATE and state >= 2:
            ever |= EVER_30
        if state != PAID_OFF_STATE and state >= 4:
            ever |= EVER_90
        if days[r] > 90 or state == WRITTEN_OFF_STATE or declared[r] == 1:
            flags |= IN_DEFAULT
            if ever & DEFAULTED == 0:
                flags |= ENTERED
            ever |= DEFAULTED
        opening = last_state if follows else -1
        code[r] = ((opening + 1) * STATE_COUNT + state) * FLAGS + (flags | ever)
        started, last_owner = 1, owner[r]
        last_balance, last_month, last_state = balance[r], month[r], state
    carry[:] = (started, last_owner, ever, last_balance, last_month, last_state)


@njit(cache=True, nogil=True)
def opening_of(first: int, stop: int, code: Array, balance: Array, out: Array) -> None:
    """Fill the balance at the month-end before, 0 where there is none, for rows first to stop."""
    for r in range(first, stop):
        out[r] = balance[r - 1] if code[r] >= STATE_COUNT * FLAGS else 0


@njit(cache=True, nogil=True)
def frozen_of(  # noqa: PLR0917 - Numba calls by position
    first: int, stop: int, rows_at: Array, code: Array, flag: int, exposure: Array, out: Array
) -> None:
    """Fill the exposure at the first month-end with the flag, 0 before, for loans first to stop."""
    for loan in range(first, stop):
        frozen, found = 0, False
        for r in range(rows_at[loan], rows_at[loan + 1]):
            if not found and code[r] & flag:
                frozen, found = exposure[r], True
            out[r] = frozen


@njit(cache=True, nogil=True)
def state(code: int) -> int:
    """Return the place in STATE_CODES of one code."""
    return code // FLAGS % STATE_COUNT


@njit(cache=True, nogil=True)
def opening_state(code: int) -> int:
    """Return the place in STATE_CODES of the state before, -1 where there is none."""
    return code // (FLAGS * STATE_COUNT) - 1


def state_of(code: Array) -> Array:
    """Return the place in STATE_CODES of each code."""
    return code // FLAGS % STATE_COUNT


def opening_state_of(code: Array) -> Array:
    """Return the place in STATE_CODES of the state before, -1 where there is none."""
    return code // (FLAGS * STATE_COUNT) - 1


def unscheduled(scheduled: Array, paid: Array) -> Array:
    """Return principal paid above the schedule in cents; ``NULL`` where the payment is unknown."""
    above = np.where(paid == NULL, 0, paid) - np.maximum(scheduled, 0)
    return np.where(paid == NULL, NULL, np.maximum(above, 0))


def month_of(days: Array) -> Array:
    """Return the month number (12 * year + month - 1) of day numbers."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 12 * 1970


def first_days(months: Array) -> Column:
    """Return the first day of each month number as dates."""
    return array((months - 12 * 1970).astype("datetime64[M]").astype("datetime64[D]"))


def last_days(months: Array) -> Column:
    """Return the last day of each month number as dates."""
    after = (months - 12 * 1970 + 1).astype("datetime64[M]").astype("datetime64[D]")
    return array(after - np.timedelta64(1, "D"))


def dates(days: Array) -> Column:
    """Return day numbers as dates; below 1000-01-01 as null."""
    values = array(days.astype(np.int32), type=pa.int32(), mask=days < -400_000)
    return values.cast(pa.date32())


def money(cents: Array) -> Column:
    """Return cents as decimals; ``NULL`` as null."""
    valid = cents != NULL
    return from_cents(cents) if valid.all() else from_cents(np.where(valid, cents, 0), valid)


def coded(codes: Array, names: Iterable[str]) -> Column:
    """Return codes as dictionary text; negative as null."""
    places = array(codes.astype(np.int8), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(places, array(list(names)))


def repeated(column: Column, loan_of_row: Array) -> Column:
    """Return a loan's text on each of its rows, as a dictionary."""
    values = column.combine_chunks()
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    return values.take(array(loan_of_row))


def panel_table(loans: pa.Table, disbursed: Array, rows: Array, rows_at: Array) -> pa.Table:
    """Return the panel of a chunk of loans in the columns of the schema.

    Parameters
    ----------
    loans : pyarrow.Table
        The loans, sorted; their dimensions are carried.
    disbursed, rows, rows_at : ndarray
        As `finish` takes them.
    """
    status = rows[:, R_STATUS]
    month, cohort = month_of(rows[:, R_MONTH_END]), month_of(disbursed)
    balance = np.ascontiguousarray(rows[:, R_OUTSTANDING])
    code = np.empty(len(rows), dtype=np.int16)
    loan = np.repeat(np.arange(len(loans)), np.diff(rows_at))
    follow(loan, month, status, rows[:, R_DAYS], balance, rows[:, R_DECLARED], nobody(), code)
    exposure = np.where(status == WRITTEN_OFF, rows[:, R_OFF_EXPOSURE], balance)
    opening, first_30, first_90 = (np.empty(len(rows), dtype=np.int64) for _ in range(3))
    opening_of(0, len(rows), code, balance, opening)
    frozen_of(0, len(loans), rows_at, code, EVER_30, exposure, first_30)
    frozen_of(0, len(loans), rows_at, code, EVER_90, exposure, first_90)
    days = np.where(status == ACTIVE, rows[:, R_DAYS], 0)
    columns: dict[str, Column] = {
        "loan_id": repeated(loans["loan_id"], loan),
        "borrower_id": repeated(loans["borrower_id"], loan),
        "month_end": dates(rows[:, R_MONTH_END]),
        "cohort_month": first_days(cohort).take(array(loan)),
        "months_on_book": array(month - cohort[loan]),
        "disbursed_amount": loans["principal_amount"].combine_chunks().take(array(loan)),
        "opening_state": coded(opening_state_of(code), STATE_CODES),
        "state": coded(state_of(code), STATE_CODES),
        "days_past_due": array(days, mask=status == WRITTEN_OFF),
        "opening_principal_amount": money(opening),
        "outstanding_principal_amount": money(balance),
        "exposure_amount": money(exposure),
        "scheduled_principal_amount": money(rows[:, R_SCHEDULED]),
        "paid_principal_amount": money(rows[:, R_PAID_PRINCIPAL]),
        "unscheduled_principal_amount": money(
            unscheduled(rows[:, R_SCHEDULED], rows[:, R_PAID_PRINCIPAL])
        ),
        "paid_interest_amount": money(rows[:, R_PAID_INTEREST]),
        "written_off_amount": money(rows[:, R_OFF]),
        "recovered_amount": money(rows[:, R_RECOVERED]),
        "recovery_cost_amount": money(rows[:, R_COST]),
        "first_over_30_amount": money(first_30),
        "first_over_90_amount": money(first_90),
    }
    for name, flag in FLAG_COLUMNS.items():
        columns[name] = array(code & flag != 0)
    for name in PANEL.dimensions:
        columns[name] = repeated(loans[name], loan)
    return pa.table({name: columns[name] for name in PANEL.names})
