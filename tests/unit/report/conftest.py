"""A small book in memory: 600 loans that walk at random through the buckets for 14 months."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from fengkong.book.schema import DERIVED, TABLES

AS_OF = date(2026, 9, 30)
STATES = ("C", "M1", "M2", "M3", "M4")


def month_end(number: int) -> date:
    year, month = divmod(number, 12)
    return date(year, month + 1, monthrange(year, month + 1)[1])


def _dimensions(loan: int) -> dict[str, str]:
    return {
        "currency": "CNY", "grade": "ABCDE"[loan % 5], "channel": ("app", "=cmd()")[loan % 2],
        "region": ("浙江", "广东", "四川", "北京", "江苏")[loan % 7 % 5], "product": "cash",
        "partner_id": f"P{loan % 6}",
    }  # fmt: skip


def _panel(last: date) -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    end = last.year * 12 + last.month - 1
    rows = []
    for loan in range(600):
        start = AS_OF.year * 12 + AS_OF.month - 14 + loan % 14
        draws = rng.random(20)
        state, before, ever = 0, None, False
        for mob, number in enumerate(range(start, end + 1)):
            draw = draws[mob]
            state = min(4, state + 1) if draw < 0.06 + 0.02 * (loan % 5) + 0.3 * (state > 0) else 0
            ever = ever or state >= 2
            balance = Decimal(10_000 - 500 * mob)
            rows.append(
                {
                    "loan_id": f"L{loan:04d}", "borrower_id": f"B{loan // 2:04d}",
                    "month_end": month_end(number), "months_on_book": mob,
                    "cohort_month": month_end(start).replace(day=1),
                    "disbursed_amount": Decimal(10_000), "state": STATES[state],
                    "opening_state": before, "days_past_due": 30 * state,
                    "opening_principal_amount": balance + 500 if before else Decimal(0),
                    "was_open": bool(before), "unscheduled_principal_amount": Decimal(0),
                    "outstanding_principal_amount": balance, "exposure_amount": balance,
                    "scheduled_principal_amount": Decimal(500),
                    "paid_principal_amount": Decimal(500) if before else Decimal(0),
                    "ever_over_30": ever, "first_over_30_amount": balance if ever else Decimal(0),
                    "default_entered": state == 4 and before != "M4", "defaulted": state == 4,
                    **_dimensions(loan),
                }
            )  # fmt: skip
            before = STATES[state]
    return rows


def _states(panel: list[dict[str, Any]], last: date) -> list[dict[str, Any]]:
    own = ("loan_id", "borrower_id", "disbursed_amount", "months_on_book", "days_past_due",
           "outstanding_principal_amount", "grade", "channel", "region", "product", "partner_id",
           "currency")  # fmt: skip
    return [
        {name: row[name] for name in own}
        | {"status": "active", "disbursed_on": row["cohort_month"],
           "first_due_on": row["cohort_month"] + timedelta(days=31),
           "first_paid_in_full_on": None if row["days_past_due"] else row["cohort_month"]}
        for row in panel
        if row["month_end"] == last
    ]  # fmt: skip


class FakeView:
    """What a report asks of a view, on tables in memory."""

    def __init__(self, as_of: date, known_at: Any, engine: str, tables: dict[str, Any]) -> None:
        self.as_of, self.known_at, self.engine = as_of, known_at, engine
        self.connection = ibis.duckdb.connect()
        self.inputs = [{"batch_id": "0001", "content_hash": "ab" * 32, "rows": {"loans": 600}}]
        self._tables = tables
        self._made: dict[str, Any] = {}

    def get(self, name: str) -> Any:
        if name not in self._made:
            schema = (DERIVED | TABLES)[name].ibis_schema()
            rows = self._tables.get(name, [])
            full = [{column: row.get(column) for column in schema} for row in rows]
            arrow = pa.Table.from_pylist(full, schema=ibis.schema(schema).to_pyarrow())
            self._made[name] = ibis.memtable(arrow)
        return self._made[name]

    def has(self, name: str) -> bool:
        return bool(self._tables.get(name))

    def blank(self, name: str) -> Any:
        return ibis.table((DERIVED | TABLES)[name].ibis_schema(), name=name)

    def summed(self, columns: Sequence[str], by: Sequence[str] = ()) -> Any:
        del columns, by  # a panel of rows answers too
        return self.get("panel")

    def narrow(self, name: str, columns: Sequence[str]) -> Any:
        del columns
        return self.get(name)

    def states(self) -> Any:
        return self.get("states")

    def panel(self) -> Any:
        return self.get("panel")


class FakeBook:
    """A book whose views hold given tables, or the random walk up to the date asked for."""

    def __init__(self, tables: dict[str, Any] | None = None) -> None:
        self._tables = tables

    def batches(self) -> list[Any]:
        return []

    @contextmanager
    def view(
        self, *, as_of: date, known_at: Any = None, engine: str = "duckdb"
    ) -> Iterator[FakeView]:
        tables = self._tables
        if tables is None:
            panel = _panel(as_of)
            tables = {"panel": panel, "states": _states(panel, as_of)}
        view = FakeView(as_of, known_at, engine, tables)
        try:
            yield view
        finally:
            view.connection.disconnect()


@pytest.fixture(scope="session")
def book() -> FakeBook:
    return FakeBook()


@pytest.fixture(scope="session")
def empty_book() -> FakeBook:
    return FakeBook({})


@pytest.fixture(scope="session")
def assessed(book: FakeBook, tmp_path_factory: pytest.TempPathFactory) -> Any:
    from fengkong.report import assess

    return assess(book, as_of=AS_OF, out=tmp_path_factory.mktemp("position"))
