"""Drift: how far each column has moved from the reference, and which of its bins moved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError
from fengkong.scorecard.watch._cells import Cells
from fengkong.scorecard.watch._columns import Columns
from fengkong.scorecard.watch._count import FloatArray
from fengkong.scorecard.watch._plain import records
from fengkong.scorecard.watch._reference import (
    Bins,
    ColumnReference,
    DriftReference,
    Method,
    count_cells,
    threaded,
)
from fengkong.scorecard.watch._stability import Stability, ZeroCell, stability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drift:
    """What moved between a reference and a current sample.

    Attributes
    ----------
    columns : DataFrame, one row a column, the largest index first
        column, kind, cells (not empty on both sides), psi, grade, psi_95, psi_99, p_value, chance,
        js, ks (numeric: largest gap of the distribution functions at the edges, present rows only,
        so a lower bound of the exact statistic; null for categories or where nothing is present),
        missing_reference, missing_current, missing_change, new_share, worst_cell,
        worst_contribution, note.
    cells : DataFrame, one row a cell
        column, code, cell, reference_count, current_count, reference_share, current_share, change,
        contribution, contribution_share (of the column's index).
    new_labels : DataFrame
        column, label, count, share: categories that the reference does not know.
    rows_reference, rows_current : int
    extra_columns : tuple of str
        Columns of the current sample that the reference does not know; not compared.
    settings : dict
        zero_cell and method.
    """

    columns: pd.DataFrame
    cells: pd.DataFrame
    new_labels: pd.DataFrame
    rows_reference: int
    rows_current: int
    extra_columns: tuple[str, ...]
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON; null where a figure does not exist."""
        return {
            "rows_reference": self.rows_reference, "rows_current": self.rows_current,
            "columns": records(self.columns), "cells": records(self.cells),
            "new_labels": records(self.new_labels), "extra_columns": list(self.extra_columns),
            "settings": dict(self.settings),
        }  # fmt: skip


def drift(
    reference: DriftReference | Any,
    current: Any,
    *,
    bins: Bins | Any = 10,
    method: Method = "quantile",
    zero_cell: ZeroCell = "half_row",
    reference_weight: ArrayLike | None = None,
    current_weight: ArrayLike | None = None,
    categories_at_most: int = 50,
    n_jobs: int = 2,
) -> Drift:
    """Return the stability index of every column, bin by bin, with what chance alone explains.

    Parameters
    ----------
    reference : DriftReference, or table of shape (n_rows, n_columns)
        What is compared with; a fitted `DriftReference` has its own cells.
    current : table of shape (n_rows, n_columns)
        DataFrame, pyarrow.Table, ndarray or mapping; must hold the columns of the reference.
    bins, method, reference_weight, categories_at_most
        See `DriftReference.fit`; only where ``reference`` is a table.
    zero_cell : "half_row" or float, default "half_row"
        What stands for the share of a cell that is empty on one side (see `stability`).
    current_weight : array-like of shape (n_rows,), optional
    n_jobs : int, default 2
        Threads.

    Returns
    -------
    Drift

    Raises
    ------
    InputError
        A side has no rows; a column of the reference is not in ``current``; weights do not fit.
    ColumnTypeError
        Text where the reference has numbers, dates.
    OutOfRangeError
        ``bins``, ``zero_cell``, ``categories_at_most`` or ``n_jobs`` outside its interval.

    Notes
    -----
    PSI = sum (a - e) ln(a / e) over regular cells, missing, specials and new labels; shares are of
    all rows. The 0.10 and 0.25 of the grade are a convention that knows no sample size, so
    ``psi_95``, ``psi_99``, ``p_value`` and ``chance`` stand beside it. With weights the sample
    sizes are Kish's effective ones. Cost: one read of each column a side, and for quantile edges a
    few more of the reference; memory of half a column a thread.

    References
    ----------
    Siddiqi (2017), Intelligent Credit Scoring, chapter 14.
    """
    fitted = reference
    if not isinstance(reference, DriftReference):
        fitted = DriftReference.fit(
            reference, bins=bins, method=method, sample_weight=reference_weight,
            categories_at_most=categories_at_most, n_jobs=n_jobs,
        )  # fmt: skip
    elif reference_weight is not None:
        raise InputError("a fitted reference has its own weights; reference_weight is for rows")
    columns = Columns(current, current_weight, side="current")
    absent = [name for name in fitted.names if name not in columns.table.names]
    if absent:
        raise InputError(f"current lacks columns of the reference: {', '.join(absent)}")

    def one(column: ColumnReference) -> _Compared:
        values = columns.read(column.cells.name, kind=column.cells.kind)
        count, new = count_cells(column.cells, values, columns.weights)
        found = stability(
            column.count, count, zero_cell=zero_cell,
            reference_rows=fitted.rows_effective, current_rows=columns.rows_effective,
        )  # fmt: skip
        return _Compared(column=column, count=count, new=new, found=found)

    compared = threaded(one, fitted.columns, n_jobs)
    extra = tuple(name for name in columns.table.names if name not in set(fitted.names))
    return _assembled(
        compared, fitted, columns.rows, extra, {"zero_cell": zero_cell, "method": fitted.method}
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Compared:
    """One column, compared."""

    column: ColumnReference
    count: FloatArray
    new: dict[str, float]
    found: Stability


def _assembled(
    compared: list[_Compared],
    fitted: DriftReference,
    rows: int,
    extra: tuple[str, ...],
    settings: dict[str, Any],
) -> Drift:
    """Put the tables together, the largest index first."""
    ranked = sorted(compared, key=lambda one: -one.found.psi)
    columns = pd.DataFrame([_column_row(one) for one in ranked])
    columns["ks"] = columns["ks"].astype("Float64")
    new = [
        {"column": one.column.cells.name, "label": label, "count": count,
         "share": count / one.count.sum()}
        for one in ranked for label, count in one.new.items()
    ]  # fmt: skip
    return Drift(
        columns=columns,
        cells=pd.concat([_cell_rows(one) for one in ranked], ignore_index=True),
        new_labels=pd.DataFrame(new, columns=["column", "label", "count", "share"]),
        rows_reference=fitted.rows, rows_current=rows, extra_columns=extra, settings=settings,
    )  # fmt: skip


def _column_row(one: _Compared) -> dict[str, Any]:
    cells, found = one.column.cells, one.found
    missing = cells.n_regular
    worst = int(np.argmax(found.contribution))
    before, after = found.reference_share, found.current_share
    note = one.column.note
    if not one.count[:missing].any():
        note = "; ".join(part for part in (note, "current has no present value") if part)
    return {
        "column": cells.name, "kind": cells.kind,
        "cells": int(((before > 0) | (after > 0)).sum()),
        "psi": found.psi, "grade": found.grade, "psi_95": found.psi_95, "psi_99": found.psi_99,
        "p_value": found.p_value, "chance": found.chance, "js": found.js,
        "ks": _gap(cells, one.column.count, one.count),
        "missing_reference": before[missing], "missing_current": after[missing],
        "missing_change": after[missing] - before[missing],
        "new_share": after[-1] if cells.kind == "categorical" else 0.0,
        "worst_cell": cells.labels[worst], "worst_contribution": found.contribution[worst],
        "note": note,
    }  # fmt: skip


def _gap(cells: Cells, reference: FloatArray, current: FloatArray) -> float | None:
    """Return the largest gap of the two distribution functions at the edges, present rows only."""
    before, after = reference[: cells.n_regular], current[: cells.n_regular]
    if cells.kind == "categorical" or not before.any() or not after.any():
        return None
    gap = np.cumsum(before) / before.sum() - np.cumsum(after) / after.sum()
    return float(np.abs(gap).max())


def _cell_rows(one: _Compared) -> pd.DataFrame:
    found = one.found
    labels = one.column.cells.labels
    return pd.DataFrame({
        "column": one.column.cells.name, "code": np.arange(len(labels)), "cell": labels,
        "reference_count": one.column.count, "current_count": one.count,
        "reference_share": found.reference_share, "current_share": found.current_share,
        "change": found.current_share - found.reference_share, "contribution": found.contribution,
        "contribution_share": found.contribution / (found.psi if found.psi > 0 else 1.0),
    })  # fmt: skip
