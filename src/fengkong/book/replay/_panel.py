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
from fengkong.foundation.calendar import month_and_day, month_first
from fengkong.foundation.money import from_cents

if TYPE_CHECKING:
    from collections.abc import Iterable

Array = np.ndarray[Any, Any]

NULL = np.iinfo(np.int64).min
PAID_OFF_STATE, WRITTEN_OFF_STATE = 8, 9
(F_OPENING_STATE, F_STATE, F_OPENING, F_EXPOSURE, F_COHORT, F_MONTHS, F_OVER_30, F_OVER_90,
 F_FIRST_30, F_FIRST_90, F_ENTERED, F_DEFAULTED) = range(12)  # fmt: skip


@njit(cache=True)
def bucket(days: int) -> int:
    """Return 0 for C, 1 to 7 for M1 to M7: 1-30, 31-60, ..., above 180."""
    if days <= 0:
        return 0
    return min(7, (days + 29) // 30)


@njit(cache=True)
def finish(rows: Array, rows_at: Array, disbursed: Array) -> Array:
    """Complete the month-end rows of many loans.

    Parameters
    ----------
    rows : ndarray of int64, shape (rows, ROW)
        Sorted by loan and month.
    rows_at : ndarray of int64, shape (loans + 1,)
        Start of each loan.
    disbursed : ndarray of int64, shape (loans,)
        Day of disbursement.

    Returns
    -------
    ndarray of int64, shape (rows, 12)
        Columns ``F_*``.
    """
    out = np.zeros((len(rows), 12), dtype=np.int64)
    for loan in range(len(disbursed)):
        cohort, _ = month_and_day(disbursed[loan])
        over_30, over_90, defaulted = 0, 0, 0
        first_30, first_90 = 0, 0
        last_balance, last_month, last_state = 0, -1, -1
        for r in range(rows_at[loan], rows_at[loan + 1]):
            status, balance = rows[r, R_STATUS], rows[r, R_OUTSTANDING]
            month, _ = month_and_day(rows[r, R_MONTH_END])
            state = bucket(rows[r, R_DAYS])
            exposure = balance
            if status == CLOSED:
                state = PAID_OFF_STATE
            elif status == WRITTEN_OFF:
                state = WRITTEN_OFF_STATE
                exposure = rows[r, R_OFF_EXPOSURE]
            follows = last_month == month - 1
            out[r, F_OPENING_STATE] = last_state if follows else -1
            out[r, F_OPENING] = last_balance if follows else 0
            out[r, F_STATE] = state
            out[r, F_EXPOSURE] = exposure
            out[r, F_COHORT] = month_first(cohort)
            out[r, F_MONTHS] = month - cohort
            if over_30 == 0 and (2 <= state <= 7 or state == WRITTEN_OFF_STATE):
                over_30, first_30 = 1, exposure
            if over_90 == 0 and (4 <= state <= 7 or state == WRITTEN_OFF_STATE):
                over_90, first_90 = 1, exposure
            bad = rows[r, R_DAYS] > 90 or state == WRITTEN_OFF_STATE or rows[r, R_DECLARED] == 1
            out[r, F_ENTERED] = 1 if bad and defaulted == 0 else 0
            defaulted = 1 if bad else defaulted
            out[r, F_OVER_30], out[r, F_OVER_90] = over_30, over_90
            out[r, F_FIRST_30], out[r, F_FIRST_90] = first_30, first_90
            out[r, F_DEFAULTED] = defaulted
            last_balance, last_month, last_state = balance, month, state
    return out


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
    more = finish(rows, rows_at, disbursed)
    loan = np.repeat(np.arange(len(loans), dtype=np.int32), np.diff(rows_at))
    status = rows[:, R_STATUS]
    days = np.where(status == ACTIVE, rows[:, R_DAYS], 0)
    columns: dict[str, Column] = {
        "loan_id": repeated(loans["loan_id"], loan),
        "borrower_id": repeated(loans["borrower_id"], loan),
        "month_end": dates(rows[:, R_MONTH_END]),
        "cohort_month": dates(more[:, F_COHORT]),
        "months_on_book": array(more[:, F_MONTHS]),
        "disbursed_amount": loans["principal_amount"].combine_chunks().take(array(loan)),
        "opening_state": coded(more[:, F_OPENING_STATE], STATE_CODES),
        "state": coded(more[:, F_STATE], STATE_CODES),
        "days_past_due": array(days, mask=status == WRITTEN_OFF),
        "opening_principal_amount": money(more[:, F_OPENING]),
        "outstanding_principal_amount": money(rows[:, R_OUTSTANDING]),
        "exposure_amount": money(more[:, F_EXPOSURE]),
        "scheduled_principal_amount": money(rows[:, R_SCHEDULED]),
        "paid_principal_amount": money(rows[:, R_PAID_PRINCIPAL]),
        "paid_interest_amount": money(rows[:, R_PAID_INTEREST]),
        "written_off_amount": money(rows[:, R_OFF]),
        "recovered_amount": money(rows[:, R_RECOVERED]),
        "recovery_cost_amount": money(rows[:, R_COST]),
        "ever_over_30": array(more[:, F_OVER_30] == 1),
        "ever_over_90": array(more[:, F_OVER_90] == 1),
        "first_over_30_amount": money(more[:, F_FIRST_30]),
        "first_over_90_amount": money(more[:, F_FIRST_90]),
        "default_entered": array(more[:, F_ENTERED] == 1),
        "defaulted": array(more[:, F_DEFAULTED] == 1),
    }
    for name in PANEL.dimensions:
        columns[name] = repeated(loans[name], loan)
    return pa.table({name: columns[name] for name in PANEL.names})
