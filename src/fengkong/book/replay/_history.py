"""The month-ends of a book in memory, as narrow arrays: what a measure that only adds up needs.

Only for a book whose loans all have loan_months: they are read in one pass, and nothing is written.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any

import ibis
import ibis.expr.datatypes as dt
import numpy as np
import pyarrow as pa
from numba import njit

from fengkong.book.replay import _panel as pn
from fengkong.book.replay._arrow import Column, array
from fengkong.book.replay._events import days_of
from fengkong.book.replay._loan import ACTIVE, CLOSED, WRITTEN_OFF
from fengkong.foundation.calendar import day_number, month_and_day, month_first
from fengkong.foundation.money import to_cents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date

    from fengkong.book.view import View

Array = np.ndarray[Any, Any]
THREADS = max(1, min(8, os.cpu_count() or 1))
ROWS_MAX = 100_000_000
"""Month-ends that are held in memory: 8 bytes each (12 of large amounts)."""

_BATCH_ROWS = 20_000
"""Small enough to stay in the processor's cache until they are taken over."""

FLOWS = (
    "scheduled_principal_amount", "paid_principal_amount", "paid_interest_amount",
    "written_off_amount", "recovered_amount", "recovery_cost_amount",
)  # fmt: skip


def in_parts(count: int, work: Callable[[int, int], None]) -> None:
    """Run ``work(first, stop)`` over ``count`` things, a thread for each part."""
    edges = np.linspace(0, count, THREADS + 1).astype(np.int64)
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))


class History:
    """Month-ends of a view, sorted by loan and month.

    Attributes
    ----------
    order : pyarrow.Array or None
        The loans in the order of their rows, those without rows last; None: as they are read.
    disbursed : ndarray of int64, shape (loans,)
        Principal disbursed in cents.
    cohort : ndarray of int64, shape (loans,)
        Month number of disbursement.
    at : ndarray of int64, shape (loans + 1,)
        Start of each loan's rows.
    month : ndarray of int16, shape (rows,)
        Month number (12 * year + month - 1).
    balance : ndarray of int32 or int64, shape (rows,)
        Principal outstanding in cents.
    code : ndarray of int16, shape (rows,)
        What the row tells apart, see `_panel`.
    used : ndarray of int
        The codes that occur.
    sums : dict
        What `_summed` keeps for the next measure.
    last_month : int
        Month number up to which an ended loan stays what it is.
    """

    def __init__(
        self,
        loans: pa.Table,
        order: Column | None,
        at: Array,
        facts: _Facts,
        read: Callable[[Sequence[str]], Iterator[pa.RecordBatch]],
    ) -> None:
        self.order, self.at, self._read = order, at, read
        self.disbursed = to_cents(loans["principal_amount"])
        self.cohort = pn.month_of(days_of(loans["disbursed_on"], 0))
        self.month, self.code = facts.month, facts.code
        self.balance = facts.balance.values
        self.last_month = int(self.month.max())
        self.used = np.flatnonzero(facts.used)
        self.sums: dict[Any, Any] = {}

    def flows(self, names: Sequence[str]) -> Iterator[tuple[int, dict[str, Array]]]:
        """Read amounts that the facts say of each row, in cents, 0 where they say nothing.

        They are not kept: yields the first row of a batch and its amounts by name.
        """
        first = 0
        for batch in self._read(names):
            yield first, {name: _whole(batch[name]) for name in names}
            first += len(batch)

    def may_add(self, cents: int) -> bool:
        """Whether an amount of that size on every row of the panel still has a sum of 64 bits."""
        months = self.ranges[1][0]
        return cents * max(len(self.month), len(self.cohort) * months) < 2**62

    @cached_property
    def opens_written_off(self) -> bool:
        """Whether the first row of some loan is one of a written-off loan."""
        starts = self.at[:-1][np.diff(self.at) > 0]
        return bool((pn.state_of(self.code[starts]) == pn.WRITTEN_OFF_STATE).any())

    @cached_property
    def ranges(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """First of, and how many, months, cohorts and ages there are."""
        some = np.diff(self.at) > 0
        cohort = self.cohort[some]
        first = self.month[self.at[:-1][some]].astype(np.int64)
        ends = self.at[1:][some] - 1
        ended = pn.state_of(self.code[ends]) >= pn.PAID_OFF_STATE
        age = np.where(ended, self.last_month, self.month[ends]) - cohort
        lows = int(first.min()), int(cohort.min()), int((first - cohort).min())
        sizes = self.last_month, int(cohort.max()), int(age.max())
        return lows, (sizes[0] - lows[0] + 1, sizes[1] - lows[1] + 1, sizes[2] - lows[2] + 1)


def read_history(view: View) -> History | None:
    """Read the month-ends of a view; None where its panel cannot be told from them alone.

    That is: a loan has no loan_months in a book with payments or schedules, rows belong to no
    loan, they are too many for memory, or a month-end is not the last day of its month.
    """
    if not 0 < view.rows_at_most("loan_months") <= ROWS_MAX:
        return None
    loans = _read_loans(view, ["disbursed_on", "principal_amount"], owner=True)
    if not len(loans):
        return None
    owners = np.asarray(loans["owner"].combine_chunks())
    sort = not view.keeps_order("loan_months")
    facts = _read_facts(view, sort=sort)
    places, seen = _places(facts.owners, owners)
    if not sort and (not facts.ascends or seen.sum() < len(places)):
        sort, facts = True, _read_facts(view, sort=True)
        places, seen = _places(facts.owners, owners)
    if not facts.rows or not facts.whole_months or places.min() < 0:
        return None
    rest = np.flatnonzero(~seen)
    at = np.concatenate([facts.starts, np.full(len(rest) + 1, facts.rows)])
    order = np.concatenate([places, rest])
    in_order = None if np.array_equal(order, np.arange(len(order))) else array(order)
    loans = loans if in_order is None else loans.take(in_order)
    young = days_of(loans["disbursed_on"], 0)[len(places) :] > _last_month_end(view.as_of)
    replayed = any(view.rows_at_most(name) for name in ("payments", "instalments"))
    if replayed and not young.all():
        return None
    history = History(loans, in_order, at, facts, lambda names: _scan(view, names, sort=sort))
    most = max(facts.balance.largest, largest(history.disbursed))
    return history if history.may_add(most) else None


def largest(cents: Array) -> int:
    """Return the largest amount, of whatever sign."""
    return max(int(cents.max()), -int(cents.min()))


def _read_loans(view: View, names: Sequence[str], *, owner: bool = False) -> pa.Table:
    """Read columns of the loans, always in the same order; the hash of their number when asked."""
    loans = view.table("loans")
    if not view.keeps_order("loans"):
        loans = loans.order_by("loan_id")
    more = {"owner": _hash(loans.loan_id)} if owner else {}
    return loans.select(*names, **more).to_pyarrow()


def loan_columns(view: View, history: History, names: Sequence[str]) -> pa.Table:
    """Read columns of the loans, in the order of the history."""
    found = _read_loans(view, names)
    return found if history.order is None else found.take(history.order)


def _last_month_end(as_of: date) -> int:
    """Return the day number of the last month-end up to ``as_of``."""
    month, _ = month_and_day(day_number(as_of) + 1)
    return month_first(month) - 1


def _places(found: Array, owners: Array) -> tuple[Array, Array]:
    """Return the place of each owner among the loans (-1: not there), and which loans own rows.

    Owners are hashes of loan numbers. Two loans of one hash would be taken for one: then nothing
    is found, and the panel is read row by row.
    """
    seen = np.zeros(len(owners), dtype=bool)
    ranked = np.sort(owners)
    if (ranked[1:] == ranked[:-1]).any():
        return np.full(len(found), -1), seen
    if np.array_equal(found, owners):
        return np.arange(len(found)), ~seen
    order = np.argsort(owners)
    at = np.minimum(np.searchsorted(ranked, found), len(owners) - 1)
    places = np.where(ranked[at] == found, order[at], -1)
    seen[places[places >= 0]] = True
    return places, seen


class _Cents:
    """Amounts of rows, as int32 for as long as they fit (21 million), then as int64."""

    def __init__(self, room: int) -> None:
        self.values, self.largest = np.empty(room, dtype=np.int32), 0

    def put(self, first: int, cents: Array) -> None:
        """Keep the amounts of a batch."""
        self.largest = max(self.largest, largest(cents))
        if self.values.dtype == np.int32 and self.largest > _INT32_MAX:
            self.values = self.values.astype(np.int64)
        self.values[first : first + len(cents)] = cents


class _Facts:
    """Rows of loan_months as they come, batch by batch, in arrays of their own.

    Attributes
    ----------
    month, code : ndarray of int16
        As in `History`.
    balance : _Cents
    starts : ndarray of int64
        The first row of each loan.
    owners : ndarray of uint64
        Hash of the number of the loan that starts there.
    ascends : bool
        The rows of a loan that stand together come oldest first.
    whole_months : bool
        Every month-end is the last day of its month.
    """

    def __init__(self, room: int, as_of: date) -> None:
        self.month, self.code = (np.empty(room, dtype=np.int16) for _ in range(2))
        self.balance, self.used = _Cents(room), np.zeros(pn.CODES, dtype=bool)
        self.rows, self.ascends, self.whole_months = 0, True, True
        self._starts: list[Array] = []
        self._owners: list[Array] = []
        self._last: tuple[Any, Any] | None = None
        self._carry = pn.nobody()
        every = np.arange(_FIRST_DAY, day_number(as_of) + 2, dtype=np.int64)
        months = pn.month_of(every)
        last = np.append(months[1:] > months[:-1], False)
        last &= months <= np.iinfo(np.int16).max
        self._month_of_last_day = np.where(last, months, -1).astype(np.int16)

    def add(self, batch: pa.RecordBatch) -> None:
        """Keep a batch of rows."""
        first, self.rows = self.rows, self.rows + len(batch)
        month, code = (column[first : self.rows] for column in (self.month, self.code))
        owner, day = np.asarray(batch["owner"]), np.asarray(batch["month_end"].cast(pa.int32()))
        status, declared = np.asarray(batch["status"]), np.asarray(batch["declared"])
        ended = np.flatnonzero(status != ACTIVE)
        days, balance = _whole(batch["days"]).copy(), _whole(batch["balance"]).copy()
        days[ended] = balance[ended] = 0
        starts, whole, ascends = _take_months(owner, day, self._month_of_last_day, month)
        pn.follow(owner.view(np.int64), month, status, days, balance, declared, self._carry, code)
        self.balance.put(first, balance)
        _mark(code, self.used)
        if self._last is not None and self._last[0] == owner[0]:
            starts, ascends = starts[1:], ascends and self._last[1] < day[0]
        self.whole_months &= whole
        self.ascends &= ascends
        self._last = (owner[-1], day[-1])
        self._starts.append(starts + first)
        self._owners.append(owner[starts])

    def finish(self) -> None:
        """Cut the columns to the rows that came."""
        self.month, self.code = self.month[: self.rows], self.code[: self.rows]
        self.balance.values = self.balance.values[: self.rows]
        self.starts = np.concatenate([np.zeros(0, np.int64), *self._starts])
        self.owners = np.concatenate([np.zeros(0, np.uint64), *self._owners])


_INT32_MAX = np.iinfo(np.int32).max
_FIRST_DAY = -30_000
"""Before the first month-end that a book may hold, as a day number."""


@njit(cache=True, nogil=True)
def _take_months(
    owner: Array, day: Array, month_of_last_day: Array, month: Array
) -> tuple[Array, bool, bool]:
    """Fill the month numbers of rows.

    Returns
    -------
    starts : ndarray of int64
        Rows whose owner is not that of the row before; the first row always.
    whole, ascends : bool
        All are ends of months; each owner's days ascend.
    """
    starts, count = np.empty(len(day), dtype=np.int64), 0
    whole, ascends = True, True
    for r in range(len(day)):
        if r == 0 or owner[r] != owner[r - 1]:
            starts[count] = r
            count += 1
        else:
            ascends &= day[r] > day[r - 1]
        month[r] = month_of_last_day[day[r] - _FIRST_DAY] if day[r] >= _FIRST_DAY else -1
        whole &= month[r] >= 0
    return starts[:count].copy(), whole, ascends


@njit(cache=True, nogil=True)
def _mark(code: Array, used: Array) -> None:
    for r in range(len(code)):
        used[code[r]] = True


@ibis.udf.scalar.builtin(name="hash", signature=((dt.string,), dt.uint64))
def _hash(loan_id):  # type: ignore[no-untyped-def]
    """Return DuckDB's 64-bit hash."""


def _read_facts(view: View, *, sort: bool) -> _Facts:
    """Read what every measure needs."""
    months = view.table("loan_months")
    status = ibis.cases(
        (months.status == "closed", CLOSED), (months.status == "written_off", WRITTEN_OFF),
        else_=ACTIVE,
    )  # fmt: skip
    wanted = {
        "owner": _hash(months.loan_id),
        "month_end": months.month_end,
        "status": status.cast("int8"),
        "days": months.days_past_due,
        "balance": months.outstanding_principal_amount,
        "declared": months.defaulted.fill_null(False).cast("int8"),
    }
    facts = _Facts(view.rows_at_most("loan_months"), view.as_of)
    for batch in _scan(view, wanted, sort=sort):
        facts.add(batch)
    facts.finish()
    return facts


def _whole(column: Column) -> Array:
    """Return integers, or amounts (decimal64) in cents, as they come from a scan; null as 0."""
    whole = np.frombuffer(column.buffers()[1], dtype=np.int64)
    whole = whole[column.offset : column.offset + len(column)]
    if not column.null_count:
        return whole
    return np.where(_flags(column.is_valid()), whole, 0)


def _flags(column: Column) -> Array:
    """Return booleans without nulls (Arrow's own way is slower)."""
    bits = np.frombuffer(column.buffers()[1], dtype=np.uint8)
    return np.unpackbits(bits, count=column.offset + len(column), bitorder="little")[
        column.offset :
    ].view(bool)


def _scan(
    view: View, columns: Sequence[str] | dict[str, Any], *, sort: bool
) -> Iterator[pa.RecordBatch]:
    """Scan loan_months, sorted by key or in the order of the files.

    Both orders are the same in every call (DuckDB keeps the order of a plain scan), so an amount
    that is asked for later fits the rows read first.
    """
    months = view.table("loan_months")
    if sort:
        months = months.order_by(["loan_id", "month_end"])
    named = columns if isinstance(columns, dict) else {name: months[name] for name in columns}
    return view.batches(months.select(**named), _BATCH_ROWS)
