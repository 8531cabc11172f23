"""The expression language by hand, what it refuses and where, and what cannot get in."""

# Tables of cases read best as tables.
# ruff: noqa: E501

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import pytest

from fengkong.formula import Expression, Schema
from fengkong.foundation.columns import Column, Kind, Table
from fengkong.foundation.errors import FormulaError, InputError

SCHEMA = Schema(
    {
        "paid": (Kind.MONEY, "amount"), "due": (Kind.MONEY, "amount"), "late": (Kind.INTEGER, "days"),
        "items": (Kind.INTEGER, "count"), "rate": (Kind.FLOAT, "fraction"), "name": (Kind.TEXT, "text"),
        "annual": (Kind.FLOAT, "fraction per year"), "start": (Kind.DATE, "date"), "end": (Kind.DATE, "date"),
        "flag": (Kind.BOOLEAN, "flag"), "逾期天数": (Kind.INTEGER, "days"),
    }
)  # fmt: skip
ROW = {
    "paid": Decimal("10.05"), "due": Decimal("0.00"), "late": 31, "items": 3, "rate": 0.5, "name": " 逾期Ab ",
    "annual": 0.12, "start": date(2024, 1, 31), "end": date(2024, 3, 1), "flag": None, "逾期天数": 7,
}  # fmt: skip


def value(text: str, **change: Any) -> Any:
    return Expression.parse(text, SCHEMA).to_python()({**ROW, **change})


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("paid + 0.1", Decimal("10.15")),
        ("paid * items", Decimal("30.15")),
        ("paid * rate", 5.025),
        ("ROUND(paid * rate, 2)", Decimal("5.03")),
        ("ROUND(-2.5, 0)", -3.0),
        ("ROUND(paid, 1)", Decimal("10.10")),
        ("ROUND(paid - 20.10, 1)", Decimal("-10.10")),
        ("paid / due", None),
        ("items / 2", 1.5),
        ("FLOOR(-1.5)", -2),
        ("CEIL(paid)", 11),
        ("FLOOR(paid - 20.10)", -11),
        ("9223372036854775807 + items", None),
        ("flag AND late > 100", False),
        ("flag OR late > 1", True),
        ("NOT flag", None),
        ("flag IS NULL", True),
        ("late BETWEEN 31 AND 60", True),
        ("late NOT IN (1, 31)", False),
        ("CASE WHEN flag THEN 'x' WHEN late > 30 THEN 'M2' ELSE 'C' END", "M2"),
        ("CASE items WHEN 3 THEN 1 END", 1),
        ("IF(flag, 1, 2)", 2),
        ("COALESCE(NULLIF(items, 3), 9)", 9),
        ("LEAST(late, 5, NULLIF(late, 31))", 5),
        ("LOWER(TRIM(name)) || '!'", "逾期ab!"),
        ("LENGTH(name)", 6),
        ("SUBSTRING(name, 2, 2)", "逾期"),
        ("STARTS_WITH(name, ' 逾')", True),
        ("ADD_MONTHS(start, 1)", date(2024, 2, 29)),
        ("ADD_MONTHS(start, -11)", date(2023, 2, 28)),
        ("ADD_DAYS(start, 30)", date(2024, 3, 1)),
        ("ADD_DAYS(DATE '9999-12-31', 1)", None),
        ("DAYS_BETWEEN(start, end)", 30),
        ("MONTHS_BETWEEN(start, end)", 2),
        ("MONTH_END(ADD_DAYS(start, 1))", date(2024, 2, 29)),
        ("YEAR(end) * 100 + AS_UNIT(MONTH(end), 'year')", 202403),
        ("CAST('12.345' AS money)", None),
        ("CAST('12.3' AS money)", Decimal("12.30")),
        ("CAST('2023-02-29' AS date)", None),
        ("CAST(paid AS text)", "10.05"),
        ("CAST(due AS text)", "0.00"),
        ("CAST('1e400' AS float)", None),
        ("逾期天数 > 5 AND 1 + 2 * 3 = 7", True),
        ("'O''Neil' = 'O''Neil'", True),
    ],
)
def test_by_hand(text: str, wanted: Any) -> None:
    found = value(text)
    assert found == wanted
    assert type(found) is type(wanted)


def test_floats_that_are_no_numbers_are_null() -> None:
    for odd in (float("nan"), float("inf"), float("-inf")):
        assert value("rate IS NULL", rate=odd) is True
    assert value("rate * 1e308", rate=1e10) is None


def test_a_reason_is_kept_where_a_value_becomes_null() -> None:
    reasons: list[str] = []
    function = Expression.parse("paid / due", SCHEMA).to_python(reasons=reasons)
    assert function(ROW) is None
    assert reasons == ["division by zero (column 8)"]


@pytest.mark.parametrize(
    ("text", "kind", "unit"),
    [
        ("paid * rate", Kind.FLOAT, "amount"),
        ("paid / due", Kind.FLOAT, "fraction"),
        ("paid / items", Kind.FLOAT, "amount"),
        ("paid * annual", Kind.FLOAT, "amount per year"),
        ("paid / late", Kind.FLOAT, "amount per days"),
        ("paid / late * late", Kind.FLOAT, "amount"),
        ("DAYS_BETWEEN(start, end) + late", Kind.INTEGER, "days"),
        ("1 + 1", Kind.INTEGER, "number"),
        ("AS_UNIT(paid * annual, 'amount')", Kind.FLOAT, "amount"),
    ],
)
def test_units(text: str, kind: Kind, unit: str) -> None:
    found = Expression.parse(text, SCHEMA)
    assert (found.kind, found.unit) == (kind, unit)


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("paid + late", 8, "cannot add amount and days"),
        ("late > paid", 8, "cannot compare"),
        ("paid * due", 8, "no meaning"),
        ("rate + annual", 8, "cannot add fraction and fraction per year"),
        ("end - start", 1, "DAYS_BETWEEN"),
        ("start > '2024-01-01'", 9, "DATE '2024-12-31'"),
        ("name = 1", 8, "cannot compare"),
        ("paid = NULL", 1, "IS NULL"),
        ("laet > 1", 1, "did you mean late"),
        ("late AND flag", 1, "true or false"),
        ("flag > TRUE", 1, "order"),
        ("ADD_DAYS(start, items)", 17, "in days, not count"),
        ("LENGTH(late)", 8, "must be text"),
        ("LENGTH(name, name)", 1, "takes 1"),
        ("ROUND(rate, items)", 13, "whole number"),
        ("CAST(rate AS integer)", 6, "no sound CAST"),
        ("CAST(late AS blob)", 1, "not 'blob'"),
        ("CAST(late AS money)", 6, "cannot become money"),
        ("late IN (items)", 10, "constants"),
        ("late IN (1, NULL)", 1, "constants"),
        ("DATE '2024-02-30'", 6, "not a date"),
        ("99999999999999999999", 1, "must not exceed"),
        ("1e400", 1, "range"),
        ("CASE WHEN flag THEN 1 ELSE 'x' END", 28, "cannot choose"),
        ("CASE WHEN flag THEN NULL END", 11, "NULL alone has no kind"),
        ("NULL", 1, "no kind"),
        ("", 1, "empty"),
    ],
)
def test_refused_at_the_column(text: str, column: int, words: str) -> None:
    with pytest.raises(FormulaError, match=words.replace("(", r"\(")) as caught:
        Expression.parse(text, SCHEMA)
    assert caught.value.code == "fengkong.formula"
    assert caught.value.column == column


@pytest.mark.parametrize(
    "text",
    [
        "read_csv('/etc/passwd')", "read_text('x') = 'a'", "glob('*')", "getenv('HOME')", "pragma database_list",
        "name; DROP TABLE loans", "1;", "(SELECT 1)", "SELECT 1", "late IN (SELECT 1)", "EXISTS (SELECT 1)", "*",
        "COUNT(*)", "SUM(late)", "late OVER ()", "ROW_NUMBER() OVER ()", "random()", "nextval('s')", "current_date",
        "$1", "?", ":x", "@x", "name LIKE '%'", "name SIMILAR TO 'a'", "loans.late", "a.b.c", "late::text", "[1, 2]",
        "{'a': 1}", "name[1]", "x -> x + 1", "INTERVAL '1' day", "late -- comment", "late /* comment */",
        "attach 'x'", "copy loans to 'x'", "install httpfs", "load x", "set x = 1", "late AS name", "late name",
        "late % 2", "late ^ 2", "late & 1", "late << 1", "late <=> 1", "late IS TRUE", "x'41'", "$$a$$", "0x12",
        "name COLLATE nocase", "late BETWEEN SYMMETRIC 1 AND 2", "(late, items)", "VALUES (1)", "DATE('2024-01-01')",
        "TRY_CAST(name AS date)", "EXTRACT(year FROM start)", "TRIM(BOTH 'a' FROM name)", "COUNT(DISTINCT late)",
        "late FILTER (WHERE flag)", "LEFT(name, 1)", "eval('1')", "__import__('os')", "MEASURE('x')", "AS_OF()",
        "NOT", "late >", "(late", "late)", "'open", '"late', "\x00", "late = 'a\x00'", "LENGTH(DISTINCT name)",
        "(" * 5000 + "late" + ")" * 5000, "late" + " + late" * 1500, "NOT " * 2000 + "flag",
    ],
)  # fmt: skip
def test_nothing_off_the_list_gets_in(text: str) -> None:
    with pytest.raises(FormulaError):
        Expression.parse(text, SCHEMA)


def test_schema_of_a_table_and_its_refusals() -> None:
    day = Column(name="on", kind=Kind.DATE, unit="date", meaning="Day.")
    table = Table(name="t", meaning="T.", key=("on",), columns=(day,), business_date="on")
    assert dict(Schema.of(table)) == {"on": (Kind.DATE, "date")}
    assert Schema.of(table).business_date == "on"
    with pytest.raises(InputError):
        Schema({"a": (Kind.TEXT, "text")}, business_date="a")
    with pytest.raises(InputError):
        Schema({"a": (Kind.MONEY, "days")})


def test_columns_are_named_once_and_sorted() -> None:
    assert Expression.parse("late > 1 AND items > 1 OR late < 0", SCHEMA).columns == (
        "items",
        "late",
    )


def test_the_register_is_light() -> None:
    code = "import sys, fengkong.formula.measures; print(sorted({'ibis', 'sqlglot'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("sign", "name"), [(" + ", "rate"), (" / ", "rate"), (" - ", "late")])
def test_a_chain_twice_as_long_is_at_most_twice_the_work(sign: str, name: str) -> None:
    table = ibis.table({"rate": "float64", "late": "int64"}, name="t")

    def size(terms: int) -> int:
        value = Expression.parse(sign.join([name] * terms), SCHEMA).to_ibis(table)
        return len("".join(str(ibis.to_sql(value, dialect="duckdb")).split()))

    assert size(60) < 2.2 * size(30)
