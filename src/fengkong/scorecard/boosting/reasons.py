"""Reasons of a model whose log odds are a sum over variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import OutOfRangeError
from fengkong.scorecard.card._texts import Language, Text, number_text, said

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.foundation.tables import Table
    from fengkong.scorecard.boosting._columns import BoostedColumn

_NOTHING = 1e-12  # log odds; what is left of a sum of floats is no reason


@dataclass(frozen=True, kw_only=True, eq=False)
class Contributions:
    """What each variable adds to the log odds of good, row by row.

    Attributes
    ----------
    names : tuple of str
    base : float
        Log odds of good before any variable speaks.
    values : ndarray of shape (n_rows, n_variables)
        ``base + values.sum(axis=1)`` are the log odds of good; below zero is risk.
    """

    names: tuple[str, ...]
    base: float
    values: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class ModelReasons:
    """The reasons of every applicant, what raised the risk most first.

    Attributes
    ----------
    names : tuple of str
        Variables of the model.
    variable : ndarray of int16, shape (n_rows, top)
        Place in ``names``; -1 where there is no further reason.
    lost_points : ndarray of float64, same shape
        Points that the variable took away, above 0; 0 where there is no reason.
    """

    names: tuple[str, ...]
    variable: NDArray[np.int16]
    lost_points: NDArray[np.float64]
    _texts: dict[str, Text]
    _columns: dict[str, BoostedColumn]
    _table: Table

    def __len__(self) -> int:
        return len(self.variable)

    def variables_of(self, row: int) -> tuple[str, ...]:
        """Return the names of the variables that are reasons of one applicant."""
        return tuple(self.names[place] for place in self.variable[row] if place >= 0)

    def texts_of(self, row: int, *, language: Language) -> tuple[str, ...]:
        """Return the reasons of one applicant as sentences."""
        return tuple(self._text(name, row)[language] for name in self.variables_of(row))

    def to_frame(self, *, language: Language) -> pd.DataFrame:
        """Return one row an applicant and one column of sentences a reason; None where none."""
        rows = [self.texts_of(row, language=language) for row in range(len(self))]
        return pd.DataFrame(
            {
                f"reason_{rank + 1}": pd.Series(
                    [row[rank] if rank < len(row) else None for row in rows], dtype=object
                )
                for rank in range(self.variable.shape[1])
            }
        )

    def _text(self, name: str, row: int) -> Text:
        own: Text | str = self._texts.get(name, name)
        column = self._columns[name]
        kind: Any = "numeric" if column.labels is None else "categorical"
        field = self._table.field(name, kind=kind)
        value = field.values[row]
        if field.labels is None:
            if np.isnan(value):
                return said("reasons", "missing", name=own)
            return said("reasons", "bin", name=own, value=number_text(float(value)))
        if value < 0:
            return said("reasons", "missing", name=own)
        label = field.labels[value]
        known = column.labels is None or label in column.labels
        if not known:
            return said("reasons", "unseen", name=own)
        return said("reasons", "bin", name=own, value=label)


def ranked(
    found: Contributions,
    *,
    top: int,
    factor: float,
    texts: dict[str, Text],
    columns: dict[str, BoostedColumn],
    table: Table,
) -> ModelReasons:
    """Keep the variables that raised the risk most; one that lowered it is never among them.

    Raises
    ------
    OutOfRangeError
        ``top`` is below 1.
    """
    if top < 1:
        raise OutOfRangeError(name="top", value=top, allowed="[1, inf)")
    order = np.argsort(found.values, axis=1, kind="stable")[:, :top]
    lost = -np.take_along_axis(found.values, order, axis=1)
    raised = lost > _NOTHING
    return ModelReasons(
        names=found.names,
        variable=np.where(raised, order, -1).astype(np.int16),
        lost_points=np.where(raised, factor * lost, 0.0),
        _texts=texts, _columns=columns, _table=table,
    )  # fmt: skip
