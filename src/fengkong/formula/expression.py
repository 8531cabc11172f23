"""A scalar over one row, written as text and run by DuckDB, Spark or plain Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fengkong.formula._functions import FUNCTIONS
from fengkong.formula._nodes import Node
from fengkong.formula._parse import parsed
from fengkong.formula._reader import Reader
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import FormulaError


def _ignore(reason: str) -> None:
    """Hear a reason and forget it."""


def columns_of(node: Node) -> Iterator[str]:
    """Names of the columns that a node reads, as they occur."""
    if node.op == "column":
        yield node.value
    for arg in node.args:
        yield from columns_of(arg)


@dataclass(frozen=True, slots=True)
class Expression:
    """A checked formula over the columns of one row.

    Attributes
    ----------
    text : str
        As written.
    kind : Kind
        Kind of the result.
    unit : str
        Unit of the result; "number" when only bare constants are in it.
    columns : tuple of str
        Columns it reads, sorted.

    Examples
    --------
    >>> from fengkong.formula import Schema
    >>> schema = Schema({"paid": (Kind.MONEY, "amount"), "due": (Kind.MONEY, "amount")})
    >>> share = Expression.parse("paid / due", schema)
    >>> share.unit
    'fraction'
    >>> share.to_python()({"paid": 50, "due": 200})
    0.25
    """

    text: str
    kind: Kind
    unit: str
    columns: tuple[str, ...]
    node: Node

    @classmethod
    def parse(cls, text: str, schema: Mapping[str, tuple[Kind, str]]) -> Expression:
        """Return the expression that a text holds.

        Parameters
        ----------
        text : str
            A scalar as docs/methods/expression-language.md describes, at most 10,000 characters.
        schema : Schema
            Kind and unit of the columns it may name.

        Raises
        ------
        FormulaError
            The text is not of the language, names something unknown, or mixes kinds or units;
            ``column`` says where.
        """
        return cls.of(Reader(text, schema, FUNCTIONS).read(parsed(text)), text)

    @classmethod
    def of(cls, node: Node, text: str) -> Expression:
        """Return the expression of a checked node."""
        if node.kind is None:
            raise FormulaError("a formula of NULL alone has no kind", text=text, column=1)
        unit = node.unit or "number"
        return cls(text, node.kind, unit, tuple(sorted(set(columns_of(node)))), node)

    def to_ibis(self, table: Any) -> Any:
        """Return the expression as an Ibis value over ``table``.

        Parameters
        ----------
        table : ibis Table
            Holds at least ``columns``; each is brought to the kind of the schema.

        Returns
        -------
        ibis Value
            Of the Ibis type of ``kind``; null where the semantics say so, never an error.
        """
        from fengkong.formula import _ibis

        return _ibis.compiled(self.node, table)

    def to_python(self, *, reasons: list[str] | None = None) -> Callable[[Mapping[str, Any]], Any]:
        """Return a plain function of one row with the answers of the engines.

        Parameters
        ----------
        reasons : list of str, optional
            Grows by a text such as "division by zero (column 9)" whenever a value that could have
            been there becomes null.

        Returns
        -------
        callable
            Takes a mapping of column name to value (Decimal for money, date, bool, int, float, str,
            None for null) and returns a value of the same types.
        """
        from fengkong.formula import _python

        return _python.compiled(self.node, _ignore if reasons is None else reasons.append)
