"""A reference prepared once: cells and counts, no rows, to compare many later samples with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self, TypeAlias, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.foundation.tables import Field
from fengkong.scorecard.binning.bins import ColumnBins
from fengkong.scorecard.watch._cells import Cells, checked_edges
from fengkong.scorecard.watch._columns import Columns
from fengkong.scorecard.watch._count import FloatArray, at_least
from fengkong.scorecard.watch._quantile import exact_quantiles

FORMAT = "fengkong.drift_reference/1"
Method: TypeAlias = Literal["quantile", "equal_width"]
Bins: TypeAlias = int | Mapping[str, Any]
_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ColumnReference:
    """One column of a reference: its cells and how many rows each held.

    Attributes
    ----------
    cells : Cells
    count : ndarray of shape (n_cells,)
        Rows, or sums of weights.
    note : str
        A fallback that was taken; empty if none.
    """

    cells: Cells
    count: FloatArray
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DriftReference:
    """What later samples are compared with; holds counts only and can be kept as JSON.

    Attributes
    ----------
    columns : tuple of ColumnReference
    rows : int
    rows_effective : float
        Independent rows that would weigh as much (Kish); equal to ``rows`` without weights.
    method : str
        How edges were made where none were given.
    """

    columns: tuple[ColumnReference, ...]
    rows: int
    rows_effective: float
    method: str

    @classmethod
    def fit(
        cls,
        X: Any,
        *,
        bins: Bins | Any = 10,
        method: Method = "quantile",
        sample_weight: ArrayLike | None = None,
        categories_at_most: int = 50,
        n_jobs: int = 2,
    ) -> Self:
        """Make the cells of each column and count the rows of the reference.

        Parameters
        ----------
        X : DataFrame, pyarrow.Table, ndarray of shape (n_rows, n_columns), or mapping
            Rows of the reference, for example the sample a card was built on.
        bins : int, mapping, or fitted Binner, default 10
            Number of cells of a numeric column; or by column its inner edges or its `ColumnBins`
            (columns that are not named get ten cells, and none is left out); or an object whose
            ``bins_`` is such a mapping.
        method : "quantile" or "equal_width", default "quantile"
            Quantile edges are those of ``np.quantile`` on all present rows, exactly and unweighted.
        sample_weight : array-like of shape (n_rows,), optional
        categories_at_most : int, default 50
            More labels than this: the rarer ones of the reference share the cell "other".
        n_jobs : int, default 2
            Threads; one column is one piece of work.

        Raises
        ------
        InputError
            No rows, no columns, edges that do not ascend, edges for a column that is not there.
        OutOfRangeError
            ``bins`` outside [2, 200] or ``categories_at_most`` below 1.

        Notes
        -----
        A value that is two or more of the quantiles gets a cell for itself ("= 0"), so a column of
        zeros and ones, a constant or a column of 95 % zeros is compared as it should be. A column
        without any present value has one regular cell, and a note.
        """
        columns = Columns(X, sample_weight, side="reference")
        given = _given_bins(bins, columns)
        size = int(bins) if isinstance(bins, Integral) else 10
        if not 2 <= size <= 200:
            raise OutOfRangeError(name="bins", value=size, allowed="[2, 200]")
        if categories_at_most < 1:
            raise OutOfRangeError(
                name="categories_at_most", value=categories_at_most, allowed="[1, inf)"
            )
        if method not in ("quantile", "equal_width"):
            raise InputError(f"method must be quantile or equal_width; got {method!r}")

        def one(name: str) -> ColumnReference:
            return _fit_column(
                columns, name, given.get(name), size=size, method=method,
                categories_at_most=categories_at_most,
            )  # fmt: skip

        fitted = threaded(one, columns.table.names, n_jobs)
        return cls(
            columns=tuple(fitted), rows=columns.rows, method=method,
            rows_effective=columns.rows_effective,
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(column.cells.name for column in self.columns)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain values."""
        return {
            "format": FORMAT, "rows": self.rows, "rows_effective": self.rows_effective,
            "method": self.method,
            "columns": [{**column.cells.to_dict(), "count": column.count.tolist(),
                         "note": column.note} for column in self.columns],
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Read a document back; every edge and count bit-equal."""
        if found.get("format") != FORMAT:
            raise InputError(f"not a reference: format is {found.get('format')!r}, not {FORMAT!r}")
        return cls(
            rows=found["rows"], rows_effective=found["rows_effective"], method=found["method"],
            columns=tuple(
                ColumnReference(cells=Cells.from_dict(column), note=column["note"],
                                count=np.array(column["count"], dtype=np.float64))
                for column in found["columns"]),
        )  # fmt: skip

    def to_json(self) -> str:
        """Return the document as JSON."""
        return json.dumps(self.to_dict(), ensure_ascii=False, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a document from JSON."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"not a reference: {error}") from error
        return cls.from_dict(found)


def threaded(
    work: Callable[[_Item], _Result], items: tuple[_Item, ...], n_jobs: int
) -> list[_Result]:
    """Do the work for each item, in order of the answers, on threads that leave Python."""
    if n_jobs < 1:
        raise OutOfRangeError(name="n_jobs", value=n_jobs, allowed="[1, inf)")
    if n_jobs == 1 or len(items) == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(n_jobs) as pool:
        return list(pool.map(work, items))


def _given_bins(bins: Any, columns: Columns) -> Mapping[str, Any]:
    if isinstance(bins, Integral):
        return {}
    found = bins if isinstance(bins, Mapping) else getattr(bins, "bins_", None)
    if not isinstance(found, Mapping):
        raise InputError("bins must be a number, a mapping by column, or a fitted Binner")
    absent = [name for name in found if name not in columns.table.names]
    if absent:
        raise InputError(f"bins are given for columns that are not there: {', '.join(absent)}")
    return found


def _fit_column(
    columns: Columns, name: str, given: Any, *, size: int, method: str, categories_at_most: int
) -> ColumnReference:
    """Make the cells of one column and count its rows."""
    if isinstance(given, ColumnBins):
        cells = Cells.of_bins(given)
        values = columns.read(name, kind=given.kind)
    elif given is not None:
        values = columns.read(name, kind="numeric")
        cells = Cells(name=name, kind="numeric", edges=checked_edges(name, given))
    else:
        values = columns.read(name)
        if isinstance(values, Field):
            cells = _label_cells(values, categories_at_most)
        else:
            cells = Cells(name=name, kind="numeric", edges=made_edges(values, size, method))
    count = count_cells(cells, values, columns.weights)[0]
    note = "the reference has no present value" if not count[: cells.n_regular].any() else ""
    return ColumnReference(cells=cells, count=count, note=note)


def count_cells(
    cells: Cells, values: NDArray[Any] | Field, weights: FloatArray | None
) -> tuple[FloatArray, dict[str, float]]:
    """Count the rows of each cell, and those of each label that the cells do not know."""
    if isinstance(values, Field):
        return cells.counted_labels(values, weights)
    return cells.counted_numbers(values, weights), {}


def _label_cells(field: Field, categories_at_most: int) -> Cells:
    """Give each label of the reference a cell; the rarer ones beyond the limit share one."""
    labels = field.labels or ()
    often = np.bincount(field.values[field.values >= 0], minlength=len(labels))
    ranked = [labels[code] for code in np.lexsort((np.arange(len(labels)), -often))]
    groups = [(label,) for label in ranked[:categories_at_most]]
    other = len(ranked) > categories_at_most
    if other:
        groups = [*groups[:-1], (*groups[-1], *ranked[categories_at_most:])]
    return Cells(
        name=field.name, kind="categorical", edges=np.empty(0), groups=tuple(groups), other=other
    )


def made_edges(values: NDArray[Any], size: int, method: str) -> FloatArray:
    """Return the inner edges of a numeric column.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Made by `native`.
    size : int
        Cells asked for; ties make them fewer.
    method : "quantile" or "equal_width"
    """
    if method == "equal_width":
        finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values
        if not finite.size:
            return np.empty(0)
        low, high = float(finite.min()), float(finite.max())
        if low == high:
            return np.array([low, np.nextafter(low, np.inf)])
        # Halves first: the width of a column of huge numbers must not overflow.
        steps = np.arange(1, size) / size
        return np.unique(low * (1 - steps) + high * steps)
    present, found = exact_quantiles(values, np.arange(1, size) / size)
    edges, times = np.unique(found, return_counts=True)
    atoms = edges[times > 1]
    if present and size == 2:  # one quantile cannot repeat: count the rows that equal it
        _, above = at_least(values, np.array([found[0], np.nextafter(found[0], np.inf)]))
        atoms = edges if 2 * (above[0] - above[1]) >= present else atoms
    edges = np.unique(np.concatenate([edges, np.nextafter(atoms, np.inf)]))
    return edges[edges > -np.inf]
