"""From values to codes of bins, a column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.tables import Field

if TYPE_CHECKING:
    from fengkong.scorecard.binning.bins import CodeArray, ColumnBins

_BLOCK_ROWS = 2048  # 16 KiB of values: they stay in the first cache while every cut passes


@numba.njit(cache=True, nogil=True)
def encode_block(  # noqa: PLR0917 - Numba calls by position
    values: NDArray[np.float64],
    cuts: NDArray[np.float64],
    special_values: NDArray[np.float64],
    special_codes: NDArray[np.uint8],
    missing_code: int,
    codes: NDArray[np.uint8],
) -> None:
    """Write the code of each value; loops without branches, so that they run on vectors.

    Parameters
    ----------
    values : ndarray of float64, shape (n_rows,)
        NaN where missing.
    cuts : ndarray of float64, shape (k - 1,)
        Ascending; the code of a value is the number of cuts that do not exceed it.
    special_values : ndarray of float64, shape (n_special_values,)
    special_codes : ndarray of uint8, shape (n_special_values,)
        The code of each special value.
    missing_code : int
    codes : ndarray of uint8, shape (n_rows,)
        Written here.
    """
    missing = np.uint8(missing_code)
    for start in range(0, len(values), _BLOCK_ROWS):
        x = values[start : start + _BLOCK_ROWS]
        out = codes[start : start + _BLOCK_ROWS]
        for row in range(len(x)):
            out[row] = np.uint8(0) if x[row] == x[row] else missing
        for place in range(len(cuts)):
            cut = cuts[place]
            for row in range(len(x)):
                out[row] += np.uint8(x[row] >= cut)
        for place in range(len(special_values)):
            special, code = special_values[place], special_codes[place]
            for row in range(len(x)):
                out[row] = code if x[row] == special else out[row]


def numeric_codes(bins: ColumnBins, field: Field) -> CodeArray:
    """Tell the code of each number."""
    codes = np.empty(len(field.values), dtype=np.uint8)
    encode_block(
        read_only(field.values),
        np.ascontiguousarray(bins.cuts),
        *special_codes(bins),
        bins.missing_code,
        codes,
    )
    return codes


def read_only(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a view that no one writes to: one type of array, so one compiled kernel."""
    view = np.ascontiguousarray(values).view()
    view.flags.writeable = False
    return view


def category_codes(bins: ColumnBins, field: Field) -> CodeArray:
    """Tell the code of each label; unseen ones follow the pooled rare ones if there are any."""
    unseen = bins.unseen_code if bins.rare_code is None else bins.rare_code
    known = [bins.code_of_label.get(label, unseen) for label in field.labels or ()]
    return np.array([*known, bins.missing_code], dtype=np.uint8)[field.values]


def special_codes(bins: ColumnBins) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """List the special values and the code of each."""
    pairs: list[tuple[Any, int]] = [
        (value, bins.missing_code + 1 + place)
        for place, special in enumerate(bins.specials)
        for value in special.values
    ]
    values = np.array([value for value, _ in pairs], dtype=np.float64)
    return values, np.array([code for _, code in pairs], dtype=np.uint8)
