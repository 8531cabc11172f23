"""The functions of the language: how each is checked. Nothing else can be called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fengkong.formula._nodes import NUMERIC, Node, convert, joined, named
from fengkong.formula._parse import exp, place_of
from fengkong.formula._reader import Handler, Reader
from fengkong.foundation.columns import Kind

DIGITS_MAX = 12
CAST_FROM: dict[Kind, tuple[Kind, ...]] = {
    Kind.INTEGER: (Kind.INTEGER, Kind.BOOLEAN, Kind.TEXT),
    Kind.FLOAT: (Kind.FLOAT, Kind.INTEGER, Kind.MONEY, Kind.TEXT),
    Kind.MONEY: (Kind.MONEY, Kind.INTEGER, Kind.FLOAT, Kind.TEXT),
    Kind.TEXT: (Kind.TEXT, Kind.INTEGER, Kind.MONEY, Kind.DATE, Kind.BOOLEAN),
    Kind.DATE: (Kind.DATE, Kind.TEXT),
}
_PURE = {None, "fraction", "count", "number", "amount"}


def arguments(  # noqa: PLR0917 - two limits read best in order
    reader: Reader, name: str, trees: list[Any], place: int, least: int, most: int
) -> list[Node]:
    """Read the arguments of a call after counting them."""
    if not least <= len(trees) <= most:
        wanted = (
            str(least)
            if least == most
            else f"{least} or more"
            if most > 9
            else f"{least} to {most}"
        )
        reader.fail(f"{name} takes {wanted} arguments, not {len(trees)}", place)
    return [reader.read(tree) for tree in trees]


def _fixed(
    op: str, takes: tuple[Kind, ...], gives: Kind, unit: str, units: tuple[str | None, ...] = ()
) -> Handler:
    """Make the check of a function with fixed kinds; ``units`` names the units asked for."""

    def check(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
        nodes = arguments(reader, name, trees, place, len(takes), len(takes))
        for index, (node, kind) in enumerate(zip(nodes, takes, strict=True)):
            reader.of_kind(node, kind, f"argument {index + 1} of {name}")
            asked = units[index] if units else None
            if asked is not None and node.unit not in {None, asked}:
                reader.fail(
                    f"argument {index + 1} of {name} is in {asked}, not {node.unit}", node.place
                )
        return Node(op, gives, unit, tuple(nodes), place=place)

    return check


def _common(op: str, least: int, most: int) -> Handler:
    """Make the check of a function whose arguments and result share one kind and unit."""

    def check(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
        nodes = joined(
            arguments(reader, name, trees, place, least, most), reader.fail, f"mix in {name}"
        )
        if op in {"least", "greatest"} and nodes[0].kind is Kind.BOOLEAN:
            reader.fail(f"{name} does not order true and false", nodes[0].place)
        return Node(op, nodes[0].kind, nodes[0].unit, nodes, place=place)

    return check


def _absolute(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    (node,) = arguments(reader, name, trees, place, 1, 1)
    reader.number(node, "argument 1 of ABS")
    return Node("abs", node.kind, node.unit, (node,), place=place)


def _whole(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    (node,) = arguments(reader, name, trees, place, 1, 1)
    reader.number(node, f"argument 1 of {name}")
    return Node(name.lower(), Kind.INTEGER, node.unit, (node,), place=place)


def _round(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    nodes = arguments(reader, name, trees, place, 1, 2)
    value = reader.number(nodes[0], "argument 1 of ROUND")
    digits = (
        constant_integer(reader, nodes[1], 0, DIGITS_MAX, "digits of ROUND") if nodes[1:] else 0
    )
    if value.kind is Kind.FLOAT and value.unit == "amount" and digits == 2:
        return Node("cast", Kind.MONEY, "amount", (value,), place=place)
    if value.kind is Kind.INTEGER or (value.kind is Kind.MONEY and digits >= 2):
        return value
    return Node("round", value.kind, value.unit, (value,), value=digits, place=place)


def constant_integer(reader: Reader, node: Node, low: int, high: int, what: str) -> int:
    """Return a constant whole number within limits."""
    if not node.literal or node.kind is not Kind.INTEGER or not low <= node.value <= high:
        reader.fail(f"{what}: a whole number from {low} to {high} is wanted", node.place)
    return int(node.value)


def _substring(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    nodes = arguments(reader, name, trees, place, 2, 3)
    reader.of_kind(nodes[0], Kind.TEXT, "argument 1 of SUBSTRING")
    start = constant_integer(reader, nodes[1], 1, 1_000_000, "start of SUBSTRING")
    length = (
        constant_integer(reader, nodes[2], 0, 1_000_000, "length of SUBSTRING")
        if nodes[2:]
        else 1_000_000
    )
    return Node("substring", Kind.TEXT, "text", (nodes[0],), value=(start, length), place=place)


def _concat(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    nodes = arguments(reader, name, trees, place, 2, 50)
    for index, node in enumerate(nodes):
        reader.of_kind(node, Kind.TEXT, f"argument {index + 1} of CONCAT")
    return Node("concat", Kind.TEXT, "text", tuple(nodes), place=place)


def _if(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    nodes = arguments(reader, name, trees, place, 2, 3)
    last = nodes[2] if nodes[2:] else Node("null", None, None, place=place)
    return reader.case([reader.boolean(nodes[0], "argument 1 of IF")], [nodes[1], last])


def _cast(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    if len(trees) != 1 or not isinstance(trees[0], exp.Alias):
        reader.fail(f"write {name}(x AS integer), float, money, text or date", place)
    word = str(trees[0].alias).lower()
    if word not in {kind.value for kind in CAST_FROM}:
        reader.fail(f"CAST knows integer, float, money, text and date, not {word!r}", place)
    kind, node = Kind(word), reader.read(trees[0].this)
    if node.kind is None:
        return convert(node, kind, _unit_after_cast(kind, node))
    if node.kind not in CAST_FROM[kind]:
        hint = (
            "; use FLOOR, CEIL or ROUND first" if kind in NUMERIC and node.kind in NUMERIC else ""
        )
        reader.fail(f"no sound CAST from {named(node)} to {kind}{hint}", place_of(trees[0]))
    if kind is Kind.MONEY and node.unit not in _PURE and node.kind in NUMERIC:
        reader.fail(f"{node.unit} cannot become money; AS_UNIT(x, 'amount') states it", node.place)
    if node.kind is kind:
        return node
    return Node("cast", kind, _unit_after_cast(kind, node), (node,), place=place)


def _unit_after_cast(kind: Kind, node: Node) -> str | None:
    """Unit of a cast value."""
    if kind in {Kind.INTEGER, Kind.FLOAT}:
        return node.unit if node.kind in NUMERIC else "count" if node.kind is Kind.BOOLEAN else None
    return {Kind.MONEY: "amount", Kind.TEXT: "text", Kind.DATE: "date"}[kind]


def _as_unit(reader: Reader, name: str, trees: list[Any], place: int) -> Node:
    node, unit = arguments(reader, name, trees, place, 2, 2)
    reader.number(node, "argument 1 of AS_UNIT")
    if not unit.literal or unit.kind is not Kind.TEXT or not unit.value.strip():
        reader.fail("argument 2 of AS_UNIT must be a unit in quotes", unit.place)
    if node.kind is Kind.MONEY:
        node = convert(node, Kind.FLOAT, node.unit)
    return convert(node, node.kind, unit.value)  # type: ignore[arg-type]


_TEXT, _DATE, _INTEGER = Kind.TEXT, Kind.DATE, Kind.INTEGER
FUNCTIONS: dict[str, Callable[[Reader, str, list[Any], int], Node]] = {
    "ABS": _absolute,
    "ADD_DAYS": _fixed("add_days", (_DATE, _INTEGER), _DATE, "date", (None, "days")),
    "ADD_MONTHS": _fixed("add_months", (_DATE, _INTEGER), _DATE, "date", (None, "months")),
    "AS_UNIT": _as_unit,
    "CAST": _cast,
    "CEIL": _whole,
    "COALESCE": _common("coalesce", 2, 50),
    "CONCAT": _concat,
    "CONTAINS": _fixed("contains", (_TEXT, _TEXT), Kind.BOOLEAN, "flag"),
    "DAY": _fixed("day", (_DATE,), _INTEGER, "day of month"),
    "DAYS_BETWEEN": _fixed("days_between", (_DATE, _DATE), _INTEGER, "days"),
    "ENDS_WITH": _fixed("ends_with", (_TEXT, _TEXT), Kind.BOOLEAN, "flag"),
    "FLOOR": _whole,
    "GREATEST": _common("greatest", 2, 50),
    "IF": _if,
    "LEAST": _common("least", 2, 50),
    "LENGTH": _fixed("length", (_TEXT,), _INTEGER, "count"),
    "LOWER": _fixed("lower", (_TEXT,), _TEXT, "text"),
    "MONTH": _fixed("month", (_DATE,), _INTEGER, "month of year"),
    "MONTHS_BETWEEN": _fixed("months_between", (_DATE, _DATE), _INTEGER, "months"),
    "MONTH_END": _fixed("month_end", (_DATE,), _DATE, "date"),
    "NULLIF": _common("nullif", 2, 2),
    "ROUND": _round,
    "STARTS_WITH": _fixed("starts_with", (_TEXT, _TEXT), Kind.BOOLEAN, "flag"),
    "SUBSTRING": _substring,
    "TRIM": _fixed("trim", (_TEXT,), _TEXT, "text"),
    "UPPER": _fixed("upper", (_TEXT,), _TEXT, "text"),
    "YEAR": _fixed("year", (_DATE,), _INTEGER, "year"),
}
