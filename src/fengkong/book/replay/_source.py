"""Which loans a view replays, which have month-ends of their own, and how chunks are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.schema import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fengkong.book.view import View

    Reader = Any

CHUNK = 50_000
LOAN_COLUMNS = TABLES["loans"].names


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Loan numbers by the shape of their facts, each sorted.

    Attributes
    ----------
    months : pyarrow.Array
        Loans with rows in loan_months: the platform's own end of day is used.
    replayed : pyarrow.Array
        Loans with a schedule, or terms to make one, in a book of payments.
    outcomes : pyarrow.Array
        Loans of which only totals are known: no history, no state at a date.
    both : pyarrow.Array
        Those of ``months`` that can be replayed too: the book has payments and their terms.
    """

    months: Column
    replayed: Column
    outcomes: Column
    both: Column


def _ids(expression: Any) -> Column:
    column = expression.to_pyarrow()["loan_id"].combine_chunks().cast(pa.string())
    return column.take(pc.sort_indices(column))


def _has_parts(view: View, name: str) -> bool:
    """Tell whether the table has a row that was known, of whatever business date."""
    return view.rows_at_most(name) > 0


def _without(ids: Column, others: Column) -> Column:
    return ids.filter(pc.invert(pc.is_in(ids, value_set=others)))


def sources(view: View) -> Sources:
    """Sort the loans of a view by the shape of their facts."""
    empty = array([], type=pa.string())
    loans = view.table("loans")
    months = empty
    if _has_parts(view, "loan_months"):
        months = _ids(view.table("loan_months").select("loan_id").distinct())
        months = months.filter(pc.is_in(months, value_set=_ids(loans.select("loan_id"))))
    outcomes = empty
    if _has_parts(view, "loan_outcomes"):
        outcomes = _ids(view.table("loan_outcomes").select("loan_id").distinct())
        if _has_parts(view, "payments"):
            outcomes = _without(outcomes, _ids(view.table("payments").select("loan_id").distinct()))
    replayed = empty
    scheduled = empty
    if _has_parts(view, "instalments"):
        scheduled = _ids(view.table("instalments").select("loan_id").distinct())
    if _has_parts(view, "payments") or len(scheduled):
        known = loans.rate_annual.notnull() & loans.term_months.notnull() & loans.method.notnull()
        replayed = _ids(loans.filter(known).select("loan_id"))
        if len(scheduled):
            there = _ids(loans.select("loan_id"))
            scheduled = scheduled.filter(pc.is_in(scheduled, value_set=there))
            replayed = pa.concat_arrays([replayed, _without(scheduled, replayed)])
            replayed = replayed.take(pc.sort_indices(replayed))
    paid = _has_parts(view, "payments")
    return Sources(
        both=replayed.filter(pc.is_in(replayed, value_set=months)) if paid else empty,
        months=months,
        replayed=_without(_without(replayed, months), outcomes),
        outcomes=_without(outcomes, months),
    )


def chunks(ids: Column, size: int = CHUNK) -> Iterator[Column]:
    """Cut sorted loan numbers into runs of ``size``."""
    for start in range(0, len(ids), size):
        yield ids.slice(start, size)


def reader(view: View, ids: Column) -> Reader:
    """Return a function that reads a table's columns for a run of loan numbers."""
    low, high = ids[0].as_py(), ids[-1].as_py()

    def read(name: str, columns: list[str]) -> pa.Table:
        table = view.table(name)
        if not _has_parts(view, name):
            table = table.limit(0)
        picked = table.filter(table.loan_id.between(low, high)).select(columns)
        return picked.to_pyarrow()

    return read


def read_loans(read: Reader, ids: Column) -> pa.Table:
    """Read the loans of a run, sorted by number."""
    loans = read("loans", list(LOAN_COLUMNS))
    loans = loans.set_column(0, "loan_id", loans["loan_id"].cast(pa.string()))
    loans = loans.filter(pc.is_in(loans["loan_id"], value_set=ids))
    return loans.take(pc.sort_indices(loans["loan_id"])).combine_chunks()
