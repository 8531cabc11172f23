"""Typed nodes to a plain Python function, with the answers of the engines."""

# Every builder has the same signature, needed or not.
# ruff: noqa: ARG001, ARG005

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from fengkong.formula._nodes import CENT, INTEGER_MAX, MONEY_MAX, Node
from fengkong.formula._patterns import (
    CENTS_LIMIT,
    DATE_PATTERN,
    FLOAT_PATTERN,
    INTEGER_PATTERN,
    LETTERS_LOWER,
    LETTERS_UPPER,
    MONEY_PATTERN,
    SPACES,
    WHOLE_LIMIT,
)
from fengkong.foundation.columns import Kind

Row = Mapping[str, Any]
Function = Callable[[Row], Any]
Note = Callable[[str], None]
CONTEXT = Context(prec=60)
_LOWER = str.maketrans(LETTERS_UPPER, LETTERS_LOWER)
_UPPER = str.maketrans(LETTERS_LOWER, LETTERS_UPPER)
ORDINAL_LAST = date.max.toordinal()


def compiled(node: Node, note: Note) -> Function:
    """Return the function of a node; ``note`` hears why a value became null."""
    builder = _LAZY.get(node.op)
    if builder is not None:
        return builder(node, note)
    functions = [compiled(arg, note) for arg in node.args]
    step = _strict_step(node, note)
    if len(functions) == 1:
        only = functions[0]

        def one(row: Row) -> Any:
            value = only(row)
            return None if value is None else step(value)

        return one

    def many(row: Row) -> Any:
        values = [function(row) for function in functions]
        return None if None in values else step(*values)

    return many


def _column(node: Node, note: Note) -> Function:
    name, kind = node.value, node.kind

    def read(row: Row) -> Any:
        value = row[name]
        if value is None:
            return None
        if kind is Kind.FLOAT:
            return float(value) if math.isfinite(value) else None
        if kind is Kind.MONEY:
            return Decimal(value).quantize(CENT, context=CONTEXT)
        if kind is Kind.DATE and isinstance(value, datetime):
            return value.date()
        return value

    return read


def _literal(node: Node, note: Note) -> Function:
    value = float(node.value) if node.kind is Kind.FLOAT else node.value
    return lambda row: value


def _null(node: Node, note: Note) -> Function:
    return lambda row: None


def _and(node: Node, note: Note) -> Function:
    left, right = (compiled(arg, note) for arg in node.args)

    def both(row: Row) -> bool | None:
        first = left(row)
        if first is False:
            return False
        second = right(row)
        return False if second is False else None if first is None or second is None else True

    return both


def _or(node: Node, note: Note) -> Function:
    left, right = (compiled(arg, note) for arg in node.args)

    def either(row: Row) -> bool | None:
        first = left(row)
        if first is True:
            return True
        second = right(row)
        return True if second is True else None if first is None or second is None else False

    return either


def _is_null(node: Node, note: Note) -> Function:
    inner = compiled(node.args[0], note)
    return lambda row: inner(row) is None


def _case(node: Node, note: Note) -> Function:
    functions = [compiled(arg, note) for arg in node.args]
    pairs = list(zip(functions[:-1:2], functions[1:-1:2], strict=True))
    last = functions[-1]

    def choose(row: Row) -> Any:
        for test, result in pairs:
            if test(row):
                return result(row)
        return last(row)

    return choose


def _coalesce(node: Node, note: Note) -> Function:
    functions = [compiled(arg, note) for arg in node.args]

    def first(row: Row) -> Any:
        for function in functions:
            value = function(row)
            if value is not None:
                return value
        return None

    return first


def _nullif(node: Node, note: Note) -> Function:
    left, right = (compiled(arg, note) for arg in node.args)

    def keep(row: Row) -> Any:
        value = left(row)
        return None if value is None or value == right(row) else value

    return keep


def _extreme(node: Node, note: Note) -> Function:
    functions = [compiled(arg, note) for arg in node.args]
    pick: Callable[..., Any] = min if node.op == "least" else max

    def extreme(row: Row) -> Any:
        return pick((v for v in (f(row) for f in functions) if v is not None), default=None)

    return extreme


def _in(node: Node, note: Note) -> Function:
    inner = compiled(node.args[0], note)
    allowed = frozenset(compiled(arg, note)({}) for arg in node.args[1:])

    def known(row: Row) -> bool | None:
        value = inner(row)
        return None if value is None else value in allowed

    return known


_LAZY: dict[str, Callable[[Node, Note], Function]] = {
    "and": _and,
    "case": _case,
    "coalesce": _coalesce,
    "column": _column,
    "greatest": _extreme,
    "in": _in,
    "is_null": _is_null,
    "least": _extreme,
    "literal": _literal,
    "null": _null,
    "nullif": _nullif,
    "or": _or,
}


def half_up(value: float, digits: int) -> float:
    """Round half away from zero: floor(|x| * 10^n + 0.5) / 10^n, in float64."""
    scaled = abs(value) * 10.0**digits
    if not scaled < WHOLE_LIMIT:
        return value
    return math.copysign(math.floor(scaled + 0.5) / 10.0**digits, value)


def _money_from_cents(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2, context=CONTEXT)


def _cents(value: Decimal) -> int:
    return int(value.scaleb(2, context=CONTEXT))


def _round(node: Node) -> Callable[[Any], Any]:
    digits = node.value
    if node.kind is Kind.FLOAT:
        return lambda value: half_up(value, digits)
    step = 10 ** (2 - digits)

    def money(value: Decimal) -> Decimal:
        cents = _cents(value)
        size = (abs(cents) + step // 2) // step * step
        return _money_from_cents(size if cents >= 0 else -size)

    return money


def _whole(node: Node) -> Callable[[Any], Any]:
    function = math.floor if node.op == "floor" else math.ceil
    if node.args[0].kind is not Kind.FLOAT:
        return function
    return lambda value: function(value) if abs(value) < CENTS_LIMIT else None


def _text_to(pattern: str, make: Callable[[str], Any]) -> Callable[[str], Any]:
    matcher = re.compile(pattern)

    def read(value: str) -> Any:
        try:
            return make(value) if matcher.fullmatch(value) else None
        except ValueError:
            return None

    return read


def _float_to_money(value: float) -> Decimal | None:
    scaled = abs(value) * 100.0
    if not scaled < CENTS_LIMIT:
        return None
    cents = math.floor(scaled + 0.5)
    return _money_from_cents(cents if value >= 0 else -cents)


def _cast(node: Node) -> Callable[[Any], Any]:
    """Conversion by kinds; what cannot be read is None."""
    source, kind = node.args[0].kind, node.kind
    if source is Kind.TEXT:
        return {
            Kind.INTEGER: _text_to(INTEGER_PATTERN, int),
            Kind.FLOAT: _text_to(FLOAT_PATTERN, float),
            Kind.MONEY: _text_to(
                MONEY_PATTERN, lambda v: Decimal(v).quantize(CENT, context=CONTEXT)
            ),
            Kind.DATE: _text_to(DATE_PATTERN, date.fromisoformat),
        }[kind]  # type: ignore[index]
    if kind is Kind.TEXT:
        if source is Kind.MONEY:
            return lambda v: f"{v + 0:.2f}" if v else "0.00"
        return (lambda v: "true" if v else "false") if source is Kind.BOOLEAN else str
    if kind is Kind.MONEY:
        if source is Kind.FLOAT:
            return _float_to_money
        return lambda v: Decimal(v).quantize(CENT, context=CONTEXT)
    return float if kind is Kind.FLOAT else int


def add_months(value: date, months: int) -> date | None:
    """Return the date some calendar months on, cut to the end of its month."""
    total = value.year * 12 + value.month - 1 + months
    year, month = total // 12, total % 12 + 1
    if not 1 <= year <= 9999:
        return None
    return date(year, month, min(value.day, monthrange(year, month)[1]))


def _add_days(value: date, days: int) -> date | None:
    ordinal = value.toordinal() + days
    return date.fromordinal(ordinal) if 1 <= ordinal <= ORDINAL_LAST else None


def _substring(node: Node) -> Callable[[str], str]:
    start, length = node.value
    return lambda value: value[start - 1 : start - 1 + length]


_CALLS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "add": lambda a, b: a + b,
    "add_days": _add_days,
    "add_months": add_months,
    "concat": lambda *parts: "".join(parts),
    "contains": lambda text, part: part in text,
    "day": lambda v: v.day,
    "days_between": lambda start, end: (end - start) // timedelta(days=1),
    "ends_with": lambda text, part: text.endswith(part),
    "eq": lambda a, b: a == b,
    "ge": lambda a, b: a >= b,
    "gt": lambda a, b: a > b,
    "le": lambda a, b: a <= b,
    "length": len,
    "lower": lambda v: v.translate(_LOWER),
    "lt": lambda a, b: a < b,
    "month": lambda v: v.month,
    "month_end": lambda v: v.replace(day=monthrange(v.year, v.month)[1]),
    "months_between": lambda a, b: (b.year - a.year) * 12 + b.month - a.month,
    "multiply": lambda a, b: a * b,
    "multiply_money": lambda amount, times: _money_from_cents(_cents(amount) * times),
    "ne": lambda a, b: a != b,
    "negate": lambda v: -v,
    "not": lambda v: not v,
    "starts_with": lambda text, part: text.startswith(part),
    "subtract": lambda a, b: a - b,
    "trim": lambda v: v.strip(SPACES),
    "upper": lambda v: v.translate(_UPPER),
    "year": lambda v: v.year,
}
_MONEY_CALLS: dict[str, Callable[..., Any]] = {
    "abs": CONTEXT.abs,
    "add": CONTEXT.add,
    "negate": CONTEXT.minus,
    "subtract": CONTEXT.subtract,
}
_MADE: dict[str, Callable[[Node], Callable[[Any], Any]]] = {
    "cast": _cast,
    "ceil": _whole,
    "convert": _cast,
    "floor": _whole,
    "round": _round,
    "substring": _substring,
}


def _strict_step(node: Node, note: Note) -> Callable[..., Any]:
    """Return the step of a node none of whose arguments is null, with its checks."""
    where = f" (column {node.place})" if node.place else ""
    if node.op == "divide":
        return _division(note, where)
    maker = _MADE.get(node.op)
    call = maker(node) if maker else _CALLS[node.op]
    if node.kind is Kind.MONEY and node.op in _MONEY_CALLS:
        call = _MONEY_CALLS[node.op]
    fits = _FITS.get(node.kind) if node.kind else None

    def step(*values: Any) -> Any:
        value = call(*values)
        if value is None:
            note(f"{node.op.replace('_', ' ')}: no value of that kind{where}")
        elif fits is not None and not fits(value):
            note(f"overflow{where}")
            return None
        return value

    return step


def _division(note: Note, where: str) -> Callable[[float, float], float | None]:
    def divide(left: float, right: float) -> float | None:
        if right == 0:
            note(f"division by zero{where}")
            return None
        value = left / right
        if math.isfinite(value):
            return value
        note(f"overflow{where}")
        return None

    return divide


_FITS: dict[Kind, Callable[[Any], bool]] = {
    Kind.INTEGER: lambda v: -INTEGER_MAX - 1 <= v <= INTEGER_MAX,
    Kind.MONEY: lambda v: abs(v) <= MONEY_MAX,
    Kind.FLOAT: math.isfinite,
}
