"""A panel summed over everything but a few columns, without making its rows.

Every cell of the answer has a number: month, cohort, age, what the code tells apart and the loan's
dimensions each move it by their own step. Adding up is then one compiled pass over the balances,
and one over the facts for what flowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numba import njit

from fengkong.book.replay import _panel as pn
from fengkong.book.replay._arrow import Column, array, pc
from fengkong.book.replay._history import FLOWS, in_parts, largest, loan_columns
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
SUMS = (
    "loan_months", "disbursed_amount", "outstanding_principal_amount", "opening_principal_amount",
    "exposure_amount", "first_over_30_amount", "first_over_90_amount",
)  # fmt: skip
"""What one pass over the balances adds up, whatever is asked for."""
_SOURCES = {"unscheduled_principal_amount": ["paid_principal_amount", "scheduled_principal_amount"]}
"""Flows that the facts do not say themselves: the first above the second."""
_FLOWS = (*FLOWS, *_SOURCES)
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
        As `add_up` has it. None where `read_history` cannot serve, or with too many cells.
    """
    history = view.history()
    if history is None:
        return None
    return add_up(history, columns, lambda names: loan_columns(view, history, names))


def widened(columns: Sequence[str], by: Sequence[str] = ()) -> tuple[str, ...] | None:
    """Return the columns to sum by so that the answer serves other measures as well.

    Without dimensions the finest sum is small: one serves all measures. None where a column is not
    to be had from a sum (a number of a loan or borrower, days past due), or ``by`` names an amount.
    """
    amounts = {*SUMS[1:], *_FLOWS}
    if set(by) & amounts or not set(columns) <= {*TIME, *CODED, *amounts, *PANEL.dimensions}:
        return None
    dimensions = [name for name in PANEL.dimensions if name in columns]
    told = [name for name in (*TIME, *CODED) if name in columns or not dimensions]
    return (*told, *SUMS[1:], *(name for name in _FLOWS if name in columns), *dimensions)


def add_up(
    history: History, columns: Sequence[str], loans: Callable[[Sequence[str]], pa.Table]
) -> pa.Table | None:
    """Return the panel summed over all columns that are not asked for.

    Parameters
    ----------
    history : History
    columns : sequence of str
        As `widened` returns them: amounts are added, the others tell the rows of the answer apart.
    loans : callable
        Returns columns of the loans, in the order of the history.

    Returns
    -------
    pyarrow.Table or None
        ``columns`` (an amount that no row knows is 0) and ``loan_months``, the rows of the panel
        that a row stands for. None with too many cells, or amounts too large to add in 64 bits.
    """
    key = tuple(name for name in columns if name not in _FLOWS)
    if key not in history.sums:
        dimensions = _dimensions([name for name in columns if name in PANEL.dimensions], loans)
        cells = _cells(history, columns, dimensions)
        history.sums[key] = (cells, dimensions, _balances(history, cells) if cells else None)
    cells, dimensions, sums = history.sums[key]
    if sums is None:
        return None
    found = np.flatnonzero(sums[:, 0])
    answer = _labels(columns, cells, np.unravel_index(found, cells.shape), dimensions)
    answer["loan_months"] = array(sums[found, 0])
    for place, name in enumerate(SUMS[1:], start=1):
        answer[name] = from_cents(sums[found, place])
    flows = _flows(history, cells, [name for name in columns if name in _FLOWS])
    if flows is None:
        return None
    for name, of_cells in flows.items():
        answer[name] = from_cents(of_cells[found])
    return pa.table(answer)


def _dimensions(
    names: Sequence[str], loans: Callable[[Sequence[str]], pa.Table]
) -> dict[str, Column]:
    """Return dimensions of the loans as codes with their values."""
    table: Any = loans(names) if names else {}
    return {name: table[name].combine_chunks().dictionary_encode() for name in names}


def _labels(
    columns: Sequence[str], cells: _Cells, places: Sequence[Array], dimensions: dict[str, Column]
) -> dict[str, Column]:
    """Return the columns that tell cells apart."""
    month, cohort, age = (place + low for place, low in zip(places, cells.lows, strict=False))
    if {"month_end", "cohort_month"} <= set(columns):
        age = month - cohort
    codes, rest = cells.codes[places[3]], places[4]
    every: dict[str, Column] = {
        "month_end": pn.last_days(month),
        "cohort_month": pn.first_days(cohort),
        "months_on_book": array(age),
        "opening_state": pn.coded(pn.opening_state_of(codes), STATE_CODES),
        "state": pn.coded(pn.state_of(codes), STATE_CODES),
        **{name: array(codes & flag != 0) for name, flag in pn.FLAG_COLUMNS.items()},
    }
    for name, column in reversed(dimensions.items()):
        size = len(column.dictionary) + 1
        here = array((rest % size).astype(np.int32), mask=rest % size == size - 1)
        every[name] = column.dictionary.take(here)
        rest = rest // size
    return {name: column for name, column in every.items() if name in columns}


def _cells(
    history: History, columns: Sequence[str], dimensions: dict[str, Column]
) -> _Cells | None:
    lows, sizes = history.ranges
    # A month and a cohort tell the age.
    axes = [name for name in TIME if name in columns][:2]
    asked = [size if name in axes else 1 for name, size in zip(TIME, sizes, strict=True)]
    of_code, codes = _code_places(columns, history.used)
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
        step if name in axes else 0
        for name, step in zip(TIME, (step_month, step_cohort, step_age), strict=True)
    ]
    of_loan = of_group + (history.cohort - lows[1]) * steps[1] - history.cohort * steps[2]
    of_loan -= lows[0] * steps[0] + lows[2] * steps[2]
    return _Cells(
        of_loan=of_loan, by_month=steps[0] + steps[2], of_code=of_code * step_code, shape=shape,
        lows=lows, codes=codes,
    )  # fmt: skip


def _code_places(columns: Sequence[str], used: Array) -> tuple[Array, Array]:
    """Return the place of each code by what of it is asked, and a code of each place."""
    told = np.zeros(pn.CODES, dtype=np.int64)
    if "opening_state" in columns:
        told = pn.opening_state_of(_CODE) + 1
    if "state" in columns:
        told = told * pn.STATE_COUNT + pn.state_of(_CODE)
    for name, flag in pn.FLAG_COLUMNS.items():
        if name in columns:
            told = told * 2 + (_CODE & flag != 0)
    after = _GONE_ON[used]
    there = np.union1d(used, after[after >= 0])
    _, first, places = np.unique(told[there], return_index=True, return_inverse=True)
    of_code = np.zeros(pn.CODES, dtype=np.int64)
    of_code[there] = places
    return of_code, there[first]


def _balances(history: History, cells: _Cells) -> Array | None:
    """Return the `SUMS` of each cell, shape (cells, 7); None: too large to add."""
    balance = own = history.balance  # 0 where written off
    if history.opens_written_off:
        parts = history.flows(["written_off_amount"])
        own = np.concatenate([amounts["written_off_amount"] for _, amounts in parts])
        if not history.may_add(largest(own)):
            return None
    found: list[Array] = []

    def work(first: int, stop: int) -> None:
        out = np.zeros((int(np.prod(cells.shape)), len(SUMS)), dtype=np.int64)
        _add_balances(
            first, stop, history.at, history.month, history.last_month, history.code, _GONE_ON,
            cells.of_loan, cells.by_month, cells.of_code, history.disbursed, balance, own, out,
        )  # fmt: skip
        found.append(out)

    in_parts(len(history.cohort), work)
    for other in found[1:]:
        found[0] += other
    return found[0]


def _flows(history: History, cells: _Cells, names: Sequence[str]) -> dict[str, Array] | None:
    """Return the sums of what flowed, shape (cells,) each, in one pass; None: too large to add."""
    sources = [_SOURCES.get(name, [name]) for name in names]
    sums = {name: np.zeros(int(np.prod(cells.shape)), dtype=np.int64) for name in names}
    asked = dict.fromkeys(one for some in sources for one in some)
    for first, amounts in history.flows(list(asked)) if names else ():
        if not all(history.may_add(largest(cents)) for cents in amounts.values()):
            return None
        for name, of in zip(names, sources, strict=True):
            _add_flow(
                first, history.at, history.month, history.code, cells.of_loan, cells.by_month,
                cells.of_code, amounts[of[0]], amounts[of[-1]], len(of) > 1, sums[name],
            )  # fmt: skip
    return sums


@njit(cache=True, nogil=True)
def _add_balances(  # noqa: PLR0917 - Numba calls by position
    first: int, stop: int, at: Array, month: Array, last_month: int, code: Array, gone_on: Array,
    cell_of_loan: Array, by_month: int, cell_of_code: Array, disbursed: Array, balance: Array,
    own: Array, out: Array,
) -> None:  # fmt: skip
    for loan in range(first, stop):
        principal = disbursed[loan]
        lost, is_lost, first_30, first_90 = 0, False, 0, 0
        before = 0
        for r in range(at[loan], at[loan + 1]):
            exposure = balance[r]
            if pn.state(code[r]) == pn.WRITTEN_OFF_STATE:
                # As the balance before; without one, as what was written off.
                if not is_lost:
                    lost, is_lost = balance[r - 1] if r > at[loan] else own[r], True
                exposure = lost
            if code[r] & pn.EVER_30 and before & pn.EVER_30 == 0:
                first_30 = exposure
            if code[r] & pn.EVER_90 and before & pn.EVER_90 == 0:
                first_90 = exposure
            before = code[r]
            cell = cell_of_loan[loan] + month[r] * by_month + cell_of_code[before]
            out[cell, 0] += 1
            out[cell, 1] += principal
            out[cell, 2] += balance[r]
            if pn.opening_state(before) >= 0:
                out[cell, 3] += balance[r - 1]
            out[cell, 4] += exposure
            out[cell, 5] += first_30
            out[cell, 6] += first_90
            if gone_on[before] < 0:
                continue
            until = month[r + 1] if r + 1 < at[loan + 1] else last_month + 1
            for m in range(month[r] + 1, until):
                cell = cell_of_loan[loan] + m * by_month + cell_of_code[gone_on[before]]
                out[cell, 0] += 1
                out[cell, 1] += principal
                out[cell, 4] += exposure
                out[cell, 5] += first_30
                out[cell, 6] += first_90


@njit(cache=True, nogil=True)
def _add_flow(  # noqa: PLR0917 - Numba calls by position
    first: int, at: Array, month: Array, code: Array, cell_of_loan: Array, by_month: int,
    cell_of_code: Array, one: Array, two: Array, above: bool, out: Array,
) -> None:  # fmt: skip
    loan = np.searchsorted(at, first, side="right") - 1
    for i in range(len(one)):
        r = first + i
        while at[loan + 1] <= r:
            loan += 1
        value = max(one[i] - max(two[i], 0), 0) if above else one[i]
        out[cell_of_loan[loan] + month[r] * by_month + cell_of_code[code[r]]] += value


__all__ = ["add_up", "summed", "widened"]
