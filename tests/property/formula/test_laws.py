"""Laws of the language that hold for any value, and no crash for any text."""

# Tables of cases read best as tables.
# ruff: noqa: E501

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from fengkong.formula import Expression, Schema
from fengkong.formula._units import over, times
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import FormulaError

SCHEMA = Schema(
    {
        "a": (Kind.MONEY, "amount"), "b": (Kind.MONEY, "amount"), "n": (Kind.INTEGER, "count"),
        "p": (Kind.BOOLEAN, "flag"), "q": (Kind.BOOLEAN, "flag"), "d": (Kind.DATE, "date"),
        "m": (Kind.INTEGER, "months"), "x": (Kind.FLOAT, "amount"),
    }
)  # fmt: skip
MONEY = st.decimals(Decimal(-(10**12)), Decimal(10**12), places=2)
FLAG = st.sampled_from([True, False, None])
DATE = st.dates(date(1900, 1, 1), date(2100, 12, 31))
WORDS = ["a", "n", "p", "(", ")", "+", "-", "/", "AND", "NOT", "IN", "NULL", "CASE", "WHEN", "THEN", "END", "1",
         "'x'", ",", "CAST", "AS", "date", "IS", "*", ";", "SUM", "FILTER", "WHERE", "逾", "||", "'", "\\", "."]  # fmt: skip


def value(text: str, **row: object) -> object:
    return Expression.parse(text, SCHEMA).to_python()(row)


@given(MONEY, MONEY)
def test_money_adds_and_subtracts_exactly(a: Decimal, b: Decimal) -> None:
    assert value("a + b - b = a", a=a, b=b) is True
    assert value("a + b", a=a, b=b) == a + b


@given(MONEY, st.integers(-1000, 1000))
def test_money_times_an_integer_is_repeated_addition(a: Decimal, n: int) -> None:
    assert value("a * n = a * (n - 1) + a", a=a, n=n) is True


@given(FLAG, FLAG)
def test_de_morgan_holds_with_unknowns(p: bool | None, q: bool | None) -> None:
    assert value("NOT (p AND q)", p=p, q=q) is value("NOT p OR NOT q", p=p, q=q)
    assert value("NOT (p OR q)", p=p, q=q) is value("NOT p AND NOT q", p=p, q=q)


@given(DATE, st.integers(-600, 600))
def test_months_added_are_months_between(d: date, m: int) -> None:
    assert value("MONTHS_BETWEEN(d, ADD_MONTHS(d, m)) = m", d=d, m=m) is True
    assert value("ADD_MONTHS(d, m) <= MONTH_END(ADD_MONTHS(d, m))", d=d, m=m) is True


@given(st.floats(-1e9, 1e9))
def test_rounding_is_odd_and_within_half_a_cent(x: float) -> None:
    assert value("ROUND(x, 2) = -ROUND(-x, 2)", x=x) is True
    assert abs(float(str(value("ROUND(x, 2)", x=x))) - x) <= 0.005 + 1e-6


@given(st.sampled_from(["amount", "days"]), st.sampled_from(["year", "count", "points"]))
def test_a_unit_multiplied_and_divided_comes_back(unit: str, other: str) -> None:
    assert over(times(unit, other), other) == unit
    assert times(over(unit, other), other) == unit


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join)))
def test_any_text_is_an_expression_or_a_formula_error(text: str) -> None:
    try:
        found = Expression.parse(text, SCHEMA)
    except FormulaError as error:
        assert 0 <= error.column <= len(text) + 1  # noqa: PT017 - either outcome is right
    else:
        assert set(found.columns) <= set(SCHEMA)
