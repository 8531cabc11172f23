"""The penalty that predicts best inside the training data, and WoE shrunk towards neutral."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.errors import OutOfRangeError
from fengkong.scorecard.binning.bins import (
    ZERO_CELL,
    ColumnBins,
    FloatArray,
    weight_of_evidence,
)
from fengkong.scorecard.card._design import Design, Outcomes
from fengkong.scorecard.card._logistic import fit_logistic

GRID = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
FOLDS = 5
ROWS_AT_MOST = 20_000
# With so many goods and so many bads the likelihood drowns any penalty that parts of the rows
# would choose: nothing is tried.
EVENTS_ENOUGH = 5_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PenaltyChoice:
    """The penalty of the lowest loss, and the loss of each.

    Attributes
    ----------
    penalty : float
    losses : dict of float to float
        Mean negative log likelihood of rows left out, by penalty.
    rows : int
        Rows used.
    """

    penalty: float
    losses: dict[float, float]
    rows: int


def smoothed(bins: ColumnBins, pseudo_rows: float) -> ColumnBins:
    """Return bins whose WoE is shrunk towards 0 as if each held more rows of the overall bad rate.

    Parameters
    ----------
    bins : ColumnBins
    pseudo_rows : float
        Rows (weight) added to every bin, in [0, inf); 0 leaves the bins as they are.

    Raises
    ------
    OutOfRangeError
        ``pseudo_rows`` is negative or not finite.
    """
    if not 0.0 <= pseudo_rows < np.inf:
        raise OutOfRangeError(name="smoothing", value=pseudo_rows, allowed="[0, inf)")
    if pseudo_rows == 0.0:
        return bins
    return replace(bins, woe=_shrunk(bins.count, bins.bad_count, pseudo_rows))


def choose_penalty(
    bins: Sequence[ColumnBins],
    design: Design,
    outcomes: Outcomes,
    *,
    seed: int,
    smoothing: float = 0.0,
    grid: Sequence[float] = GRID,
) -> PenaltyChoice:
    """Choose the ridge penalty by cross-validation in five parts.

    Parameters
    ----------
    bins : sequence of ColumnBins
        Bins of the design's columns; each part's WoE is made without its own rows, so a bin of few
        rows does not look better than it is. The cuts themselves come from all rows.
    design, outcomes : Design, Outcomes
        Training rows; 20,000 drawn at random where there are more (a penalty is a prior of the
        coefficients: it does not grow with the rows).
    seed : int
        Of the draws.
    smoothing : float
        As in `smoothed`.
    grid : sequence of float
        Penalties to try.

    Returns
    -------
    PenaltyChoice
        The largest penalty wins a tie; 1 without a trial where either class weighs 5,000 or more.
    """
    bads = float(outcomes.weight[~outcomes.good].sum())
    if min(bads, float(outcomes.weight.sum()) - bads) >= EVENTS_ENOUGH:
        return PenaltyChoice(penalty=1.0, losses={}, rows=0)
    draw = np.random.default_rng(seed)
    if design.rows > ROWS_AT_MOST:
        rows = np.sort(draw.choice(design.rows, ROWS_AT_MOST, replace=False))
        design, outcomes = design.at(rows), outcomes.at(rows)
    # Goods and bads are dealt out apart, so that every part has its share of both.
    fold = np.empty(design.rows, dtype=np.int64)
    for good in (True, False):
        mine = np.flatnonzero(outcomes.good == good)
        fold[draw.permutation(mine)] = np.arange(len(mine)) % FOLDS
    totals = np.zeros(len(grid))
    for part in range(FOLDS):
        inside, outside = np.flatnonzero(fold != part), np.flatnonzero(fold == part)
        if not _both(outcomes.at(inside)):
            return PenaltyChoice(penalty=1.0, losses={}, rows=design.rows)
        totals += _losses(bins, design, outcomes, inside, outside, smoothing, grid)
    losses = totals / float(outcomes.weight.sum())
    best = max(penalty for penalty, loss in zip(grid, losses, strict=True) if loss <= losses.min())
    found = dict(zip(map(float, grid), losses.tolist(), strict=True))
    return PenaltyChoice(penalty=float(best), losses=found, rows=design.rows)


def _losses(  # noqa: PLR0917 - one call, by position
    bins: Sequence[ColumnBins], design: Design, outcomes: Outcomes, inside: NDArray[np.int64],
    outside: NDArray[np.int64], smoothing: float, grid: Sequence[float],
) -> FloatArray:  # fmt: skip
    """Sum the loss of the rows outside, for each penalty, fitted on the rows inside."""
    here = outcomes.at(inside)
    worths = [
        _shrunk(*_counts(codes[inside], here, column.n_codes), smoothing)
        for column, codes in zip(bins, design.codes, strict=True)
    ]
    known = Design.of(design.codes[:, inside], worths, names=design.names)
    other = Design.of(design.codes[:, outside], worths, names=design.names)
    there = outcomes.at(outside)
    result, start = np.zeros(len(grid)), None
    matrix = other.matrix()
    for place in sorted(range(len(grid)), key=lambda place: -grid[place]):
        fit = fit_logistic(known, here, penalty=grid[place], start=start)
        start = np.array([fit.intercept, *fit.coefficients])
        log_odds = fit.intercept + matrix @ fit.coefficients + there.offset
        toward = np.where(there.good, log_odds, -log_odds)
        result[place] = float(there.weight @ np.logaddexp(0.0, -toward))
    return result


def _counts(
    codes: NDArray[np.uint8], outcomes: Outcomes, n_codes: int
) -> tuple[FloatArray, FloatArray]:
    weight = outcomes.weight
    count = np.bincount(codes, weights=weight, minlength=n_codes)
    bad = np.bincount(codes, weights=weight * ~outcomes.good, minlength=n_codes)
    return count.astype(np.float64), bad.astype(np.float64)


def _shrunk(count: FloatArray, bad_count: FloatArray, pseudo_rows: float) -> FloatArray:
    """Return the WoE with more rows in each bin; an empty cell is filled before."""
    if pseudo_rows == 0.0:
        return weight_of_evidence(count, bad_count)
    bads, goods = bad_count, count - bad_count
    rate = bads.sum() / count.sum()
    add = np.where((bads <= 0.0) | (goods <= 0.0), ZERO_CELL, 0.0)
    more_goods = goods + add + pseudo_rows * (1.0 - rate)
    more_bads = bads + add + pseudo_rows * rate
    shares = (more_goods / goods.sum()) / (more_bads / bads.sum())
    return np.where(count > 0.0, np.log(shares), 0.0)


def _both(outcomes: Outcomes) -> bool:
    goods = float(outcomes.weight[outcomes.good].sum())
    return 0.0 < goods < float(outcomes.weight.sum())
