"""The figures of a card on samples of rows, as the reports show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fengkong.report._words import say
from fengkong.report.scorecard._cells import plain, records
from fengkong.report.scorecard._separation import sample_name
from fengkong.report.scorecard.rows import Measurable, column_of
from fengkong.report.scorecard.settings import Settings
from fengkong.scorecard.card import Card
from fengkong.scorecard.card.grades import grade_of
from fengkong.scorecard.card.scoring import log_odds_of, probability_of
from fengkong.scorecard.validation import Finding, Validation, validate

# Widths of bands of scores that read well.
_WIDTHS = (1.0, 2.0, 5.0)
_BANDS = 24
# How a sentence of a finding speaks of a sample, by the first sign of the code's form.
_NAMED = {"样": "{}", "(": "({})", "o": "on the {} rows "}


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """What speaks for and against a card.

    Attributes
    ----------
    validation : Validation
    scores : dict of str to rows
        Distribution of scores by sample: score_from, score_to, good_share, bad_share.
    cutoff, cutoff_probability : float
        Score from which an applicant is approved, and the probability of bad there.
    cutoff_given : bool
        Whether the modeller set it; else it is the median of the first sample.
    """

    validation: Validation
    scores: dict[str, list[dict[str, float]]]
    cutoff: float
    cutoff_probability: float
    cutoff_given: bool

    @property
    def samples(self) -> list[str]:
        """Names of the samples; the last is the one to judge by."""
        return [str(name) for name in self.validation.headline["sample"]]

    def foremost(self) -> list[tuple[Finding, int]]:
        """Return one finding of each kind, and how many more of that kind there are.

        Findings of the sample to judge by stand before others, and among them the one furthest
        beyond its limit.
        """
        kinds: dict[str, list[Finding]] = {}
        for one in self.validation.findings:
            kinds.setdefault(one.kind, []).append(one)
        last = self.samples[-1]

        def rank(one: Finding) -> tuple[bool, float]:
            beyond = abs((one.value or 0.0) - (one.limit or 0.0))
            return (last in one.subject, beyond)

        return [(max(found, key=rank), len(found) - 1) for found in kinds.values()]

    def worst(self, language: str) -> list[str]:
        """Return what a validator must look at as sentences, one a kind of finding."""
        lines = []
        for one, more in self.foremost():
            text = self.sentence(one, language)
            if language == "en" and not text.startswith(one.subject):  # a name stays as it is
                text = text[:1].upper() + text[1:]
            lines.append(text + (say("more_findings", language, more=more) if more else ""))
        return lines

    def sentence(self, found: Finding, language: str) -> str:
        """Return what a finding says, the samples by their names in words."""
        text = found.reason_zh if language == "zh" else found.reason
        for sample in self.samples:
            name = sample_name(sample, language)
            for written in (f"样本 {sample} ", f"({sample})", f"on {sample} "):
                if name != sample and written in text:
                    text = text.replace(written, _NAMED[written[0]].format(name))
        return text

    def headline(self, sample: str) -> dict[str, Any]:
        """Return the headline figures of a sample."""
        table = self.validation.headline
        return dict(table[table["sample"] == sample].iloc[0])

    def summary(self) -> list[dict[str, Any]]:
        """Return the few figures of each sample that a terminal has room for."""
        names: tuple[str, ...] = ("rows", "bad", "bad_rate", "auc", "auc_lower", "auc_upper", "ks",
                 "calibration_error", "approval_rate")  # fmt: skip
        names += ("worst_ratio",) if "worst_ratio" in self.validation.headline else ()
        return [
            {"sample": sample} | {name: plain(self.headline(sample)[name]) for name in names}
            for sample in self.samples
        ]

    def table(self, name: str, sample: str) -> list[dict[str, Any]]:
        """Return the lines of one table and sample."""
        found = getattr(self.validation, name)
        return records(found[found["sample"] == sample])


def evidence_of(
    card: Card,
    rows: Measurable,
    *,
    settings: Settings,
    table: pd.DataFrame | None = None,
) -> Evidence:
    """Measure a card.

    Parameters
    ----------
    card : Card
    rows : Measurable
    settings : Settings
        Groups, period, weight, cut-off, known_after.
    table : DataFrame, optional
        Features of the first sample, for the leakage alarm.
    """
    scored = {name: card.score(frame) for name, frame in rows.frames.items()}
    points = {name: one.points for name, one in scored.items()}
    first = next(iter(points.values()))
    cutoff = float(np.median(first)) if settings.cutoff is None else float(settings.cutoff)
    validation = validate(
        rows.bads, {name: one.probability for name, one in scored.items()}, score=points,
        features=card.names, table=table, known_after=settings.known_after, cutoff=cutoff,
        **_optional(card, rows, points, settings),
    )  # fmt: skip
    return Evidence(
        validation=validation,
        scores={name: score_bands(points[name], rows.bads[name]) for name in points},
        cutoff=cutoff, cutoff_given=settings.cutoff is not None,
        cutoff_probability=float(probability_of(card, log_odds_of(card, np.array([cutoff])))[0]),
    )  # fmt: skip


def _optional(
    card: Card, rows: Measurable, points: Mapping[str, Any], settings: Settings
) -> dict[str, Any]:
    given: dict[str, Any] = {}
    if card.grades:
        given |= {
            "grade": {name: grade_of(card, score) for name, score in points.items()},
            "grade_order": [grade.name for grade in card.grades],
            "grade_probability": {grade.name: grade.probability for grade in card.grades},
        }
    if settings.groups:
        given["groups"] = {
            name: {one: column_of(frame, one, what="group") for one in settings.groups}
            for name, frame in rows.frames.items()
        }
    if settings.period is not None:
        given["period"] = {
            name: column_of(frame, settings.period, what="period").astype(str)
            for name, frame in rows.frames.items()
        }
    if settings.weight is not None:
        given["sample_weight"] = {
            name: column_of(frame, settings.weight, what="weight")
            for name, frame in rows.frames.items()
        }
    return given


def score_bands(score: NDArray[np.float64], bad: NDArray[np.int64]) -> list[dict[str, float]]:
    """Return shares of goods and of bads in bands of equal width whose edges are round numbers."""
    low, high = float(score.min()), float(score.max())
    width = _round_width((high - low) / _BANDS)
    first = np.floor(low / width) * width
    count = int((high - first) // width) + 1
    place = np.minimum(((score - first) // width).astype(np.int64), count - 1)
    shares = [
        np.bincount(place[bad == value], minlength=count) / max((bad == value).sum(), 1)
        for value in (0, 1)
    ]
    return [
        {
            "score_from": float(first + one * width), "score_to": float(first + (one + 1) * width),
            "good_share": float(shares[0][one]), "bad_share": float(shares[1][one]),
        }
        for one in range(count)
    ]  # fmt: skip


def _round_width(least: float) -> float:
    """Return the smallest of 1, 2, 5 times a power of ten that is not below ``least``."""
    if least <= 0.0:
        return 1.0
    power = 10.0 ** np.floor(np.log10(least))
    return next(
        (float(power * step) for step in _WIDTHS if power * step >= least), float(10.0 * power)
    )
