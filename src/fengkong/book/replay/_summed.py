"""A panel summed over everything but a few columns, without making its rows.

Every cell of the answer has a number: month, cohort, age, what the code tells apart and the loan's
dimensions each move it by their own step. Adding up is then one compiled pass for each amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from fengkong.book.replay import _panel as pn
from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.replay._history import FLOWS, in_parts, loan_columns
from fengkong.book.schema import PANEL
from fengkong.book.schema._derived import STATE_CODES
from fengkong.foundation.money import from_cents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fengkong.book.replay._history import History
    from fengkong.book.view import View

Array = np.ndarray[Any, Any]
TIME = ("month_end", "cohort_month", "months_on_book")
CODED = ("opening_state", "state", *pn.FLAG_COLUMNS)
(COUNT, OF_LOAN, OF_ROW, OPENING, UNSCHEDULED, EXPOSURE, FIRST_30, FIRST_90) = range(8)
_BALANCE, _WRITTEN_OFF = "outstanding_principal_amount", "written_off_amount"
_HOW: dict[str, tuple[int, tuple[str, ...]]] = {
    "disbursed_amount": (OF_LOAN, ()),
    _BALANCE: (OF_ROW, (_BALANCE,)),
    "opening_principal_amount": (OPENING, (_BALANCE,)),
    "unscheduled_principal_amount": (
        UNSCHEDULED, ("paid_principal_amount", "scheduled_principal_amount")),
    "exposure_amount": (EXPOSURE, (_BALANCE, _WRITTEN_OFF)),
    "first_over_30_amount": (FIRST_30, (_BALANCE, _WRITTEN_OFF)),
    "first_over_90_amount": (FIRST_90, (_BALANCE, _WRITTEN_OFF)),
    **{name: (OF_ROW, (name,)) for name in FLOWS},
}  # fmt: skip
"""How each amount of the panel follows from the amounts that the facts say."""
CELLS_MAX = 4_000_000
_CODE = np.arange(pn.CODES)
_STATE = pn.state_of(_CODE)
_GONE_ON = np.where(
    _STATE >= pn.PAID_OFF_STATE,
    ((_STATE + 1) * pn.STATE_COUNT + _STATE) * pn.FLAGS
    + (_CODE & (pn.EVER_30 | pn.EVER_90 | pn.DEFAULTED)),
    -1,
).astype(np.int16)  # fmt: skip
"""The code of the months after the row of an ended loan: it opens and closes in that state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """Where a row adds to: of_loan[loan] + month * by_month + of_code[code].

    Attributes
    ----------
    shape : tuple of int
        Places of month, cohort, age, code and dimensions; 1 for what is not asked.
    lows : tuple of int
        First month, cohort and age.
    codes : list of int
        For each place of a code, one of the codes that fall there.
    """

    of_loan: Array
    by_month: int
    of_code: Array
    shape: tuple[int, ...]
    lows: tuple[int, int, int]
    codes: Array


def summed(view: View, columns: Sequence[str]) -> pa.Table | None:
    """Return the panel of a view summed over all columns that are not asked for.

    Returns
    -------
    pyarrow.Table or None
        As `add_up` has it. None where a column is not to be had from a sum (a number of a loan or
        borrower, days past due), where `read_history` cannot serve, or with too many cells.
    """
    history = view.history() if summable(columns) else None
    if history is None:
        return None
    return add_up(history, columns, lambda name: loan_columns(view, history, [name])[name])


def summable(columns: Sequence[str]) -> bool:
    """Whether these columns of the panel can be had from a sum."""
    return set(columns) <= {*TIME, *CODED, *_HOW, *PANEL.dimensions}


def add_up(
    history: History, columns: Sequence[str], dimension: Callable[[str], Column]
) -> pa.Table | None:
    """Return the panel summed over all columns that are not asked for.

    Parameters
    ----------
    history : History
    columns : sequence of str
        Columns of the panel for which `summable` holds. Amounts are added, the others tell the
        rows of the answer apart.
    dimension : callable
        Returns a dimension of the loans, in their order.

    Returns
    -------
    pyarrow.Table or None
        ``columns`` (an amount that no row knows is 0) and ``loan_months``, the rows of the panel
        that a row stands for. None where there would be too many cells.
    """
    groups = [name for name in PANEL.dimensions if name in columns]
    dimensions = {name: dimension(name).combine_chunks().dictionary_encode() for name in groups}
    cells = _cells(history, columns, dimensions)
    if cells is None:
        return None
    count = _sum(history, cells, None)
    found = np.flatnonzero(count)
    places = np.unravel_index(found, cells.shape)
    answer: dict[str, Column] = _time_columns(columns, cells, places)
    codes = cells.codes[places[3]]
    if "opening_state" in columns:
        answer["opening_state"] = pn.coded(pn.opening_state_of(codes), STATE_CODES)
    if "state" in columns:
        answer["state"] = pn.coded(pn.state_of(codes), STATE_CODES)
    for name, flag in pn.FLAG_COLUMNS.items():
        if name in columns:
            answer[name] = array(codes & flag != 0)
    rest = places[4]
    for name, column in reversed(dimensions.items()):
        size = len(column.dictionary) + 1
        here = array((rest % size).astype(np.int32), mask=rest % size == size - 1)
        answer[name] = column.dictionary.take(here)
        rest = rest // size
    for name in _HOW:
        if name in columns:
            answer[name] = from_cents(_sum(history, cells, name)[found])
    answer["loan_months"] = array(count[found])
    return pa.table(answer)


def _cells(
    history: History, columns: Sequence[str], dimensions: dict[str, Column]
) -> _Cells | None:
    lows, sizes = history.ranges
    asked = [size if name in columns else 1 for name, size in zip(TIME, sizes, strict=True)]
    of_code, codes = _code_places(columns)
    groups, of_group = 1, np.zeros(len(history.cohort), dtype=np.int64)
    for column in dimensions.values():
        size = len(column.dictionary) + 1
        of_group = of_group * size + np.asarray(pc.fill_null(column.indices, size - 1))
        groups *= size
    shape = (*asked, len(codes), groups)
    if np.prod([float(size) for size in shape]) > CELLS_MAX:
        return None
    step_code = groups
    step_age = step_code * len(codes)
    step_cohort, step_month = step_age * asked[2], step_age * asked[2] * asked[1]
    steps = [
        step if name in columns else 0
        for name, step in zip(TIME, (step_month, step_cohort, step_age), strict=True)
    ]
    of_loan = of_group + (history.cohort - lows[1]) * steps[1] - history.cohort * steps[2]
    of_loan -= lows[0] * steps[0] + lows[2] * steps[2]
    return _Cells(
        of_loan=of_loan, by_month=steps[0] + steps[2], of_code=of_code * step_code, shape=shape,
        lows=lows, codes=codes,
    )  # fmt: skip


def _code_places(columns: Sequence[str]) -> tuple[Array, Array]:
    """Return the place of each code by what of it is asked, and a code of each place."""
    told = np.zeros(pn.CODES, dtype=np.int64)
    if "opening_state" in columns:
        told = pn.opening_state_of(_CODE) + 1
    if "state" in columns:
        told = told * pn.STATE_COUNT + pn.state_of(_CODE)
    for name, flag in pn.FLAG_COLUMNS.items():
        if name in columns:
            told = told * 2 + (_CODE & flag != 0)
    _, codes, of_code = np.unique(told, return_index=True, return_inverse=True)
    return of_code, codes


def _time_columns(
    columns: Sequence[str], cells: _Cells, places: tuple[Array, ...]
) -> dict[str, Column]:
    month, cohort, age = (place + low for place, low in zip(places, cells.lows, strict=False))
    made = {"month_end": pn.last_days(month), "cohort_month": pn.first_days(cohort)}
    made["months_on_book"] = array(age)
    return {name: column for name, column in made.items() if name in columns}


def _sum(history: History, cells: _Cells, name: str | None) -> Array:
    """Return the sum of an amount for each cell, of row counts without a name."""
    how, flows = _HOW[name] if name else (COUNT, ())
    if _WRITTEN_OFF in flows and how != OF_ROW and not history.opens_written_off:
        flows = (_BALANCE, _BALANCE)
    arrays = history.flows(flows) or [history.disbursed]
    one, two = arrays[0], arrays[-1]
    parts: list[Array] = []

    def work(first: int, stop: int) -> None:
        out = np.zeros(int(np.prod(cells.shape)), dtype=np.int64)
        _add(
            first, stop, history.at, history.month, history.last_month, history.code, _GONE_ON,
            cells.of_loan, cells.by_month, cells.of_code, how, one, two, out,
        )  # fmt: skip
        parts.append(out)

    in_parts(len(history.cohort), work)
    return np.sum(parts, axis=0)


@njit(cache=True, nogil=True)
def _add(  # noqa: PLR0917 - Numba calls by position
    first: int, stop: int, at: Array, month: Array, last_month: int, code: Array, gone_on: Array,
    cell_of_loan: Array, by_month: int, cell_of_code: Array, how: int, one: Array, two: Array,
    out: Array,
) -> None:  # fmt: skip
    for loan in range(first, stop):
        cell = cell_of_loan[loan]
        value = one[loan] if how == OF_LOAN else 1
        lost, frozen, is_lost, is_frozen = 0, 0, False, False
        for r in range(at[loan], at[loan + 1]):
            if how == OF_ROW:
                value = one[r]
            elif how == OPENING:
                value = one[r - 1] if pn.opening_state(code[r]) >= 0 else 0
            elif how == UNSCHEDULED:
                value = max(one[r] - two[r], 0)
            elif how >= EXPOSURE:
                value = one[r]
                if pn.state(code[r]) == pn.WRITTEN_OFF_STATE:
                    # As the balance before; without one, as what was written off.
                    if not is_lost:
                        lost, is_lost = one[r - 1] if r > at[loan] else two[r], True
                    value = lost
                if how > EXPOSURE:
                    flag = pn.EVER_30 if how == FIRST_30 else pn.EVER_90
                    if not is_frozen and code[r] & flag:
                        frozen, is_frozen = value, True
                    value = frozen
            out[cell + month[r] * by_month + cell_of_code[code[r]]] += value
            after = gone_on[code[r]]
            if after >= 0 and (how <= OF_LOAN or how >= EXPOSURE):
                until = month[r + 1] if r + 1 < at[loan + 1] else last_month + 1
                for m in range(month[r] + 1, until):
                    out[cell + m * by_month + cell_of_code[after]] += value


__all__ = ["add_up", "summable", "summed"]
