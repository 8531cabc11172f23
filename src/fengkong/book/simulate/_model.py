"""The model behind a simulated platform: every number here is the truth that tests estimate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

GRADES = ("A", "B", "C", "D", "E", "F", "G")
STATES = ("C", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "P", "W")
SECURITIES = ("unsecured", "guaranteed", "secured")
# What can happen to a loan in a month; the kernel uses these numbers.
MISS, PAY, TWO, CURE, EXTEND, RESTRUCTURE, PREPAY, WRITE_OFF = range(8)
EVENTS = ("miss", "pay_one", "pay_two", "cure", "extend", "restructure", "prepay", "write_off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Parameters of the platform; monthly probabilities unless said.

    Attributes
    ----------
    delinquency : tuple of float, one a grade
        Current loan misses the instalment of the month, at seasoning 1 and macro 0.
    prepayment : tuple of float, one a grade
        Current loan is repaid in full on a due date, after the ramp and at macro 0.
    roll : tuple of float, M1 to M6
        Nothing is paid and the bucket gets worse by one, grade D and macro 0.
    cure, improve : tuple of float, M1 to M6
        Share of the loans that do not roll which pay all arrears, or two instalments.
    extend, restructure : tuple of float, C to M7
        Extension (C, M1, M2) and restructuring (M3, M4, M5).
    macro_persistence, macro_volatility, macro_delinquency, macro_roll, macro_prepayment : float
        AR(1) coefficient and shock, and the sensitivities (log hazard, log odds, log hazard).
    recovery_none, recovery_alpha, recovery_beta : tuple of float, one a security
        Chance of no recovery at all; else the recovered share of principal is Beta(alpha, beta).
    recovery_timing : tuple of float
        Share of the recovery in month 1, 2, ... after the write-off.
    recovery_cost : float
        Cost as a fraction of what is recovered.
    """

    delinquency: tuple[float, ...] = (0.006, 0.009, 0.013, 0.019, 0.027, 0.038, 0.052)
    prepayment: tuple[float, ...] = (0.012, 0.013, 0.014, 0.015, 0.016, 0.017, 0.018)
    roll: tuple[float, ...] = (0.36, 0.58, 0.72, 0.80, 0.85, 0.88)
    grade_roll: tuple[float, ...] = (-0.30, -0.20, -0.10, 0.0, 0.10, 0.20, 0.30)
    cure: tuple[float, ...] = (0.60, 0.42, 0.34, 0.30, 0.25, 0.20)
    improve: tuple[float, ...] = (0.0, 0.22, 0.20, 0.18, 0.15, 0.12)
    extend: tuple[float, ...] = (0.001, 0.010, 0.010, 0.0, 0.0, 0.0, 0.0, 0.0)
    restructure: tuple[float, ...] = (0.0, 0.0, 0.0, 0.015, 0.015, 0.010, 0.0, 0.0)
    write_off: float = 0.55
    cure_late: float = 0.015
    season_floor: float = 0.35
    season_height: float = 0.90
    season_peak_months: float = 6.0
    prepayment_ramp_months: float = 6.0
    bullet_multiplier: float = 4.0
    macro_persistence: float = 0.85
    macro_volatility: float = 0.30
    macro_delinquency: float = 0.45
    macro_roll: float = 0.25
    macro_prepayment: float = -0.20
    recovery_none: tuple[float, ...] = (0.30, 0.20, 0.10)
    recovery_alpha: tuple[float, ...] = (1.5, 2.5, 4.0)
    recovery_beta: tuple[float, ...] = (3.0, 2.5, 2.0)
    recovery_timing: tuple[float, ...] = (
        0.20, 0.16, 0.13, 0.11, 0.09, 0.08, 0.06, 0.05, 0.04, 0.03, 0.03, 0.02,
    )  # fmt: skip
    recovery_cost: float = 0.15

    def seasoning(self, months_on_book: FloatArray) -> FloatArray:
        """Multiplier of the delinquency hazard: a hump around the peak over a floor."""
        age = np.asarray(months_on_book, dtype=np.float64) / self.season_peak_months
        return self.season_floor + self.season_height * age * np.exp(1.0 - age)

    def macro(self, months: int, rng: np.random.Generator) -> FloatArray:
        """Draw the macro factor of each month, shape (months,), started at its long-run law."""
        path = np.empty(months)
        level = rng.normal() * self.macro_volatility / np.sqrt(1.0 - self.macro_persistence**2)
        for month in range(months):
            level = self.macro_persistence * level + self.macro_volatility * rng.normal()
            path[month] = level
        return path

    def recovery_mean(self) -> FloatArray:
        """Expected gross recovery as a fraction of principal written off, one a security."""
        alpha, beta = np.array(self.recovery_alpha), np.array(self.recovery_beta)
        mean: FloatArray = (1.0 - np.array(self.recovery_none)) * alpha / (alpha + beta)
        return mean

    def as_dict(self) -> dict[str, Any]:
        """All parameters by name, for the exported truth."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Hazards:
    """Monthly probabilities, given the macro path.

    Attributes
    ----------
    miss, prepay : array of shape (grades, months on book, months)
        Of current loans with an instalment due (monthly repayment; bullets miss more often).
    move : array of shape (grades, 8 states C..M7, months, 8 events)
        Of loans in arrears; the row of C is zero but for ``extend``.
    """

    miss: FloatArray
    prepay: FloatArray
    move: FloatArray
    bullet_multiplier: float = field(default=1.0)


def hazards_of(model: Model, macro: FloatArray) -> Hazards:
    """Tabulate the hazards by grade, months on book, state and month."""
    months = len(macro)
    age = np.arange(months + 1, dtype=np.float64)
    season = model.seasoning(age)[None, :, None]
    entry = np.array(model.delinquency)[:, None, None]
    miss = np.minimum(entry * season * np.exp(model.macro_delinquency * macro)[None, None, :], 0.5)
    ramp = np.minimum(age / model.prepayment_ramp_months, 1.0)[None, :, None]
    early = np.array(model.prepayment)[:, None, None]
    prepay = np.minimum(early * ramp * np.exp(model.macro_prepayment * macro)[None, None, :], 0.2)
    move = np.zeros((len(GRADES), 8, months, 8))
    move[:, 0, :, EXTEND] = model.extend[0]
    for bucket in range(1, 7):
        chance = model.roll[bucket - 1]
        odds = np.log(chance / (1.0 - chance)) + np.array(model.grade_roll)[:, None]
        worse = 1.0 / (1.0 + np.exp(-(odds + model.macro_roll * macro[None, :])))
        move[:, bucket, :, MISS] = worse
        move[:, bucket, :, CURE] = (1.0 - worse) * model.cure[bucket - 1]
        move[:, bucket, :, TWO] = (1.0 - worse) * model.improve[bucket - 1]
        rest = (1.0 - worse) * (1.0 - model.cure[bucket - 1] - model.improve[bucket - 1])
        move[:, bucket, :, EXTEND] = np.minimum(model.extend[bucket], rest)
        move[:, bucket, :, RESTRUCTURE] = np.minimum(model.restructure[bucket], rest)
        move[:, bucket, :, PAY] = (
            rest - move[:, bucket, :, EXTEND] - move[:, bucket, :, RESTRUCTURE]
        )
    move[:, 7, :, WRITE_OFF] = model.write_off
    move[:, 7, :, CURE] = model.cure_late
    move[:, 7, :, MISS] = 1.0 - model.write_off - model.cure_late
    return Hazards(miss, prepay, move, model.bullet_multiplier)


def default_probability(model: Model, horizon: int) -> FloatArray:
    """Probability to be over 90 days late within 1..horizon months at macro 0, by grade.

    Returns
    -------
    array of shape (grades, horizon + 1)
        Cumulative; column 0 is zero. M4 absorbs; arrears follow the running loan.
    """
    table = hazards_of(model, np.zeros(horizon))
    result = np.zeros((len(GRADES), horizon + 1))
    share = np.zeros((len(GRADES), 5))
    share[:, 0] = 1.0
    for month in range(1, horizon + 1):
        new = np.zeros_like(share)
        miss, early = table.miss[:, month, 0], table.prepay[:, month, 0]
        new[:, 1] += share[:, 0] * miss
        new[:, 0] += share[:, 0] * (1.0 - miss - early)
        for bucket in (1, 2, 3):
            chance = table.move[:, bucket, 0, :]
            new[:, bucket + 1] += share[:, bucket] * chance[:, MISS]
            new[:, bucket] += share[:, bucket] * chance[:, PAY]
            new[:, bucket - 1] += share[:, bucket] * chance[:, TWO]
            new[:, 0] += share[:, bucket] * chance[:, [CURE, EXTEND, RESTRUCTURE]].sum(axis=1)
        new[:, 4] += share[:, 4]
        share = new
        result[:, month] = share[:, 4]
    return result
