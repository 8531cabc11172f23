"""AUC, KS, Brier score and bad rate to expect before outcomes mature, if probabilities hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.validation._inputs import fraction, numbers, outcomes, probabilities
from fengkong.scorecard.watch._count import FloatArray
from fengkong.scorecard.watch._plain import records
from fengkong.scorecard.watch._soft import Ranked, simulated_ks, soft_auc

ASSUMPTION = {
    "en": "Outcomes are independent and each probability is right (calibrated for this population, "
    "same relation of features and outcome as when it was calibrated). The band is the chance of "
    "outcomes alone.",
    "zh": "各笔结果相互独立，且每笔违约概率是准的（对本客群已校准，特征与结果的关系与校准时相同）。"
    "区间只反映结果本身的随机性。",
}
_STATUS = {
    "not checked": (
        "The assumption was not checked: no matured part was given.",
        "未检验假设：没有提供已到期部分。",
    ),
    "holds": (
        "On the matured part ({rows} rows) nothing speaks against the assumption.",
        "在已到期部分（{rows} 笔）上，没有证据反对该假设。",
    ),
    "does not hold": (
        "The assumption does not hold on the matured part ({rows} rows): {what}. Do not rely on "
        "the band.",
        "在已到期部分（{rows} 笔）上假设不成立：{what}。请勿依赖该区间。",
    ),
}
_CHECK_WORDS = {
    "bad_rate": ("bad rate {observed:.2%} against {expected:.2%}",
                 "坏账率 {observed:.2%}，预期 {expected:.2%}"),
    "brier": ("Brier score {observed:.4f} against {expected:.4f}",
              "布莱尔分数 {observed:.4f}，预期 {expected:.4f}"),
    "auc": ("AUC {observed:.3f} against {expected:.3f}", "AUC {observed:.3f}，预期 {expected:.3f}"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExpectedPerformance:
    """Expected figures of a population whose outcomes are not known yet.

    Attributes
    ----------
    figures : DataFrame, one row a figure
        figure ("auc", "ks", "brier", "bad_rate"), expected, standard_error, lower, upper, method.
    checks : DataFrame
        figure, observed, expected, z, p_value, fails: the matured part against the assumption;
        empty when none was given.
    status : str
        "not checked", "holds" (nothing speaks against it) or "does not hold".
    statement : dict
        The status in words, "en" and "zh".
    rows, confidence, seed, draws
        What the figures were made from.
    """

    figures: pd.DataFrame
    checks: pd.DataFrame
    status: str
    statement: dict[str, str]
    rows: int
    confidence: float
    seed: int
    draws: int

    @property
    def assumption(self) -> dict[str, str]:
        """What the figures rest on, "en" and "zh"."""
        return ASSUMPTION

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "figures": records(self.figures), "checks": records(self.checks),
            "status": self.status, "statement": dict(self.statement),
            "assumption": dict(ASSUMPTION), "rows": self.rows, "confidence": self.confidence,
            "seed": self.seed, "draws": self.draws,
        }  # fmt: skip


def expected_performance(
    probability: ArrayLike,
    *,
    score: ArrayLike | None = None,
    matured_probability: ArrayLike | None = None,
    matured_bad: ArrayLike | None = None,
    confidence: float = 0.95,
    seed: int = 0,
    draws: int = 1_000,
    check_level: float = 0.01,
) -> ExpectedPerformance:
    """Return the performance to expect from probabilities alone, each figure with a band.

    Parameters
    ----------
    probability : array-like of shape (n_rows,)
        Calibrated probabilities of bad of the rows whose outcomes are awaited.
    score : array-like of shape (n_rows,), optional
        What ranks the rows, higher is safer; by default the probabilities do.
    matured_probability, matured_bad : array-like of shape (n_matured,), optional
        Rows whose outcomes are known, to test the assumption on; both or neither.
    confidence : float, default 0.95
        Chance of the band, if the assumption holds, to cover the figure that will be observed.
    seed, draws : int, default 0 and 1,000
        Of the simulated KS; also of the AUC where fewer than 30 bads or goods are expected.
    check_level : float, default 0.01
        Chance to call an assumption wrong that holds, over all checks together.

    Returns
    -------
    ExpectedPerformance

    Raises
    ------
    InputError
        Empty, missing, fewer than two rows, lengths that differ, one of the matured arrays alone.
    OutOfRangeError
        A probability outside [0, 1], ``confidence`` or ``check_level`` outside (0, 1), fewer than
        100 draws.

    Notes
    -----
    Given the probabilities, each outcome is a Bernoulli draw of its own. Bad rate and Brier score
    have exact means and variances. AUC: E(U) / E(bads x goods), the expectation over pairs of
    different rows, with the variance of its linear part in the outcomes. KS, the largest of many
    gaps, is simulated: row by row up to 20,000 rows, beyond in 2,000 bands of score whose bads are
    normal with exact mean and variance. Bands of AUC and KS are for samples with both classes.

    The checks: bad rate (z of the sum), Brier score (Spiegelhalter's z) and AUC (its distance from
    the expectation), Bonferroni over them. That they pass proves nothing about the rows to come.

    References
    ----------
    Spiegelhalter (1986), Statistics in Medicine 5, 421-433. The idea of expecting performance from
    calibrated probabilities is known as confidence-based performance estimation.
    """
    p = probabilities(probability)
    if p.size < 2:
        raise InputError("expected performance needs at least two rows")
    confidence = fraction(confidence, name="confidence")
    check_level = fraction(check_level, name="check_level")
    if draws < 100:
        raise OutOfRangeError(name="draws", value=draws, allowed="[100, inf)")
    risk = p if score is None else -numbers(score, name="score", rows=p.size)
    checks = _checks(matured_probability, matured_bad, check_level)
    status = "not checked"
    if len(checks):
        status = "does not hold" if checks["fails"].any() else "holds"
    matured = 0 if matured_bad is None else len(np.asarray(matured_bad))
    return ExpectedPerformance(
        figures=_figures(p, risk, confidence, seed, draws), checks=checks, status=status,
        statement=_statement(status, checks, matured), rows=p.size, confidence=confidence,
        seed=seed, draws=draws,
    )  # fmt: skip


def _figures(
    p: FloatArray, risk: FloatArray, confidence: float, seed: int, draws: int
) -> pd.DataFrame:
    z = float(ndtri(0.5 + confidence / 2))
    variance = p * (1 - p)
    ranked = Ranked.of(p, risk)
    simulated = simulated_ks(ranked, seed=seed, draws=draws)
    tail = [(1 - confidence) / 2, (1 + confidence) / 2]
    rows = []
    expected, error = soft_auc(ranked)
    if min(p.sum(), (1 - p).sum()) >= 30:
        rows.append(_normal("auc", expected, error, z))
    else:
        rows.append(_drawn("auc", simulated.auc, tail))
    rows.append(_drawn("ks", simulated.ks, tail))
    brier_error = np.sqrt((variance * (1 - 2 * p) ** 2).sum()) / p.size
    rows.append(_normal("brier", float(variance.mean()), float(brier_error), z))
    rate_error = float(np.sqrt(variance.sum()) / p.size)
    rows.append(_normal("bad_rate", float(p.mean()), rate_error, z))
    return pd.DataFrame(rows)


def _normal(figure: str, expected: float, error: float, z: float) -> dict[str, Any]:
    return {
        "figure": figure, "expected": expected, "standard_error": error,
        "lower": max(expected - z * error, 0.0), "upper": min(expected + z * error, 1.0),
        "method": "analytic",
    }  # fmt: skip


def _drawn(figure: str, draws: FloatArray, tail: list[float]) -> dict[str, Any]:
    if not draws.size:
        raise InputError(
            "no draw held both goods and bads: the probabilities are all so near to 0 or to 1 that "
            "AUC and KS cannot be expected to exist"
        )
    lower, upper = np.quantile(draws, tail)
    return {
        "figure": figure, "expected": float(draws.mean()),
        "standard_error": float(draws.std(ddof=1)) if draws.size > 1 else 0.0,
        "lower": float(lower), "upper": float(upper), "method": "simulation",
    }  # fmt: skip


def _checks(
    matured_probability: ArrayLike | None, matured_bad: ArrayLike | None, level: float
) -> pd.DataFrame:
    """Test the assumption on rows whose outcomes are known."""
    names = ["figure", "observed", "expected", "z", "p_value", "fails"]
    if matured_probability is None and matured_bad is None:
        return pd.DataFrame(columns=names)
    if matured_probability is None or matured_bad is None:
        raise InputError("a matured part needs matured_probability and matured_bad")
    y = outcomes(matured_bad, name="matured_bad", both=False).astype(np.float64)
    p = probabilities(matured_probability, name="matured_probability", rows=y.size)
    variance = p * (1 - p)
    found = [
        ("bad_rate", float(y.mean()), float(p.mean()), np.sqrt(variance.sum()) / p.size),
        ("brier", float(((y - p) ** 2).mean()), float(variance.mean()),
         np.sqrt((variance * (1 - 2 * p) ** 2).sum()) / p.size),
    ]  # fmt: skip
    if p.size > 1 and 0 < y.sum() < y.size:
        ranked = Ranked.of(p, p)
        found.append(("auc", ranked.observed_auc(y), *soft_auc(ranked)))
    rows = []
    for figure, observed, expected, error in found:
        gap = observed - expected
        # Without any variance (all probabilities 0 or 1) the smallest gap already disproves it.
        certain = 0.0 if abs(gap) < 1e-12 else np.copysign(1e6, gap)
        z = float(gap / error) if error > 0 else float(certain)
        p_value = float(2 * ndtr(-abs(z)))
        rows.append((figure, observed, expected, z, p_value, p_value * len(found) < level))
    return pd.DataFrame(rows, columns=names)


def _statement(status: str, checks: pd.DataFrame, rows: int) -> dict[str, str]:
    english, chinese = _STATUS[status]
    what = [
        [
            _CHECK_WORDS[str(row.figure)][place].format(
                observed=row.observed, expected=row.expected
            )
            for row in checks.itertuples()
            if row.fails
        ]
        for place in (0, 1)
    ]
    return {
        "en": english.format(rows=rows, what="; ".join(what[0])),
        "zh": chinese.format(rows=rows, what="；".join(what[1])),
    }
