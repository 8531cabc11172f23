"""What to do when probabilities and outcomes part: nothing, shift, refit, a new map, or rebuild."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtrc, ndtri, xlogy

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.validation import (
    AucInterval,
    BetaCalibrator,
    PlattCalibrator,
    auc,
    auc_interval,
    brier_score,
    calibrator_from_dict,
    expected_calibration_error,
)
from fengkong.scorecard.validation._inputs import fraction, outcomes, probabilities
from fengkong.scorecard.validation._logistic import TINY, fit_logistic, log_odds
from fengkong.scorecard.watch._count import FloatArray
from fengkong.scorecard.watch._plain import records

Advice: TypeAlias = Literal["nothing", "shift", "refit", "map", "rebuild", "wait"]
_REASONS: dict[str, tuple[str, str]] = {
    "wait": (
        "Only {events} bads or goods have matured in the part to fit on; at least {least} are "
        "needed to judge.",
        "用于拟合的部分中，好或坏样本只有 {events} 个已到期，至少需要 {least} 个才能判断。",
    ),
    "nothing": (
        "Probabilities and outcomes agree: no map is better than none (p = {p_value:.3f}).",
        "概率与结果一致：完整映射并不优于不调整（p = {p_value:.3f}）。",
    ),
    "not confirmed": (
        "The fitted part asks for a change (p = {p_value:.3g}), but it does not lower the log loss "
        "on the held-out part: leave the model as it is and look again with more outcomes.",
        "拟合部分显示需要调整（p = {p_value:.3g}），但在留出部分并未降低对数损失："
        "暂不调整，待更多结果到期后再看。",
    ),
    "shift": (
        "All probabilities are off by one amount: bads were {ratio:.2f} times what was predicted. "
        "Shift the log odds of bad by {intercept:+.3f}; ranking stays as it is.",
        "所有概率偏离同一幅度：实际坏账为预测的 {ratio:.2f} 倍。将坏账对数几率平移 "
        "{intercept:+.3f}；排序不变。",
    ),
    "refit": (
        "Probabilities are off and too {spread}: slope {slope:.2f} instead of 1. Refit slope and "
        "intercept; ranking stays as it is.",
        "概率有偏，且{spread_zh}：斜率为 {slope:.2f}，应为 1。重估斜率与截距；排序不变。",
    ),
    "map": (
        "The error differs along the scale and no straight line mends it (p = {p_value:.3g}). Fit "
        "a new calibration map; ranking stays as it is.",
        "误差沿评分高低而不同，直线修正不足（p = {p_value:.3g}）。应拟合新的校准映射；排序不变。",
    ),
    "rebuild": (
        "Ranking is lost: AUC {auc:.3f}{against}. No calibration can mend that: rebuild the model.",
        "排序能力已丧失：AUC 为 {auc:.3f}{against_zh}。校准无法弥补，应重建模型。",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RecalibrationProposal:
    """What is proposed, why, and what it would change; nothing has been applied.

    Attributes
    ----------
    advice : str
        "nothing", "shift", "refit", "map", "rebuild", or "wait" (too few outcomes).
    reason : dict
        The advice in words, "en" and "zh".
    calibrators : dict
        By name ("shift", "refit", "map") the fitted map of the probabilities given, as
        `calibrator_from_dict` reads it; empty for "wait".
    tests : DataFrame
        held, against, statistic, degrees, p_value: likelihood-ratio tests on the fitted part.
    figures : DataFrame
        candidate ("before", "shift", "refit", "map"), log_loss, brier, bad_rate,
        mean_probability, ratio (bads over predicted), calibration_error, auc, gain (log loss
        saved), gain_error: on the held-out part.
    auc, auc_lower, auc_upper : float or None
        Ranking on all rows; None for "wait".
    rows_fit, rows_held_out : int
    settings : dict
    """

    advice: Advice
    reason: dict[str, str]
    calibrators: dict[str, dict[str, Any]]
    tests: pd.DataFrame
    figures: pd.DataFrame
    auc: float | None
    auc_lower: float | None
    auc_upper: float | None
    rows_fit: int
    rows_held_out: int
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "advice": self.advice, "reason": dict(self.reason), "calibrators": self.calibrators,
            "tests": records(self.tests), "figures": records(self.figures), "auc": self.auc,
            "auc_lower": self.auc_lower, "auc_upper": self.auc_upper, "rows_fit": self.rows_fit,
            "rows_held_out": self.rows_held_out, "settings": dict(self.settings),
        }  # fmt: skip


def recalibration_proposal(
    probability: ArrayLike,
    bad: ArrayLike,
    *,
    held_out: ArrayLike | None = None,
    held_out_share: float = 0.3,
    reference_auc: float | None = None,
    reference_auc_error: float = 0.0,
    auc_drop: float = 0.05,
    level: float = 0.05,
    events_at_least: int = 30,
    seed: int = 0,
) -> RecalibrationProposal:
    """Return what should be done about the calibration, tested and tried on rows held out.

    Parameters
    ----------
    probability : array-like of shape (n_rows,)
        Probability of bad that the model gives now.
    bad : array-like of shape (n_rows,)
        Matured outcomes, 1 bad, 0 good.
    held_out : array-like of bool, shape (n_rows,), optional
        Rows to try the proposal on; the latest cohorts are the best choice. By default
        ``held_out_share`` of all rows, drawn with ``seed``.
    held_out_share : float, default 0.3
    reference_auc, reference_auc_error : float, optional
        AUC at validation and its standard error.
    auc_drop : float, default 0.05
        A fall of the AUC from which the model is to be rebuilt, if it is also beyond chance.
    level : float, default 0.05
        Of all tests.
    events_at_least : int, default 30
        Bads and goods needed in the fitted part.
    seed : int, default 0

    Returns
    -------
    RecalibrationProposal

    Raises
    ------
    InputError
        Empty, missing, lengths that differ, one class only in a part, goods and bads separated.
    OutOfRangeError
        A probability outside [0, 1]; a share, level or AUC outside (0, 1); ``auc_drop`` or
        ``reference_auc_error`` negative.

    Notes
    -----
    Four nested maps of the log odds of bad: none; shift (a + x); refit (a + b x); map, the beta
    calibration c + a ln p - b ln(1 - p). The proposal is the smallest that the largest does not
    beat in a likelihood-ratio test, and only if it lowers the log loss on the held-out part. So
    with right probabilities something else than "nothing" is proposed in at most ``level`` of
    cases. Ranking is judged first: rebuild when the AUC fell by at least ``auc_drop`` and the fall
    is beyond chance, or when the upper limit of the AUC is not above 0.5.

    References
    ----------
    Cox (1958), Biometrika 45, 562-565. Vergouwe et al. (2017), Statistics in Medicine 36,
    4529-4539 (closed test of updating methods). Kull, Silva Filho, Flach (2017), AISTATS.
    """
    y = outcomes(bad)
    p = probabilities(probability, rows=y.size)
    _check_settings(held_out_share, level, reference_auc, reference_auc_error, auc_drop)
    held = _held_out(held_out, y.size, held_out_share, seed)
    settings = {
        "level": level, "auc_drop": auc_drop, "reference_auc": reference_auc, "seed": seed,
        "reference_auc_error": reference_auc_error, "events_at_least": events_at_least,
        "held_out": "given" if held_out is not None else f"{held_out_share:g} at random",
    }  # fmt: skip
    rows_fit, rows_held = int((~held).sum()), int(held.sum())
    events = int(min(y[~held].sum(), (~y[~held]).sum()))
    if events < events_at_least:
        return RecalibrationProposal(
            advice="wait", reason=_words("wait", events=events, least=events_at_least),
            calibrators={}, tests=pd.DataFrame(columns=_TESTS), auc=None, auc_lower=None,
            auc_upper=None, figures=pd.DataFrame(columns=_FIGURES), settings=settings,
            rows_fit=rows_fit, rows_held_out=rows_held,
        )  # fmt: skip
    outcomes(y[held].astype(np.float64), name="bad of the held-out part")
    documents, tests = _fitted(p[~held], y[~held])
    figures = _tried(documents, p[held], y[held])
    ranking = auc_interval(y, p)
    advice: Advice = "rebuild"
    reason = _fall(ranking, reference_auc, reference_auc_error, drop=auc_drop, level=level)
    if not documents["refit"]["slope"] > 0:
        reason = _no_better_than_chance(ranking)
    if reason is None:
        advice, reason = _advised(documents, tests, figures, level)
    return RecalibrationProposal(
        advice=advice, reason=reason, calibrators=documents, tests=tests, figures=figures,
        auc=ranking.auc, auc_lower=ranking.lower, auc_upper=ranking.upper, settings=settings,
        rows_fit=rows_fit, rows_held_out=rows_held,
    )  # fmt: skip


_TESTS = ["held", "against", "statistic", "degrees", "p_value"]
_FIGURES = [
    "candidate", "log_loss", "brier", "bad_rate", "mean_probability", "ratio",
    "calibration_error", "auc", "gain", "gain_error",
]  # fmt: skip


def _check_settings(
    share: float, level: float, reference_auc: float | None, error: float, drop: float
) -> None:
    fraction(share, name="held_out_share")
    fraction(level, name="level")
    if reference_auc is not None:
        fraction(reference_auc, name="reference_auc")
    for name, value in (("reference_auc_error", error), ("auc_drop", drop)):
        if not value >= 0.0:
            raise OutOfRangeError(name=name, value=value, allowed="[0, inf)")


def _held_out(given: ArrayLike | None, rows: int, share: float, seed: int) -> NDArray[np.bool_]:
    if given is None:
        held = np.zeros(rows, dtype=bool)
        held[np.random.default_rng(seed).permutation(rows)[: max(1, round(share * rows))]] = True
        return held
    found = np.asarray(given)
    if found.shape != (rows,) or found.dtype != np.bool_:
        raise InputError(f"held_out must be {rows} true or false values")
    if found.all() or not found.any():
        raise InputError("held_out must leave rows on both sides")
    return found


def _fitted(p: FloatArray, y: NDArray[np.bool_]) -> tuple[dict[str, dict[str, Any]], pd.DataFrame]:
    """Fit the nested maps and test each smaller one against the largest."""
    held, x, ones = np.clip(p, TINY, 1 - TINY), log_odds(p), np.ones(p.size)
    target = y.astype(np.float64)
    if np.ptp(x) < 1e-9:
        raise InputError("the probabilities are all the same: nothing ranks, nothing to calibrate")
    shift = fit_logistic(ones[:, None], target, offset=x)
    refit = fit_logistic(np.stack([ones, x], axis=1), target)
    beta = fit_logistic(np.stack([ones, np.log(held), -np.log1p(-held)], axis=1), target)
    none = float((target * x - np.logaddexp(0.0, x)).sum())
    documents: dict[str, dict[str, Any]] = {
        "shift": {"kind": "platt", "intercept": float(shift.coefficient[0]), "slope": 1.0},
        # What is proposed must rise: the calibrators hold a falling coefficient at zero.
        "refit": PlattCalibrator(prior_correction=False).fit(p, y).to_dict(),
        "map": BetaCalibrator().fit(p, y).to_dict(),
    }
    rows = []
    smaller = (("nothing", none, 3), ("shift", shift.log_likelihood, 2),
               ("refit", refit.log_likelihood, 1))  # fmt: skip
    for name, likelihood, degrees in smaller:
        statistic = max(2 * (beta.log_likelihood - likelihood), 0.0)
        rows.append((name, "map", statistic, degrees, float(chdtrc(degrees, statistic))))
    return documents, pd.DataFrame(rows, columns=_TESTS)


def _tried(
    documents: dict[str, dict[str, Any]], p: FloatArray, y: NDArray[np.bool_]
) -> pd.DataFrame:
    """Return the figures of each candidate on rows that it was not fitted on."""
    rows = []
    loss_before = _loss(p, y)
    for name in ("before", *documents):
        made = p if name == "before" else calibrator_from_dict(documents[name]).transform(p)
        loss = _loss(made, y)
        gain = loss_before - loss
        predicted = float(made.sum())
        rows.append((
            name, float(loss.mean()), float(brier_score(y, made)), float(y.mean()),
            float(made.mean()), float(y.sum()) / predicted if predicted > 0 else None,
            expected_calibration_error(y, made), auc(y, made), float(gain.mean()),
            float(gain.std() / np.sqrt(gain.size)),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=_FIGURES)


def _loss(p: FloatArray, y: NDArray[np.bool_]) -> FloatArray:
    """Return the log loss of each row; probabilities are held off 0 and 1."""
    held = np.clip(p, TINY, 1 - TINY)
    return -np.where(y, xlogy(1.0, held), xlogy(1.0, 1 - held))


def _fall(
    ranking: AucInterval, reference: float | None, error: float, *, drop: float, level: float
) -> dict[str, str] | None:
    """Return the reason to rebuild, or None while ranking holds."""
    if ranking.upper <= 0.5:
        return _no_better_than_chance(ranking)
    if reference is None or reference - ranking.auc < drop:
        return None
    spread = float(np.hypot(ranking.standard_error, error))
    if reference - ranking.auc <= float(ndtri(1 - level)) * spread:
        return None
    return _words("rebuild", auc=ranking.auc, against=f" against {reference:.3f} at validation",
                  against_zh=f"，验证时为 {reference:.3f}")  # fmt: skip


def _no_better_than_chance(ranking: AucInterval) -> dict[str, str]:
    return _words(
        "rebuild", auc=ranking.auc, against=", no better than chance", against_zh="，不优于随机"
    )


def _advised(
    documents: dict[str, dict[str, Any]], tests: pd.DataFrame, figures: pd.DataFrame, level: float
) -> tuple[Advice, dict[str, str]]:
    """Take the smallest map that the largest does not beat, if it helps on the held-out part."""
    p_values = dict(zip(tests["held"], tests["p_value"], strict=True))
    if p_values["nothing"] >= level:
        return "nothing", _words("nothing", p_value=p_values["nothing"])
    choice: Advice = "map"
    if p_values["shift"] >= level:
        choice = "shift"
    elif p_values["refit"] >= level:
        choice = "refit"
    gains = dict(zip(figures["candidate"], figures["gain"], strict=True))
    if not gains[choice] > 0:
        return "nothing", _words("not confirmed", p_value=p_values["nothing"])
    if choice == "map":
        return choice, _words("map", p_value=p_values["refit"])
    slope = documents[choice]["slope"]
    return choice, _words(
        choice, intercept=documents[choice]["intercept"], slope=slope,
        ratio=figures["ratio"].iloc[0], spread="spread" if slope < 1 else "narrow",
        spread_zh="过于分散" if slope < 1 else "过于集中",
    )  # fmt: skip


def _words(reason: str, **parts: Any) -> dict[str, str]:
    english, chinese = _REASONS[reason]
    return {"en": english.format(**parts), "zh": chinese.format(**parts)}
