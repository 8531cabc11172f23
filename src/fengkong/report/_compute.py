"""Run the plan on a view of the book; what the book does not support is said, never guessed."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from fengkong.formula.measures import Measure, measures
from fengkong.foundation.errors import FengkongError, UnsupportedError
from fengkong.report._plan import Entry

# Whole numbers that tell rows apart instead of counting something.
_NUMBER_KEYS = ("months_on_book", "year_number", "line_number", "stage", "months_since_default")
# Dimensions that a measure makes itself.
_MADE = frozenset({"issue_month", "status"})
# Floats are given to 12 significant digits: what two engines agree on.
DIGITS = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """The table of one computation.

    Attributes
    ----------
    keys : tuple of str
        Columns that tell the rows apart.
    rows : list of dict
        Sorted by ``keys``; floats to 12 significant digits.
    """

    name: str
    measure: Measure
    by: tuple[str, ...]
    parameters: Mapping[str, Any]
    columns: tuple[str, ...]
    keys: tuple[str, ...]
    rows: list[dict[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A computation that the book does not support, and what it needs (column or table names)."""

    name: str
    measure: str
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A computation that went wrong although the book supports it: an error, not missing data.

    Attributes
    ----------
    code : str
        Stable code of the error.
    text : str
        What it says.
    """

    name: str
    measure: str
    code: str
    text: str


class Support:
    """Knows which tables and columns of a view hold something; each table is asked once."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self._filled: dict[str, frozenset[str]] = {}

    def filled(self, table: str) -> frozenset[str]:
        """Return the columns of a table that are not wholly null; empty when it has no rows."""
        if table not in self._filled:
            self._filled[table] = self._ask(table)
        return self._filled[table]

    def _ask(self, table: str) -> frozenset[str]:
        if not self._view.has(table):
            return frozenset()
        source = self._view.get(table)
        counts = source.aggregate(**{name: source[name].count() for name in source.columns})
        row = self._view.connection.to_pyarrow(counts).to_pylist()[0]
        return frozenset(name for name, count in row.items() if count)

    def lacks(
        self, measure: Measure, by: Sequence[str], also: Sequence[str] = ()
    ) -> tuple[str, ...]:
        """Return what the book lacks for a measure by dimensions; empty when supported."""
        empty = tuple(table for table in measure.needs if not self.filled(table))
        if empty:
            return empty
        columns = [tuple(text.split(".", 1)) for text in (*measure.columns, *also)]
        lacking = [f"{table}.{name}" for table, name in columns if name not in self.filled(table)]
        known = self.filled(measure.needs[0])
        lacking += [f"{measure.needs[0]}.{name}" for name in by if name not in known | _MADE]
        return tuple(lacking)


def compute(
    view: Any, entry: Entry, support: Support, given: Mapping[str, Any] | None = None
) -> Result | Missing | Failed:
    """Compute one entry of the plan.

    Parameters
    ----------
    view : View
        Book as of a date.
    entry : Entry
    support : Support
        Of the same view.
    given : mapping, optional
        Parameters for the measures that ask for them by name, beside those of the entry.

    Returns
    -------
    Result, Missing or Failed
        Missing when the measure is not registered, the book lacks a table or column, or the
        measure itself says that it is not supported; Failed when it raises any other error of ours.
    """
    known = measures().get(entry.measure)
    if known is None:
        return Missing(name=entry.name, measure=entry.measure, needs=("measure",))
    lacks = support.lacks(known, entry.by, entry.also_needs)
    if lacks:
        return Missing(name=entry.name, measure=entry.measure, needs=lacks)
    asked = inspect.signature(known.function).parameters
    parameters = {name: value for name, value in (given or {}).items() if name in asked}
    parameters |= entry.parameters
    if "as_of" in asked:
        parameters["as_of"] = view.as_of
    open_ones = [
        name
        for name, parameter in asked.items()
        if parameter.kind is parameter.KEYWORD_ONLY
        and parameter.default is parameter.empty
        and name not in {*parameters, "by"}
    ]
    if open_ones:
        return Missing(name=entry.name, measure=entry.measure, needs=tuple(open_ones))
    try:
        answer = known.answer(view, by=entry.by, **parameters)
        found = view.connection.to_pyarrow(answer)
    except UnsupportedError as error:
        return Missing(name=entry.name, measure=entry.measure, needs=error.needs)
    except FengkongError as error:
        return Failed(name=entry.name, measure=entry.measure, code=error.code, text=str(error))
    return _result(entry, known, parameters, found.to_pylist(), tuple(found.column_names))


def _result(
    entry: Entry,
    known: Measure,
    parameters: Mapping[str, Any],
    rows: list[dict[str, Any]],
    columns: tuple[str, ...],
) -> Result:
    rows = [{name: plain(value) for name, value in row.items()} for row in rows]
    if entry.only_latest and rows:
        latest = max(row["month_end"] for row in rows)
        rows = [row for row in rows if row["month_end"] == latest]
    keys = key_columns(columns, rows, entry.by, known.value)
    rows.sort(key=lambda row: [(row[name] is None, str_key(row[name])) for name in keys])
    return Result(
        name=entry.name, measure=known, by=entry.by, parameters=_kept(parameters), columns=columns,
        keys=keys, rows=rows,
    )  # fmt: skip


def _kept(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters as the position keeps them: settings as plain values."""
    return {
        name: value.described() if hasattr(value, "described") else value
        for name, value in parameters.items()
    }


def key_columns(
    columns: Sequence[str], rows: Sequence[Mapping[str, Any]], by: Sequence[str], value: str
) -> tuple[str, ...]:
    """Return the columns that tell rows apart: dimensions, texts, dates and numbers that name."""

    def names_a_row(column: str) -> bool:
        sample = next((row[column] for row in rows if row[column] is not None), None)
        return column != value and (
            column in by
            or column in _NUMBER_KEYS
            or (isinstance(sample, str | date) and column != "stage_reason")
        )

    return tuple(column for column in columns if names_a_row(column))


def plain(value: Any) -> Any:
    """Return a value as the position keeps it: floats to 12 digits, no NaN, dates as dates."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def str_key(value: Any) -> tuple[int, Any]:
    """Order numbers as numbers and everything else as text."""
    if isinstance(value, int | float | Decimal) and not isinstance(value, bool):
        return (0, value)
    return (1, str(value))
