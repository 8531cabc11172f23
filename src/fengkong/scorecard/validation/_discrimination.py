"""How well goods and bads are told apart: AUC with DeLong, Gini, KS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._inputs import BoolArray, FloatArray
from fengkong.scorecard.validation._intervals import normal_quantile, two_sided
from fengkong.scorecard.validation._ladder import Ladder, ladder


@dataclass(frozen=True, slots=True, kw_only=True)
class AucInterval:
    """Area under the ROC curve with its interval; Gini = 2 AUC - 1."""

    auc: float
    standard_error: float
    lower: float
    upper: float
    gini: float
    gini_lower: float
    gini_upper: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AucTest:
    """Paired comparison of two AUCs on the same rows: difference = first - second."""

    auc_first: float
    auc_second: float
    difference: float
    standard_error: float
    lower: float
    upper: float
    z: float
    p_value: float
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class KolmogorovSmirnov:
    """Largest distance between the distributions of bads and goods, and where it lies.

    Attributes
    ----------
    ks : float
        Distance, in [0, 1].
    value : float
        The value at which it is reached, itself counted on the risky side.
    bad_share, good_share : float
        Share of bads and of goods that lie on the risky side of ``value``, ``value`` included.
    grade : str
        "weak", "fair", "good", "strong", or "check" (above 0.75: look for leakage).
    """

    ks: float
    value: float
    bad_share: float
    good_share: float
    grade: str


def auc(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the area under the ROC curve.

    Parameters
    ----------
    bad : array-like of shape (n_rows,)
        1 for bad, 0 for good.
    value : array-like of shape (n_rows,)
        Probability of bad, or a score with ``higher_is_safer=True``.
    higher_is_safer : bool, default=False
        True for a score.
    sample_weight : array-like of shape (n_rows,), optional
        A pair of a bad and a good counts by the product of its weights.

    Returns
    -------
    float
        Chance that a bad is riskier than a good; ties count one half. In [0, 1].

    Raises
    ------
    InputError
        Empty, missing, infinite or of different lengths.
    OneClassError
        Only goods or only bads.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight).auc()


def gini(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return 2 AUC - 1, which is also the accuracy ratio of the CAP; see `auc`."""
    area = auc(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    return 2.0 * area - 1.0


def auc_interval(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
    confidence: float = 0.95,
) -> AucInterval:
    """Return the AUC with DeLong's standard error and interval.

    Parameters
    ----------
    bad, value, higher_is_safer, sample_weight
        As `auc`. Weights are sampling weights: the variance is that of a weighted U-statistic over
        independent rows and equals DeLong's when all weights are equal. They are not counts: a row
        of weight 2 is not two rows.
    confidence : float, default=0.95
        In (0, 1).

    Raises
    ------
    InputError
        Also when there are fewer than two goods or two bads (no variance).

    Notes
    -----
    Normal interval, cut to [0, 1]. An AUC of exactly 1 or 0 has a variance of zero by this formula;
    the interval is then a point and says little. Cost n log n by mid-ranks.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), Biometrics 44, 837-845, eqs. 3-5;
    Sun, Xu (2014), IEEE Signal Processing Letters 21, 1389-1393 (the fast form).
    """
    steps = ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    return interval_of(steps, confidence=confidence)


def interval_of(steps: Ladder, *, confidence: float) -> AucInterval:
    """Return the AUC of a ladder with its interval."""
    safer_goods, riskier_bads = steps.placements()
    area = steps.auc()
    error = float(
        np.sqrt(
            _variance(safer_goods[steps.step], steps.is_bad, steps.weight)
            + _variance(riskier_bads[steps.step], ~steps.is_bad, steps.weight)
        )
    )
    half = normal_quantile(confidence) * error
    lower, upper = max(area - half, 0.0), min(area + half, 1.0)
    return AucInterval(
        auc=area,
        standard_error=error,
        lower=lower,
        upper=upper,
        gini=2.0 * area - 1.0,
        gini_lower=2.0 * lower - 1.0,
        gini_upper=2.0 * upper - 1.0,
        confidence=confidence,
    )


def auc_test(
    bad: ArrayLike,
    first: ArrayLike,
    second: ArrayLike,
    *,
    higher_is_safer: bool = False,
    second_higher_is_safer: bool | None = None,
    sample_weight: ArrayLike | None = None,
    confidence: float = 0.95,
) -> AucTest:
    """Return DeLong's test of two values measured on the same rows.

    Parameters
    ----------
    bad : array-like of shape (n_rows,)
        1 for bad, 0 for good.
    first, second : array-like of shape (n_rows,)
        The two values; the difference is AUC(first) - AUC(second).
    higher_is_safer, second_higher_is_safer : bool
        Direction of ``first`` and of ``second`` (as ``first`` unless given).
    sample_weight, confidence
        As `auc_interval`.

    Returns
    -------
    AucTest
        Two-sided. Values that order all rows alike give z = 0 and p = 1.

    Raises
    ------
    InputError
        As `auc_interval`.

    References
    ----------
    DeLong, DeLong, Clarke-Pearson (1988), eqs. 6-8.
    """
    reverse = higher_is_safer if second_higher_is_safer is None else second_higher_is_safer
    one = ladder(bad, first, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    two = ladder(bad, second, higher_is_safer=reverse, sample_weight=sample_weight)
    variance = 0.0
    for which, of_one, of_two in zip(
        (one.is_bad, ~one.is_bad), one.placements(), two.placements(), strict=True
    ):
        variance += _variance(of_one[one.step] - of_two[two.step], which, one.weight)
    auc_first, auc_second = one.auc(), two.auc()
    difference, error = auc_first - auc_second, float(np.sqrt(variance))
    if difference == 0.0:
        z = 0.0
    else:
        # Two orders without any variance can differ only as right and reversed do: no doubt left.
        z = difference / error if error > 0.0 else float(np.copysign(np.inf, difference))
    half = normal_quantile(confidence) * error
    return AucTest(
        auc_first=auc_first,
        auc_second=auc_second,
        difference=difference,
        standard_error=error,
        lower=difference - half,
        upper=difference + half,
        z=z,
        p_value=float(two_sided(z)),
        confidence=confidence,
    )


def ks(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> KolmogorovSmirnov:
    """Return the Kolmogorov-Smirnov distance and the value where it lies.

    Parameters
    ----------
    bad, value, higher_is_safer, sample_weight
        As `auc`.

    Raises
    ------
    InputError, OneClassError
        As `auc`.

    Notes
    -----
    Exact: every distinct value is looked at, so it is never below the KS read from a table of
    bands. Where several values reach the maximum the riskiest is named.

    References
    ----------
    regulation.md D4: max abs(F_bad - F_good) and its grading.
    """
    return ks_of(ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight))


def ks_of(steps: Ladder) -> KolmogorovSmirnov:
    """Return the KS of a ladder."""
    bad_share = np.cumsum(steps.bad) / steps.bad.sum()
    good_share = np.cumsum(steps.good) / steps.good.sum()
    gap = np.abs(bad_share - good_share)
    distance = float(gap.max())
    # Distances that are equal but for rounding: the riskiest value is named.
    place = int(np.argmax(gap >= distance - 1e-12))
    return KolmogorovSmirnov(
        ks=distance,
        value=float(steps.value[place]),
        bad_share=float(bad_share[place]),
        good_share=float(good_share[place]),
        grade=ks_grade(distance),
    )


def ks_grade(distance: float) -> str:
    """Return the grade of a KS after regulation.md D4, a convention of practice and not a law."""
    for above, name in ((0.75, "check"), (0.50, "strong")):
        if distance > above:
            return name
    for at_least, name in ((0.30, "good"), (0.20, "fair")):
        if distance >= at_least:
            return name
    return "weak"


def _variance(component: FloatArray, which: BoolArray, weight: FloatArray | None) -> float:
    """Return the variance of the weighted mean of ``component`` over the rows ``which``."""
    part = component[which]
    if weight is None:
        if part.size < 2:
            raise InputError("an interval of the AUC needs at least two goods and two bads")
        return float(part.var(ddof=1) / part.size)
    w = weight[which]
    rows = int((w > 0.0).sum())
    if rows < 2:
        raise InputError("an interval of the AUC needs at least two goods and two bads")
    mean = float(w @ part / w.sum())
    return float(rows / (rows - 1) * np.square(w * (part - mean)).sum() / w.sum() ** 2)
