"""Metrics by hand on a few rows, their windows, and what is refused."""

# Tables of cases read best as tables.
# ruff: noqa: E501

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fengkong.formula import Measure, Metric, Schema
from fengkong.formula._windows import back
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import FormulaError, InputError

PAYMENTS = Schema(
    {
        "loan": (Kind.TEXT, "text"), "region": (Kind.TEXT, "text"), "paid_on": (Kind.DATE, "date"),
        "paid": (Kind.MONEY, "amount"), "late": (Kind.INTEGER, "days"), "rate": (Kind.FLOAT, "fraction"),
    },
    business_date="paid_on",
)  # fmt: skip
STATES = Schema({name: PAYMENTS[name] for name in ("loan", "region", "paid", "late")})
ROWS = [
    ("a", "华东", date(2024, 1, 31), "100.00", 0, 0.1),
    ("a", "华东", date(2024, 2, 29), "50.10", 40, 0.3),
    ("b", "华北", date(2024, 2, 1), "0.20", None, None),
    ("c", None, date(2024, 2, 29), "7.00", 31, 0.2),
    ("d", "华东", date(2024, 3, 1), "999.00", 90, 0.9),  # after as_of: never seen
]


@dataclass
class Stub:
    as_of: date
    tables: dict[str, Any]

    def get(self, name: str) -> Any:
        return self.tables[name]

    def blank(self, name: str) -> Any:
        return self.tables[name]

    def narrow(self, name: str, columns: Sequence[str]) -> Any:
        return self.tables[name].select(*columns)

    def summed(self, columns: Sequence[str], by: Sequence[str] = ()) -> Any:
        return self.tables["panel"].select(*columns, *by)


@pytest.fixture
def view(tmp_path: Path) -> Stub:
    loan, region, day, paid, late, rate = zip(*ROWS, strict=True)
    money = pa.array([Decimal(p) for p in paid], pa.decimal128(18, 2))
    columns = {
        "loan": loan,
        "region": region,
        "paid_on": day,
        "paid": money,
        "late": late,
        "rate": rate,
    }
    pq.write_table(
        pa.table({k: v if k == "paid" else list(v) for k, v in columns.items()}), tmp_path / "p"
    )
    table = ibis.duckdb.connect().read_parquet(tmp_path / "p")
    return Stub(
        date(2024, 2, 29),
        {"payments": table, "states": table.filter(table.paid_on < date(2024, 3, 1))},
    )


def answer(
    text: str, view: Stub, by: tuple[str, ...] = (), table: str = "payments", **more: Any
) -> Any:
    metric = Metric.parse(
        text, tables={"payments": PAYMENTS, "states": STATES}, table=table, **more
    )
    found = metric.evaluate(view, by=by).to_pyarrow().to_pylist()
    return found if by else found[0]["value"]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("COUNT(*)", 4),
        ("COUNT(late)", 3),
        ("COUNT(DISTINCT loan)", 3),
        ("SUM(paid)", Decimal("157.30")),
        ("SUM(paid) FILTER (WHERE late > 30)", Decimal("57.10")),
        ("SUM(paid) FILTER (WHERE late > 30) / SUM(paid)", 57.10 / 157.30),
        ("SUM(paid) FILTER (WHERE late > 1000)", None),
        ("COUNT(*) FILTER (WHERE late > 1000)", 0),
        ("COUNT(*) / COUNT(*) FILTER (WHERE late > 1000)", None),
        ("AVG(late)", 71 / 3),
        ("AVG(rate)", 0.2),
        ("SUM(rate)", 0.6),
        ("MEDIAN(late)", 31.0),
        ("MIN(region)", "华东"),
        ("MAX(paid_on)", date(2024, 2, 29)),
        ("SUM(paid) FILTER (WHERE paid_on = AS_OF())", Decimal("57.10")),
        ("OVER_LAST(SUM(paid), 28, 'days')", Decimal("57.10")),
        ("OVER_LAST(SUM(paid), 29, 'days')", Decimal("157.30") - 100),
        ("OVER_LAST(COUNT(*), 1, 'month')", 3),
        ("PREVIOUS(SUM(paid), 1, 'month')", Decimal("100.00")),
        ("PREVIOUS(OVER_LAST(COUNT(*), 1, 'month'), 1, 'month')", 1),
        ("PREVIOUS(COUNT(*) FILTER (WHERE paid_on = AS_OF()), 1, 'month')", 1),
        ("SUM(paid) - PREVIOUS(SUM(paid), 1, 'month')", Decimal("57.30")),
        ("ROUND(SUM(paid) * 0.5, 2)", Decimal("78.65")),
        ("COALESCE(SUM(paid) FILTER (WHERE FALSE), 0)", Decimal("0.00")),
    ],
)
def test_by_hand(view: Stub, text: str, wanted: Any) -> None:
    found = answer(text, view)
    assert found == (pytest.approx(wanted, rel=1e-12) if isinstance(wanted, float) else wanted)
    assert type(found) is type(wanted)


def test_by_dimension_is_sorted_with_null_last(view: Stub) -> None:
    assert answer("SUM(paid)", view, by=("region",)) == [
        {"region": "华东", "value": Decimal("150.10")},
        {"region": "华北", "value": Decimal("0.20")},
        {"region": None, "value": Decimal("7.00")},
    ]


def _vintage(table: Any, *, by: tuple[str, ...] = (), scale: int = 1) -> Any:
    first = table.select(
        *by, months_on_book=ibis.literal(6), rate=table.paid.cast("float64") * scale
    )
    second = table.select(*by, months_on_book=ibis.literal(7), rate=table.paid.cast("float64") * 0)
    both = first.union(second)
    return both.group_by([*by, "months_on_book"]).aggregate(rate=both.rate.sum())


TEXTS = {"en": "x", "zh": "x"}
MEASURES = {
    "vintage": Measure(name="vintage", function=_vintage, needs=("states",), unit="fraction", title=TEXTS,
                       definition=TEXTS, value="rate")
}  # fmt: skip


def test_a_measure_by_name_with_its_parameters_beside_an_aggregate(view: Stub) -> None:
    text = "MEASURE('vintage', months_on_book => 6, scale => 2) / COUNT(*)"
    found = answer(text, view, by=("region",), measures=MEASURES)
    assert [(row["region"], row["value"]) for row in found] == [
        ("华东", pytest.approx(150.10)), ("华北", pytest.approx(0.40)), (None, pytest.approx(14.0))
    ]  # fmt: skip


def test_a_measure_with_more_than_one_row_for_a_group_is_null_and_an_unknown_parameter_refused(
    view: Stub,
) -> None:
    assert answer("MEASURE('vintage')", view, measures=MEASURES) is None
    with pytest.raises(InputError, match="nothing_such"):
        answer("MEASURE('vintage', nothing_such => 1)", view, measures=MEASURES)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("paid", 1, "inside an aggregate"),
        ("SUM(paid) + paid", 13, "inside an aggregate"),
        ("SUM(SUM(paid))", 5, "cannot stand inside"),
        ("SUM(*)", 1, "COUNT alone"),
        ("SUM(nothing)", 5, "no column"),
        ("SUM(region)", 5, "takes numbers"),
        ("SUM(DISTINCT paid)", 1, "DISTINCT"),
        ("SUM(paid) + COUNT(*)", 13, "cannot add"),
        ("SUM(paid) FILTER (WHERE paid)", 25, "true or false"),
        ("ABS(SUM(paid)) FILTER (WHERE late > 1)", 1, "FILTER belongs"),
        ("SUM(paid) OVER (PARTITION BY region)", 1, "WINDOW"),
        ("OVER_LAST(SUM(paid), 0, 'days')", 22, "whole number"),
        ("OVER_LAST(SUM(paid), 2, 'moons')", 25, "unit of time"),
        ("OVER_LAST(OVER_LAST(SUM(paid), 1, 'day'), 1, 'day')", 11, "inside OVER_LAST"),
        ("MEASURE('nothing')", 9, "no measure"),
        ("1 + 1", 1, "at least one"),
        ("(SELECT 1)", 9, "subquery"),
        ("SUM(read_csv('x'))", 5, "no function"),
        ("*", 1, "not part"),
    ],
)
def test_refused_at_the_column(text: str, column: int, words: str) -> None:
    with pytest.raises(FormulaError, match=words) as caught:
        Metric.parse(text, tables={"payments": PAYMENTS}, measures=MEASURES)
    assert caught.value.column == column


def test_a_window_needs_a_business_date(view: Stub) -> None:
    with pytest.raises(FormulaError, match="business date"):
        answer("PREVIOUS(SUM(paid), 1, 'month')", view, table="states")


@pytest.mark.parametrize("by", [("nothing",), ("region", "region"), ("value",)])
def test_refuses_what_it_cannot_be_asked_by(view: Stub, by: tuple[str, ...]) -> None:
    with pytest.raises(InputError):
        answer("COUNT(*)", view, by=by)


def test_back_keeps_month_ends_and_stops_at_the_start_of_the_calendar() -> None:
    assert back(date(2024, 2, 29), 1, "month") == date(2024, 1, 31)
    assert back(date(2024, 3, 30), 1, "month") == date(2024, 2, 29)
    assert back(date(2024, 3, 31), 1, "year") == date(2023, 3, 31)
    assert back(date(2024, 5, 15), 2, "week") == date(2024, 5, 1)
    assert back(date(1, 1, 31), 1, "month") is None
    assert all(
        back(date(2023, m, calendar.monthrange(2023, m)[1]), 1, "month").month == m - 1
        for m in range(2, 13)
    )
