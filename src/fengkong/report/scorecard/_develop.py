"""From a table and settings to a card with its evidence: split, fit, grade, validate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError
from fengkong.report.scorecard._evidence import Evidence, evidence_of
from fengkong.report.scorecard.rows import (
    Measurable,
    Rows,
    column_of,
    features_of,
    outcomes_of,
    periods_of,
    split_rows,
)
from fengkong.report.scorecard.settings import BY_COLUMN, Settings
from fengkong.scorecard.binning import Binner, ColumnBins
from fengkong.scorecard.card import Card, Scorecard, Selection, SelectionSettings
from fengkong.scorecard.card.grades import grades_at, grades_from, with_grades
from fengkong.scorecard.card.reasons import with_reasons
from fengkong.scorecard.card.scorecard import CARD_BINS
from fengkong.scorecard.validation import calibrator, reject_sensitivity

Progress = Callable[[str, float], None]
GRADES = 5
LIMITS_OFF = SelectionSettings(
    missing_share_max=None, iv_min=None, psi_max=None, correlation_max=None, vif_max=None
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Development:
    """A card, how it came to be, and what speaks for and against it.

    Attributes
    ----------
    card : Card
    bins : dict of str to ColumnBins
        Of every candidate.
    selection : Selection
    evidence : Evidence
        Figures of each sample.
    sensitivity : DataFrame or None
        Reject inference, when rejected applicants were given.
    settings : Settings
    target : str
        Column of the outcome, with the value that is bad.
    binner : Binner
    """

    card: Card
    bins: Mapping[str, ColumnBins]
    selection: Selection
    evidence: Evidence
    sensitivity: pd.DataFrame | None
    settings: Settings
    target: str
    binner: Binner

    def rejects(self) -> dict[str, float] | None:
        """Return approval on the accepted alone, and the range under the ways of inference."""
        if self.sensitivity is None:
            return None
        rates = [float(rate) for rate in self.sensitivity["approval_rate"]]
        return {"accepted_only": rates[0], "lowest": min(rates[1:]), "highest": max(rates[1:])}


def develop(
    frame: pd.DataFrame,
    *,
    target: str,
    bad: str | None,
    settings: Settings,
    rejects: pd.DataFrame | None = None,
    progress: Progress | None = None,
    at: datetime | None = None,
) -> Development:
    """Make a card and its evidence.

    Parameters
    ----------
    frame : DataFrame
        Features, outcome, and the columns that the settings name.
    target : str
        Column of the outcome.
    bad : str or None
        The value that is bad; the column must hold 0 and 1 when None.
    settings : Settings
    rejects : DataFrame, optional
        Rejected applicants: the features, without an outcome.
    progress : callable, optional
        Told the step and the fraction done.
    at : datetime, optional
        The time to write into the card.

    Raises
    ------
    InputError
        A column is not there, an outcome is missing, or a setting does not fit the data.
    OneClassError, NoVariableLeftError, WrongSignError, ProtectedFeatureError
        See `Scorecard.fit` and `validate`.
    """
    tell = progress or (lambda _step, _fraction: None)
    outcome = outcomes_of(column_of(frame, target, what="target"), bad)
    names = features_of(frame, target, settings)
    parts = split_rows(outcome, periods_of(frame, settings), settings)
    tell("fit", 0.05)
    train = frame.iloc[parts["train"]]
    fitted = _fitted(train, outcome[parts["train"]], names, settings, at)
    card = _dressed(fitted.card_, frame, outcome, parts, settings)
    tell("validate", 0.35)
    evidence = evidence_of(
        card, Measurable.of(frame, outcome, parts), settings=settings,
        table=train[list(names)],
    )  # fmt: skip
    sensitivity = None
    if rejects is not None:
        tell("reject inference", 0.5)
        aside = parts.get("test")
        check = None if aside is None else (frame.iloc[aside][list(card.names)], outcome[aside])
        sensitivity = reject_sensitivity(
            refit(card, settings), train[list(card.names)], outcome[parts["train"]],
            _same_columns(rejects, card.names), cutoff=evidence.cutoff_probability, check=check,
            seed=settings.seed,
        )  # fmt: skip
    tell("report", 0.6)
    return Development(
        card=card, bins=fitted.binner_.bins_, selection=fitted.selection_, evidence=evidence,
        sensitivity=sensitivity, settings=settings, binner=fitted.binner_,
        target=target if bad is None else f"{target} = {bad}",
    )  # fmt: skip


def _fitted(
    train: pd.DataFrame,
    outcome: NDArray[np.int64],
    names: tuple[str, ...],
    settings: Settings,
    at: datetime | None,
) -> Scorecard:
    period = periods_of(train, settings)
    code = None if period is None else np.unique(period.astype(str), return_inverse=True)[1]
    model = Scorecard(
        binner=binner_of(settings, names), selection=settings.selection,
        scaling=settings.scaling, name=settings.name, seed=settings.seed, **settings.fit,
    )  # fmt: skip
    return model.fit(
        train[list(names)], outcome, _weight(train, settings), period=code, fitted_at=at
    )


def _weight(frame: pd.DataFrame, settings: Settings) -> Any:
    if settings.weight is None:
        return None
    return column_of(frame, settings.weight, what="settings: weight:").to_numpy()


def _dressed(
    card: Card,
    frame: pd.DataFrame,
    outcome: NDArray[np.int64],
    parts: Mapping[str, Rows],
    settings: Settings,
) -> Card:
    """Return the card with calibration, grades and reasons."""
    if settings.calibration != "none":
        rows = parts["calibration"]
        found = calibrator(settings.calibration).fit(
            card.probability(frame.iloc[rows]),
            outcome[rows],
            sample_weight=_weight(frame.iloc[rows], settings),
        )
        card = replace(card, calibration=found.to_dict())
    train = frame.iloc[parts["train"]]
    graded = _graded(card, card.points(train), _weight(train, settings), settings)
    return with_reasons(graded, settings.reasons or None)


def _graded(card: Card, score: NDArray[np.float64], weight: Any, settings: Settings) -> Card:
    """Return the card with the master scale that was asked for, or with the finest that fits."""
    wish, names = settings.grades, list(settings.grades.names) or None
    if wish.edges:
        return with_grades(card, grades_at(card, wish.edges, names=names))
    if wish.count == 0:
        return card
    for count in range(GRADES, 1, -1) if wish.count is None else (wish.count,):
        own = names if names is None or len(names) == count else None
        try:
            return with_grades(
                card, grades_from(card, score, n_grades=count, names=own, sample_weight=weight)
            )
        except InputError as error:
            if wish.count is not None:
                raise InputError(
                    f"{count} grades cannot be made: {error}. Ask for fewer (grades: count), or "
                    "give their edges (grades: edges)"
                ) from error
    return card


def binner_of(settings: Settings, names: tuple[str, ...]) -> Binner:
    """Return the Binner of the settings, without what they say of other columns."""
    binning = {**CARD_BINS, **settings.binning}
    for part in BY_COLUMN:
        if isinstance(binning.get(part), Mapping):
            binning[part] = {name: value for name, value in binning[part].items() if name in names}
    if binning.get("categorical"):
        binning["categorical"] = [name for name in binning["categorical"] if name in names]
    return Binner(**binning)


def refit(card: Card, settings: Settings) -> Callable[..., Callable[[Any], Any]]:
    """Return a function that fits the variables of a card again on other rows."""

    def fit(X: Any, bad: Any, weight: Any) -> Callable[[Any], Any]:
        model = Scorecard(
            binner=binner_of(settings, card.names), selection=LIMITS_OFF, scaling=settings.scaling,
            seed=settings.seed, **settings.fit,
        )  # fmt: skip
        return model.fit(X, bad.astype(int), weight).card_.probability

    return fit


def _same_columns(rejects: pd.DataFrame, names: tuple[str, ...]) -> pd.DataFrame:
    for name in names:
        column_of(rejects, name, what="rejected applicants:")
    return rejects[list(names)]
