"""PD term structure: yearly marginal PDs by grade and months on book, estimated or given.

Both sources become the same small table, keyed by grade, age and year, with one column a scenario,
so that the expected loss does not know where it came from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from fengkong.foundation.errors import Need, UnsupportedError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fengkong.portfolio.loss.settings import PdSettings, Scenario

NO_GRADE = "(none)"
ALL_GRADES = "*"
MONTHS_PER_YEAR = 12
YEARS_AHEAD = 40
_CLOSED = ("P", "W")


@dataclass(frozen=True, slots=True, kw_only=True)
class TermStructure:
    """Marginal PDs by grade, age at as_of and year ahead.

    Attributes
    ----------
    pd_marginal : mapping of grade to ndarray of shape (n_ages, n_years, n_scenarios)
        Probability of default in year t (from 1) for a loan alive at age a, in months on book.
        Ages from ``n_ages`` on use the last; a structure without ages has one.
    scenarios : tuple of str
        Names in the order of the last axis.
    """

    pd_marginal: Mapping[str, NDArray[np.float64]]
    scenarios: tuple[str, ...]

    @property
    def oldest(self) -> int:
        """Highest age that the structure tells apart."""
        return max(array.shape[0] for array in self.pd_marginal.values()) - 1

    def frame(self) -> pd.DataFrame:
        """One row a grade, age and year: grade, months_on_book, year_number, pd_<scenario>."""
        parts = []
        for grade in sorted(self.pd_marginal):
            array = self.pd_marginal[grade]
            ages = np.minimum(np.arange(self.oldest + 1), array.shape[0] - 1)
            full = array[ages]
            age, year = np.meshgrid(
                np.arange(full.shape[0]), np.arange(1, full.shape[1] + 1), indexing="ij"
            )
            columns: dict[str, Any] = {
                "grade": np.full(age.size, grade, dtype=object),
                "months_on_book": age.ravel().astype(np.int64),
                "year_number": year.ravel().astype(np.int64),
            }
            for position, name in enumerate(self.scenarios):
                columns[f"pd_{name}"] = full[:, :, position].ravel()
            parts.append(pd.DataFrame(columns))
        return pd.concat(parts, ignore_index=True)


def term_structure(
    settings: PdSettings, scenarios: Sequence[Scenario], panel: Any | None = None
) -> TermStructure:
    """Return the structure that the settings ask for, with the scenarios' scalars applied.

    A scalar multiplies each year's PD conditional on survival to the start of that year, at most 1.

    Parameters
    ----------
    settings : PdSettings
    scenarios : sequence of Scenario
    panel : ibis Table, optional
        The book's `panel`; needed when ``settings.source`` is "panel".

    Raises
    ------
    UnsupportedError
        The PD is to be estimated and the panel is absent or too thin.
    """
    names = tuple(scenario.name for scenario in scenarios)
    scalars = np.array([float(scenario.pd_scalar) for scenario in scenarios])
    if settings.source == "given":
        return TermStructure(
            pd_marginal={
                grade: _scaled(_given_array(by_scenario, names), scalars)
                for grade, by_scenario in settings.given.items()
            },
            scenarios=names,
        )
    if panel is None:
        raise UnsupportedError(
            "expected loss",
            (
                Need(
                    "the panel of the book, or pd.given in settings",
                    "账簿的逐月状态，或在设置中给出违约概率（pd.given）",
                ),
            ),
        )
    hazards = monthly_hazards(
        exposed(panel, settings.grade_column).execute(),
        minimum_loan_months=settings.minimum_loan_months,
    )
    return TermStructure(
        pd_marginal={
            grade: _scaled(yearly_marginal(hazard)[:, :, np.newaxis], scalars)
            for grade, hazard in hazards.items()
        },
        scenarios=names,
    )


def exposed(panel: Any, grade_column: str = "grade") -> Any:
    """Count loan-months at risk and first defaults by grade and months on book.

    A row is at risk when the loan was open at the month-end before and had not defaulted until
    then; prepayment, maturity and the end of the panel censor it.

    Returns
    -------
    ibis Table
        grade, months_on_book, loan_months, defaults; sorted.
    """
    entered = panel["default_entered"].fill_null(False)
    before = panel["defaulted"].fill_null(False) & ~entered
    was_open = panel["opening_state"].isnull() | ~panel["opening_state"].isin(_CLOSED)
    at_risk = panel.filter(was_open & ~before).mutate(
        grade=panel[grade_column].cast("string").fill_null(NO_GRADE), entered=entered
    )
    return (
        at_risk.group_by(["grade", "months_on_book"])
        .aggregate(loan_months=at_risk.count(), defaults=at_risk["entered"].cast("int64").sum())
        .order_by(["grade", "months_on_book"])
    )


def monthly_hazards(
    counts: pd.DataFrame, *, minimum_loan_months: int
) -> dict[str, NDArray[np.float64]]:
    """Hazard of default in each month on book, by grade, thin cells pooled.

    Months on book are joined from 0 upwards into bands until a band holds ``minimum_loan_months``
    at risk; a band has one hazard (defaults over loan-months); a last band that stays thin joins
    the one before it. A grade that is thin as a whole takes the hazards of all grades together.
    With a minimum of 1 every month is a band, and ``1 - prod(1 - hazard)`` is Kaplan-Meier's.

    Parameters
    ----------
    counts : DataFrame
        As `exposed` returns.
    minimum_loan_months : int
        From 1.

    Returns
    -------
    dict of grade to ndarray of shape (last month on book + 1,)
        Also under "*" for all grades together.

    Raises
    ------
    UnsupportedError
        All grades together are below the minimum.
    """
    pooled = counts.groupby("months_on_book", as_index=False)[["loan_months", "defaults"]].sum()
    total = int(pooled["loan_months"].sum())
    if total < minimum_loan_months:
        raise UnsupportedError(
            "PD term structure",
            (
                Need(
                    f"at least {minimum_loan_months} loan-months at risk in the panel "
                    f"({total} found)",
                    f"至少 {minimum_loan_months} 个在险的贷款月（现有 {total} 个）",
                ),
            ),
        )
    everything = _banded(pooled, minimum_loan_months)
    result = {ALL_GRADES: everything}
    for grade, rows in counts.groupby("grade"):
        thin = int(rows["loan_months"].sum()) < minimum_loan_months
        result[str(grade)] = everything if thin else _banded(rows, minimum_loan_months)
    return result


def yearly_marginal(
    hazard: NDArray[np.float64], *, years: int = YEARS_AHEAD
) -> NDArray[np.float64]:
    """Marginal PD of each year ahead for a loan alive at each age.

    Year t of a loan aged a covers the months on book a + 12 (t - 1) + 1 to a + 12 t. Beyond the
    last month observed the last hazard goes on.

    Returns
    -------
    ndarray of shape (len(hazard), years)
    """
    last = hazard.size - 1
    ages = np.arange(hazard.size)
    month = np.minimum(ages[:, np.newaxis] + np.arange(1, MONTHS_PER_YEAR * years + 1), last)
    survival = np.cumprod(1.0 - hazard[month], axis=1)[:, MONTHS_PER_YEAR - 1 :: MONTHS_PER_YEAR]
    start = np.concatenate([np.ones((hazard.size, 1)), survival[:, :-1]], axis=1)
    return np.asarray(start - survival)


def _banded(rows: pd.DataFrame, minimum: int) -> NDArray[np.float64]:
    size = int(rows["months_on_book"].max()) + 1
    loan_months = np.zeros(size, dtype=np.int64)
    defaults = np.zeros(size, dtype=np.int64)
    loan_months[rows["months_on_book"]] = rows["loan_months"]
    defaults[rows["months_on_book"]] = rows["defaults"]
    starts, filled = [0], 0
    for month in range(size):  # over months on book, a few dozen
        if filled >= minimum:
            starts.append(month)
            filled = 0
        filled += int(loan_months[month])
    if filled < minimum and len(starts) > 1:
        starts.pop()
    at_risk = np.add.reduceat(loan_months, starts)
    hazard = np.add.reduceat(defaults, starts) / np.maximum(at_risk, 1)
    return np.repeat(hazard, np.diff([*starts, size]))


def _given_array(by_scenario: Mapping[str, Sequence[Any]], names: tuple[str, ...]) -> Any:
    """Shape (1, n_years, n_scenarios); a scenario with fewer years is NaN beyond them."""
    years = max(len(values) for values in by_scenario.values())
    array = np.full((1, years, len(names)), np.nan)
    for position, name in enumerate(names):
        values = by_scenario[name]
        array[0, : len(values), position] = [float(value) for value in values]
    return array


def _scaled(marginal: NDArray[np.float64], scalars: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply each scenario's scalar to the yearly conditional PD; scalar 1 changes no bit."""
    many = np.broadcast_to(marginal, (*marginal.shape[:2], scalars.size))
    before = 1.0 - (np.cumsum(many, axis=1) - many)
    with np.errstate(divide="ignore", invalid="ignore"):
        conditional = np.where(before > 0, many / before, 0.0)
    conditional = np.where(np.isnan(many), np.nan, np.clip(conditional * scalars, 0.0, 1.0))
    survival = np.cumprod(1.0 - conditional, axis=1)
    start = np.concatenate([np.ones_like(survival[:, :1]), survival[:, :-1]], axis=1)
    return np.asarray(np.where(scalars == 1.0, many, start - survival))
