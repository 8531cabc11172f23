"""What the columns of a row are: kind and unit by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from fengkong.foundation.columns import Kind, Table
from fengkong.foundation.errors import InputError


class Schema(Mapping[str, tuple[Kind, str]]):
    """Kind and unit of each column that a formula may name.

    Parameters
    ----------
    columns : mapping of str to (Kind, str)
        By column name: its kind and its unit ("amount", "days", "fraction", ...).
    business_date : str or None
        Column with the date of a row; windows over time need it.

    Raises
    ------
    InputError
        ``business_date`` is no date column, or money has another unit than "amount".

    Examples
    --------
    >>> Schema({"days_past_due": (Kind.INTEGER, "days")})["days_past_due"][1]
    'days'
    """

    def __init__(
        self, columns: Mapping[str, tuple[Kind, str]], *, business_date: str | None = None
    ) -> None:
        self._columns = MappingProxyType({n: (Kind(k), unit) for n, (k, unit) in columns.items()})
        if (
            business_date is not None
            and self._columns.get(business_date, ("",))[0] is not Kind.DATE
        ):
            raise InputError(f"business_date {business_date!r} is not a date column of the schema")
        for name, (kind, unit) in self._columns.items():
            if kind is Kind.MONEY and unit != "amount":
                raise InputError(f"column {name!r}: the unit of money is 'amount', not {unit!r}")
        self.business_date = business_date

    @classmethod
    def of(cls, table: Table) -> Schema:
        """Return the schema of a documented table."""
        return cls(
            {c.name: (c.kind, c.unit) for c in table.columns}, business_date=table.business_date
        )

    def __getitem__(self, name: str) -> tuple[Kind, str]:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        return f"Schema({dict(self._columns)!r})"
