"""One sample of a validation: its arrays, checked, and all of its tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError, OneClassError
from fengkong.scorecard.validation._calibration import (
    Banded,
    banded,
    calibration_slope,
    error_of,
    hosmer_of,
    split_of,
    table_of,
)
from fengkong.scorecard.validation._discrimination import interval_of, ks_of
from fengkong.scorecard.validation._fairness import approved_at, fairness
from fengkong.scorecard.validation._gains import cap_of, lift_of, roc_of, table_of_bands
from fengkong.scorecard.validation._grades import grade_table
from fengkong.scorecard.validation._inputs import FloatArray, IntArray, probabilities
from fengkong.scorecard.validation._ladder import Ladder, ladder
from fengkong.scorecard.validation._stability import rank_order


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What `validate` was asked for; see there."""

    cutoff: float | None
    features: tuple[str, ...]
    reference: Mapping[str, object] | None
    grade_order: Sequence[object] | None
    grade_probability: Mapping[object, float] | None
    bands: int
    points: int
    confidence: float
    significance: float
    amber_below: float
    red_below: float
    least_ratio: float
    minimum_rows: int
    trained_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Arrays of one sample as the caller gave them."""

    name: str
    bad: ArrayLike
    probability: ArrayLike
    score: ArrayLike | None
    grade: ArrayLike | None
    groups: Mapping[str, ArrayLike] | None
    period: ArrayLike | None
    sample_weight: ArrayLike | None


@dataclass(slots=True, kw_only=True)
class Measured:
    """Headline figures, tables and notes of one sample."""

    headline: dict[str, Any]
    tables: dict[str, pd.DataFrame]
    notes: list[dict[str, str]] = field(default_factory=list)


def ladder_of(sample: Sample) -> Ladder:
    """Return the ladder by score where there is one, else by probability."""
    try:
        return ladder(
            sample.bad,
            sample.probability if sample.score is None else sample.score,
            higher_is_safer=sample.score is not None,
            sample_weight=sample.sample_weight,
        )
    except OneClassError as error:
        raise OneClassError(f"sample {sample.name}: {error}") from error


def cuts_of(steps: Ladder, bands: int) -> FloatArray:
    """Return the cuts between bands of about equal weight, rising."""
    lowest = table_of_bands(steps, bands=bands)["lowest"].to_numpy(dtype=np.float64)
    return np.sort(lowest)[1:]


def measured(sample: Sample, steps: Ladder, cuts: FloatArray, settings: Settings) -> Measured:
    """Return everything about one sample."""
    p = probabilities(sample.probability, rows=steps.is_bad.size)
    area, distance = interval_of(steps, confidence=settings.confidence), ks_of(steps)
    rate = float(steps.bad.sum() / steps.total.sum())
    mean = float(np.average(p, weights=steps.weight))
    rows = _held(steps, p, steps.weight, settings.bands)
    result = Measured(
        headline={
            "sample": sample.name, "rows": int(p.size), "bad": int(steps.is_bad.sum()),
            "bad_rate": rate, "mean_probability": mean,
            "observed_to_expected": rate / mean if mean > 0.0 else np.nan,
            "auc": area.auc, "auc_lower": area.lower, "auc_upper": area.upper,
            "gini": area.gini, "gini_lower": area.gini_lower, "gini_upper": area.gini_upper,
            "ks": distance.ks, "ks_value": distance.value, "ks_grade": distance.grade,
        },
        tables={
            "bands": table_of_bands(steps, bands=settings.bands),
            "lift": lift_of(steps),
            "roc": roc_of(steps, points=settings.points),
            "cap": cap_of(steps, points=settings.points),
            "calibration": table_of(rows, confidence=settings.confidence),
        },
    )  # fmt: skip
    if mean <= 0.0:
        _note(result, sample, "observed_to_expected", "all probabilities are 0")
    _calibration(result, sample, steps, rows, settings)
    _order(result, sample, steps, cuts, settings)
    _grades(result, sample, steps, p, settings)
    _fairness(result, sample, steps, p, settings)
    if steps.weight is not None:
        _note(result, sample, "hosmer_lemeshow, grades, rank order, fairness", "count rows without "
              "weights")  # fmt: skip
    return result


def disagreement(steps: Ladder, p: FloatArray) -> float:
    """Return the share of neighbouring scores where the safer one has the higher probability."""
    if steps.value.size < 2:
        return 0.0
    mean = np.bincount(steps.step, weights=p) / steps.rows
    return float((np.diff(mean) > 1e-9).mean())


def _held(steps: Ladder, p: FloatArray, weight: FloatArray | None, bins: int) -> Banded:
    """Return rows in bands of probability, those without weight left out."""
    if weight is None:
        return banded(steps.is_bad, p, None, bins=bins)
    held = weight > 0.0
    return banded(steps.is_bad[held], p[held], weight[held], bins=bins)


def _calibration(
    result: Measured, sample: Sample, steps: Ladder, rows: Banded, settings: Settings
) -> None:
    split = split_of(rows)
    whole = rows.p if steps.weight is None else probabilities(sample.probability)
    result.headline |= {
        "brier": split.brier, "brier_skill": split.skill, "reliability": split.reliability,
        "resolution": split.resolution, "uncertainty": split.uncertainty,
        "within_variance": split.within_variance, "within_covariance": split.within_covariance,
        "calibration_error": error_of(rows),
        "hosmer_lemeshow": np.nan, "hosmer_lemeshow_degrees": 0, "hosmer_lemeshow_p_value": np.nan,
        "slope": np.nan, "slope_lower": np.nan, "slope_upper": np.nan,
        "in_the_large": np.nan, "in_the_large_lower": np.nan, "in_the_large_upper": np.nan,
    }  # fmt: skip
    try:
        # Bands of the rows as they are: the test knows no weights.
        plain = rows if steps.weight is None else _held(steps, whole, None, settings.bands)
        test = hosmer_of(plain, same_sample=sample.name == settings.trained_on)
        result.headline |= {
            "hosmer_lemeshow": test.statistic,
            "hosmer_lemeshow_degrees": test.degrees,
            "hosmer_lemeshow_p_value": test.p_value,
        }
    except InputError as error:
        _note(result, sample, "hosmer_lemeshow", str(error))
    try:
        found = calibration_slope(
            rows.is_bad, rows.p, confidence=settings.confidence,
            sample_weight=None if steps.weight is None else rows.ones,
        )  # fmt: skip
        result.headline |= {
            "slope": found.slope, "slope_lower": found.slope_lower,
            "slope_upper": found.slope_upper, "in_the_large": found.in_the_large,
            "in_the_large_lower": found.in_the_large_lower,
            "in_the_large_upper": found.in_the_large_upper,
        }  # fmt: skip
    except InputError as error:
        _note(result, sample, "slope", str(error))


def _order(
    result: Measured, sample: Sample, steps: Ladder, cuts: FloatArray, settings: Settings
) -> None:
    """Rank order by grade where there is one, else by the bands of the first sample."""
    if sample.grade is None:
        band: ArrayLike = _fixed_bands(steps, cuts)
        order: Sequence[object] | None = list(range(1, cuts.size + 2))
    else:
        band, order = sample.grade, settings.grade_order
    found = rank_order(
        steps.is_bad, band, period=sample.period, order=order, significance=settings.significance,
        confidence=settings.confidence,
    )  # fmt: skip
    result.tables |= {
        "rank_rates": found.rates,
        "rank_inversions": found.inversions,
        "rank_periods": found.periods,
    }
    result.headline["inversions"] = len(found.inversions)
    result.headline["significant_inversions"] = int(found.inversions["significant"].sum())


def _fixed_bands(steps: Ladder, cuts: FloatArray) -> IntArray:
    """Return the band of each row, 1 the riskiest, by the same cuts in every sample."""
    code = np.searchsorted(cuts, steps.value, side="right").astype(np.int64)
    return (code if steps.higher_is_safer else cuts.size - code)[steps.step] + 1


def _grades(
    result: Measured, sample: Sample, steps: Ladder, p: FloatArray, settings: Settings
) -> None:
    if sample.grade is None:
        return
    table = grade_table(
        steps.is_bad, p, sample.grade, grade_probability=settings.grade_probability,
        order=settings.grade_order, amber_below=settings.amber_below,
        red_below=settings.red_below, confidence=settings.confidence,
    )  # fmt: skip
    result.tables["grades"] = table
    for light in ("amber", "red"):
        result.headline[f"{light}_grades"] = int((table["light"][:-1] == light).sum())


def _fairness(
    result: Measured, sample: Sample, steps: Ladder, p: FloatArray, settings: Settings
) -> None:
    if settings.cutoff is None:
        return
    passed = (
        approved_at(p, cutoff=settings.cutoff)
        if sample.score is None
        else approved_at(sample.score, cutoff=settings.cutoff, higher_is_safer=True)
    )
    result.headline["approval_rate"] = float(passed.mean())
    if not sample.groups:
        return
    found = fairness(
        passed, sample.groups, bad=steps.is_bad, features=settings.features,
        reference=settings.reference, least_ratio=settings.least_ratio,
        minimum_rows=settings.minimum_rows, confidence=settings.confidence,
    )  # fmt: skip
    result.tables["fairness"] = found.table
    result.headline |= {
        "worst_ratio": np.nan if found.worst_ratio is None else found.worst_ratio,
        "largest_gap": np.nan if found.largest_gap is None else found.largest_gap,
        "smallest_group_rows": found.smallest_group_rows,
    }
    if found.worst_ratio is None:
        _note(result, sample, "worst_ratio", "no group is large enough, or nobody is approved")
    if found.largest_gap is None:
        _note(result, sample, "largest_gap", "no group has enough goods")


def _note(result: Measured, sample: Sample, figure: str, reason: str) -> None:
    result.notes.append({"sample": sample.name, "figure": figure, "reason": reason})
