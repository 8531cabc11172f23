"""Schedules from terms, and what a replay says of payments and schedules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from fengkong.book._intake import arrow_schema
from fengkong.book.replay import _loan as ln
from fengkong.book.replay import _terms as tm
from fengkong.book.replay._arrow import array
from fengkong.book.replay._events import E_DAY, E_KIND, E_REVERSED_ON, K_RECOVERY, terms_of
from fengkong.book.replay._panel import dates, money
from fengkong.book.replay._replayed import Replayed, replay
from fengkong.book.replay._source import chunks, read_loans, reader, sources
from fengkong.book.schema import TABLES
from fengkong.foundation.calendar import day_number
from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fengkong.book.view import View


def make_schedules(loans: pa.Table) -> pa.Table:
    """Make the contract schedules of loans from their terms.

    Parameters
    ----------
    loans : pyarrow.Table
        Columns of `fengkong.book.schema` ``loans``; rate, term and method are needed, missing
        columns read as null. Where first_due_on is absent it is a month after disbursement.

    Returns
    -------
    pyarrow.Table
        Columns of ``instalments``, version 0, in the order of ``loans``.

    Raises
    ------
    InputError
        A loan has no rate, term or method, or a term below 1.

    Notes
    -----
    30/360 gives every period a twelfth of the annual rate (a bullet: as many as its months), also
    an odd first one; ACT counts calendar days. Each amount is rounded half up to the cent by
    integer arithmetic, the last instalment takes what is left. Due days are cut to the month.
    """
    loans = _with_all_columns(loans)
    terms = terms_of(loans)
    wrong = (terms[:, tm.T_METHOD] < 0) | (terms[:, tm.T_RATE] < 0) | (terms[:, tm.T_TERM] < 1)
    if wrong.any():
        first = loans["loan_id"][int(np.flatnonzero(wrong)[0])]
        raise InputError(
            f"{int(wrong.sum())} of {len(loans)} loans have no rate, term or method (first: "
            f"{first}); give them terms or bring their instalments"
        )
    counts = np.where(terms[:, tm.T_METHOD] == tm.BULLET, 1, terms[:, tm.T_TERM])
    offsets = np.concatenate([[0], np.cumsum(counts)])
    made = tm.build_many(terms, offsets, int(counts.max(initial=1)))
    loan = np.repeat(np.arange(len(loans)), counts)
    columns = {
        "loan_id": loans["loan_id"].take(array(loan)),
        "schedule_version": array(np.zeros(len(loan), dtype=np.int64)),
        "instalment_number": array(made[0]),
        "effective_on": dates(terms[loan, tm.T_START]),
        "due_on": dates(made[1]),
        "principal_amount": money(made[2]),
        "interest_amount": money(made[3]),
        "fee_amount": money(made[4]),
    }
    schema = arrow_schema(TABLES["instalments"], stamps=False)
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _with_all_columns(loans: pa.Table) -> pa.Table:
    schema = arrow_schema(TABLES["loans"], stamps=False)
    return pa.table(
        [
            loans[field.name].cast(field.type)
            if field.name in loans.column_names
            else pa.nulls(len(loans), field.type)
            for field in schema
        ],
        schema=schema.remove_metadata(),
    )


def _replays(view: View, *, keep_schedules: bool) -> Iterator[Replayed]:
    for ids in chunks(sources(view).replayed):
        read = reader(view, ids)
        loans = read_loans(read, ids)
        yield replay(read, loans, day_number(view.as_of), keep_schedules=keep_schedules)


def allocations(view: View) -> pa.Table:
    """Say what each payment in force paid, by the replay of a view.

    Returns
    -------
    pyarrow.Table
        payment_id, loan_id, paid_on, fee_amount, interest_amount, principal_amount, credit_amount
        and the waived_fee_amount, waived_interest_amount, waived_principal_amount of a
        settlement. Sorted by loan and order of effect. Payments reversed by ``as_of`` and
        recoveries are left out.
    """
    names = (
        "fee_amount", "interest_amount", "principal_amount", "credit_amount", "waived_fee_amount",
        "waived_interest_amount", "waived_principal_amount",
    )  # fmt: skip
    tables = []
    for done in _replays(view, keep_schedules=False):
        chunk = done.chunk
        keep = (chunk.payment_rows >= 0) & (chunk.events[:, E_KIND] < K_RECOVERY)
        keep &= chunk.events[:, E_REVERSED_ON] > day_number(view.as_of)
        loan = np.repeat(np.arange(len(done.loans)), np.diff(chunk.events_at))
        columns: dict[str, Any] = {
            "payment_id": chunk.payment_ids.take(array(chunk.payment_rows[keep])),
            "loan_id": done.loans["loan_id"].take(array(loan[keep])),
            "paid_on": dates(chunk.events[keep, E_DAY]),
        }
        for place, name in enumerate(names):
            columns[name] = money(done.given[keep, place])
        tables.append(pa.table(columns))
    return pa.concat_tables(tables) if tables else _empty(names, "payment_id", "paid_on")


def schedules_in_force(view: View) -> pa.Table:
    """Return the schedule of each replayed loan as it stands at the close of ``as_of``.

    Returns
    -------
    pyarrow.Table
        loan_id, instalment_number, due_on, principal_amount, interest_amount, fee_amount (with
        posted charges), and what is paid of each; sorted by loan and due date.
    """
    names = (
        "principal_amount", "interest_amount", "fee_amount", "paid_principal_amount",
        "paid_interest_amount", "paid_fee_amount",
    )  # fmt: skip
    tables = []
    for done in _replays(view, keep_schedules=True):
        counts = done.states[:, ln.S_COUNT]
        loan = np.repeat(np.arange(len(done.loans)), counts)
        within = np.arange(len(loan)) - np.repeat(np.cumsum(counts) - counts, counts)
        rows = done.final[:, done.final_at[loan] + within]
        columns: dict[str, Any] = {
            "loan_id": done.loans["loan_id"].take(array(loan)),
            "instalment_number": array(rows[tm.NUMBER]),
            "due_on": dates(rows[tm.DUE]),
        }
        amounts = (
            rows[tm.PRINCIPAL], rows[tm.INTEREST], rows[tm.FEE] + rows[tm.CHARGE],
            rows[tm.PAID_PRINCIPAL], rows[tm.PAID_INTEREST], rows[tm.PAID_FEE],
        )  # fmt: skip
        columns |= {name: money(cents) for name, cents in zip(names, amounts, strict=True)}
        tables.append(pa.table(columns))
    return pa.concat_tables(tables) if tables else _empty(names, "instalment_number", "due_on")


def _empty(amounts: tuple[str, ...], number: str, day: str) -> pa.Table:
    kind = pa.string() if number == "payment_id" else pa.int64()
    columns: dict[str, Any] = {"loan_id": pa.string(), number: kind, day: pa.date32()}
    columns |= dict.fromkeys(amounts, pa.decimal128(18, 2))
    return pa.schema(columns).empty_table()


__all__ = ["allocations", "make_schedules", "schedules_in_force"]
