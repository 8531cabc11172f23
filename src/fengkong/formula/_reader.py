"""The untyped tree to the typed one: an allow-list of nodes, each checked for kind and unit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, NoReturn

from fengkong.formula import _units
from fengkong.formula._nodes import INTEGER_MAX, NUMERIC, Node, convert, joined, named
from fengkong.formula._parse import exp, place_of
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import FormulaError

Handler = Callable[["Reader", str, list[Any], int], Node]
TRUTH = {exp.And: "and", exp.Or: "or"}
COMPARE = {exp.EQ: "eq", exp.NEQ: "ne", exp.LT: "lt", exp.LTE: "le", exp.GT: "gt", exp.GTE: "ge"}
SIGNS = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
SUMS = {exp.Add: ("add", "add"), exp.Sub: ("subtract", "subtract")}
FLOAT_MAX = 1.7976931348623157e308


class Reader:
    """Turns the tree of one text into typed nodes.

    Parameters
    ----------
    text : str
        The formula, for messages.
    columns : mapping of str to (Kind, str)
        What may be named.
    functions : mapping of str to callable
        Functions of the language by upper-case name.
    """

    def __init__(
        self,
        text: str,
        columns: Mapping[str, tuple[Kind, str]],
        functions: Mapping[str, Handler],
    ) -> None:
        self.text, self.columns, self.functions = text, columns, functions

    def fail(self, message: str, place: int) -> NoReturn:
        """Refuse the text at a place."""
        raise FormulaError(message, text=self.text, column=max(place, 1))

    def read(self, tree: Any) -> Node:
        """Return the typed node of a tree."""
        kind = type(tree)
        if kind in COMPARE:
            return self._compare(COMPARE[kind], self.read(tree.this), self.read(tree.expression))
        if kind in TRUTH:
            sides = [self.read(tree.this), self.read(tree.expression)]
            return self.truth(TRUTH[kind], *sides)
        if kind in SUMS:
            return self._sum(*SUMS[kind], self.read(tree.this), self.read(tree.expression))
        handler = _HANDLERS.get(kind)
        if handler is None:
            self.fail(f"{_plain(kind)} is not part of the language", place_of(tree))
        read: Callable[[Any], Node] = getattr(self, handler)
        return read(tree)

    def boolean(self, node: Node, what: str) -> Node:
        """Return the node if it is true or false."""
        if node.kind is None:
            return convert(node, Kind.BOOLEAN, "flag")
        if node.kind is not Kind.BOOLEAN:
            self.fail(f"{what} must be true or false, not {named(node)}", node.place)
        return node

    def number(self, node: Node, what: str) -> Node:
        """Return the node if it is a number."""
        if node.kind not in NUMERIC:
            self.fail(f"{what} must be a number, not {named(node)}", node.place)
        return node

    def of_kind(self, node: Node, kind: Kind, what: str) -> Node:
        """Return the node if it is of one kind."""
        if node.kind is not kind:
            self.fail(f"{what} must be {kind}, not {named(node)}", node.place)
        return node

    def truth(self, op: str, *nodes: Node) -> Node:
        """Return AND, OR or NOT of the nodes."""
        checked = tuple(self.boolean(node, f"each side of {op.upper()}") for node in nodes)
        return Node(op, Kind.BOOLEAN, "flag", checked, place=nodes[0].place)

    def _compare(self, op: str, left: Node, right: Node) -> Node:
        for node in (left, right):
            if node.kind is None:
                self.fail("a comparison with NULL is never true; write IS NULL", node.place)
        sides = joined((left, right), self.fail, "compare")
        if sides[0].kind is Kind.BOOLEAN and op not in {"eq", "ne"}:
            self.fail(f"{SIGNS[op]} does not order true and false", right.place or left.place)
        return Node(op, Kind.BOOLEAN, "flag", sides, place=left.place)

    def _sum(self, op: str, doing: str, left: Node, right: Node) -> Node:
        for node in (left, right):
            if node.kind is Kind.DATE:
                self.fail(
                    f"cannot {doing} dates; use DAYS_BETWEEN, ADD_DAYS or ADD_MONTHS", node.place
                )
            self.number(node, f"each side of {'+' if op == 'add' else '-'}")
        sides = joined((left, right), self.fail, doing)
        return Node(op, sides[0].kind, sides[0].unit, sides, place=left.place)

    def _product(self, tree: Any) -> Node:
        left, right = (
            self.number(self.read(t), "each side of *") for t in (tree.this, tree.expression)
        )
        unit = self._combined(_units.times, left, right)
        kinds = {left.kind, right.kind}
        if kinds == {Kind.INTEGER}:
            return Node("multiply", Kind.INTEGER, unit, (left, right), place=left.place)
        if kinds == {Kind.MONEY, Kind.INTEGER} and unit == "amount":
            pair = (left, right) if left.kind is Kind.MONEY else (right, left)
            return Node("multiply_money", Kind.MONEY, unit, pair, place=left.place)
        sides = tuple(convert(node, Kind.FLOAT, node.unit) for node in (left, right))
        return Node("multiply", Kind.FLOAT, unit, sides, place=left.place)

    def _quotient(self, tree: Any) -> Node:
        left, right = (
            self.number(self.read(t), "each side of /") for t in (tree.this, tree.expression)
        )
        unit = self._combined(_units.over, left, right)
        sides = tuple(convert(node, Kind.FLOAT, node.unit) for node in (left, right))
        return Node("divide", Kind.FLOAT, unit, sides, place=right.place)

    def _combined(
        self, rule: Callable[[str | None, str | None], str | None], left: Node, right: Node
    ) -> str | None:
        try:
            return rule(left.unit, right.unit)
        except ValueError as error:
            self.fail(str(error), right.place)

    def _negative(self, tree: Any) -> Node:
        node = self.number(self.read(tree.this), "what follows -")
        if node.literal:
            return Node("literal", node.kind, node.unit, value=-node.value, place=node.place)
        return Node("negate", node.kind, node.unit, (node,), place=node.place)

    def _not(self, tree: Any) -> Node:
        return self.truth("not", self.read(tree.this))

    def _is_null(self, tree: Any) -> Node:
        if not isinstance(tree.expression, exp.Null):
            self.fail("only IS NULL and IS NOT NULL are part of the language", place_of(tree))
        node = self.read(tree.this)
        if node.kind is None:
            self.fail("NULL IS NULL says nothing", node.place)
        return Node("is_null", Kind.BOOLEAN, "flag", (node,), place=node.place)

    def _between(self, tree: Any) -> Node:
        value, low, high = (self.read(tree.args[name]) for name in ("this", "low", "high"))
        if tree.args.get("symmetric"):
            self.fail("BETWEEN SYMMETRIC is not part of the language", value.place)
        return self.truth("and", self._compare("ge", value, low), self._compare("le", value, high))

    def _in(self, tree: Any) -> Node:
        others = [
            key for key, value in tree.args.items() if value and key not in {"this", "expressions"}
        ]
        if others or not tree.expressions:
            self.fail("IN takes a list of constants", place_of(tree))
        nodes = [self.read(tree.this), *(self.read(item) for item in tree.expressions)]
        for node in nodes[1:]:
            if not node.literal or node.kind is None:
                self.fail("IN takes a list of constants, and NULL is none", node.place)
        if nodes[0].literal:
            self.fail("what is looked up by IN must not be a constant", nodes[0].place)
        sides = joined(nodes, self.fail, "compare")
        return Node("in", Kind.BOOLEAN, "flag", sides, place=sides[0].place)

    def _case(self, tree: Any) -> Node:
        subject = self.read(tree.this) if tree.this is not None else None
        tests, results = [], []
        for branch in tree.args["ifs"]:
            test = self.read(branch.this)
            if subject is not None:
                test = self._compare("eq", subject, test)
            tests.append(self.boolean(test, "what follows WHEN"))
            results.append(self.read(branch.args["true"]))
        last = tree.args.get("default")
        results.append(Node("null", None, None) if last is None else self.read(last))
        return self.case(tests, results)

    def case(self, tests: list[Node], results: list[Node]) -> Node:
        """Return the first result whose test is true; the last result has no test."""
        values = joined(results, self.fail, "choose between")
        args = (*(n for pair in zip(tests, values, strict=False) for n in pair), values[-1])
        return Node("case", values[0].kind, values[0].unit, args, place=tests[0].place)

    def _literal(self, tree: Any) -> Node:
        place, text = place_of(tree), tree.this
        if tree.is_string:
            if any("\ud800" <= c <= "\udfff" or c == "\x00" for c in text):
                self.fail("a text must not hold half a character or a zero byte", place)
            return Node("literal", Kind.TEXT, "text", value=text, place=place)
        if re.fullmatch(r"[0-9]+", text):
            if int(text) > INTEGER_MAX:
                self.fail(f"an integer must not exceed {INTEGER_MAX}", place)
            return Node("literal", Kind.INTEGER, None, value=int(text), place=place)
        if not re.fullmatch(r"([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?", text):
            self.fail(f"{text!r} is not a number", place)
        if not abs(float(text)) <= FLOAT_MAX:
            self.fail(f"{text} is beyond the range of a float", place)
        return Node("literal", Kind.FLOAT, None, value=Decimal(text), place=place)

    def _constant(self, tree: Any) -> Node:
        if isinstance(tree, exp.Null):
            return Node("null", None, None, place=place_of(tree.parent or tree))
        return Node("literal", Kind.BOOLEAN, "flag", value=bool(tree.this), place=place_of(tree))

    def _date(self, tree: Any) -> Node:
        inner, place = tree.this, place_of(tree)
        if not (isinstance(inner, exp.Literal) and inner.is_string and tree.to.sql() == "DATE"):
            self.fail("write CAST(x AS kind) with integer, float, money, text or date", place)
        try:
            day = date.fromisoformat(inner.this)
        except ValueError:
            day = None
        if day is None or day.isoformat() != inner.this:
            self.fail(f"{inner.this!r} is not a date of the form 2024-12-31", place)
        return Node("literal", Kind.DATE, "date", value=day, place=place)

    def _column(self, tree: Any) -> Node:
        place, identifier = place_of(tree), tree.this
        if (
            not isinstance(identifier, exp.Identifier)
            or len([v for v in tree.args.values() if v]) > 1
        ):
            self.fail("a column is named without its table", place)
        name = identifier.this
        if name not in self.columns:
            near = difflib.get_close_matches(name, self.columns, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            self.fail(f"no column {name!r}{hint}", place)
        kind, unit = self.columns[name]
        return Node("column", kind, unit, value=name, place=place)

    def _call(self, tree: Any) -> Node:
        name = str(tree.this).upper()
        function = self.functions.get(name)
        if function is None:
            near = difflib.get_close_matches(name, self.functions, n=3)
            hint = f"; did you mean {', '.join(near)}?" if near else ""
            self.fail(f"no function {name}{hint}", place_of(tree))
        return function(self, name, tree.expressions, place_of(tree))

    def _joined_text(self, tree: Any) -> Node:
        sides = [self.read(tree.this), self.read(tree.expression)]
        for side in sides:
            self.of_kind(side, Kind.TEXT, "each side of ||")
        return Node("concat", Kind.TEXT, "text", tuple(sides), place=sides[0].place)

    def _paren(self, tree: Any) -> Node:
        return self.read(tree.this)


def _plain(kind: type) -> str:
    """Name of a construct of SQL, for messages."""
    return {"Star": "*", "Alias": "a name after an expression", "Subquery": "a subquery"}.get(
        kind.__name__, kind.__name__.upper()
    )


_HANDLERS: dict[type, str] = {
    exp.Mul: "_product",
    exp.Div: "_quotient",
    exp.Neg: "_negative",
    exp.Not: "_not",
    exp.Is: "_is_null",
    exp.Between: "_between",
    exp.In: "_in",
    exp.Case: "_case",
    exp.Literal: "_literal",
    exp.Null: "_constant",
    exp.Boolean: "_constant",
    exp.Cast: "_date",
    exp.Column: "_column",
    exp.Anonymous: "_call",
    exp.DPipe: "_joined_text",
    exp.Paren: "_paren",
}
