"""From a table of loans to a card: bins, selection, regression, points, in one estimator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from fengkong.foundation.errors import (
    InputError,
    NoVariableLeftError,
    OutOfRangeError,
    WrongSignError,
)
from fengkong.foundation.tables import read_table
from fengkong.scorecard.binning._target import read_weights
from fengkong.scorecard.binning.binner import Binner
from fengkong.scorecard.binning.bins import ColumnBins, FloatArray
from fengkong.scorecard.card import _audit
from fengkong.scorecard.card._classifier import CreditClassifier
from fengkong.scorecard.card._design import Codes, Design, Outcomes
from fengkong.scorecard.card._logistic import Errors, LogisticFit, fit_logistic, missing_slopes
from fengkong.scorecard.card._outcomes import read_outcomes
from fengkong.scorecard.card._penalty import PenaltyChoice, choose_penalty, smoothed
from fengkong.scorecard.card._selection_table import Selection, SelectionLine
from fengkong.scorecard.card.document import Card, Variable
from fengkong.scorecard.card.scaling import PdoScaling, ScalingSettings, scale
from fengkong.scorecard.card.selection import SelectionSettings, select

# Small bins may tell much ("insurance denied": 2 % of applicants, nearly all bad); five goods and
# five bads, the shrinking of WoE and the penalty keep them honest.
CARD_BINS: dict[str, Any] = {
    "trend": "monotonic", "max_bins": 10, "min_bin_share": 0.01, "rare_share": 0.02
}  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class _Candidates:
    """Every column, binned and coded."""

    bins: list[ColumnBins]
    codes: Codes
    outcomes: Outcomes

    def design(self, places: Sequence[int] | None = None) -> Design:
        chosen = range(len(self.bins)) if places is None else places
        return Design.of(
            self.codes if places is None else self.codes[list(places)],
            [self.bins[place].woe for place in chosen],
            names=[self.bins[place].name for place in chosen],
        )


class Scorecard(CreditClassifier):
    """A scorecard: optimal bins, an audited selection, a regression that keeps its signs, points.

    Parameters
    ----------
    binner : Binner, optional
        How columns are binned; it is cloned and fitted. By default up to ten bins of at least 1 %
        whose bad rate only rises or only falls.
    selection : SelectionSettings, optional
        Which variables may enter.
    scaling : PdoScaling or MinMaxScaling, optional
        How log odds become points; by default 600 points at 50:1, 20 points to double the odds.
    penalty : float or "auto", default "auto"
        Ridge penalty of the coefficients, as in `fit_logistic`; "auto" chooses it by
        cross-validation inside the rows given to ``fit``.
    smoothing : float, default 20
        Rows of the overall bad rate added to every bin before its WoE is taken.
    errors : "information" or "robust"
        Standard errors.
    name : str
        Name of the card.
    seed : int
        Of every random draw of the fit.

    Attributes
    ----------
    card_ : Card
        The document that scores; ``card_.save(path)`` keeps all of it.
    binner_ : Binner
        Bins of every column, of those left out too.
    selection_ : Selection
        Why each variable stayed or left.
    regression_ : LogisticFit
    penalty_ : PenaltyChoice or None
        How the penalty was chosen, when it was.
    audit_ : dict
        Settings, sample, hash of the data, versions; also in ``card_.audit``.
    classes_ : ndarray of shape (2,)
        Good first, bad second: the greater label of ``y`` is bad.
    n_features_in_, feature_names_in_
        As scikit-learn has them.

    Notes
    -----
    Infinite numbers fall in the first and last bin, a column of one value or without values leaves
    with its reason, an unseen category is neutral or follows the pooled rare ones. Rows that the
    coefficients tell apart perfectly are refused without a penalty; with one, the card is made and
    its audit says so.
    """

    def __init__(
        self, *, binner: Binner | None = None, selection: SelectionSettings | None = None,
        scaling: ScalingSettings | None = None, penalty: float | Literal["auto"] = "auto",
        smoothing: float = 20.0, errors: Errors = "information", name: str = "scorecard",
        seed: int = 0,
    ) -> None:  # fmt: skip
        self.binner = binner
        self.selection = selection
        self.scaling = scaling
        self.penalty = penalty
        self.smoothing = smoothing
        self.errors = errors
        self.name = name
        self.seed = seed

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, *, period: Any = None,
        offset: Any = None, fitted_at: datetime | None = None,
    ) -> Self:  # fmt: skip
        """Make a card of loans with known outcomes.

        Parameters
        ----------
        X : DataFrame, pyarrow.Table, ndarray, mapping or Table, of shape (n_rows, n_columns)
            Features; missing values are allowed.
        y : array-like of shape (n_rows,)
            1 bad, 0 good; of two other labels the greater one is bad.
        sample_weight : array-like of shape (n_rows,), optional
            0 or in [1e-12, 1e12]; counts as repeated rows.
        period : array-like of shape (n_rows,), optional
            Dates or numbers that rise with time, for the stability of each variable.
        offset : array-like of shape (n_rows,), optional
            Part of the log odds of good that is known beforehand; the card leaves it out.
        fitted_at : datetime, optional
            The time to write into the audit.

        Raises
        ------
        OneClassError
            Only goods or only bads.
        NoVariableLeftError
            No variable passed selection.
        WrongSignError
            The points of a forced variable would run against its bad rate.
        SeparationError
            Rows are told apart perfectly, and ``penalty`` is 0.
        InputError
            Outcomes, weights or settings that cannot be used.
        """
        self._refuse_wrong_settings()
        self._hold_columns(X, reset=True)
        bad, self.classes_ = read_outcomes(y)
        candidates = self._candidates(X, bad, sample_weight, offset)
        settings = self.selection or SelectionSettings()
        self.penalty_: PenaltyChoice | None = None
        if settings.stepwise != "none":  # the search and the card must weigh a variable alike
            self._choose_penalty(candidates, list(range(len(candidates.bins))))
        self.selection_ = select(
            candidates.bins, candidates.design(), candidates.outcomes, settings=settings,
            seed=self.seed, period=period, penalty=self._penalty(),
        )  # fmt: skip
        self._refuse_nothing_left()
        places = self._places(candidates)
        self._regress(candidates, places)
        self._refuse_nothing_left()
        self.audit_ = self._describe(candidates, fitted_at)
        self.card_ = self._card(candidates, self._places(candidates))
        return self

    def points(self, X: Any) -> FloatArray:
        """Return the score of each row, shape (n_rows,); higher is safer."""
        self._ready(X)
        return self.card_.points(X)

    def predict_proba(self, X: Any) -> FloatArray:
        """Return the probability of good and of bad, shape (n_rows, 2)."""
        self._ready(X)
        bad = self.card_.probability(X)
        return np.column_stack([1.0 - bad, bad])

    def decision_function(self, X: Any) -> FloatArray:
        """Return the log odds of BAD (scikit-learn's sign: positive means ``classes_[1]``)."""
        self._ready(X)
        bad = self.card_.probability(X)
        if self.card_.calibration is None:
            return 0.0 - self.card_.log_odds(X)
        with np.errstate(divide="ignore"):
            return np.clip(np.log(bad) - np.log1p(-bad), -745.0, 745.0)

    def save(self, path: Path) -> None:
        """Write the card; `Card.load` reads it and scores every row bit-equal."""
        check_is_fitted(self, "card_")
        self.card_.save(path)

    def _refuse_wrong_settings(self) -> None:
        if self.penalty != "auto":
            if isinstance(self.penalty, str):
                raise InputError(f'penalty is a number or "auto"; got {self.penalty!r}')
            if not 0.0 <= self.penalty < np.inf:
                raise OutOfRangeError(name="penalty", value=self.penalty, allowed="[0, inf)")
        if self.errors not in {"information", "robust"}:
            raise InputError(f"errors is information or robust; got {self.errors!r}")

    def _ready(self, X: Any) -> None:
        check_is_fitted(self, "card_")
        self._hold_columns(X, reset=False)

    def _candidates(
        self, X: Any, bad: NDArray[np.bool_], sample_weight: Any, offset: Any
    ) -> _Candidates:
        weight = None if sample_weight is None else read_weights(sample_weight, rows=len(bad))
        if weight is not None and not weight.any():
            raise InputError("sample_weight is zero on every row")
        binner = Binner(**CARD_BINS) if self.binner is None else clone(self.binner)
        table = read_table(X)  # text is coded once for both calls
        self.binner_ = binner.fit(table, bad.astype(np.float64), weight)
        codes = np.ascontiguousarray(self.binner_.transform(table, output="code").T)
        if hasattr(self, "feature_names_in_"):
            self.binner_.feature_names_in_ = self.feature_names_in_
        outcomes = Outcomes.of(bad, weight=weight, offset=_read_offset(offset, len(bad)))
        bins = [smoothed(column, self.smoothing) for column in self.binner_.bins_.values()]
        return _Candidates(bins=bins, codes=codes, outcomes=outcomes)

    def _places(self, candidates: _Candidates) -> list[int]:
        kept = set(self.selection_.kept)
        return [place for place, column in enumerate(candidates.bins) if column.name in kept]

    def _refuse_nothing_left(self) -> None:
        if not self.selection_.kept:
            raise NoVariableLeftError(self.selection_.left())

    def _choose_penalty(self, candidates: _Candidates, places: list[int]) -> None:
        """Choose the penalty of these columns, where it is to be chosen; constants do not count."""
        varied = [place for place in places if np.ptp(candidates.bins[place].woe) > 0.0]
        if self.penalty == "auto" and varied:
            self.penalty_ = choose_penalty(
                [candidates.bins[place] for place in varied], candidates.design(varied),
                candidates.outcomes, seed=self.seed, smoothing=self.smoothing,
            )  # fmt: skip

    def _penalty(self) -> float:
        """Return the penalty: the one given, the one chosen, or 1 while none is."""
        if isinstance(self.penalty, str):
            return 1.0 if self.penalty_ is None else self.penalty_.penalty
        return self.penalty

    def _regress(self, candidates: _Candidates, places: list[int]) -> None:
        """Fit the regression; a variable held at zero leaves, or is refused when it is forced."""
        design = candidates.design(places)
        if self.penalty_ is None:
            self._choose_penalty(candidates, places)
        fit = fit_logistic(design, candidates.outcomes, penalty=self._penalty(), errors=self.errors)
        slopes = missing_slopes(fit, design, candidates.outcomes)
        forced = set((self.selection or SelectionSettings()).forced)
        wrong = [name for name, held in zip(fit.names, fit.at_bound, strict=True) if held]
        if forced & set(wrong):
            raise WrongSignError(tuple(name for name in wrong if name in forced))
        lines = tuple(
            SelectionLine(
                variable=name, step="sign", kept=name not in wrong,
                reason="wrong_sign" if name in wrong else "sign_ok", figure=float(figure),
                limit=0.0,
            )
            for name, figure in zip(fit.names, slopes, strict=True)
        )  # fmt: skip
        kept = tuple(name for name in fit.names if name not in wrong)
        self.selection_ = self.selection_.joined(Selection(kept=kept, lines=lines))
        self.regression_ = fit.without_bound()

    def _describe(self, candidates: _Candidates, fitted_at: datetime | None) -> dict[str, Any]:
        names = tuple(column.name for column in candidates.bins)
        documents = [str(column.to_dict()) for column in candidates.bins]
        return {
            "fitted_at": None if fitted_at is None else fitted_at.isoformat(),
            "seed": self.seed,
            "settings": _audit.plain(
                {
                    "binner": self.binner_,
                    "selection": self.selection or SelectionSettings(),
                    "scaling": self.scaling or PdoScaling(),
                    "penalty": self.penalty,
                    "smoothing": self.smoothing,
                    "errors": self.errors,
                }
            ),
            "sample": _audit.sample(candidates.outcomes),
            "columns": list(names),
            "data_sha256": _audit.data_hash(
                names, candidates.codes, documents, candidates.outcomes
            ),
            "selection": self.selection_.to_dict(),
            "regression": _audit.regression(self.regression_),
            "penalty_losses": None
            if self.penalty_ is None
            else {str(key): loss for key, loss in self.penalty_.losses.items()},
            "versions": _audit.library_versions(),
        }

    def _card(self, candidates: _Candidates, places: list[int]) -> Card:
        fit: LogisticFit = self.regression_
        bins = [candidates.bins[place] for place in places]
        points = scale(
            self.scaling or PdoScaling(), intercept=fit.intercept,
            coefficients=fit.coefficients.tolist(), bins=bins,
        )  # fmt: skip
        variables = tuple(
            Variable(
                bins=column, points=points.variables[place],
                coefficient=float(fit.coefficients[place]),
                standard_error=float(fit.standard_errors[place + 1]),
                p_value=float(fit.p_values[place + 1]),
            )
            for place, column in enumerate(bins)
        )  # fmt: skip
        return Card(
            name=self.name, variables=variables, intercept=fit.intercept, base_points=points.base,
            scaling=points.scaling, audit=self.audit_,
        )  # fmt: skip


def _read_offset(offset: Any, rows: int) -> FloatArray | None:
    if offset is None:
        return None
    found = np.asarray(offset, dtype=np.float64)
    if found.shape != (rows,) or not np.isfinite(found).all():
        raise InputError(f"offset must hold {rows} finite numbers; it has shape {found.shape}")
    return found
