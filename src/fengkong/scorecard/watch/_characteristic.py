"""Characteristic stability: which variable of a card moved the mean score, in points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import Table, read_table
from fengkong.scorecard.card.document import Card, Variable
from fengkong.scorecard.watch._count import FloatArray
from fengkong.scorecard.watch._drift import Drift, drift
from fengkong.scorecard.watch._plain import records
from fengkong.scorecard.watch._reference import threaded
from fengkong.scorecard.watch._stability import ZeroCell, stability


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CharacteristicStability:
    """Shift of a card in points.

    Attributes
    ----------
    variables : DataFrame, one row a variable, the largest shift in points first
        variable, csi (points: sum of (a - e) x points; positive is safer), psi, grade, psi_95,
        psi_99, chance, worst_cell.
    cells : DataFrame
        variable, code, cell, points, reference_share, current_share, change, points_shift,
        contribution (to the variable's PSI).
    score : Drift
        Stability of the score itself over deciles of the reference.
    mean_reference, mean_current : float
        Mean scores; their difference is the sum of all ``csi``.
    """

    variables: pd.DataFrame
    cells: pd.DataFrame
    score: Drift
    mean_reference: float
    mean_current: float

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "variables": records(self.variables), "cells": records(self.cells),
            "score": self.score.to_dict(), "mean_reference": self.mean_reference,
            "mean_current": self.mean_current,
        }  # fmt: skip


def characteristic_stability(
    card: Any,
    reference: Any,
    current: Any,
    *,
    zero_cell: ZeroCell = "half_row",
    n_jobs: int = 2,
) -> CharacteristicStability:
    """Return how many points each variable moved between two samples, cell by cell.

    Parameters
    ----------
    card : Card, or a fitted Scorecard that holds one as ``card_``
    reference, current : table of shape (n_rows, n_columns)
        DataFrame, pyarrow.Table, ndarray or mapping with the variables of the card.
    zero_cell : "half_row" or float, default "half_row"
        See `stability`.
    n_jobs : int, default 2
        Threads.

    Returns
    -------
    CharacteristicStability

    Raises
    ------
    InputError
        Not a card, a side without rows, or a variable that is not there.
    ColumnTypeError
        A column of another type than the card expects.

    Notes
    -----
    Rows fall into cells as the card scores them: an unseen category counts where it is scored (in
    the bin of rare ones, if there is one). `drift` counts new labels by themselves.

    References
    ----------
    Siddiqi (2017), Intelligent Credit Scoring, chapter 14 (characteristic analysis report).
    """
    document = getattr(card, "card_", card)
    if not isinstance(document, Card):
        raise InputError(f"a card is needed; got {type(card).__name__}")
    sides = []
    for name, table in (("reference", reference), ("current", current)):
        sides.append(_Side.of(document, read_table(table), name=name, n_jobs=n_jobs))
    rows, cells = [], []
    for place, variable in enumerate(document.variables):
        row, part = _compared(variable, sides[0].count[place], sides[1].count[place], zero_cell)
        rows.append(row)
        cells.append(part)
    variables = pd.DataFrame(rows)
    ranked = variables.reindex(variables["csi"].abs().sort_values(ascending=False).index)
    return CharacteristicStability(
        variables=ranked.reset_index(drop=True), cells=pd.concat(cells, ignore_index=True),
        score=drift({"score": sides[0].score}, {"score": sides[1].score}, zero_cell=zero_cell),
        mean_reference=float(sides[0].score.mean()), mean_current=float(sides[1].score.mean()),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Side:
    """Counts by code of each variable, and the score of each row."""

    count: list[FloatArray]
    score: FloatArray

    @classmethod
    def of(cls, card: Card, table: Table, *, name: str, n_jobs: int) -> _Side:
        if not card.variables:
            raise InputError("the card has no variables")
        if not table.rows:
            raise InputError(f"{name} has no rows")

        def coded(variable: Variable) -> Any:
            bins = variable.bins
            return bins.codes(table.field(bins.name, kind=bins.kind))

        codes = threaded(coded, card.variables, n_jobs)
        score = np.full(table.rows, card.base_points, dtype=np.float64)
        count = []
        for variable, code in zip(card.variables, codes, strict=True):
            score += variable.points[code]
            count.append(np.bincount(code, minlength=variable.bins.n_codes).astype(np.float64))
        return cls(count=count, score=score)


def _compared(
    variable: Variable, reference: FloatArray, current: FloatArray, zero_cell: ZeroCell
) -> tuple[dict[str, Any], pd.DataFrame]:
    found = stability(reference, current, zero_cell=zero_cell)
    change = found.current_share - found.reference_share
    shift = change * variable.points
    bins = variable.bins
    labels = [bins.label(code) for code in range(bins.n_codes)]
    cells = pd.DataFrame({
        "variable": bins.name, "code": np.arange(bins.n_codes), "cell": labels,
        "points": variable.points, "reference_share": found.reference_share,
        "current_share": found.current_share, "change": change, "points_shift": shift,
        "contribution": found.contribution,
    })  # fmt: skip
    row = {
        "variable": bins.name, "csi": float(shift.sum()), "psi": found.psi, "grade": found.grade,
        "psi_95": found.psi_95, "psi_99": found.psi_99, "chance": found.chance,
        "worst_cell": labels[int(np.abs(shift).argmax())],
    }  # fmt: skip
    return row, cells
