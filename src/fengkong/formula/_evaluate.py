"""A metric to one Ibis table: a pass over the table, one for each measure, and the joining."""

# Every builder has the same signature, needed or not.
# ruff: noqa: ARG001, ARG005

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from datetime import date
from functools import reduce
from typing import TYPE_CHECKING, Any

import ibis

from fengkong.formula import _ibis
from fengkong.formula._aggregates import AS_OF, Aggregate, Asked, part_name
from fengkong.formula._windows import Window
from fengkong.foundation.columns import IBIS_TYPE, Kind
from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from fengkong.formula.metric import Metric, View

SUM_TYPE = "decimal(38, 12)"
SUMMAND_MAX = 1e15


def evaluated(metric: Metric, view: View, by: tuple[str, ...]) -> Any:
    """Return columns ``by`` and "value", sorted."""
    sources = []
    aggregates = {i: part for i, part in enumerate(metric.parts) if isinstance(part, Aggregate)}
    if aggregates:
        sources.append(_aggregated(metric, view, by, aggregates))
    for index, part in enumerate(metric.parts):
        if isinstance(part, Asked):
            sources.append(_asked(part, view, by, part_name(index)))
    table = sources[0] if len(sources) == 1 else _side_by_side(metric, sources, by)
    value = metric.outer.to_ibis(table)
    result = table.select(*by, value=value)
    return result.order_by([ibis.asc(name, nulls_first=False) for name in by]) if by else result


def _aggregated(
    metric: Metric, view: View, by: tuple[str, ...], parts: dict[int, Aggregate]
) -> Any:
    """Return all aggregates in one pass over the table."""
    table = view.get(metric.table)
    if metric.business_date is not None:
        table = table.filter(table[metric.business_date] <= ibis.literal(view.as_of, "date"))
    values = {
        part_name(i): _aggregate(part, table, metric.business_date, view.as_of)
        for i, part in parts.items()
    }
    return table.group_by(list(by)).aggregate(**values) if by else table.aggregate(**values)


class _Rows:
    """A table in which AS_OF() reads as a constant."""

    def __init__(self, table: Any, end: date | None) -> None:
        self.table = table
        self.end = ibis.null("date") if end is None else ibis.literal(end, "date")

    def __getitem__(self, name: str) -> Any:
        return self.end if name == AS_OF else self.table[name]


def _aggregate(part: Aggregate, table: Any, business_date: str | None, as_of: date) -> Any:
    """Return one aggregate as an Ibis value of its kind."""
    rows = _Rows(table, part.window.end(as_of))
    where = _within(part.window, table, business_date, as_of)
    if part.where is not None:
        test = _ibis.compiled(part.where, rows).fill_null(False)
        where = test if where is None else where & test
    if part.value is None:
        return table.count(where=where).cast("int64")
    value = _ibis.compiled(part.value, rows)
    if part.name == "count":
        count = value.nunique(where=where) if part.distinct else value.count(where=where)
        return count.cast("int64")
    kind: Kind = part.value.kind  # type: ignore[assignment]
    return _BUILD[part.name](value, where, kind)


def _within(window: Window, table: Any, business_date: str | None, as_of: date) -> Any:
    """Return the test of a window; None when every row up to as_of is in it."""
    if business_date is None or window == Window():
        return None
    end, start = window.end(as_of), window.start(as_of)
    if end is None:
        return ibis.literal(False)
    day = table[business_date]
    test = day <= ibis.literal(end, "date")
    return test if start is None else test & (day > ibis.literal(start, "date"))


def _exact_sum(value: Any, where: Any, kind: Kind) -> Any:
    """Return a sum in decimals, so that the order of rows cannot matter.

    A float counts to twelve decimals; one beyond 10^15 makes the total null rather than wrong.
    """
    if kind is not Kind.FLOAT:
        wide = "decimal(38, 2)" if kind is Kind.MONEY else "decimal(38, 0)"
        return value.cast(wide).sum(where=where)
    small = ibis.ifelse(value.abs() <= SUMMAND_MAX, value, ibis.null("float64"))
    total = small.cast(SUM_TYPE).sum(where=where)
    largest = value.abs().max(where=where)
    return ibis.ifelse(largest <= SUMMAND_MAX, total, ibis.null(SUM_TYPE))


def _sum(value: Any, where: Any, kind: Kind) -> Any:
    return _exact_sum(value, where, kind).try_cast(IBIS_TYPE[kind])


def _average(value: Any, where: Any, kind: Kind) -> Any:
    count = value.count(where=where).cast("float64").nullif(0.0)
    return _exact_sum(value, where, kind).cast("float64") / count


def _median(value: Any, where: Any, kind: Kind) -> Any:
    return value.cast("float64").median(where=where)


_BUILD: dict[str, Callable[[Any, Any, Kind], Any]] = {
    "avg": _average,
    "max": lambda value, where, kind: value.max(where=where),
    "median": _median,
    "min": lambda value, where, kind: value.min(where=where),
    "sum": _sum,
}


def _asked(part: Asked, view: View, by: tuple[str, ...], name: str) -> Any:
    """Return a measure by dimensions; null where it has more than one row for a group."""
    measure, takes = part.measure, inspect.signature(part.measure.function).parameters
    given: dict[str, Any] = {word: value for word, value in part.parameters if word in takes}
    if measure.optional and "as_of" in takes:
        given.setdefault("as_of", view.as_of)
    result = measure.answer(view, by=by, **given)
    for word, value in part.parameters:
        if word in takes:
            continue
        if word not in result.columns:
            known = ", ".join(result.columns)
            raise InputError(f"measure {measure.name!r} has no {word!r}; its columns: {known}")
        result = result.filter(result[word] == value)
    value = result[measure.value].cast("float64")
    value = _ibis.finite(value) if part.kind is Kind.FLOAT else _as_money(result[measure.value])
    result = result.select(*by, __value=value)
    one = ibis.ifelse(result.count() == 1, result["__value"].max(), ibis.null(IBIS_TYPE[part.kind]))
    grouped = result.group_by(list(by)) if by else result
    return grouped.aggregate(**{name: one})


def _as_money(value: Any) -> Any:
    """Return amounts of a measure as money; floats are rounded half up."""
    return (
        _ibis.float_to_money(value) if value.type().is_floating() else value.try_cast(_ibis.MONEY)
    )


def _side_by_side(metric: Metric, sources: Sequence[Any], by: tuple[str, ...]) -> Any:
    """Return all sources joined on ``by`` where null equals null: stack, then collapse."""
    kinds = {part_name(i): part.kind for i, part in enumerate(metric.parts)}
    stacked = [
        source.select(
            *by,
            **{
                name: source[name].cast(IBIS_TYPE[kind])
                if name in source.columns
                else ibis.null(IBIS_TYPE[kind])
                for name, kind in kinds.items()
            },
        )
        for source in sources
    ]
    table = reduce(lambda left, right: left.union(right), stacked)
    values = {name: table[name].max() for name in kinds}
    return table.group_by(list(by)).aggregate(**values) if by else table.aggregate(**values)
