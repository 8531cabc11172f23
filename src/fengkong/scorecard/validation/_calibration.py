"""Do probabilities agree with outcomes: Brier and its split, Hosmer-Lemeshow, slope, error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import chdtrc

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._inputs import (
    BoolArray,
    FloatArray,
    IntArray,
    outcomes,
    probabilities,
    tally,
    weights,
)
from fengkong.scorecard.validation._intervals import normal_quantile, two_sided, wilson
from fengkong.scorecard.validation._ladder import equal_bands
from fengkong.scorecard.validation._logistic import fit_logistic, log_odds


@dataclass(frozen=True, slots=True, kw_only=True)
class BrierSplit:
    """The Brier score and its parts.

    brier = reliability - resolution + uncertainty + within_variance - within_covariance, exactly.
    The last two are zero when bins are the distinct probabilities (Murphy's split of 1973).
    """

    brier: float
    reliability: float
    resolution: float
    uncertainty: float
    within_variance: float
    within_covariance: float
    skill: float
    bins: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HosmerLemeshow:
    """The Hosmer-Lemeshow statistic, its degrees of freedom and p-value."""

    statistic: float
    degrees: int
    p_value: float
    groups: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationSlope:
    """Logistic recalibration of the log odds; perfect is slope 1 and intercept 0.

    Attributes
    ----------
    slope, slope_lower, slope_upper, slope_p_value : float
        Below 1: predictions are too far apart (overfitted). p-value of slope = 1.
    intercept : float
        Beside that slope.
    in_the_large, in_the_large_lower, in_the_large_upper, in_the_large_p_value : float
        The intercept with the slope held at 1: above 0 when risk is underestimated overall.
    """

    slope: float
    slope_lower: float
    slope_upper: float
    slope_p_value: float
    intercept: float
    in_the_large: float
    in_the_large_lower: float
    in_the_large_upper: float
    in_the_large_p_value: float


def brier_score(
    bad: ArrayLike, probability: ArrayLike, *, sample_weight: ArrayLike | None = None
) -> float:
    """Return the mean squared distance of probability and outcome, in [0, 1].

    One class alone is allowed.

    Raises
    ------
    InputError
        Empty, missing or of different lengths.
    OutOfRangeError
        A probability outside [0, 1].

    References
    ----------
    Brier (1950), Monthly Weather Review 78, 1-3 (half of his two-class sum).
    """
    is_bad, p, weight = _checked(bad, probability, sample_weight, both=False)
    return float(np.average(np.square(p - is_bad), weights=weight))


def brier_split(
    bad: ArrayLike,
    probability: ArrayLike,
    *,
    bins: int | None = None,
    sample_weight: ArrayLike | None = None,
) -> BrierSplit:
    """Return reliability, resolution and uncertainty of the Brier score.

    Parameters
    ----------
    bad, probability : array-like of shape (n_rows,)
    bins : int, optional
        Bins of about equal weight with ties together. Without it every distinct probability is a
        bin, right for grades; where nearly every row has its own probability that says nothing
        (reliability is then almost the whole score), so such a model wants bins.
    sample_weight : array-like of shape (n_rows,), optional

    Returns
    -------
    BrierSplit
        ``skill`` is 1 - brier / uncertainty.

    Raises
    ------
    InputError, OutOfRangeError, OneClassError
        As `brier_score`; both classes must occur.

    References
    ----------
    Murphy (1973), Journal of Applied Meteorology 12, 595-600; Stephenson, Coelho, Jolliffe (2008),
    Weather and Forecasting 23, 752-757, for the two terms within bins.
    """
    return split_of(banded(*_checked(bad, probability, sample_weight), bins=bins))


def split_of(rows: Banded) -> BrierSplit:
    """Return the split of banded rows; see `brier_split`."""
    whole = float(rows.total.sum())
    base = float(rows.total @ rows.rate / whole)
    within = rows.p - rows.mean_p[rows.band]
    apart = rows.is_bad - rows.rate[rows.band]
    brier = float(rows.ones @ np.square(rows.p - rows.is_bad) / whole)
    uncertainty = base * (1.0 - base)
    return BrierSplit(
        brier=brier,
        reliability=float(rows.total @ np.square(rows.mean_p - rows.rate) / whole),
        resolution=float(rows.total @ np.square(rows.rate - base) / whole),
        uncertainty=uncertainty,
        within_variance=float(rows.ones @ np.square(within) / whole),
        within_covariance=float(2.0 * (rows.ones @ (within * apart)) / whole),
        skill=1.0 - brier / uncertainty,
        bins=int(rows.total.size),
    )


def expected_calibration_error(
    bad: ArrayLike,
    probability: ArrayLike,
    *,
    bins: int = 10,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the mean distance of bad rate and mean probability over bins of equal weight.

    Raises
    ------
    InputError, OutOfRangeError
        As `brier_score`; ``bins`` below 1.

    Notes
    -----
    Positive even for a perfect model, by chance: about sqrt(2 p(1-p) bins / (pi n)) for a bad rate
    near p. Compare models on the same rows and bins only.

    References
    ----------
    Naeini, Cooper, Hauskrecht (2015), AAAI, 2901-2907; equal-count bins after Nguyen, O'Connor
    (2015), EMNLP, 1587-1598.
    """
    checked = _checked(bad, probability, sample_weight, both=False)
    return error_of(banded(*checked, bins=bins))


def error_of(rows: Banded) -> float:
    """Return the calibration error of banded rows; see `expected_calibration_error`."""
    return float(rows.total @ np.abs(rows.mean_p - rows.rate) / rows.total.sum())


def calibration_table(
    bad: ArrayLike,
    probability: ArrayLike,
    *,
    bins: int = 10,
    sample_weight: ArrayLike | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Return predicted and observed by bin of equal weight, lowest probability first.

    Returns
    -------
    DataFrame
        bin, rows, probability_lowest, probability_highest, probability_mean, bad_rate, lower, upper
        (Wilson's interval of the bad rate, by rows; with weights by the effective number of rows).

    Raises
    ------
    InputError, OutOfRangeError
        As `brier_score`; ``bins`` below 1.
    """
    checked = _checked(bad, probability, sample_weight, both=False)
    return table_of(banded(*checked, bins=bins), confidence=confidence)


def table_of(rows: Banded, *, confidence: float) -> pd.DataFrame:
    """Return the calibration table of banded rows; see `calibration_table`."""
    count = rows.total.size
    lowest, highest = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(lowest, rows.band, rows.p)
    np.maximum.at(highest, rows.band, rows.p)
    effective = np.square(rows.total) / tally(rows.band, np.square(rows.ones), count=count)
    lower, upper = wilson(rows.rate * effective, effective, confidence=confidence)
    return pd.DataFrame(
        {
            "bin": np.arange(1, count + 1),
            "rows": tally(rows.band, None, count=count).astype(np.int64),
            "probability_lowest": lowest,
            "probability_highest": highest,
            "probability_mean": rows.mean_p,
            "bad_rate": rows.rate,
            "lower": lower,
            "upper": upper,
        }
    )


def hosmer_lemeshow(
    bad: ArrayLike, probability: ArrayLike, *, groups: int = 10, same_sample: bool = False
) -> HosmerLemeshow:
    """Return the Hosmer-Lemeshow test of calibration.

    Parameters
    ----------
    bad, probability : array-like of shape (n_rows,)
    groups : int, default=10
        Groups of about equal size by probability, ties together.
    same_sample : bool, default=False
        The model was fitted on these rows: two degrees of freedom are lost. On rows it has not
        seen, none.

    Raises
    ------
    InputError, OutOfRangeError, OneClassError
        As `brier_split`; fewer than three groups can be made with ``same_sample``.

    Notes
    -----
    No weights: the statistic is not defined for them. A group where the model says 0 (or 1) for
    certain adds nothing when it is right and makes the statistic infinite when it is wrong. With
    many rows it refuses any model, with few none: read it beside the calibration error.

    References
    ----------
    Hosmer, Lemeshow (1980), Communications in Statistics A9, 1043-1069; Hosmer, Lemeshow,
    Sturdivant (2013), Applied Logistic Regression, 5.2.2 (degrees on new rows: the groups).
    """
    rows = banded(*_checked(bad, probability, None), bins=groups)
    return hosmer_of(rows, same_sample=same_sample)


def hosmer_of(rows: Banded, *, same_sample: bool) -> HosmerLemeshow:
    """Return the test of banded rows without weights; see `hosmer_lemeshow`."""
    total, mean_p, rate = rows.total, rows.mean_p, rows.rate
    degrees = int(total.size) - (2 if same_sample else 0)
    if degrees < 1:
        raise InputError(f"only {total.size} groups of distinct probability: too few for the test")
    distance = np.square(total * (rate - mean_p))
    variance = total * mean_p * (1.0 - mean_p)
    # A certain prediction has no variance: right it adds nothing, wrong it settles the matter.
    # Means of many ones stop a few rounding steps short of 1, so certain is "within rounding".
    certain = variance < 1e-9
    wrong = certain & (distance > 1e-9)
    terms = np.divide(distance, variance, out=np.zeros_like(distance), where=~certain)
    statistic = np.inf if wrong.any() else float(terms.sum())
    return HosmerLemeshow(
        statistic=statistic,
        degrees=degrees,
        p_value=float(chdtrc(degrees, statistic)),
        groups=int(total.size),
    )


def calibration_slope(
    bad: ArrayLike,
    probability: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    confidence: float = 0.95,
) -> CalibrationSlope:
    """Return slope and intercept of outcomes on the log odds of the probabilities.

    Parameters
    ----------
    bad, probability, sample_weight : array-like of shape (n_rows,)
        With weights the errors are those of the sandwich.
    confidence : float, default=0.95

    Raises
    ------
    InputError
        As `brier_split`; the probability takes one value only; or it separates goods and bads.

    References
    ----------
    Cox (1958), Biometrika 45, 562-565; Steyerberg (2019), Clinical Prediction Models, 15.3.
    """
    is_bad, p, weight = _checked(bad, probability, sample_weight)
    eta = log_odds(p)
    if np.ptp(eta) < 1e-12:
        raise InputError("the calibration slope needs more than one value of probability")
    target, ones = is_bad.astype(np.float64), np.ones(p.size)
    # A model near the truth is near this start, so few steps are left.
    start = np.array([0.0, 1.0])
    both = fit_logistic(np.stack([ones, eta], axis=1), target, weight=weight, start=start)
    large = fit_logistic(ones[:, None], target, weight=weight, offset=eta)
    z = normal_quantile(confidence)
    slope, slope_error = float(both.coefficient[1]), float(np.sqrt(both.covariance[1, 1]))
    centre, centre_error = float(large.coefficient[0]), float(np.sqrt(large.covariance[0, 0]))
    return CalibrationSlope(
        slope=slope,
        slope_lower=slope - z * slope_error,
        slope_upper=slope + z * slope_error,
        slope_p_value=float(two_sided((slope - 1.0) / slope_error)),
        intercept=float(both.coefficient[0]),
        in_the_large=centre,
        in_the_large_lower=centre - z * centre_error,
        in_the_large_upper=centre + z * centre_error,
        in_the_large_p_value=float(two_sided(centre / centre_error)),
    )


def _checked(
    bad: ArrayLike,
    probability: ArrayLike,
    sample_weight: ArrayLike | None,
    *,
    both: bool = True,
) -> tuple[BoolArray, FloatArray, FloatArray | None]:
    is_bad = outcomes(bad, both=both)
    p = probabilities(probability, rows=is_bad.size)
    weight = weights(sample_weight, rows=is_bad.size)
    if weight is not None:
        held = weight > 0.0
        is_bad, p, weight = is_bad[held], p[held], weight[held]
        if both:
            outcomes(is_bad)
    return is_bad, p, weight


@dataclass(frozen=True, slots=True, kw_only=True)
class Banded:
    """Rows with their bands of probability, and weight, mean probability, bad rate by band."""

    is_bad: BoolArray
    p: FloatArray
    ones: FloatArray
    band: IntArray
    total: FloatArray
    mean_p: FloatArray
    rate: FloatArray


def banded(
    is_bad: BoolArray, p: FloatArray, weight: FloatArray | None, *, bins: int | None
) -> Banded:
    """Return checked rows of positive weight in bands; by distinct probability without ``bins``."""
    band = (
        np.unique(p, return_inverse=True)[1].astype(np.int64)
        if bins is None
        else equal_bands(p, weight, bands=bins)
    )
    ones = np.ones(p.size) if weight is None else weight
    count = int(band.max()) + 1
    total = tally(band, ones, count=count)
    return Banded(
        is_bad=is_bad,
        p=p,
        ones=ones,
        band=band,
        total=total,
        mean_p=tally(band, ones * p, count=count) / total,
        rate=tally(band, np.where(is_bad, ones, 0.0), count=count) / total,
    )
