"""Random typed expressions and rows of one seed: what the executions are compared on."""

# The lists of patterns read best as lists.
# ruff: noqa: E501

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from fengkong.formula import Expression, Schema
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import FormulaError

COLUMNS: dict[str, tuple[Kind, str]] = {
    "paid": (Kind.MONEY, "amount"),
    "due": (Kind.MONEY, "amount"),
    "late": (Kind.INTEGER, "days"),
    "grace": (Kind.INTEGER, "days"),
    "term": (Kind.INTEGER, "months"),
    "items": (Kind.INTEGER, "count"),
    "rate": (Kind.FLOAT, "fraction"),
    "share": (Kind.FLOAT, "fraction"),
    "name": (Kind.TEXT, "text"),
    "code": (Kind.TEXT, "text"),
    "start": (Kind.DATE, "date"),
    "finish": (Kind.DATE, "date"),
    "flag": (Kind.BOOLEAN, "flag"),
}
SCHEMA = Schema(COLUMNS)
TEXTS = (
    "", " ", "a", "Z", "abc", "ABC", " Abc\t", "逾期", "合同编号 12", "é", "ß", "𠮷野家", "x逾y", "12", "-7",
    "+3", "1.5", "1.005", "12.34", "1e3", ".5", "2024-02-29", "2023-02-29", "2024-13-01", "0000-01-01",
    "12\n", "NaN", "inf", "%", "_", "a%b", "O'Neil", "\\d",
)  # fmt: skip
DATES = tuple(
    map(date.fromisoformat, ("2024-02-29", "2023-02-28", "2024-01-31", "2000-02-29", "1900-03-01", "0001-01-01",
                             "9999-12-31", "2024-12-31", "2023-01-30"))
)  # fmt: skip


def rows_of(random_: random.Random, count: int) -> list[dict[str, Any]]:
    """Return rows with nulls, zeros, negatives, limits, CJK text and leap days."""

    def money() -> Decimal:
        pick = random_.random()
        if pick < 0.15:
            return Decimal("0.00")
        if pick < 0.18:
            return Decimal(random_.choice(("9999999999999999.99", "-9999999999999999.99")))
        return Decimal(random_.randint(-10_000_000, 100_000_000)).scaleb(-2)

    def integer() -> int:
        pick = random_.random()
        if pick < 0.15:
            return 0
        return (
            random_.choice((2**63 - 1, -(2**63) + 1, 10**15))
            if pick < 0.17
            else random_.randint(-400, 4000)
        )

    def number() -> float:
        pick = random_.random()
        if pick < 0.12:
            return random_.choice((0.0, -0.0, 1.0, 0.5, -2.5))
        if pick < 0.16:
            return random_.choice(
                (float("nan"), float("inf"), float("-inf"), 1e308, -1e308, 5e-324)
            )
        return random_.choice(
            (random_.uniform(-2, 2), round(random_.uniform(0, 1), 3), random_.gauss(0, 1e6))
        )

    def day() -> date:
        return (
            random_.choice(DATES)
            if random_.random() < 0.2
            else date(2015, 1, 1) + timedelta(random_.randint(0, 5000))
        )

    makers: dict[Kind, Callable[[], Any]] = {
        Kind.MONEY: money, Kind.INTEGER: integer, Kind.FLOAT: number, Kind.DATE: day,
        Kind.TEXT: lambda: random_.choice(TEXTS), Kind.BOOLEAN: lambda: random_.random() < 0.5,
    }  # fmt: skip
    return [
        {
            name: None if random_.random() < 0.12 else makers[kind]()
            for name, (kind, _) in COLUMNS.items()
        }
        for _ in range(count)
    ]


class Generator:
    """Makes texts by kind and unit; every branch of the language can come out."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_

    def text(self, unit: str, depth: int) -> str:
        """Return the text of an expression of a unit ("flag" and "text" count as units)."""
        leaf = depth <= 0 or self.random.random() < 0.15
        choices = [n for n, (_, u) in COLUMNS.items() if u == unit]
        if leaf and (choices or unit in {"day of month", "year"}):
            return self.random.choice([*choices, *self._constants(unit)])
        pattern = self.random.choice(PATTERNS[unit] if self.random.random() < 0.75 else ANY)
        for mark in MARKS:
            while f"<{mark}>" in pattern:
                pattern = pattern.replace(f"<{mark}>", self.text(mark, depth - 1), 1)
        while "<>same" in pattern:
            pattern = pattern.replace("<>same", self.text(unit, depth - 1), 1)
        while "<>any" in pattern:
            pattern = pattern.replace("<>any", self.text(self.random.choice(MARKS), depth - 1), 1)
        return f"({pattern})"

    def _constants(self, unit: str) -> list[str]:
        return {
            "amount": ["0", "100.5", "-3", "12.34"], "days": ["30", "0", "-5"], "months": ["1", "-13", "12"],
            "count": ["2", "7", "-1"], "fraction": ["0.5", "-1.25", "3", "0.075"],
            "text": ["'逾期'", "'A'", "'12'", "''", "'b'", "'O''Neil'"],
            "date": ["DATE '2024-02-29'", "DATE '2021-01-31'"], "flag": ["TRUE", "FALSE"],
        }.get(unit, ["1", "29"])  # fmt: skip


MARKS = ("amount", "days", "months", "count", "fraction", "text", "date", "flag")
ANY = (
    "CASE WHEN <flag> THEN <>same WHEN <flag> THEN <>same ELSE <>same END", "CASE <count> WHEN 2 THEN <>same END",
    "COALESCE(<>same, <>same)", "NULLIF(<>same, <>same)", "IF(<flag>, <>same, <>same)", "IF(<flag>, <>same)",
    "IF(<flag>, NULL, <>same)",
)  # fmt: skip
_NUMBER = ("<>same + <>same", "<>same - <>same", "-<>same", "ABS(<>same)", "LEAST(<>same, <>same)",
           "GREATEST(<>same, <>same, <>same)", "<>same * <count>", "<>same * 3")  # fmt: skip
PATTERNS: dict[str, tuple[str, ...]] = {
    "amount": (*_NUMBER, "<amount> * <fraction>", "ROUND(<amount>, 2)", "ROUND(<amount>, 1)", "ROUND(<amount>)",
               "<amount> / <count>", "CAST(<text> AS money)", "CAST(<count> AS money)", "FLOOR(<amount>)",
               "CEIL(<amount>)", "CAST(<amount> AS float)", "ROUND(<amount> * <fraction>, 2)"),
    "days": (*_NUMBER, "DAYS_BETWEEN(<date>, <date>)", "FLOOR(<days> / 7)", "CEIL(<days> * 0.3)"),
    "months": (*_NUMBER, "MONTHS_BETWEEN(<date>, <date>)", "FLOOR(<months> / 12)"),
    "count": (*_NUMBER, "LENGTH(<text>)", "CAST(<flag> AS integer)", "AS_UNIT(YEAR(<date>), 'count')",
              "AS_UNIT(MONTH(<date>), 'count')", "AS_UNIT(DAY(<date>), 'count')", "AS_UNIT(CAST(<text> AS integer), 'count')"),
    "fraction": (*_NUMBER, "<amount> / <amount>", "<days> / <days>", "<fraction> * <fraction>",
                 "<fraction> / <fraction>", "ROUND(<fraction>, 3)", "ROUND(<fraction>)",
                 "AS_UNIT(CAST(<text> AS float), 'fraction')", "<count> / <count>"),
    "text": ("<text> || <text>", "CONCAT(<text>, <text>, <text>)", "LOWER(<text>)", "UPPER(<text>)", "TRIM(<text>)",
             "SUBSTRING(<text>, 2, 3)", "SUBSTRING(<text>, 2)", "CAST(<amount> AS text)", "CAST(<date> AS text)",
             "CAST(<flag> AS text)", "CAST(<count> AS text)", "LEAST(<text>, <text>)"),
    "date": ("ADD_DAYS(<date>, <days>)", "ADD_MONTHS(<date>, <months>)", "MONTH_END(<date>)", "CAST(<text> AS date)",
             "LEAST(<date>, <date>)", "GREATEST(<date>, <date>)"),
    "flag": ("<flag> AND <flag>", "<flag> OR <flag>", "NOT <flag>", "<amount> > <amount>", "<amount> <= <amount>",
             "<text> < <text>", "<text> = <text>", "<date> >= <date>", "<days> <> <days>", "<>any IS NULL",
             "<>any IS NOT NULL", "days_in", "<amount> BETWEEN <amount> AND <amount>",
             "<date> NOT BETWEEN <date> AND <date>", "name IN ('逾期', 'a', 'O''Neil')", "late NOT IN (0, 30, -5)",
             "paid IN (0, 12.34)", "STARTS_WITH(<text>, <text>)", "CONTAINS(<text>, <text>)", "<fraction> < <fraction>",
             "ENDS_WITH(<text>, <text>)", "<flag> = <flag>", "rate IN (0, 0.5, 1)"),
}  # fmt: skip
PATTERNS["flag"] = tuple(p for p in PATTERNS["flag"] if p != "days_in")


def expressions_of(random_: random.Random, count: int, depth: int = 3) -> list[Expression]:
    """Return expressions of the language, those that the checks refuse left out."""
    generator, found = Generator(random_), []
    while len(found) < count:
        text = generator.text(MARKS[len(found) % len(MARKS)], depth)
        if len(text) > 600:
            continue
        try:
            found.append(Expression.parse(text, SCHEMA))
        except FormulaError:
            continue
    return found
