"""Pieces that every measure is built from: keys, exact ratios, order of rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir

from fengkong.foundation.errors import InputError

# Float figures that are added are cast to this first: a sum of decimals has one answer, a sum of
# floats has as many as there are orders of the rows.
FLOAT_SUM = "decimal(38, 18)"
MONEY_SUM = "decimal(38, 2)"


def keys(table: ir.Table, by: Sequence[str], *more: str) -> list[str]:
    """Return the grouping columns ``by`` and ``more`` without repeats.

    Raises
    ------
    InputError
        ``by`` is a text instead of a list, or names a column that the table lacks.
    """
    if isinstance(by, str):
        raise InputError(f"by must be a list of columns; write by=[{by!r}]")
    unknown = [name for name in by if name not in table.columns]
    if unknown:
        raise InputError(f"no column {', '.join(unknown)}; by takes: {', '.join(table.columns)}")
    return list(dict.fromkeys([*by, *more]))


def grouped(table: ir.Table, names: Sequence[str], **figures: Any) -> ir.Table:
    """Return one row a group; without names one row in all."""
    return table.group_by(list(names)).aggregate(**figures) if names else table.aggregate(**figures)


def loan_months(panel: ir.Table, where: Any = None) -> Any:
    """Count rows of a panel; of a summed one the rows that its rows stand for."""
    if "loan_months" not in panel.columns:
        return panel.count(where=where)
    return panel["loan_months"].sum(where=where).fill_null(0).cast("int64")


def money_sum(value: Any, where: Any = None) -> Any:
    """Return the exact sum of an amount, 0 where nothing is added."""
    return ibis.coalesce(value.sum(where=where).cast(MONEY_SUM), ibis.literal(0).cast(MONEY_SUM))


def float_sum(value: Any) -> Any:
    """Return the sum of a float figure that does not depend on the order of rows."""
    return value.cast(FLOAT_SUM).sum().cast("float64")


def ratio(numerator: Any, base: Any) -> Any:
    """Return numerator / base as float64, null where the base is 0 or null."""
    return numerator.cast("float64") / base.cast("float64").nullif(0.0)


def unfold(table: ir.Table, values: Sequence[Any], name: str, dtype: str = "string") -> ir.Table:
    """Return every row once for each of ``values``, the value in column ``name``."""
    return table.mutate(**{name: ibis.literal(list(values), type=f"array<{dtype}>").unnest()})


def pick(column: Any, choices: Sequence[tuple[Any, Any]]) -> Any:
    """Return, for each row, the choice that belongs to the value in ``column``."""
    return ibis.cases(*((column == value, result) for value, result in choices))


def ordered(table: ir.Table, names: Sequence[str]) -> ir.Table:
    """Return the table sorted by ``names``, nulls last on every engine."""
    if not names:
        return table
    return table.order_by([ibis.asc(table[name], nulls_first=False) for name in names])


def month_number(day: Any) -> Any:
    """Return calendar months since year 0, so that consecutive months differ by 1."""
    return (day.year().cast("int64") * 12 + day.month().cast("int64")).cast("int64")


def months_before(value: Any, by: Sequence[str], order: Any, months: int) -> Any:
    """Return ``value`` of the row ``months`` earlier; null when that month is not in the table.

    A window over a range of month numbers, so a month that is missing is null and never replaced
    by the one before it. Only for small, aggregated tables.
    """
    window = ibis.range_window(
        group_by=list(by) or None, order_by=order, preceding=(months, months)
    )
    return value.max().over(window)


def shifted(day: Any, *, days: int = 0, months: int = 0) -> Any:
    """Return a date moved by days or calendar months (cut to the end of the month)."""
    step = ibis.interval(days=days) if days else ibis.interval(months=months)
    return (day + step).cast("date")


def day_literal(day: date) -> Any:
    """Return a date as an expression."""
    return ibis.literal(day, type="date")
