"""Reading one column of a table as the kernels want it, without a copy where there need be none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import Field, FieldKind, Table, read_table
from fengkong.scorecard.watch._count import NATIVE, FloatArray, native


class Columns:
    """The columns of one side of a comparison.

    Parameters
    ----------
    X : DataFrame, pyarrow.Table, ndarray of shape (n_rows, n_columns), or mapping
        The rows. Columns of float64, float32 and most integers are read where they lie; others
        become float64 or codes, one column at a time.
    weights : array-like of shape (n_rows,), optional
        Not negative, not all zero.
    side : str
        What a message calls the table.
    """

    def __init__(self, X: Any, weights: ArrayLike | None, *, side: str) -> None:
        self.table: Table = read_table(X)
        self._raw = X if isinstance(X, pd.DataFrame | Mapping) else None
        if not self.table.names:
            raise InputError(f"{side} has no columns")
        if not self.table.rows:
            raise InputError(f"{side} has no rows")
        self.weights = _checked_weights(weights, self.table.rows, side)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.table.rows

    @property
    def rows_effective(self) -> float:
        """Independent rows that would weigh as much: (sum w)^2 / sum w^2 (Kish)."""
        if self.weights is None:
            return float(self.rows)
        return float(self.weights.sum() ** 2 / (self.weights**2).sum())

    def read(self, name: str, *, kind: FieldKind | None = None) -> NDArray[Any] | Field:
        """Return numbers for the kernels, or a column of categories.

        Parameters
        ----------
        name : str
            Name of the column.
        kind : "numeric" or "categorical", optional
            What the reference holds; by default the column's own type decides.

        Raises
        ------
        InputError
            There is no such column.
        ColumnTypeError
            Text where the reference has numbers, dates or nested values.
        """
        if kind != "categorical" and self._raw is not None and name in self._raw:
            column = self._raw[name]
            plain = getattr(column, "dtype", None)
            if isinstance(plain, np.dtype) and (plain in NATIVE or plain == np.bool_):
                return native(np.asarray(column))
        field = self.table.field(name, kind=kind)
        return native(field.values) if field.kind == "numeric" else field


def _checked_weights(weights: ArrayLike | None, rows: int, side: str) -> FloatArray | None:
    if weights is None:
        return None
    found = np.ascontiguousarray(weights, dtype=np.float64)
    if found.shape != (rows,):
        raise InputError(f"{side}: {rows} rows but weights of shape {found.shape}")
    if not np.isfinite(found).all() or (found < 0).any() or not found.sum() > 0:
        raise InputError(f"{side}: weights must be finite, not negative and not all zero")
    return found
