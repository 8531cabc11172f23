"""The typed tree that the reader makes and the two compilers walk, and the joining of kinds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, NoReturn

from fengkong.foundation.columns import Kind

NUMERIC = (Kind.INTEGER, Kind.MONEY, Kind.FLOAT)
CENT = Decimal("0.01")
MONEY_MAX = Decimal("9999999999999999.99")
INTEGER_MAX = 2**63 - 1

Fault = Callable[[str, int], NoReturn]


@dataclass(frozen=True, slots=True)
class Node:
    """One step of a formula.

    ``kind`` is None for a bare NULL; ``unit`` is None where any unit fits (a literal).
    ``place`` counts from 1 in the text.
    """

    op: str
    kind: Kind | None
    unit: str | None
    args: tuple[Node, ...] = ()
    value: Any = None
    place: int = 0

    @property
    def literal(self) -> bool:
        """Whether the node is a constant."""
        return self.op == "literal"


def named(node: Node) -> str:
    """Kind and unit in words, for messages."""
    if node.kind is None:
        return "NULL"
    return f"{node.kind.value} ({node.unit})" if node.kind in NUMERIC and node.unit else node.kind


def convert(node: Node, kind: Kind, unit: str | None) -> Node:
    """Return the node as ``kind`` (a wider one) and ``unit``; constants are converted now."""
    if node.kind is None or node.literal:
        value = node.value
        if node.literal and node.kind != kind:
            value = Decimal(value).quantize(CENT) if kind is Kind.MONEY else value
        return replace(node, kind=kind, unit=unit, value=value)
    if node.kind is kind:
        return replace(node, unit=unit)
    return Node("convert", kind, unit, (node,), place=node.place)


def whole_cents(node: Node) -> bool:
    """Whether a constant is exact in cents and in the range of money."""
    if not node.literal or node.kind not in NUMERIC:
        return False
    value = Decimal(node.value)
    return abs(value) <= MONEY_MAX and value == value.quantize(CENT)


def joined_unit(nodes: Sequence[Node], fault: Fault, doing: str) -> str | None:
    """Return the one unit of all nodes; constants take the unit of the others."""
    with_unit = [node for node in nodes if node.kind in NUMERIC and node.unit is not None]
    for node in with_unit[1:]:
        if node.unit != with_unit[0].unit:
            fault(
                f"cannot {doing} {with_unit[0].unit} and {node.unit}; "
                "AS_UNIT(x, 'unit') states a unit where a conversion is meant",
                node.place,
            )
    return with_unit[0].unit if with_unit else None


def joined(nodes: Sequence[Node], fault: Fault, doing: str) -> tuple[Node, ...]:
    """Return the nodes brought to one kind and unit, or fail at the one that does not fit."""
    known = [node for node in nodes if node.kind is not None]
    if not known:
        fault("NULL alone has no kind; CAST(NULL AS integer) gives it one", nodes[0].place)
    kinds = {node.kind for node in known}
    if not kinds <= set(NUMERIC):
        for node in known[1:]:
            if node.kind is not known[0].kind:
                fault(
                    f"cannot {doing} {named(known[0])} and {named(node)}{_hint(known)}", node.place
                )
        kind = known[0].kind
        return tuple(convert(node, kind, known[0].unit) for node in nodes)  # type: ignore[arg-type]
    unit = joined_unit(known, fault, doing)
    firm = {node.kind for node in known if not (node.kind is Kind.FLOAT and whole_cents(node))}
    if Kind.MONEY in firm and Kind.FLOAT not in firm and all(
        whole_cents(node) or not node.literal for node in known
    ):  # fmt: skip
        return tuple(convert(node, Kind.MONEY, "amount") for node in nodes)
    wide = Kind.INTEGER if kinds == {Kind.INTEGER} else Kind.FLOAT
    return tuple(convert(node, wide, unit) for node in nodes)


def _hint(nodes: Sequence[Node]) -> str:
    """Advice for the commonest clash."""
    kinds = {node.kind for node in nodes}
    if kinds == {Kind.DATE, Kind.TEXT}:
        return "; write a date as DATE '2024-12-31'"
    return "; CAST(x AS kind) converts" if Kind.TEXT in kinds else ""
