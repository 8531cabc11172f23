"""Which variables enter a card: one audited run that says why each stayed or left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import ColumnBins, FloatArray
from fengkong.scorecard.card._design import Design, Outcomes, gram
from fengkong.scorecard.card._filters import (
    correlations,
    early_half,
    inflation_factors,
)
from fengkong.scorecard.card._logistic import PIVOT_LEAST, undetermined
from fengkong.scorecard.card._selection_table import Selection, SelectionLine
from fengkong.scorecard.card._stepwise import Criterion, StepRules, stepwise

ALWAYS_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectionSettings:
    """Limits of selection; None leaves a step out.

    Attributes
    ----------
    missing_share_max : float or None
        Greatest share of missing rows, in [0, 1].
    iv_min, iv_max : float or None
        Least and greatest information value, in [0, inf).
    psi_max : float or None
        Greatest PSI between the earlier and the later half of the rows; needs a period.
    correlation_max : float or None
        Greatest absolute correlation of WoE; the variable with the higher IV stays. In (0, 1].
    vif_max : float or None
        Greatest variance inflation factor, in [1, inf); the highest leaves first.
    stepwise : "none", "forward", "backward" or "both"
    criterion : "aic", "bic" or "p"
        What a step is decided by.
    p_enter, p_stay : float
        Greatest p-value to enter and to stay, in (0, 1); p_enter <= p_stay.
    rows_at_most : int
        Correlation, VIF and steps are measured on a random part of this many rows.
    forced : tuple of str
        Variables that stay whatever the limits say.
    excluded : tuple of str
        Variables that never enter.

    Raises
    ------
    OutOfRangeError
        A limit lies outside its interval.
    InputError
        A variable is forced and excluded, or a step or criterion is not known.
    """

    missing_share_max: float | None = 0.95
    iv_min: float | None = 0.01
    iv_max: float | None = None
    psi_max: float | None = 0.25
    correlation_max: float | None = 0.95
    vif_max: float | None = None
    stepwise: Literal["none", "forward", "backward", "both"] = "none"
    criterion: Criterion = "aic"
    p_enter: float = 0.05
    p_stay: float = 0.10
    rows_at_most: int = 200_000
    forced: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _refuse_outside("missing_share_max", self.missing_share_max, 0.0, 1.0)
        for name in ("iv_min", "iv_max", "psi_max"):
            _refuse_outside(name, getattr(self, name), 0.0, float("inf"))
        _refuse_outside("correlation_max", self.correlation_max, 1e-9, 1.0)
        _refuse_outside("vif_max", self.vif_max, 1.0, float("inf"))
        _refuse_outside("p_stay", self.p_stay, 1e-12, 1.0)
        _refuse_outside("p_enter", self.p_enter, 1e-12, self.p_stay)
        _refuse_outside("rows_at_most", self.rows_at_most, ALWAYS_ROWS, float("inf"))
        if self.stepwise not in {"none", "forward", "backward", "both"}:
            raise InputError(f"stepwise is none, forward, backward or both; got {self.stepwise!r}")
        if self.criterion not in {"aic", "bic", "p"}:
            raise InputError(f"criterion is aic, bic or p; got {self.criterion!r}")
        twice = set(self.forced) & set(self.excluded)
        if twice:
            raise InputError(f"forced and excluded: {', '.join(sorted(twice))}")


class _Run:
    """Variables still in, and the lines written so far."""

    def __init__(self, names: Sequence[str], settings: SelectionSettings) -> None:
        self.names, self.settings = list(names), settings
        self.inside = list(range(len(names)))
        self.lines: list[SelectionLine] = []
        self.notes: list[str] = []

    def forced(self, place: int) -> bool:
        return self.names[place] in self.settings.forced

    def judge(  # noqa: PLR0917 - one call, by position
        self, place: int, step: str, passed: bool, reasons: tuple[str, str],
        figure: float | None = None, limit: float | None = None, other: str = "",
    ) -> None:  # fmt: skip
        """Write a line; a variable that failed leaves unless it is forced."""
        forced = not passed and self.forced(place)
        reason = reasons[0] if passed else "forced" if forced else reasons[1]
        self.lines.append(
            SelectionLine(variable=self.names[place], step=step, kept=passed or forced,
                          reason=reason, figure=figure, limit=limit, other=other)
        )  # fmt: skip
        if not passed and not forced:
            self.inside.remove(place)

    def result(self) -> Selection:
        return Selection(
            kept=tuple(self.names[place] for place in self.inside), lines=tuple(self.lines),
            notes=tuple(self.notes),
        )  # fmt: skip


def select(
    bins: Sequence[ColumnBins],
    design: Design,
    outcomes: Outcomes,
    *,
    settings: SelectionSettings,
    seed: int,
    period: ArrayLike | None = None,
    penalty: float = 0.0,
) -> Selection:
    """Choose variables.

    Parameters
    ----------
    bins : sequence of ColumnBins
        Bins of every candidate, with the counts of these rows.
    design, outcomes : Design, Outcomes
        The rows, coded by these bins.
    settings : SelectionSettings
    seed : int
        Of the random part of the rows.
    period : array-like of shape (n_rows,), optional
        Dates or numbers that rise with time.
    penalty : float, default 0
        Of the fits of stepwise search.

    Returns
    -------
    Selection

    Raises
    ------
    InputError
        A forced or excluded variable is not among the candidates.

    Notes
    -----
    Order: given, missing, constant, IV, PSI, correlation, VIF, stepwise. A forced variable stays
    with the figure that would have cost it its place; a forced constant cannot stay.
    """
    names = [column.name for column in bins]
    unknown = sorted({*settings.forced, *settings.excluded} - set(names))
    if unknown:
        raise InputError(f"forced or excluded, but not among the columns: {', '.join(unknown)}")
    run = _Run(names, settings)
    _by_itself(run, bins)
    _over_time(run, design, outcomes, period)
    if run.inside:
        _together(run, bins, design, outcomes, seed=seed, penalty=penalty)
    return run.result()


def _by_itself(run: _Run, bins: Sequence[ColumnBins]) -> None:
    settings = run.settings
    for place, column in enumerate(bins):
        if column.name in settings.excluded:
            run.judge(place, "given", False, ("excluded", "excluded"))
            continue
        total = float(column.count.sum())
        missing = float(column.count[column.missing_code]) / total
        if settings.missing_share_max is not None:
            limit = settings.missing_share_max
            run.judge(place, "missing", missing <= limit, ("missing_ok", "missing_high"), missing,
                      limit)  # fmt: skip
        held = column.woe[column.count > 0.0]
        if place in run.inside and float(np.ptp(held)) == 0.0:
            run.inside.remove(place)  # forced or not: a constant has no coefficient
            run.lines.append(SelectionLine(variable=column.name, step="constant", kept=False,
                                           reason="constant", figure=1.0, limit=2.0))  # fmt: skip
    for place in list(run.inside):
        iv, low, high = bins[place].iv, settings.iv_min, settings.iv_max
        if low is not None:
            run.judge(place, "iv", iv >= low, ("iv_ok", "iv_low"), iv, low)
        if high is not None and place in run.inside:
            run.judge(place, "iv", iv <= high, ("iv_ok", "iv_high"), iv, high)


def _over_time(run: _Run, design: Design, outcomes: Outcomes, period: ArrayLike | None) -> None:
    limit = run.settings.psi_max
    if limit is None:
        return
    if period is None:
        run.notes.append("psi: not measured, no period was given")
        return
    from fengkong.scorecard.watch import stability

    early = early_half(period, outcomes.weight)
    for place in list(run.inside):
        codes = design.codes[place]
        counts = [
            np.bincount(codes[rows], weights=outcomes.weight[rows], minlength=256)
            for rows in (early, ~early)
        ]
        psi = stability(*counts).psi
        run.judge(place, "psi", psi <= limit, ("psi_ok", "psi_high"), psi, limit)


def _together(
    run: _Run, bins: Sequence[ColumnBins], design: Design, outcomes: Outcomes, *, seed: int,
    penalty: float,
) -> None:  # fmt: skip
    """Judge variables against each other, on a part of the rows where there are very many."""
    rows = _part(design.rows, run.settings.rows_at_most, seed)
    if rows is not None:
        design, outcomes = design.only(run.inside).at(rows), outcomes.at(rows)
        run.notes.append(f"correlation, vif, stepwise: measured on {len(rows)} random rows")
    else:
        design = design.only(run.inside)
    at = {place: column for column, place in enumerate(run.inside)}
    products = gram(design, outcomes.weight)
    correlation = correlations(products)
    _by_correlation(run, bins, correlation, at)
    _by_inflation(run, correlation, at)
    _by_dependence(run, products, at)
    if run.settings.stepwise != "none" and run.inside:
        chosen = list(run.inside)
        rules = StepRules(
            direction=run.settings.stepwise, criterion=run.settings.criterion,
            p_enter=run.settings.p_enter, p_stay=run.settings.p_stay, penalty=penalty,
        )  # fmt: skip
        forced = frozenset(i for i, place in enumerate(chosen) if run.forced(place))
        places, lines = stepwise(
            design.only([at[place] for place in chosen]), outcomes, forced=forced, rules=rules
        )
        run.inside = [chosen[i] for i in places]
        run.lines += lines


def _by_correlation(
    run: _Run, bins: Sequence[ColumnBins], correlation: FloatArray, at: dict[int, int]
) -> None:
    limit = run.settings.correlation_max
    if limit is None:
        return
    kept: list[int] = []
    # The higher IV stays; forced variables stand before all others.
    for place in sorted(run.inside, key=lambda p: (not run.forced(p), -bins[p].iv, p)):
        against = [abs(float(correlation[at[place], at[other]])) for other in kept]
        most = max(against, default=0.0)
        other = run.names[kept[int(np.argmax(against))]] if against else ""
        passed = most <= limit
        run.judge(place, "correlation", passed, ("correlation_ok", "correlated"), most, limit,
                  other)  # fmt: skip
        if place in run.inside:
            kept.append(place)


def _by_inflation(run: _Run, correlation: FloatArray, at: dict[int, int]) -> None:
    limit = run.settings.vif_max
    if limit is None:
        return
    while True:
        columns = [at[place] for place in run.inside]
        factors = dict(
            zip(run.inside, inflation_factors(correlation[np.ix_(columns, columns)]), strict=True)
        )
        high = [p for p in run.inside if factors[p] > limit and not run.forced(p)]
        if not high:
            break
        worst = max(high, key=lambda place: factors[place])
        run.judge(worst, "vif", False, ("vif_ok", "vif_high"), float(factors[worst]), limit)
    for place in list(run.inside):
        passed = bool(factors[place] <= limit)
        run.judge(place, "vif", passed, ("vif_ok", "vif_high"), float(factors[place]), limit)


def _by_dependence(run: _Run, products: FloatArray, at: dict[int, int]) -> None:
    """Let go what other variables determine, the limits of correlation and VIF being off."""
    order = sorted(run.inside, key=lambda place: not run.forced(place))
    columns = [0, *(at[place] + 1 for place in order)]
    for weak in undetermined(products[np.ix_(columns, columns)]):
        if weak:
            place = order[weak - 1]
            run.inside.remove(place)
            run.lines.append(
                SelectionLine(variable=run.names[place], step="vif", kept=False,
                              reason="collinear", figure=PIVOT_LEAST, limit=PIVOT_LEAST)
            )  # fmt: skip


def _part(rows: int, at_most: int, seed: int) -> NDArray[np.int64] | None:
    """Draw about ``at_most`` rows, or None when all are taken."""
    if rows <= at_most:
        return None
    return np.flatnonzero(np.random.default_rng(seed).random(rows) < at_most / rows)


def _refuse_outside(name: str, value: float | None, low: float, high: float) -> None:
    if value is not None and not low <= value <= high:
        raise OutOfRangeError(name=name, value=value, allowed=f"[{low:g}, {high:g}]")
