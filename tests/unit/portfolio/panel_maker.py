"""Small tables of a view, made by hand: the panel from month-end paths, states from rows."""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from fengkong.book.schema import DERIVED, TABLES
from fengkong.foundation.columns import Kind, Table

ARROW = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.MONEY: pa.decimal128(18, 2),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.DATE: pa.date32(),
    Kind.INSTANT: pa.timestamp("us", tz="UTC"),
}
ZERO = Decimal("0.00")
DAYS = {"C": 0, "P": 0} | {f"M{n}": 30 * n - 15 for n in range(1, 8)} | {"M7": 200}
OVER_30 = ("M2", "M3", "M4", "M5", "M6", "M7", "W")
OVER_90 = ("M4", "M5", "M6", "M7", "W")


def arrow(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the schema; absent columns are null."""
    table: Table = {**TABLES, **DERIVED}[name]
    rows = [_completed(row) for row in rows] if name == "panel" else list(rows)
    unknown = {key for row in rows for key in row} - set(table.names)
    assert not unknown, unknown
    return pa.table(
        {
            column.name: pa.array([row.get(column.name) for row in rows], ARROW[column.kind])
            for column in table.columns
        }
    )


def _completed(row: Mapping[str, Any]) -> dict[str, Any]:
    """Add to a row of the panel what follows from its other amounts."""
    opening = row.get("opening_principal_amount") or ZERO
    paid, due = (row.get(f"{word}_principal_amount") or ZERO for word in ("paid", "scheduled"))
    return {
        "was_open": opening > 0,
        "unscheduled_principal_amount": max(paid - due, ZERO),
    } | dict(row)


def memory(name: str, rows: Iterable[Mapping[str, Any]]) -> ir.Table:
    return ibis.memtable(arrow(name, rows))


def month_end(number: int) -> date:
    """Last day of the month with this number (year * 12 + month - 1)."""
    year, month = divmod(number, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


def month_of(text: str) -> int:
    year, month = text.split("-")
    return int(year) * 12 + int(month) - 1


def panel_rows(
    loan: Mapping[str, Any], first_month: int, **dimensions: Any
) -> list[dict[str, Any]]:
    """Rows of one loan: path from the later of its month of disbursement and ``first_month``."""
    born = month_of(loan["disbursed"])
    start = max(born, first_month)
    rows: list[dict[str, Any]] = []
    state_before, balance_before, exposure = None, ZERO, ZERO
    frozen = {30: ZERO, 90: ZERO}
    ever = {30: False, 90: False}
    defaulted = False
    for step, (state, text) in enumerate(loan["path"]):
        balance = Decimal(text)
        if state == "W" and state_before != "W":
            exposure = balance_before if state_before else Decimal(loan["principal"])
        exposure = exposure if state == "W" else balance
        for days, bad in ((30, OVER_30), (90, OVER_90)):
            if state in bad and not ever[days]:
                frozen[days], ever[days] = exposure, True
        entered = state in OVER_90 and not defaulted
        defaulted = defaulted or entered
        number = start + step
        rows.append({
            "loan_id": loan["id"], "borrower_id": loan.get("borrower"),
            "month_end": month_end(number), "cohort_month": month_end(born).replace(day=1),
            "months_on_book": number - born, "disbursed_amount": Decimal(loan["principal"]),
            "opening_state": state_before, "state": state,
            "days_past_due": None if state == "W" else DAYS[state],
            "opening_principal_amount": balance_before,
            "outstanding_principal_amount": balance,
            "exposure_amount": exposure, "ever_over_30": ever[30],
            "ever_over_90": ever[90], "first_over_30_amount": frozen[30],
            "first_over_90_amount": frozen[90], "default_entered": entered,
            "defaulted": defaulted, **dimensions,
        })  # fmt: skip
        state_before, balance_before = state, balance
    return rows


def panel_of(loans: Sequence[Mapping[str, Any]], first_month: str) -> ir.Table:
    start = month_of(first_month)
    return memory("panel", [row for loan in loans for row in panel_rows(loan, start)])


def lines(table: ir.Table) -> list[dict[str, Any]]:
    """Rows of a result, in its order."""
    return table.to_pyarrow().to_pylist()
