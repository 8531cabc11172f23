"""Stepwise search: which variables the likelihood asks for, one at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from scipy.stats import chi2

from fengkong.scorecard.binning.bins import FloatArray
from fengkong.scorecard.card._design import Design, Outcomes, calm_blas, pass_over
from fengkong.scorecard.card._logistic import LogisticFit, fit_logistic
from fengkong.scorecard.card._selection_table import SelectionLine

Direction: TypeAlias = Literal["forward", "backward", "both"]
Criterion: TypeAlias = Literal["aic", "bic", "p"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRules:
    """How the search decides; see `SelectionSettings`."""

    direction: Direction
    criterion: Criterion
    p_enter: float
    p_stay: float
    penalty: float


class _Search:
    """The state of one search: what is in, its fit, and the lines written so far."""

    def __init__(
        self, design: Design, outcomes: Outcomes, forced: frozenset[int], rules: StepRules
    ) -> None:
        self.design, self.outcomes, self.forced, self.rules = design, outcomes, forced, rules
        self.lines: list[SelectionLine] = []
        self.turn = 0
        self.worth = _worth(rules.criterion, float(outcomes.weight.sum()))
        everything = rules.direction == "backward"
        self.fit_to(list(range(design.columns)) if everything else sorted(forced))

    def fit_to(self, places: list[int], start: FloatArray | None = None) -> None:
        """Fit the columns at ``places``."""
        self.places = places
        self.fit = self.fitted(places, start)

    def fitted(self, places: list[int], start: FloatArray | None = None) -> LogisticFit:
        return fit_logistic(
            self.design.only(places), self.outcomes, penalty=self.rules.penalty, start=start
        )

    def write(self, place: int, reason: str, figure: float, limit: float) -> None:
        self.lines.append(
            SelectionLine(
                variable=self.design.names[place],
                step=f"stepwise {self.turn}",
                kept=reason in {"entered", "not_removed"},
                reason=reason,
                figure=figure,
                limit=limit,
                other=self.rules.criterion,
            )
        )

    def candidates(self) -> dict[int, float]:
        """Return the score statistic of each column that is out and points the right way."""
        outside = [p for p in range(self.design.columns) if p not in set(self.places)]
        if not outside:
            return {}
        beta = np.zeros(self.design.columns + 1)
        inside = [0, *(place + 1 for place in self.places)]
        beta[inside] = [self.fit.intercept, *self.fit.coefficients]
        with calm_blas():
            sums = pass_over(self.design, self.outcomes, beta, want="information")
        assert sums.matrix is not None  # noqa: S101 - asked for above
        held = sums.matrix[np.ix_(inside, inside)]
        result = {}
        for place in outside:
            cross = sums.matrix[inside, place + 1]
            own = sums.matrix[place + 1, place + 1]
            left = own - cross @ np.linalg.lstsq(held, cross, rcond=None)[0]
            slope = sums.gradient[place + 1]
            alone = left > 1e-9 * own and slope > 0.0
            result[place] = float(slope**2 / left) if alone else 0.0
        return result

    def enter(self) -> bool:
        """Take in the candidate with the highest score statistic, if it earns its place."""
        found = self.candidates()
        if not found:
            return False
        best = max(found, key=lambda place: found[place])
        places = sorted([*self.places, best])
        gain, trial = found[best], None
        if found[best] > 0.0 and self.rules.criterion != "p":
            trial = self.fitted(places)
            gain = 2.0 * (trial.log_likelihood - self.fit.log_likelihood)
        figure, limit = self.worth(gain, self.rules.p_enter)
        self.turn += 1
        if figure >= limit:
            for place, statistic in sorted(found.items(), key=lambda pair: -pair[1]):
                self.write(place, "not_entered", *self.worth(statistic, self.rules.p_enter))
            return False
        self.write(best, "entered", figure, limit)
        self.places, self.fit = places, trial or self.fitted(places)
        return True

    def remove(self) -> bool:
        """Let the least needed variable go, if it does not earn its place."""
        squares = np.where(
            self.fit.at_bound, 0.0, (self.fit.coefficients / self.fit.standard_errors[1:]) ** 2
        )
        open_to = [i for i, place in enumerate(self.places) if place not in self.forced]
        if not open_to:
            return False
        least = min(open_to, key=lambda i: squares[i])
        places = [place for i, place in enumerate(self.places) if i != least]
        loss, trial = float(squares[least]), None
        if self.rules.criterion != "p":
            trial = self.fitted(places)
            loss = 2.0 * (self.fit.log_likelihood - trial.log_likelihood)
        figure, limit = self.worth(loss, self.rules.p_stay)
        if figure < limit:
            return False
        self.turn += 1
        self.write(self.places[least], "removed", figure, limit)
        self.places, self.fit = places, trial or self.fitted(places)
        return True

    def write_who_stayed(self) -> None:
        """Write a line for every variable that no step removed, by its Wald statistic."""
        self.turn += 1
        for i, place in enumerate(self.places):
            if place not in self.forced and not self.fit.at_bound[i]:
                wald = float((self.fit.coefficients[i] / self.fit.standard_errors[i + 1]) ** 2)
                self.write(place, "not_removed", *self.worth(wald, self.rules.p_stay))


def stepwise(
    design: Design, outcomes: Outcomes, *, forced: frozenset[int], rules: StepRules
) -> tuple[list[int], list[SelectionLine]]:
    """Search for the columns that the likelihood asks for.

    Parameters
    ----------
    design, outcomes : Design, Outcomes
        All candidates; none constant, none a sum of others.
    forced : frozenset of int
        Columns that are always in.
    rules : StepRules

    Returns
    -------
    places : list of int
        Columns that are in at the end.
    lines : list of SelectionLine
        Figure of "aic" and "bic": change of the criterion if the variable is in, entered when it
        is below 0. Of "p": p-value of the score test to enter, of the Wald test to stay.

    Notes
    -----
    Coefficients are held at or above zero, so a variable whose points would run against its bad
    rate never enters. Forward steps are ranked by Rao's score statistic, backward steps by Wald's;
    under "aic" and "bic" the step taken is decided by the likelihoods of the two fits.
    """
    search = _Search(design, outcomes, forced, rules)
    seen: set[tuple[int, ...]] = set()
    for _ in range(4 * design.columns + 4):
        if rules.direction == "backward":
            if not search.remove():
                break
            continue
        if not search.enter():
            break
        while rules.direction == "both" and search.remove():
            pass
        # Score and Wald tests may differ on one variable, which would come and go for ever.
        if tuple(search.places) in seen:
            break
        seen.add(tuple(search.places))
    if rules.direction != "forward":
        search.write_who_stayed()
    return search.places, search.lines


def _worth(
    criterion: Criterion, weight_sum: float
) -> Callable[[float, float], tuple[float, float]]:
    """Return what turns a gain of twice the log likelihood into figure and limit."""
    if criterion == "p":
        return lambda gain, limit: (float(chi2.sf(max(gain, 0.0), 1)), limit)
    price = 2.0 if criterion == "aic" else math.log(weight_sum)
    return lambda gain, _: (price - gain, 0.0)
