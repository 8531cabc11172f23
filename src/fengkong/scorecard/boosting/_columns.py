"""Columns as a boosted model reads them: numbers as they are, categories by their place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.stats import rankdata

from fengkong.foundation.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.foundation.tables import Table

_LARGEST = 1e300  # infinities are read as the largest numbers: beyond every cut
_CLEAR = 2.0  # standard errors that a trend must be away from none


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedColumn:
    """One column of the model.

    Attributes
    ----------
    name : str
    labels : tuple of str or None
        Categories in the order of their places; None for numbers.
    monotone : int
        1: the probability of bad never falls when the number rises; -1 never rises; 0 free.
    """

    name: str
    labels: tuple[str, ...] | None
    monotone: int = 0

    def read(self, table: Table) -> NDArray[np.float64]:
        """Return float64; missing and unseen categories are NaN, which the trees know."""
        if self.labels is None:
            values = table.field(self.name, kind="numeric").values
            return np.clip(values, -_LARGEST, _LARGEST)
        field = table.field(self.name, kind="categorical")
        place = {label: float(code) for code, label in enumerate(self.labels)}
        known = [place.get(label, np.nan) for label in field.labels or ()]
        return np.array([*known, np.nan])[field.values]

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        labels = None if self.labels is None else list(self.labels)
        return {"name": self.name, "labels": labels, "monotone": self.monotone}

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Return the column that ``to_dict`` described."""
        labels = found["labels"]
        return cls(
            name=found["name"],
            labels=None if labels is None else tuple(labels),
            monotone=int(found["monotone"]),
        )


def learned_columns(table: Table) -> list[BoostedColumn]:
    """Read which columns there are, and their categories, from the rows of the fit."""
    return [BoostedColumn(name=field.name, labels=field.labels) for field in table]


def matrix(columns: tuple[BoostedColumn, ...], table: Table) -> NDArray[np.float64]:
    """Return the table as one array of shape (n_rows, n_columns)."""
    found = np.empty((table.rows, len(columns)))
    for place, column in enumerate(columns):
        found[:, place] = column.read(table)
    return found


def directions(
    columns: list[BoostedColumn],
    values: NDArray[np.float64],
    bad: NDArray[np.bool_],
    monotone: str | Mapping[str, int] | None,
) -> list[int]:
    """Return the direction of each column: given, learned from these rows, or free.

    Raises
    ------
    InputError
        A column that is not there, a category, or a direction that is not -1, 0 or 1.
    """
    if monotone is None:
        return [0] * len(columns)
    if isinstance(monotone, str):
        if monotone != "auto":
            raise InputError(f'monotone is "auto", a mapping or None; got {monotone!r}')
        return [
            0 if column.labels is not None else _trend(values[:, place], bad)
            for place, column in enumerate(columns)
        ]
    known = {column.name: column for column in columns}
    for name, direction in monotone.items():
        if name not in known:
            raise InputError(f"monotone names the column {name!r}, which is not in the table")
        if direction not in {-1, 0, 1}:
            raise InputError(f"the direction of {name!r} is -1, 0 or 1; got {direction!r}")
        if direction and known[name].labels is not None:
            raise InputError(f"{name!r} is a category: it has no direction")
    return [int(monotone.get(column.name, 0)) for column in columns]


def _trend(values: NDArray[np.float64], bad: NDArray[np.bool_]) -> int:
    """Return the sign of the rank correlation with bad, 0 when it may be chance."""
    told = ~np.isnan(values)
    if told.sum() < 3:
        return 0
    rank, outcome = rankdata(values[told]), bad[told].astype(np.float64)
    if np.ptp(rank) == 0.0 or np.ptp(outcome) == 0.0:
        return 0
    correlation = float(np.corrcoef(rank, outcome)[0, 1])
    z = correlation * np.sqrt(told.sum() - 1.0)
    return int(np.sign(z)) if abs(z) > _CLEAR else 0
