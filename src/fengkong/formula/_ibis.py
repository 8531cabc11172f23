"""Typed nodes to an Ibis value, for DuckDB and Spark alike."""

# Every builder has the same signature, needed or not.
# ruff: noqa: ARG001, ARG005

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import ibis

from fengkong.formula._nodes import Node
from fengkong.formula._patterns import (
    CENTS_LIMIT,
    DATE_PATTERN,
    DAYS_MAX,
    FLOAT_PATTERN,
    INTEGER_PATTERN,
    LETTERS_LOWER,
    LETTERS_UPPER,
    MONEY_PATTERN,
    MONTHS_MAX,
    WHOLE_LIMIT,
)
from fengkong.foundation.columns import IBIS_TYPE, Kind

WIDE_INTEGER, WIDE_MONEY = "decimal(19, 0)", "decimal(20, 2)"
MONEY = IBIS_TYPE[Kind.MONEY]
FLOAT_MAX = 1.7976931348623157e308
_ORDINAL_LAST = date.max.toordinal()


def compiled(node: Node, table: Any) -> Any:
    """Return the Ibis value of a node over a table."""
    value = _unchecked(node, table)
    return finite(value) if node.kind is Kind.FLOAT and node.op in _CARRIES else value


_CARRIES = frozenset({"add", "column", "divide", "multiply", "negate", "subtract"})


def _unchecked(node: Node, table: Any) -> Any:
    """Return the value of a node; of these float operations NaN and infinity may come out.

    They stay NaN or infinity through + - * and as a numerator, so one check at the end of such a
    chain is enough; a check at each step would double the text sent to the engine every time.
    """
    if node.op == "column":
        return _column(node, table)
    carries = node.kind is Kind.FLOAT and node.op in _CARRIES
    args = [
        _unchecked(arg, table)
        if carries and not (node.op == "divide" and place == 1)
        else compiled(arg, table)
        for place, arg in enumerate(node.args)
    ]
    return _BUILD[node.op](node, args)


def _column(node: Node, table: Any) -> Any:
    value = table[node.value]
    wanted = ibis.dtype(IBIS_TYPE[node.kind])  # type: ignore[index]
    if value.type().copy(nullable=True) != wanted and node.kind is not Kind.INSTANT:
        value = value.cast(wanted)
    return value


def finite(value: Any) -> Any:
    """Return the value with NaN and infinity as null."""
    # Ibis writes isinf for Spark in a way that misses some; NaN is above any number on both.
    good = (value.abs() <= FLOAT_MAX) & ~value.isnan()
    return ibis.ifelse(good, value, ibis.null("float64"))


def _literal(node: Node, args: list[Any]) -> Any:
    if node.kind is Kind.FLOAT:
        return ibis.literal(float(node.value), "float64")
    return ibis.literal(node.value, IBIS_TYPE[node.kind])  # type: ignore[index]


def _null(node: Node, args: list[Any]) -> Any:
    return ibis.null(IBIS_TYPE[node.kind])  # type: ignore[index]


def _arithmetic(symbol: Callable[[Any, Any], Any]) -> Callable[[Node, list[Any]], Any]:
    """Make the build of + - or *: exact in a wide decimal, null where the result does not fit."""

    def build(node: Node, args: list[Any]) -> Any:
        left, right = args
        if node.kind is Kind.FLOAT:
            return symbol(left, right)
        if node.kind is Kind.MONEY:
            return symbol(left.cast(WIDE_MONEY), right.cast(WIDE_MONEY)).try_cast(MONEY)
        return _int64(symbol(left.cast(WIDE_INTEGER), right.cast(WIDE_INTEGER)))

    return build


def _int64(wide: Any) -> Any:
    """Return a wide decimal as int64, null beyond its range."""
    return wide.try_cast("int64")


def _multiply_money(node: Node, args: list[Any]) -> Any:
    amount, times = args
    size = amount.cast("float64").abs() * times.cast("float64").abs()
    # A zero amount would let any factor through, so the factor is bounded too.
    fits = (size < 2e16) & (times.cast("float64").abs() < 1e17)
    bounded = ibis.ifelse(fits, times, ibis.null("int64")).cast("decimal(21, 2)")
    product = (amount.cast("decimal(21, 2)") * bounded).try_cast(MONEY)
    return ibis.ifelse(
        amount == _money(0), ibis.ifelse(times.isnull(), ibis.null(MONEY), _money(0)), product
    )


def _money(value: int | Decimal) -> Any:
    return ibis.literal(Decimal(value), MONEY)


def _divide(node: Node, args: list[Any]) -> Any:
    left, right = args
    return left / right.nullif(0.0)


def _negate(node: Node, args: list[Any]) -> Any:
    (value,) = args
    if node.kind is Kind.INTEGER:
        return _int64(ibis.literal(Decimal(0), WIDE_INTEGER) - value.cast(WIDE_INTEGER))
    return -value


def _abs(node: Node, args: list[Any]) -> Any:
    (value,) = args
    if node.kind is Kind.INTEGER:
        return _int64(value.cast(WIDE_INTEGER).abs())
    return value.abs()


def _floor_float(value: Any) -> Any:
    """Return floor as int64; null beyond its range."""
    return ibis.ifelse(value.abs() < CENTS_LIMIT, value, ibis.null("float64")).floor().cast("int64")


def _cents(value: Any) -> Any:
    return (value.cast("decimal(21, 2)") * ibis.literal(Decimal(100), "decimal(21, 2)")).cast(
        "int64"
    )


def money_from_cents(cents: Any) -> Any:
    """Return whole cents (int64) as money, exactly."""
    return _hundredth(cents).try_cast(MONEY)


def _hundredth(cents: Any) -> Any:
    cent = ibis.literal(Decimal("0.01"), "decimal(21, 2)")
    return (cents.cast("decimal(21, 2)") * cent).cast(WIDE_MONEY)


def _whole(node: Node, args: list[Any]) -> Any:
    (value,) = args
    kind, sign = node.args[0].kind, 1 if node.op == "floor" else -1
    if kind is Kind.INTEGER:
        return value
    if kind is Kind.FLOAT:
        return _floor_float(value) if sign > 0 else -_floor_float(-value)
    cents = _cents(value)
    up = (cents * sign) < 0  # the side on which cutting is not enough
    cut = ibis.ifelse(up, cents.abs() + 99, cents.abs())
    size = _hundredth(cut - cut % 100).cast("int64")
    return ibis.ifelse(cents < 0, -size, size)


def _round(node: Node, args: list[Any]) -> Any:
    (value,) = args
    digits = node.value
    if node.kind is Kind.FLOAT:
        power = 10.0**digits
        scaled = value.abs() * power
        whole = ibis.least(scaled, WHOLE_LIMIT) + 0.5
        size = whole.floor().cast("float64") / power
        return ibis.ifelse(scaled < WHOLE_LIMIT, ibis.ifelse(value < 0, -size, size), value)
    step, cents = 10 ** (2 - digits), _cents(value)
    size = cents.abs() + step // 2
    size = size - size % step
    return money_from_cents(ibis.ifelse(cents < 0, -size, size))


def float_to_money(value: Any) -> Any:
    """Return a float rounded half up to the cent."""
    cents = _floor_float(_below(value.abs() * 100.0) + 0.5)
    return money_from_cents(ibis.ifelse(value < 0, -cents, cents))


def _below(value: Any) -> Any:
    return ibis.ifelse(value < CENTS_LIMIT, value, ibis.null("float64"))


def _text_to(value: Any, pattern: str, kind: Kind) -> Any:
    # A closing "$" also matches before a last line end in Java; so the line end is ruled out.
    good = value.re_search(f"^({pattern})$") & ~value.contains("\n") & ~value.contains("\r")
    found = ibis.ifelse(good, value, ibis.null("string")).try_cast(IBIS_TYPE[kind])
    return finite(found) if kind is Kind.FLOAT else found


_PATTERNS = {
    Kind.INTEGER: INTEGER_PATTERN,
    Kind.FLOAT: FLOAT_PATTERN,
    Kind.MONEY: MONEY_PATTERN,
    Kind.DATE: DATE_PATTERN,
}


def _cast(node: Node, args: list[Any]) -> Any:
    (value,) = args
    source, kind = node.args[0].kind, node.kind
    if source is Kind.TEXT:
        return _text_to(value, _PATTERNS[kind], kind)  # type: ignore[index, arg-type]
    if kind is Kind.MONEY and source is Kind.FLOAT:
        return float_to_money(value)
    if kind is Kind.MONEY and source is Kind.INTEGER:
        return value.cast("decimal(21, 2)").try_cast(MONEY)
    return value.cast(IBIS_TYPE[kind])  # type: ignore[index]


def _month_days(year: Any, month: Any) -> Any:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    february = ibis.ifelse(leap, 29, 28)
    return ibis.cases((month == 2, february), (month.isin([4, 6, 9, 11]), 30), else_=31)


def _clipped(count: Any, limit: int) -> Any:
    """Return the count within limits; null becomes the lower limit, which no date survives."""
    return ibis.least(ibis.greatest(count, -limit), limit).cast("int64")


def _add_months(node: Node, args: list[Any]) -> Any:
    day, months = args[0], _clipped(args[1], MONTHS_MAX)
    total = day.year().cast("int64") * 12 + day.month().cast("int64") - 1 + months
    safe = ibis.ifelse(total.between(12, 9999 * 12 + 11), months, ibis.null("int64"))
    return (day + safe.as_interval("M")).cast("date")


def _make_date(year: Any, month: Any, day: Any) -> Any:
    # DuckDB makes a date of a null part as null; Spark too.
    return ibis.date(year.cast("int32"), month.cast("int32"), day.cast("int32"))


def _month_end(node: Node, args: list[Any]) -> Any:
    (day,) = args
    return _make_date(day.year(), day.month(), _month_days(day.year(), day.month()))


def _days_from_start(day: Any) -> Any:
    """Return the proleptic ordinal of a date, 1 on 0001-01-01."""
    return day.delta(ibis.literal(date(1, 1, 1), "date"), unit="day").cast("int64") + 1


def _add_days(node: Node, args: list[Any]) -> Any:
    day, count = args[0], _clipped(args[1], DAYS_MAX)
    good = (_days_from_start(day) + count).between(1, _ORDINAL_LAST)
    safe = ibis.ifelse(good, count, ibis.null("int64"))
    return (day + safe.as_interval("D")).cast("date")


def _months_between(node: Node, args: list[Any]) -> Any:
    start, end = args
    months = [
        value.year().cast("int64") * 12 + value.month().cast("int64") for value in (start, end)
    ]
    return months[1] - months[0]


def _case(node: Node, args: list[Any]) -> Any:
    pairs = list(zip(args[:-1:2], args[1:-1:2], strict=True))
    return ibis.cases(*pairs, else_=args[-1])


def _concat(node: Node, args: list[Any]) -> Any:
    total = args[0]
    for part in args[1:]:
        total = total + part
    return total


def _simple(call: Callable[..., Any]) -> Callable[[Node, list[Any]], Any]:
    return lambda node, args: call(*args)


_BUILD: dict[str, Callable[[Node, list[Any]], Any]] = {
    "abs": _abs,
    "add": _arithmetic(lambda a, b: a + b),
    "add_days": _add_days,
    "add_months": _add_months,
    "and": _simple(lambda a, b: a & b),
    "case": _case,
    "cast": _cast,
    "ceil": _whole,
    "coalesce": _simple(ibis.coalesce),
    "concat": _concat,
    "contains": _simple(lambda text, part: text.contains(part)),
    "convert": _cast,
    "day": _simple(lambda v: v.day().cast("int64")),
    "days_between": _simple(lambda start, end: end.delta(start, unit="day").cast("int64")),
    "divide": _divide,
    "ends_with": _simple(lambda text, part: text.endswith(part)),
    "eq": _simple(lambda a, b: a == b),
    "floor": _whole,
    "ge": _simple(lambda a, b: a >= b),
    "greatest": _simple(ibis.greatest),
    "gt": _simple(lambda a, b: a > b),
    "in": _simple(lambda value, *allowed: value.isin(list(allowed))),
    "is_null": _simple(lambda v: v.isnull()),
    "le": _simple(lambda a, b: a <= b),
    "least": _simple(ibis.least),
    "length": _simple(lambda v: v.length().cast("int64")),
    "literal": _literal,
    "lower": _simple(lambda v: v.translate(LETTERS_UPPER, LETTERS_LOWER)),
    "lt": _simple(lambda a, b: a < b),
    "month": _simple(lambda v: v.month().cast("int64")),
    "month_end": _month_end,
    "months_between": _months_between,
    "multiply": _arithmetic(lambda a, b: a * b),
    "multiply_money": _multiply_money,
    "ne": _simple(lambda a, b: a != b),
    "negate": _negate,
    "not": _simple(lambda v: ~v),
    "null": _null,
    "nullif": _simple(lambda a, b: a.nullif(b)),
    "or": _simple(lambda a, b: a | b),
    "round": _round,
    "starts_with": _simple(lambda text, part: text.startswith(part)),
    "substring": lambda node, args: args[0].substr(node.value[0] - 1, node.value[1]),
    "subtract": _arithmetic(lambda a, b: a - b),
    "trim": _simple(lambda v: v.strip()),
    "upper": _simple(lambda v: v.translate(LETTERS_LOWER, LETTERS_UPPER)),
    "year": _simple(lambda v: v.year().cast("int64")),
}
