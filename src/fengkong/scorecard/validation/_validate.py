"""`validate`: every figure of a model's validation, samples side by side, in one object."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError
from fengkong.scorecard.validation._fairness import (
    FOUR_FIFTHS,
    MINIMUM_ROWS,
    refuse_group_features,
)
from fengkong.scorecard.validation._findings import Finding, finding
from fengkong.scorecard.validation._grades import AMBER_BELOW, RED_BELOW
from fengkong.scorecard.validation._inputs import fraction, probabilities
from fengkong.scorecard.validation._intervals import plain
from fengkong.scorecard.validation._leakage import leakage_findings
from fengkong.scorecard.validation._sample import (
    Measured,
    Sample,
    Settings,
    cuts_of,
    disagreement,
    ladder_of,
    measured,
)

SCHEMA = "fengkong.validation/1"
TABLES = (
    "bands", "lift", "roc", "cap", "calibration", "grades", "rank_rates", "rank_inversions",
    "rank_periods", "fairness",
)  # fmt: skip
# regulation.md D4 (KS) and E1, C21 (drop of the KS), C20-C22 being conventions of practice.
KS_ABOVE = 0.75
KS_DROP_ABOVE = 0.10


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The result of `validate`. Tables have a first column ``sample``; shares are fractions.

    Attributes
    ----------
    headline : DataFrame
        One line a sample: rows, bad, bad_rate, mean_probability, observed_to_expected; auc, gini
        (with _lower, _upper); ks, ks_value, ks_grade, ks_change (against the first sample, -0.1 is
        ten per cent lower); brier, brier_skill, reliability, resolution, uncertainty,
        within_variance, within_covariance; calibration_error; hosmer_lemeshow (with _degrees,
        _p_value); slope, in_the_large (with _lower, _upper); inversions, significant_inversions;
        with grades amber_grades, red_grades; with a cut-off approval_rate; with groups worst_ratio,
        largest_gap, smallest_group_rows. A missing figure has its reason in ``notes``.
    bands : DataFrame
        `ks_table` by equal bands of each sample.
    lift, roc, cap : DataFrame
        `lift_table`, `roc_points`, `cap_points`.
    calibration, grades : DataFrame
        `calibration_table`, `grade_table` (empty without grades).
    rank_rates, rank_inversions, rank_periods : DataFrame
        `rank_order` by grade, or by the bands of the first sample.
    fairness : DataFrame
        `fairness` (empty without groups).
    findings : tuple of Finding
        What a validator must look at; empty is no proof that all is well. An inversion is one when
        its p-value is below ``significance`` over the number of pairs looked at (Bonferroni).
    notes : tuple of dict
        sample, figure, reason: why a figure is missing or how it was computed.
    settings : dict
        All arguments that are not data, and ``samples``, ``ranked_by``, ``band_cuts``.
    """

    headline: pd.DataFrame
    bands: pd.DataFrame
    lift: pd.DataFrame
    roc: pd.DataFrame
    cap: pd.DataFrame
    calibration: pd.DataFrame
    grades: pd.DataFrame
    rank_rates: pd.DataFrame
    rank_inversions: pd.DataFrame
    rank_periods: pd.DataFrame
    fairness: pd.DataFrame
    findings: tuple[Finding, ...]
    notes: tuple[dict[str, str], ...]
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain JSON values; what is missing or infinite is None."""
        return {
            "schema": SCHEMA,
            "settings": plain(self.settings),
            "headline": _records(self.headline),
            "tables": {name: _records(getattr(self, name)) for name in TABLES},
            "findings": [item.to_dict() for item in self.findings],
            "notes": plain(list(self.notes)),
        }


def validate(
    bad: ArrayLike | Mapping[str, ArrayLike],
    probability: ArrayLike | Mapping[str, ArrayLike],
    *,
    score: ArrayLike | Mapping[str, ArrayLike] | None = None,
    grade: ArrayLike | Mapping[str, ArrayLike] | None = None,
    groups: Mapping[str, Any] | None = None,
    period: ArrayLike | Mapping[str, ArrayLike] | None = None,
    sample_weight: ArrayLike | Mapping[str, ArrayLike] | None = None,
    sample: str = "out_of_time",
    features: Iterable[str] | None = None,
    table: Mapping[str, ArrayLike] | pd.DataFrame | None = None,
    known_after: Iterable[str] = (),
    cutoff: float | None = None,
    reference: Mapping[str, object] | None = None,
    grade_order: Sequence[object] | None = None,
    grade_probability: Mapping[object, float] | None = None,
    bands: int = 10,
    points: int = 200,
    confidence: float = 0.95,
    significance: float = 0.05,
    amber_below: float = AMBER_BELOW,
    red_below: float = RED_BELOW,
    least_ratio: float = FOUR_FIFTHS,
    minimum_rows: int = MINIMUM_ROWS,
    trained_on: str = "train",
) -> Validation:
    """Return the validation of a model on one sample or on several side by side.

    Parameters
    ----------
    bad, probability : array-like of shape (n_rows,), or mapping of sample name to it
        Outcomes (1 = bad) and probabilities of bad. With mappings the first sample is the one
        others are compared with, so give them as train, test, out_of_time.
    score : as ``bad``, optional
        Ranks rows where given (higher is safer); else the probability does.
    grade, period, sample_weight : as ``bad``, optional
        With mappings a sample may be left out of any of these.
    groups : mapping of attribute to array-like, optional
        Protected attributes (with several samples: mapping of sample name to such a mapping). Needs
        ``cutoff`` and ``features``.
    sample : str, default="out_of_time"
        Name of the sample when only one is given.
    features : iterable of str, optional
        Names of the model's features; a group column among them is refused.
    table : DataFrame or mapping of name to array-like, optional
        Raw feature columns of the first sample for the leakage alarm.
    known_after : iterable of str
        Columns known only after the decision.
    cutoff : float, optional
        Approve at a score of at least this, or without scores at a probability below it.
    reference, least_ratio, minimum_rows
        As `fairness`.
    grade_order, grade_probability, amber_below, red_below
        As `grade_table`; ``grade_order`` is from RISKIEST to safest and default sorted.
    bands : int, default=10
    points : int, default=200
        About how many points of ROC and CAP are kept, all exact.
    confidence, significance : float, default=0.95 and 0.05
    trained_on : str, default="train"
        The sample of this name was fitted on: Hosmer-Lemeshow loses two degrees there.

    Returns
    -------
    Validation

    Raises
    ------
    InputError
        Empty, missing, of different lengths; samples that do not match; groups without ``cutoff``
        or ``features``.
    OneClassError
        A sample has only goods or only bads; it is named.
    OutOfRangeError
        A probability outside [0, 1] or a setting outside its interval.
    ProtectedFeatureError
        A group column is among the features.

    Notes
    -----
    A million rows with grades, groups and periods take a few seconds.
    """
    settings = Settings(
        cutoff=cutoff, features=tuple(str(name) for name in features or ()), reference=reference,
        grade_order=grade_order, grade_probability=grade_probability, bands=bands, points=points,
        confidence=fraction(confidence, name="confidence"), significance=significance,
        amber_below=amber_below, red_below=red_below, least_ratio=least_ratio,
        minimum_rows=minimum_rows, trained_on=trained_on,
    )  # fmt: skip
    samples = _samples(bad, probability, score, grade, groups, period, sample_weight, sample)
    for one in samples:
        if one.groups:
            if cutoff is None or features is None:
                raise InputError("fairness by groups needs cutoff and features")
            refuse_group_features(settings.features, one.groups)
    ladders = [ladder_of(one) for one in samples]
    cuts = cuts_of(ladders[0], bands)
    results: list[Measured] = []
    findings: list[Finding] = []
    if table is not None:
        findings += leakage_findings(samples[0].bad, table, known_after=known_after)
    else:
        later = {str(name) for name in known_after}
        findings += [
            finding("leakage.known_after", name) for name in settings.features if name in later
        ]
    for one, steps in zip(samples, ladders, strict=True):
        result = measured(one, steps, cuts, settings)
        result.headline["ks_change"] = _change(result, results[0] if results else result)
        apart = disagreement(steps, probabilities(one.probability)) if one.score is not None else 0
        findings += _findings(one.name, result, apart, settings)
        results.append(result)
    return Validation(
        headline=pd.DataFrame([result.headline for result in results]),
        **{name: _side_by_side(samples, results, name) for name in TABLES},
        findings=tuple(findings),
        notes=tuple(note for result in results for note in result.notes),
        settings={
            **asdict(settings),
            "samples": [one.name for one in samples],
            "ranked_by": "probability" if samples[0].score is None else "score",
            "band_cuts": cuts.tolist(),
        },
    )


def _samples(  # noqa: PLR0917
    bad: Any,
    probability: Any,
    score: Any,
    grade: Any,
    groups: Any,
    period: Any,
    sample_weight: Any,
    sample: str,
) -> list[Sample]:
    """Return the samples, each with its own arrays."""
    given: dict[str, Any] = {
        "bad": bad, "probability": probability, "score": score, "grade": grade,
        "groups": groups, "period": period, "sample_weight": sample_weight,
    }  # fmt: skip
    if not isinstance(bad, Mapping):
        for name, value in given.items():
            if name != "groups" and isinstance(value, Mapping):
                raise InputError(f"{name} is a mapping of samples but bad is not")
        return [Sample(name=sample, **given)]
    if not bad:
        raise InputError("no sample is given")
    for name, value in given.items():
        if value is None:
            continue
        if not isinstance(value, Mapping):
            raise InputError(f"{name} must be a mapping of sample names like bad")
        unknown = [str(key) for key in value if key not in bad]
        if unknown:
            raise InputError(f"{name} holds samples that bad does not: {', '.join(unknown)}")
    for name in ("probability", "score"):
        absent = [] if given[name] is None else [str(key) for key in bad if key not in given[name]]
        if absent:
            raise InputError(f"{name} lacks the samples {', '.join(absent)}")
    samples = []
    for key in bad:
        own: dict[str, Any] = {
            name: None if part is None else part.get(key) for name, part in given.items()
        }
        samples.append(Sample(name=str(key), **own))
    return samples


def _change(result: Measured, first: Measured) -> float:
    before = float(first.headline["ks"])
    return float(result.headline["ks"]) / before - 1.0 if before > 0.0 else np.nan


def _findings(name: str, result: Measured, apart: float, settings: Settings) -> list[Finding]:
    """Return the findings of one sample, gravest kinds first."""
    head, found = result.headline, []
    if head["ks"] > KS_ABOVE:
        found.append(finding("leakage.ks", name, head["ks"], KS_ABOVE))
    if apart > 0.0:
        found.append(finding("score.disagrees", name, apart, 0.0))
    if head["ks_change"] < -KS_DROP_ABOVE:
        found.append(finding("stability.ks_drop", name, -head["ks_change"], KS_DROP_ABOVE))
    if "grades" in result.tables:
        table = result.tables["grades"]
        for line in table[(table["light"] == "red")].itertuples():
            subject = f"{line.grade} ({name})"
            value = float(str(line.binomial_p_value))
            found.append(finding("calibration.grade_red", subject, value, settings.red_below))
    # One honest pair in twenty would cry out by chance: all pairs looked at share the level.
    pairs = int(np.maximum(result.tables["rank_periods"]["bands"] - 1, 0).sum())
    level = settings.significance / max(pairs, 1)
    table = result.tables["rank_inversions"]
    for line in table[table["p_value"] < level].itertuples():
        subject = f"{line.riskier} > {line.safer} ({name}, {line.period})"
        found.append(finding("rank_order.inversion", subject, float(str(line.p_value)), level))
    if "fairness" in result.tables:
        found += _unfair(name, result.tables["fairness"], settings)
    return found


def _unfair(name: str, table: pd.DataFrame, settings: Settings) -> list[Finding]:
    found = []
    for line in table[~table["small"]].to_dict("records"):
        subject = f"{line['attribute']}: {line['group']} ({name})"
        if line["ratio_below"]:
            found.append(
                finding("fairness.four_fifths", subject, line["ratio"], settings.least_ratio)
            )
        if line["gap_real"] and line["gap"] > 0.0 and line["goods"] >= settings.minimum_rows:
            found.append(finding("fairness.equal_opportunity", subject, line["gap"], 0.0))
    return found


def _side_by_side(samples: list[Sample], results: list[Measured], name: str) -> pd.DataFrame:
    parts = []
    for one, result in zip(samples, results, strict=True):
        if name in result.tables and len(result.tables[name]):
            part = result.tables[name].copy()
            part.insert(0, "sample", one.name)
            parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"sample": []})


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [plain(dict(line)) for line in table.to_dict("records")]
