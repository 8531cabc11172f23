"""Points of a whole table: values to codes to points to their sum, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numba
import numpy as np

from fengkong.foundation.tables import Field, Table
from fengkong.scorecard.binning._encode import encode_block, special_codes
from fengkong.scorecard.binning.bins import ColumnBins, FloatArray

if TYPE_CHECKING:
    from fengkong.scorecard.card.document import Card

BLOCK_ROWS = 32_768  # the running sums of a block stay in the second-level cache
GROUP_COLUMNS = 8  # columns read at once: what must be converted is let go group by group
THREADS = 2


def total_points(card: Card, table: Table) -> tuple[FloatArray, dict[str, int]]:
    """Sum the points of every row.

    Parameters
    ----------
    card : Card
    table : Table
        Holds every variable of the card; other columns are not read.

    Returns
    -------
    score : ndarray of shape (n_rows,)
        base_points + points of the first variable + the second ..., added in this order.
    unseen : dict of str to int
        Rows of each variable whose category no bin holds; variables without such rows are left out.

    Raises
    ------
    InputError
        A variable is not in the table.
    ColumnTypeError
        Text where the card has numbers, or a type that is neither.
    """
    score = np.full(table.rows, card.base_points)
    unseen: dict[str, int] = {}
    for start in range(0, len(card.variables), GROUP_COLUMNS):
        adders = []
        for variable in card.variables[start : start + GROUP_COLUMNS]:
            field = table.field(variable.bins.name, kind=variable.bins.kind)
            adders.append(_adder(variable.bins, variable.points, field))
            count = _unseen_rows(variable.bins, field)
            if count:
                unseen[variable.bins.name] = count
        _add_all(adders, score)
    return score, unseen


def points_by_variable(card: Card, table: Table) -> dict[str, FloatArray]:
    """Return the points of each variable, arrays of shape (n_rows,)."""
    result = {}
    for variable in card.variables:
        field = table.field(variable.bins.name, kind=variable.bins.kind)
        result[variable.bins.name] = np.zeros(table.rows)
        _add_all([_adder(variable.bins, variable.points, field)], result[variable.bins.name])
    return result


def _add_all(adders: list[Callable[[int, int, FloatArray], None]], score: FloatArray) -> None:
    def of_block(start: int) -> None:
        stop = min(start + BLOCK_ROWS, len(score))
        for add in adders:
            add(start, stop, score[start:stop])

    starts = range(0, len(score), BLOCK_ROWS)
    if len(starts) < THREADS:
        for start in starts:
            of_block(start)
        return
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(of_block, starts):
            pass


def _adder(
    bins: ColumnBins, points: FloatArray, field: Field
) -> Callable[[int, int, FloatArray], None]:
    """Return what adds the points of one column to the sums of a block."""
    values = field.values
    if bins.kind == "numeric":
        special_values, codes = special_codes(bins)
        cuts, missing = np.ascontiguousarray(bins.cuts), bins.missing_code

        def add_number(start: int, stop: int, score: FloatArray) -> None:
            block = np.ascontiguousarray(values[start:stop])
            _add_numeric(block, cuts, special_values, codes, missing, points, score)

        return add_number
    # One line a label, and the last one for missing: code -1 finds it.
    of_label = points[[*_label_codes(bins, field), bins.missing_code]]

    def add_category(start: int, stop: int, score: FloatArray) -> None:
        _add_categorical(values[start:stop], of_label, score)

    return add_category


def _label_codes(bins: ColumnBins, field: Field) -> list[int]:
    fallback = bins.unseen_code if bins.rare_code is None else bins.rare_code
    return [bins.code_of_label.get(label, fallback) for label in field.labels or ()]


def _unseen_rows(bins: ColumnBins, field: Field) -> int:
    """Count the rows whose label no bin names."""
    if field.labels is None:
        return 0
    unknown = [place for place, label in enumerate(field.labels) if label not in bins.code_of_label]
    return int(np.isin(field.values, unknown).sum()) if unknown else 0


@numba.njit(cache=True, nogil=True)
def _add_numeric(values, cuts, special_values, special_code, missing, points, score):  # type: ignore[no-untyped-def]  # noqa: PLR0917
    codes = np.empty(len(values), dtype=np.uint8)
    encode_block(values, cuts, special_values, special_code, missing, codes)
    for row in range(len(values)):
        score[row] += points[codes[row]]


@numba.njit(cache=True, nogil=True)
def _add_categorical(labels, points, score):  # type: ignore[no-untyped-def]
    for row in range(len(labels)):
        score[row] += points[labels[row]]  # -1, missing, is the last line
