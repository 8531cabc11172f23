"""Does the order of risk hold: bad rates by band over periods, inversions, rank correlation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import fisher_exact, kendalltau, spearmanr

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._inputs import FloatArray, fraction, labels, outcomes, tally
from fengkong.scorecard.validation._intervals import wilson


@dataclass(frozen=True, slots=True, kw_only=True)
class RankOrder:
    """How well bands keep their order of risk, period by period.

    Attributes
    ----------
    rates : DataFrame
        period, band, place (1 = riskiest), rows, bad, bad_rate, lower, upper (Wilson).
    inversions : DataFrame
        period, riskier, safer, riskier_rate, safer_rate, p_value, significant: adjacent bands
        (among those with rows) where the safer one has the higher bad rate. p-value: Fisher's exact
        test, one-sided, of the safer band being no worse.
    periods : DataFrame
        period, bands (with rows), rows, bad, inversions, significant_inversions, spearman, kendall
        (of risk order and bad rate; 1 is a perfect order; missing where fewer than two bands have
        rows or all rates are equal, which ``note`` then says).
    """

    rates: pd.DataFrame
    inversions: pd.DataFrame
    periods: pd.DataFrame


def rank_order(
    bad: ArrayLike,
    band: ArrayLike,
    *,
    period: ArrayLike | None = None,
    order: Sequence[object] | None = None,
    significance: float = 0.05,
    confidence: float = 0.95,
) -> RankOrder:
    """Return the bad rates by band and period and where their order breaks.

    Parameters
    ----------
    bad : array-like of shape (n_rows,)
    band : array-like of shape (n_rows,)
        Score band or grade of each row.
    period : array-like of shape (n_rows,), optional
        Month, quarter or cohort; one period "all" without it.
    order : sequence, optional
        All bands from RISKIEST to safest; by default sorted, the first being the riskiest.
    significance : float, default=0.05
        An inversion with a smaller p-value is significant.
    confidence : float, default=0.95

    Raises
    ------
    InputError
        Empty, missing or of different lengths; ``order`` lacks a band or names one twice.

    Notes
    -----
    One class alone is allowed: a quiet month may have no bads. With k bands and m periods there are
    (k - 1) m comparisons, so a few significant inversions come by chance. No weights: the test is
    of counts.

    References
    ----------
    BCBS WP 14 (2005), chapter III; Fisher (1935) for the exact test.
    """
    is_bad = outcomes(bad, both=False)
    code, names = labels(band, name="band", rows=is_bad.size)
    one_period = np.full(is_bad.size, "all") if period is None else period
    when, periods = labels(one_period, name="period", rows=is_bad.size)
    names, rank = _in_order(names, order)
    shape = (len(periods), len(names))
    cell = when * shape[1] + rank[code]
    rows = tally(cell, None, count=shape[0] * shape[1]).reshape(shape)
    hits = tally(cell[is_bad], None, count=shape[0] * shape[1]).reshape(shape)
    level = fraction(significance, name="significance")
    inversions = _inversions(periods, names, rows, hits, level)
    return RankOrder(
        rates=_rates(periods, names, rows, hits, confidence),
        inversions=inversions,
        periods=_by_period(periods, rows, hits, inversions),
    )


def _in_order(
    names: list[object], order: Sequence[object] | None
) -> tuple[list[object], np.ndarray]:
    """Return names from riskiest to safest and the place of each sorted name among them."""
    if order is None:
        return names, np.arange(len(names))
    wanted = list(order)
    if len(set(wanted)) != len(wanted):
        raise InputError("order names a band twice")
    absent = [str(name) for name in names if name not in wanted]
    if absent:
        raise InputError(f"order lacks the bands {', '.join(absent)}")
    return wanted, np.array([wanted.index(name) for name in names])


def _rates(
    periods: list[object],
    names: list[object],
    rows: FloatArray,
    hits: FloatArray,
    confidence: float,
) -> pd.DataFrame:
    when, place = np.nonzero(rows)
    size, bad = rows[when, place], hits[when, place]
    lower, upper = wilson(bad, size, confidence=confidence)
    return pd.DataFrame(
        {
            "period": [periods[k] for k in when],
            "band": [names[k] for k in place],
            "place": place + 1,
            "rows": size.astype(np.int64),
            "bad": bad.astype(np.int64),
            "bad_rate": bad / size,
            "lower": lower,
            "upper": upper,
        }
    )


def _inversions(
    periods: list[object],
    names: list[object],
    rows: FloatArray,
    hits: FloatArray,
    significance: float,
) -> pd.DataFrame:
    found = []
    for when, period in enumerate(periods):
        for risky, safe in pairwise(np.flatnonzero(rows[when])):
            n, m = rows[when, risky], rows[when, safe]
            k, j = hits[when, risky], hits[when, safe]
            # k / n < j / m without division: equal rates are never an inversion.
            if k * m < j * n:
                p_value = float(fisher_exact([[j, m - j], [k, n - k]], "greater").pvalue)
                found.append(
                    (period, names[risky], names[safe], k / n, j / m, p_value,
                     p_value < significance)
                )  # fmt: skip
    columns = ["period", "riskier", "safer", "riskier_rate", "safer_rate", "p_value", "significant"]
    table = pd.DataFrame(found, columns=columns)
    return table.astype({"p_value": float, "significant": bool})


def _by_period(
    periods: list[object], rows: FloatArray, hits: FloatArray, inversions: pd.DataFrame
) -> pd.DataFrame:
    lines = []
    for when, period in enumerate(periods):
        here = np.flatnonzero(rows[when])
        rate = hits[when, here] / rows[when, here]
        mine = inversions[np.array([value == period for value in inversions["period"]], bool)]
        spearman, kendall, note = np.nan, np.nan, ""
        if here.size < 2:
            note = "fewer than two bands have rows"
        elif np.ptp(rate) == 0.0:
            note = "all bands have the same bad rate"
        else:
            # Risk falls with the place, so the place is turned round: 1 is a perfect order.
            spearman = float(spearmanr(-here, rate).statistic)
            kendall = float(kendalltau(-here, rate).statistic)
        lines.append(
            (period, here.size, int(rows[when].sum()), int(hits[when].sum()), len(mine),
             int(mine["significant"].sum()), spearman, kendall, note)
        )  # fmt: skip
    columns = [
        "period", "bands", "rows", "bad", "inversions", "significant_inversions", "spearman",
        "kendall", "note",
    ]  # fmt: skip
    return pd.DataFrame(lines, columns=columns)
