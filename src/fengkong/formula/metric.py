"""An aggregate over a table of the book and over registered measures, written as text."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from fengkong.formula._aggregates import Aggregate, Asked, MetricReader
from fengkong.formula._parse import parsed
from fengkong.formula.expression import Expression
from fengkong.formula.measures import Measure, measures
from fengkong.formula.schema import Schema
from fengkong.foundation.columns import Kind
from fengkong.foundation.errors import FormulaError, InputError


class View(Protocol):
    """What a metric reads: tables by name as they stood at a date."""

    @property
    def as_of(self) -> date:
        """Date of the figures."""

    def get(self, name: str) -> Any:
        """Return a table as an Ibis table."""

    def narrow(self, name: str, columns: Sequence[str]) -> Any:
        """Return a table with at least these columns."""

    def summed(self, columns: Sequence[str], by: Sequence[str] = ()) -> Any:
        """Return the panel summed over all but these columns, or its rows."""

    def blank(self, name: str) -> Any:
        """Return a table without rows, to see which columns an expression reads."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A checked figure by dimensions.

    Attributes
    ----------
    text : str
        As written.
    table : str
        Table of its aggregates; "" when it only asks for measures.
    kind, unit : Kind, str
        Of the figure.
    dimensions : tuple of str
        Columns of the table it can be asked by; empty when it only asks for measures.

    Examples
    --------
    >>> schema = Schema({"due": (Kind.MONEY, "amount"), "late": (Kind.INTEGER, "days")})
    >>> text = "SUM(due) FILTER (WHERE late > 30) / SUM(due)"
    >>> share = Metric.parse(text, tables={"loans": schema})
    >>> share.table, share.unit
    ('loans', 'fraction')
    """

    text: str
    table: str
    outer: Expression
    parts: tuple[Aggregate | Asked, ...]
    dimensions: tuple[str, ...]
    business_date: str | None

    @property
    def kind(self) -> Kind:
        """Kind of the figure."""
        return self.outer.kind

    @property
    def unit(self) -> str:
        """Unit of the figure."""
        return self.outer.unit

    @property
    def needs(self) -> tuple[str, ...]:
        """Tables that it reads, sorted."""
        names = {self.table} if any(isinstance(p, Aggregate) for p in self.parts) else set()
        for part in self.parts:
            names |= set(part.measure.needs) if isinstance(part, Asked) else set()
        return tuple(sorted(names))

    @classmethod
    def parse(
        cls,
        text: str,
        *,
        tables: Mapping[str, Schema],
        table: str | None = None,
        measures: Mapping[str, Measure] | None = None,
    ) -> Metric:
        """Return the metric that a text holds.

        Parameters
        ----------
        text : str
            Aggregates, measures and arithmetic between them, as docs/methods/expression-language.md
            describes.
        tables : mapping of str to Schema
            Tables that may be read.
        table : str, optional
            Table of the aggregates; the only one of ``tables`` when absent.
        measures : mapping of str to Measure, optional
            Measures that may be asked for; all registered ones when absent.

        Raises
        ------
        FormulaError
            The text is not of the language or does not fit; ``column`` says where.
        InputError
            ``table`` is not among ``tables``.
        """
        if table is None and len(tables) == 1:
            table = next(iter(tables))
        if table is not None and table not in tables:
            raise InputError(f"no table {table!r}; known: {', '.join(sorted(tables))}")
        schema = tables[table] if table is not None else None
        known = _registered() if measures is None else measures
        reader = MetricReader(text, schema, table or "", known)
        outer = Expression.of(reader.read(parsed(text)), text)
        if not reader.parts.found:
            raise FormulaError(
                "a metric holds at least one aggregate or measure", text=text, column=1
            )
        date_column = schema.business_date if schema is not None else None
        return cls(
            text, table or "", outer, tuple(reader.parts.found), tuple(schema or ()), date_column
        )  # fmt: skip

    def evaluate(self, view: View, by: Sequence[str] = ()) -> Any:
        """Return the figure by dimensions.

        Parameters
        ----------
        view : View
            Tables at a date; ``view.as_of`` is where windows end.
        by : sequence of str
            Columns to group by.

        Returns
        -------
        ibis Table
            Columns ``by`` and ``value``, one row a group that occurs, sorted by ``by`` with null
            last. Without ``by`` one row.

        Raises
        ------
        InputError
            A name in ``by`` is not a column of the table, is given twice, or is "value".
        """
        from fengkong.formula import _evaluate

        names = tuple(by)
        if len(set(names)) < len(names) or "value" in names:
            raise InputError(f"by must name different columns, none of them 'value'; got {names}")
        if any(isinstance(part, Aggregate) for part in self.parts):
            for name in names:
                if name not in self.dimensions:
                    raise InputError(f"table {self.table!r} has no column {name!r} to ask by")
        for part in self.parts:
            if (
                isinstance(part, Asked)
                and "by" not in inspect.signature(part.measure.function).parameters
            ):
                raise InputError(f"measure {part.measure.name!r} cannot be asked by dimensions")
        return _evaluate.evaluated(self, view, names)


def _registered() -> Mapping[str, Measure]:
    """All registered measures (the parameter of ``parse`` hides the function)."""
    return measures()
