"""Reading the text of a metric: aggregates, measures and windows become columns of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fengkong.formula._functions import FUNCTIONS, arguments, constant_integer
from fengkong.formula._nodes import NUMERIC, Node, named
from fengkong.formula._parse import exp, place_of
from fengkong.formula._reader import Handler, Reader
from fengkong.formula._windows import COUNT_MAX, UNITS, Window
from fengkong.formula.measures import Measure
from fengkong.formula.schema import Schema
from fengkong.foundation.columns import Kind

AS_OF = "__as_of"
_NO_NODE = Node("null", None, None)


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate over the rows of a table: ``name`` is the function in lower case."""

    name: str
    value: Node | None
    where: Node | None
    distinct: bool
    window: Window
    kind: Kind


@dataclass(frozen=True, slots=True)
class Asked:
    """A registered measure asked for with parameters."""

    measure: Measure
    parameters: tuple[tuple[str, Any], ...]
    kind: Kind


@dataclass(slots=True)
class Parts:
    """What a metric reads, in order of appearance; part i is the column ``part(i)``."""

    found: list[Aggregate | Asked] = field(default_factory=list)

    def column(self, part: Aggregate | Asked, unit: str | None, place: int) -> Node:
        """Return a node that stands for the part; equal parts are computed once."""
        if part not in self.found:
            self.found.append(part)
        return Node("column", part.kind, unit, value=part_name(self.found.index(part)), place=place)


def part_name(index: int) -> str:
    """Column that holds part ``index``."""
    return f"__part_{index}"


class MetricReader(Reader):
    """Reads a metric: outside an aggregate no column can be named."""

    def __init__(
        self, text: str, schema: Schema | None, table: str, measures: Mapping[str, Measure]
    ) -> None:
        super().__init__(text, {}, {**FUNCTIONS, **_AGGREGATES, **_TIMES, "MEASURE": _measure})
        self.schema, self.table, self.measures = schema, table, measures
        self.parts, self.window = Parts(), Window()

    def read(self, tree: Any) -> Node:
        """Return the typed node of a tree."""
        if isinstance(tree, exp.Filter):
            call = tree.this
            if not isinstance(call, exp.Anonymous) or str(call.this).upper() not in _AGGREGATES:
                self.fail("FILTER belongs to an aggregate", place_of(tree))
            return self.aggregate(call, tree.expression.this)
        if isinstance(tree, exp.Column) and self.schema is not None:
            name = tree.name
            if name in self.schema:
                self.fail(f"column {name!r} must stand inside an aggregate", place_of(tree))
        return super().read(tree)

    def rows(self, place: int) -> Reader:
        """Return the reader of what stands inside an aggregate."""
        if self.schema is None:
            self.fail("an aggregate needs a table; say which", place)
        columns = {**self.schema, AS_OF: (Kind.DATE, "date")}
        return _RowReader(self.text, columns, {**FUNCTIONS, "AS_OF": _as_of})

    def aggregate(self, call: Any, where: Any = None) -> Node:
        """Return the node of one aggregate call."""
        name, place = str(call.this).lower(), place_of(call)
        trees, reader = call.expressions, self.rows(place)
        if len(trees) != 1:
            self.fail(f"{name.upper()} takes 1 argument, not {len(trees)}", place)
        (tree,) = trees
        distinct = isinstance(tree, exp.Distinct)
        if distinct:
            if name != "count" or len(tree.expressions) != 1:
                self.fail("DISTINCT belongs to COUNT with one argument", place)
            tree = tree.expressions[0]
        if isinstance(tree, exp.Star) and (name != "count" or distinct):
            self.fail(f"* belongs to COUNT alone, not to {name.upper()}", place)
        value = None if isinstance(tree, exp.Star) else reader.read(tree)
        kind, unit = self._result(name, value)
        test = None if where is None else reader.boolean(reader.read(where), "FILTER (WHERE ...)")
        part = Aggregate(name, value, test, distinct, self.window, kind)
        return self.parts.column(part, unit, place)

    def _result(self, name: str, value: Node | None) -> tuple[Kind, str | None]:
        """Kind and unit of an aggregate."""
        if value is None:
            return Kind.INTEGER, "count"
        if value.kind is None:
            self.fail(f"{name.upper()} of NULL has no meaning", value.place)
        if name == "count":
            return Kind.INTEGER, "count"
        if name in {"min", "max"}:
            if value.kind is Kind.BOOLEAN:
                self.fail(f"{name.upper()} does not order true and false", value.place)
            return value.kind, value.unit
        if value.kind not in NUMERIC:
            self.fail(f"{name.upper()} takes numbers, not {named(value)}", value.place)
        return (value.kind if name == "sum" else Kind.FLOAT), value.unit


class _RowReader(Reader):
    """Reads a row inside an aggregate."""

    def read(self, tree: Any) -> Node:
        if isinstance(tree, exp.Anonymous) and str(tree.this).upper() in {
            *_AGGREGATES,
            *_TIMES,
            "MEASURE",
        }:
            self.fail(f"{str(tree.this).upper()} cannot stand inside an aggregate", place_of(tree))
        return super().read(tree)


def _as_of(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    arguments(reader, name, trees, place, 0, 0)
    return Node("column", Kind.DATE, "date", value=AS_OF, place=place)


def _stands(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    call = exp.Anonymous(this=name, expressions=list(trees))
    call.meta["start"] = place - 1
    return _metric(reader).aggregate(call)


def _metric(reader: Reader) -> MetricReader:
    """Return the reader as what it is when these functions are known to it."""
    assert isinstance(reader, MetricReader)  # noqa: S101 - only MetricReader lists them
    return reader


def _time(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    metric = _metric(reader)
    if len(trees) != 3:
        metric.fail(f"{name} takes 3 arguments, not {len(trees)}: (what, number, 'unit')", place)
    if metric.schema is None or metric.schema.business_date is None:
        table = f"; table {metric.table!r} has none" if metric.table else ""
        metric.fail(f"{name} needs a table whose rows carry a business date{table}", place)
    count = constant_integer(metric, metric.read(trees[1]), 1, COUNT_MAX, f"{name}")
    unit = metric.read(trees[2])
    word = str(unit.value).lower().removesuffix("s")
    if not unit.literal or unit.kind is not Kind.TEXT or word not in UNITS:
        metric.fail(f"{name}: the unit of time is one of {', '.join(UNITS)}", unit.place)
    outer = metric.window
    if name == "OVER_LAST":
        if outer.length is not None:
            metric.fail("OVER_LAST cannot stand inside OVER_LAST", place)
        metric.window = Window(outer.shifts, (count, word))
    else:
        metric.window = Window((*outer.shifts, (count, word)), outer.length)
    before = len(metric.parts.found)
    node = metric.read(trees[0])
    metric.window = outer
    if len(metric.parts.found) == before and node.op == "literal":
        metric.fail(f"{name} of a constant says nothing", place)
    return node


def _measure(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    metric = _metric(reader)
    if metric.window != Window():
        metric.fail(f"a measure has its own dates: {name} cannot stand in a window", place)
    first = metric.read(trees[0]) if trees else _NO_NODE
    if not first.literal or first.kind is not Kind.TEXT:
        metric.fail("write MEASURE('name', parameter => constant)", place)
    known = metric.measures.get(first.value)
    if known is None:
        names = ", ".join(sorted(metric.measures)) or "none"
        metric.fail(f"no measure {first.value!r}; known: {names}", first.place)
    parameters: dict[str, Any] = {}
    for tree in trees[1:]:
        if not isinstance(tree, exp.Kwarg):
            metric.fail("a parameter is written name => constant", place_of(tree))
        value, word = metric.read(tree.expression), str(tree.this.name)
        if not value.literal or word in parameters or word == "by":
            metric.fail(f"parameter {word!r} must be a constant, given once", value.place or place)
        parameters[word] = float(value.value) if value.kind is Kind.FLOAT else value.value
    kind = Kind.MONEY if known.unit == "amount" else Kind.FLOAT
    part = Asked(known, tuple(sorted(parameters.items())), kind)
    return metric.parts.column(part, known.unit, place)


_AGGREGATES: dict[str, Handler] = dict.fromkeys(
    ("AVG", "COUNT", "MAX", "MEDIAN", "MIN", "SUM"), _stands
)
_TIMES: dict[str, Handler] = dict.fromkeys(("OVER_LAST", "PREVIOUS"), _time)
