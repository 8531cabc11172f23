"""One door for tables of features: pandas, Arrow, NumPy or a mapping become typed fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from fengkong.foundation.errors import ColumnTypeError, InputError

FieldKind: TypeAlias = Literal["numeric", "categorical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One column of features, read and typed.

    Attributes
    ----------
    name : str
        Name of the column.
    values : ndarray of shape (n_rows,)
        Numeric: float64, NaN where missing. Categorical: int32 codes into ``labels``, -1 missing.
    labels : tuple of str, or None
        The distinct labels of a categorical column; None for a numeric one.
    """

    name: str
    values: NDArray[Any]
    labels: tuple[str, ...] | None = None

    @property
    def kind(self) -> FieldKind:
        """Say what the values are."""
        return "numeric" if self.labels is None else "categorical"


class Table:
    """A table of features whose columns are read one at a time, when they are asked for.

    Parameters
    ----------
    columns : mapping of str to array or Series
        Columns of equal length; nothing is copied until :meth:`field` reads one.
    """

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = dict(columns)
        lengths = {len(column) for column in self._columns.values()}
        if len(lengths) > 1:
            raise InputError(f"columns differ in length: {sorted(lengths)}")
        self.rows = lengths.pop() if lengths else 0
        self.names: tuple[str, ...] = tuple(self._columns)
        self._categorical: dict[str, Field] = {}

    def __iter__(self) -> Iterator[Field]:
        return (self.field(name) for name in self.names)

    def costly_first(self) -> list[str]:
        """List the names of columns of text before those of numbers: they take longest to read."""
        return sorted(self.names, key=lambda name: self._columns[name].dtype.kind in "biuf")

    def field(self, name: str, *, kind: FieldKind | None = None) -> Field:
        """Read one column.

        Parameters
        ----------
        name : str
            Name of the column.
        kind : "numeric" or "categorical", optional
            What a fitted model expects; by default the column's own type decides.

        Raises
        ------
        InputError
            There is no such column.
        ColumnTypeError
            Text where numbers are expected, dates, complex numbers or nested values.

        Notes
        -----
        Numbers where categories are expected become their text ("3", not "3.0"), because a CSV
        reader types a column of codes by what it happens to hold. Text is never read as a number.
        """
        if name not in self._columns:
            raise InputError(f"column {name!r} is not in the table: it has {_some(self.names)}")
        column = self._columns[name]
        found = _kind_of(name, column)
        if found == "categorical" and kind == "numeric":
            if _is_all_missing(column):
                return Field(name=name, values=np.full(self.rows, np.nan))
            raise ColumnTypeError(name=name, expected="numbers", found="text")
        if (kind or found) == "numeric":
            return Field(name=name, values=_numbers(column))
        if name not in self._categorical:  # kept: coding text is the slow part of reading it
            codes, labels = _categories(column, numeric=found == "numeric")
            self._categorical[name] = Field(name=name, values=codes, labels=labels)
        return self._categorical[name]


def read_table(X: Any, *, names: Collection[str] | None = None) -> Table:
    """Open a table of features without copying it.

    Parameters
    ----------
    X : DataFrame, pyarrow.Table, ndarray of shape (n_rows, n_columns), mapping, or Table
        The features. A plain array has columns ``x0``, ``x1``, ... unless ``names`` says otherwise.
    names : collection of str, optional
        Names of the columns of a plain array.

    Raises
    ------
    InputError
        Not a table, sparse, one-dimensional, or two columns of one name.
    """
    if isinstance(X, Table):
        return X
    if hasattr(X, "toarray"):  # scipy.sparse, told by its interface
        raise InputError("sparse data are not supported: a table of features holds every value")
    if isinstance(X, pd.DataFrame):
        return _from_frame(X)
    if isinstance(X, pa.Table):
        columns = [X.column(place) for place in range(X.num_columns)]
        return _from_pairs(X.column_names, [column.to_pandas() for column in columns])
    if isinstance(X, Mapping):
        return _from_pairs(list(X), [_as_array(column) for column in X.values()])
    array = np.asarray(X)
    if array.ndim != 2:
        raise InputError(
            f"expected a table of two dimensions, found {array.ndim}. Reshape your data: one row "
            "a loan, one column a feature"
        )
    found = list(names) if names is not None else [f"x{place}" for place in range(array.shape[1])]
    return _from_pairs(found, [array[:, place] for place in range(array.shape[1])])


def _from_frame(frame: pd.DataFrame) -> Table:
    pairs = list(frame.items())
    return _from_pairs([str(name) for name, _ in pairs], [column for _, column in pairs])


def _from_pairs(names: Collection[str], columns: list[Any]) -> Table:
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise InputError(f"two columns have the name {_some(twice)}")
    return Table(dict(zip(names, columns, strict=True)))


def _as_array(column: Any) -> Any:
    return column if isinstance(column, pd.Series | np.ndarray) else pd.Series(column)


def _some(names: Collection[str]) -> str:
    shown = ", ".join(repr(name) for name in list(names)[:8])
    return shown + (", ..." if len(names) > 8 else "")


def _kind_of(name: str, column: Any) -> FieldKind:
    """Tell numbers from text by the type, and by the values where the type says nothing."""
    dtype = column.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return "categorical"
    if pd.api.types.is_complex_dtype(dtype):
        raise ColumnTypeError(
            name=name,
            expected="numbers or text",
            found="complex numbers. Complex data not supported",
        )
    if pd.api.types.is_numeric_dtype(dtype) or pd.api.types.is_bool_dtype(dtype):
        return "numeric"
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        raise ColumnTypeError(
            name=name, expected="numbers or text (make days since some date of it)", found="dates"
        )
    if not pd.api.types.is_object_dtype(dtype):
        return "categorical"
    held = pd.api.types.infer_dtype(column, skipna=True)
    if held in {"integer", "floating", "mixed-integer-float", "decimal", "boolean"}:
        return "numeric"
    if held in {"string", "empty", "mixed-integer", "mixed", "categorical"}:
        if held.startswith("mixed") and not _is_scalar_text(column):
            raise ColumnTypeError(
                name=name, expected="an argument that must be a string or a number", found=held
            )
        return "categorical"
    raise ColumnTypeError(name=name, expected="numbers or text", found=held)


def _is_scalar_text(column: Any) -> bool:
    """Whether every value is a text, a number or missing: nothing nested."""
    return all(value is None or np.isscalar(value) or value is pd.NA for value in _distinct(column))


def _distinct(column: Any) -> list[Any]:
    """List the distinct values of an object column, or all of them if they cannot be compared."""
    try:
        return list(pd.unique(pd.Series(column)))
    except TypeError:
        return list(column)


def _is_all_missing(column: Any) -> bool:
    return bool(pd.isna(column).all())


def _numbers(column: Any) -> NDArray[np.float64]:
    if isinstance(column, pd.Series):
        if isinstance(column.dtype, np.dtype) and column.dtype != object:
            return np.ascontiguousarray(column.to_numpy(), dtype=np.float64)  # a view if it can be
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    if column.dtype == object:
        return pd.to_numeric(pd.Series(column)).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.ascontiguousarray(column, dtype=np.float64)


def _categories(column: Any, *, numeric: bool) -> tuple[NDArray[np.int32], tuple[str, ...]]:
    """Code a column by its distinct labels, in the order of their text."""
    values: Any
    if isinstance(column, pd.Series) and isinstance(column.dtype, pd.CategoricalDtype):
        codes, values = np.asarray(column.cat.codes), column.cat.categories
    else:
        codes, values = pd.factorize(_numbers(column) if numeric else column)
    labels = [label_of(value) for value in values]
    ordered = sorted(set(labels))
    place = {label: code for code, label in enumerate(ordered)}
    moved = np.array([place[label] for label in labels] + [-1], dtype=np.int32)
    return moved[codes], tuple(ordered)


def label_of(value: Any) -> str:
    """Return the label of a category: the same whatever kind of column or record holds the value.

    Parameters
    ----------
    value : str, number or any other scalar that is not missing
        Numbers and flags are written as a column of float64 would hold them: 3, 3.0 and
        ``Decimal("3.0")`` are "3", True is "1".

    Raises
    ------
    InputError
        A whole number too large for float64.
    """
    if isinstance(value, str) or not isinstance(value, Real | Decimal | np.bool_):
        return str(value)
    try:
        number = float(value)
    except OverflowError as error:
        raise InputError(
            f"a category is a whole number too large to read: {value!s:.20}..."
        ) from error
    return str(int(number)) if number.is_integer() else str(number)
