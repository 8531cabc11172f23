"""Chunks of loans with month-ends of their own (loan_months): the platform's end of day is used.

What month-ends cannot show is null in the states: accrued interest, fees, what is overdue, the EBA
counter, the day the first instalment was paid. Ever flags see month-ends only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from fengkong.book.replay import _kernel as kn
from fengkong.book.replay import _terms as tm
from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.replay._eir import effective_rates
from fengkong.book.replay._events import (
    codes_of,
    days_of,
    floats_of,
    integers_of,
    places_of,
    terms_of,
)
from fengkong.book.replay._loan import ACTIVE, NO_DAY, WRITTEN_OFF
from fengkong.book.replay._panel import NULL, coded, dates, money, month_of, panel_table
from fengkong.book.replay._replayed import (
    STATUS_NAMES,
    exposures_of,
    states_table,
)
from fengkong.book.schema._derived import STATE_CODES
from fengkong.foundation.calendar import add_months
from fengkong.foundation.money import to_cents

if TYPE_CHECKING:
    from datetime import date

Array = np.ndarray[Any, Any]
_FLOWS = (
    kn.R_SCHEDULED, kn.R_PAID_PRINCIPAL, kn.R_PAID_INTEREST, kn.R_OFF, kn.R_RECOVERED, kn.R_COST,
)  # fmt: skip
_COLUMNS = [
    "month_end", "status", "days_past_due", "outstanding_principal_amount",
    "scheduled_principal_amount", "paid_principal_amount", "paid_interest_amount",
    "written_off_amount", "recovered_amount", "recovery_cost_amount", "defaulted",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Months:
    """Month-end rows of a chunk, sorted by loan and month; ``known`` counts those of the tape."""

    loans: pa.Table
    disbursed: Array
    rows: Array
    rows_at: Array
    last: Array


def _cents(column: Column) -> Array:
    cents = to_cents(column)
    return np.where(np.asarray(pc.is_valid(column)), cents, NULL) if column.null_count else cents


def _by_column(count: int) -> Array:
    """Return room for rows, each column in one piece of memory: columns are written whole."""
    return np.empty((count, kn.ROW), dtype=np.int64, order="F")


def _rows_of(table: pa.Table) -> Array:
    rows = _by_column(len(table))
    codes = {name: code for code, name in enumerate(STATUS_NAMES)}
    status = codes_of(table["status"], codes, ACTIVE)
    rows[:, kn.R_MONTH_END] = days_of(table["month_end"], 0)
    rows[:, kn.R_STATUS] = status
    rows[:, kn.R_DAYS] = np.where(status == ACTIVE, integers_of(table["days_past_due"], 0), 0)
    balance = to_cents(table["outstanding_principal_amount"])
    rows[:, kn.R_OUTSTANDING] = np.where(status == ACTIVE, balance, 0)
    for place, name in zip(_FLOWS, _COLUMNS[4:10], strict=True):
        rows[:, place] = _cents(table[name])
    declared = pc.fill_null(table["defaulted"].cast(pa.bool_()), False)
    rows[:, kn.R_DECLARED] = np.asarray(declared)
    rows[:, kn.R_OFF_EXPOSURE] = 0
    return rows


def _write_off_exposure(rows: Array, loan: Array) -> None:
    """Give written-off rows the last balance before, or what the first such row wrote off."""
    off = np.flatnonzero(rows[:, kn.R_STATUS] == WRITTEN_OFF)
    if not len(off):
        return
    owners, first = np.unique(loan[off], return_index=True)
    at = off[first]
    before = np.maximum(at - 1, 0)
    known = (at > 0) & (loan[before] == owners)
    own = rows[at, kn.R_OFF]
    exposure = np.where(known, rows[before, kn.R_OUTSTANDING], np.where(own == NULL, 0, own))
    rows[off, kn.R_OFF_EXPOSURE] = exposure[np.searchsorted(owners, loan[off])]


def _continued(rows: Array, loan: Array, horizon: int) -> tuple[Array, Array]:
    """Repeat rows of closed and written-off loans up to their next row or the horizon, flows 0.

    A platform goes on about an ended loan only in the months in which something is recovered.
    """
    month = month_of(rows[:, kn.R_MONTH_END])
    until = np.full(len(rows), horizon + 1)
    same = loan[1:] == loan[:-1]
    until[:-1][same] = month[1:][same]
    ended = rows[:, kn.R_STATUS] != ACTIVE
    times = np.where(ended, np.maximum(until - month, 1), 1)
    if len(times) == times.sum():
        return rows, times
    source = np.repeat(np.arange(len(rows)), times)
    step = np.arange(len(source)) - np.repeat(np.cumsum(times) - times, times)
    longer = _by_column(len(source))
    for place in range(kn.ROW):
        longer[:, place] = rows[:, place][source]
    extra = step > 0
    month = month_of(longer[extra, kn.R_MONTH_END]) + step[extra] - 12 * 1970
    ends = (month + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
    longer[extra, kn.R_MONTH_END] = ends
    for place in _FLOWS:
        longer[extra, place] = 0
    return longer, times


def months_of(read: Any, loans: pa.Table, horizon: int) -> Months:
    """Read the month-ends of a chunk of loans.

    Parameters
    ----------
    read : callable
        As `_source.reader` makes it.
    loans : pyarrow.Table
        The loans, sorted by number.
    horizon : int
        Month number of the last month-end the book's loan_months speak about.
    """
    table = read("loan_months", ["loan_id", *_COLUMNS])
    loan = places_of(table["loan_id"], loans["loan_id"].combine_chunks())
    rows = _rows_of(table)
    if len(loan) and loan.min() < 0:
        keep = loan >= 0
        rows, loan = np.asfortranarray(rows[keep]), loan[keep]
    key = loan * 1_000_000 + rows[:, kn.R_MONTH_END]
    if (key[1:] < key[:-1]).any():
        order = np.argsort(key, kind="stable")
        rows, loan = np.asfortranarray(rows[order]), loan[order]
    at = np.searchsorted(loan, np.arange(len(loans) + 1))
    last = at[1:] - 1
    _write_off_exposure(rows, loan)
    longer, times = _continued(rows, loan, horizon)
    place = np.concatenate([[0], np.cumsum(times)])
    return Months(
        loans=loans, disbursed=days_of(loans["disbursed_on"], 0), rows=longer, rows_at=place[at],
        last=place[last],
    )  # fmt: skip


def panel_of(done: Months) -> pa.Table:
    """Return the panel of a chunk."""
    return panel_table(done.loans, done.disbursed, done.rows, done.rows_at)


def _sums(done: Months, place: int) -> Array:
    """Sum a flow over the rows of each loan; null as 0."""
    values = np.where(done.rows[:, place] == NULL, 0, done.rows[:, place])
    totals = np.concatenate([[0], np.cumsum(values)])
    return totals[done.rows_at[1:]] - totals[done.rows_at[:-1]]


@njit(cache=True)
def _default_runs(rows: Array, rows_at: Array) -> tuple[Array, Array]:
    """Return the first day of the run of defaulted month-ends at the end, and the worst days."""
    begin = np.full(len(rows_at) - 1, NO_DAY, dtype=np.int64)
    worst = np.zeros(len(rows_at) - 1, dtype=np.int64)
    for i in range(len(begin)):
        for r in range(rows_at[i], rows_at[i + 1]):
            worst[i] = max(worst[i], rows[r, kn.R_DAYS])
            bad = (
                rows[r, kn.R_DAYS] > 90
                or rows[r, kn.R_STATUS] == WRITTEN_OFF
                or rows[r, kn.R_DECLARED] == 1
            )
            if not bad:
                begin[i] = NO_DAY
            elif begin[i] == NO_DAY:
                begin[i] = rows[r, kn.R_MONTH_END]
    return begin, worst


def states_of(done: Months, as_of: date) -> pa.Table:
    """Return the states of a chunk from the last month-end of each loan."""
    row = done.rows[done.last]
    status = row[:, kn.R_STATUS]
    active, off = status == ACTIVE, status == WRITTEN_OFF
    begin, worst = _default_runs(done.rows, done.rows_at)
    buckets = np.where(active, np.minimum(7, (np.maximum(row[:, kn.R_DAYS], 0) + 29) // 30), -1)
    terms = terms_of(done.loans)
    off_on = np.where(off, _first_off(done), NO_DAY)
    stated = floats_of(done.loans["eir_annual"])
    rates = stated
    if np.isnan(stated).any():
        width = int(max(1, terms[:, tm.T_TERM].max(initial=1)))
        none = np.zeros((5, 0), dtype=np.int64)
        at = np.zeros(len(terms) + 1, dtype=np.int64)
        upfront = to_cents(done.loans["upfront_fee_amount"])
        rates = np.where(np.isnan(stated), effective_rates(terms, none, at, upfront, width), stated)
    columns: dict[str, Any] = {
        "status": coded(status, STATUS_NAMES),
        "months_on_book": array(as_of.year * 12 + as_of.month - 1 - month_of(done.disbursed)),
        "outstanding_principal_amount": money(row[:, kn.R_OUTSTANDING]),
        "days_past_due": array(row[:, kn.R_DAYS], mask=off),
        "bucket": coded(buckets, STATE_CODES[:8]),
        "ever_over_30": array((worst > 30) | off),
        "ever_over_90": array((worst > 90) | off),
        "days_past_due_max": array(worst),
        "declared_default": array(row[:, kn.R_DECLARED] == 1),
        "default_on": dates(begin),
        "written_off_on": dates(off_on),
        "written_off_principal_amount": money(np.where(off, row[:, kn.R_OFF_EXPOSURE], NULL)),
        "recovered_amount": money(_sums(done, kn.R_RECOVERED)),
        "recovery_cost_amount": money(_sums(done, kn.R_COST)),
        "first_due_on": done.loans["first_due_on"],
        "matures_on": dates(_maturity(terms)),
        "rate_annual": done.loans["rate_annual"],
        "eir_annual": array(rates, mask=np.isnan(rates)),
    }
    return states_table(done.loans, columns)


def _first_off(done: Months) -> Array:
    off = done.rows[:, kn.R_STATUS] == WRITTEN_OFF
    first = np.full(len(done.loans), NO_DAY, dtype=np.int64)
    loan = np.repeat(np.arange(len(first)), np.diff(done.rows_at))[off]
    owners, at = np.unique(loan, return_index=True)
    first[owners] = done.rows[off, kn.R_MONTH_END][at]
    return first


@njit(cache=True)
def _maturity(terms: Array) -> Array:
    """Return the last due date by the terms; null where the term is unknown."""
    result = np.full(len(terms), NO_DAY, dtype=np.int64)
    for i in range(len(terms)):
        own = terms[i].copy()
        if own[tm.T_TERM] > 0:
            tm.complete(own)
            later = 0 if own[tm.T_METHOD] == tm.BULLET else own[tm.T_TERM] - 1
            result[i] = add_months(own[tm.T_FIRST_DUE], later)
    return result


@njit(cache=True)
def _exposed(terms: Array, left: Array, balance: Array, as_of: int, years: int) -> Array:
    """Amortise each balance over the ``left`` monthly instalments; one year where unknown."""
    result = np.zeros((len(terms), years), dtype=np.int64)
    schedule = np.zeros((tm.SCHEDULE_ROWS, 12 * years), dtype=np.int64)
    for i in range(len(terms)):
        result[i, 0] = balance[i]
        method = terms[i, tm.T_METHOD]
        if balance[i] == 0 or left[i] <= 12 or method < 0 or terms[i, tm.T_RATE] < 0:
            continue
        n = min(left[i], 12 * years)
        start = as_of
        for k in range(n):
            schedule[tm.START, k] = start
            start = schedule[tm.DUE, k] = add_months(as_of, k + 1)
        kind = tm.INTEREST_ONLY if method == tm.BULLET else method
        tm.amortise(schedule, 0, n, balance[i], terms[i, tm.T_RATE], kind, tm.THIRTY_360, 1)
        rest = balance[i]
        for k in range(n):
            if k > 0 and k % 12 == 0:
                result[i, k // 12] = rest
            rest -= schedule[tm.PRINCIPAL, k]
    return result


def exposures(done: Months, as_of: date, day: int) -> pa.Table:
    """Return exposures by year: the balance amortised over the remaining term from ``as_of``."""
    terms = terms_of(done.loans)
    row = done.rows[done.last]
    balance = np.where(row[:, kn.R_STATUS] == ACTIVE, row[:, kn.R_OUTSTANDING], 0)
    on_book = as_of.year * 12 + as_of.month - 1 - month_of(done.disbursed)
    left = np.maximum(1, terms[:, tm.T_TERM] - on_book)
    years = int(min(60, max(1, -(-int(left.max(initial=1)) // 12))))
    return exposures_of(done.loans["loan_id"], _exposed(terms, left, balance, day, years))
