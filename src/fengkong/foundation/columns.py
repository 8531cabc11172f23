"""Typed, unit-carrying columns: the common language of formulas, the book and its documents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """Type of a value. ``money`` is DECIMAL(18, 2); ``float`` is float64; instants are UTC."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    MONEY = "money"
    FLOAT = "float"
    TEXT = "text"
    DATE = "date"
    INSTANT = "instant"


IBIS_TYPE: Mapping[Kind, str] = {
    Kind.BOOLEAN: "boolean",
    Kind.INTEGER: "int64",
    Kind.MONEY: "decimal(18, 2)",
    Kind.FLOAT: "float64",
    Kind.TEXT: "string",
    Kind.DATE: "date",
    Kind.INSTANT: "timestamp('UTC')",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    name : str
        Whole words, unit last.
    kind : Kind
        Type.
    unit : str
        "amount" (in the row's currency), "days", "months", "count", "fraction",
        "fraction per year", "date", "text", "flag", ...
    meaning : str
        One plain sentence.
    required : bool
        Null is refused at the door.
    personal : bool
        Becomes a keyed token at the door; the clear value goes to the vault.
    dimension : bool
        Measures may be asked by this column.
    values : tuple of str
        Allowed codes; empty when free.
    """

    name: str
    kind: Kind
    unit: str
    meaning: str
    required: bool = False
    personal: bool = False
    dimension: bool = False
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its columns, its key, and the column that carries the business date.

    Attributes
    ----------
    business_date : str or None
        Rows with a later date than ``as_of`` are not seen; None: the row has no date of its own.
    derived : bool
        Computed from facts, never loaded.
    """

    name: str
    meaning: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    business_date: str | None = None
    derived: bool = False
    _by_name: dict[str, Column] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {column.name: column for column in self.columns})

    def __getitem__(self, name: str) -> Column:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self._by_name)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the columns that measures may be asked by."""
        return tuple(column.name for column in self.columns if column.dimension)

    def ibis_schema(self) -> dict[str, str]:
        """Map each column name to its Ibis type, in order."""
        return {column.name: IBIS_TYPE[column.kind] for column in self.columns}
