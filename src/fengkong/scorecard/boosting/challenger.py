"""The challenger: boosted trees that keep directions, are calibrated, and say their reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from scipy.special import expit
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.foundation.tables import read_table
from fengkong.scorecard.binning._target import read_weights
from fengkong.scorecard.boosting._columns import (
    BoostedColumn,
    directions,
    learned_columns,
    matrix,
)
from fengkong.scorecard.boosting._engine import lightgbm
from fengkong.scorecard.boosting._estimator import ModelClassifier
from fengkong.scorecard.boosting.model import ChallengerModel
from fengkong.scorecard.card._outcomes import read_outcomes
from fengkong.scorecard.card._texts import both
from fengkong.scorecard.card.scaling import PdoScaling
from fengkong.scorecard.validation import calibrator

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDS_WITHOUT_SPLIT = 50
_THREADS = 2


class Challenger(ModelClassifier):
    """Boosted trees (LightGBM) with the interface of the card.

    Parameters
    ----------
    monotone : "auto", mapping of str to int, or None
        Directions of numbers: 1 more is riskier, -1 more is safer, 0 free. "auto" takes the sign
        of each column's rank correlation with bad where it is two standard errors away from 0,
        on the rows of the fit only.
    calibration : "platt", "beta", "isotonic" or None
        Learned from predictions for rows that the trees did not see.
    folds : int
        Inner folds, at least 2; fewer where a class has fewer rows.
    rounds_at_most, patience : int
        Trees at most; early stopping after so many without gain on the first inner fold.
    learning_rate, leaves, leaf_rows, column_share : float, int, int, float
        As LightGBM's learning_rate, num_leaves, min_data_in_leaf and feature_fraction.
    scaling : PdoScaling, optional
        Points; never rounded. By default 600 points at 50:1, 20 to double the odds.
    texts : mapping, optional
        Names of columns for the reasons: ``{"income": {"en": "Income", "zh": "收入"}}``.
    name : str
    seed : int
        Of folds and columns; the same seed and rows give the same trees.

    Attributes
    ----------
    model_ : ChallengerModel
        The document that scores; ``model_.save(path)`` keeps all of it.
    classes_ : ndarray of shape (2,)
        Good first, bad second.
    n_features_in_, feature_names_in_
        As scikit-learn has them.

    Notes
    -----
    Missing numbers and categories go the way the trees learned for them; a category that was not
    there counts as missing; infinities lie beyond every cut. Rows of weight 0 are left out. With
    fewer than two rows of a class there is no inner split: 50 trees, no calibration, and
    ``model_.audit["fallback"]`` says so. When the calibration has no finite solution it is left
    out and said too.
    """

    def __init__(
        self, *, monotone: Literal["auto"] | Mapping[str, int] | None = "auto",
        calibration: Literal["platt", "beta", "isotonic"] | None = "platt", folds: int = 5,
        rounds_at_most: int = 1000, patience: int = 50, learning_rate: float = 0.05,
        leaves: int = 15, leaf_rows: int = 20, column_share: float = 0.8,
        scaling: PdoScaling | None = None, texts: Mapping[str, Mapping[str, str]] | None = None,
        name: str = "challenger", seed: int = 0,
    ) -> None:  # fmt: skip
        self.monotone = monotone
        self.calibration = calibration
        self.folds = folds
        self.rounds_at_most = rounds_at_most
        self.patience = patience
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.leaf_rows = leaf_rows
        self.column_share = column_share
        self.scaling = scaling
        self.texts = texts
        self.name = name
        self.seed = seed

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn trees and calibration from loans with known outcomes.

        Parameters
        ----------
        X : DataFrame, pyarrow.Table, ndarray, mapping or Table, of shape (n_rows, n_columns)
        y : array-like of shape (n_rows,)
            1 bad, 0 good; of two other labels the greater one is bad.
        sample_weight : array-like of shape (n_rows,), optional
            0 or in [1e-12, 1e12].

        Raises
        ------
        OneClassError
            Only goods or only bads.
        EngineError
            LightGBM or its OpenMP library is not there.
        InputError
            Outcomes, weights, directions or settings that cannot be used.
        """
        self._refuse_wrong_settings()
        lightgbm()
        self._hold_columns(X, reset=True)
        bad, self.classes_ = read_outcomes(y)
        table = read_table(X)
        if not table.rows:
            raise InputError("0 sample(s) (shape=(0, n)) while a minimum of 1 is required.")
        if table.rows != len(bad):
            raise InputError(f"X has {table.rows} rows and y {len(bad)}")
        weight = _weights(sample_weight, bad)
        columns = learned_columns(table)
        values = matrix(tuple(columns), table)
        held = weight > 0.0
        values, bad, weight = values[held], bad[held], weight[held]
        signs = directions(columns, values, bad, self.monotone)
        columns = [
            replace(column, monotone=sign) for column, sign in zip(columns, signs, strict=True)
        ]
        trees, calibration, audit = self._learn(_Rows(values, bad, weight, columns))
        self.model_ = ChallengerModel(
            name=self.name, columns=tuple(columns), trees=trees, calibration=calibration,
            doubt=0.5 / (len(bad) + 1.0), scaling=self.scaling or PdoScaling(decimals=None),
            texts={name: both(text, place=f"texts of {name!r}")
                   for name, text in (self.texts or {}).items()},
            audit=audit,
        )  # fmt: skip
        return self

    def _refuse_wrong_settings(self) -> None:
        for name, lowest in (("folds", 2), ("rounds_at_most", 1), ("patience", 1), ("leaves", 2),
                             ("leaf_rows", 1)):  # fmt: skip
            value = getattr(self, name)
            if value < lowest:
                raise OutOfRangeError(name=name, value=value, allowed=f"[{lowest}, inf)")
        for name in ("learning_rate", "column_share"):
            value = getattr(self, name)
            if not 0.0 < value <= 1.0:
                raise OutOfRangeError(name=name, value=value, allowed="(0, 1]")
        if self.scaling is not None and self.scaling.decimals is not None:
            raise InputError("the points of a challenger are not rounded: decimals must be None")
        if self.calibration is not None:
            calibrator(self.calibration)

    def _ready(self, X: Any) -> ChallengerModel:
        check_is_fitted(self, "model_")
        self._hold_columns(X, reset=False)
        return self.model_

    def _learn(self, rows: _Rows) -> tuple[str, dict[str, Any] | None, dict[str, Any]]:
        """Find the number of trees, calibrate out of fold, and grow the trees of all rows."""
        bad = rows.bad
        folds = min(self.folds, int(bad.sum()), int((~bad).sum()))
        fallback, calibration = [], None
        rounds = min(_ROUNDS_WITHOUT_SPLIT, self.rounds_at_most)
        if folds < 2:
            fallback.append(f"fewer than two rows of a class: {rounds} trees, not calibrated")
        else:
            split = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
            parts = list(split.split(rows.values, bad))
            kept, out = parts[0]
            early = self._grow(rows.taken(kept), self.rounds_at_most, rows.taken(out))
            rounds = max(int(early.best_iteration), 1)
            if self.calibration is not None:
                calibration = self._calibrate(rows, parts, rounds, fallback)
        booster = self._grow(rows, rounds)
        audit = {
            "seed": self.seed, "rounds": rounds, "folds": folds, "fallback": fallback,
            "rows": len(bad), "bads": int(bad.sum()), "weight": float(rows.weight.sum()),
            "lightgbm": lightgbm().__version__,
        }  # fmt: skip
        # Scored from the text from the start, so that a reloaded model cannot differ.
        return booster.model_to_string(), calibration, audit

    def _calibrate(
        self, rows: _Rows, parts: list[Any], rounds: int, fallback: list[str]
    ) -> dict[str, Any] | None:
        """Learn the calibration from margins of rows that the trees did not see."""
        assert self.calibration is not None  # noqa: S101 - asked before
        margin = np.empty(len(rows.bad))
        for kept, out in parts:
            booster = self._grow(rows.taken(kept), rounds)
            margin[out] = booster.predict(rows.values[out], raw_score=True, num_threads=_THREADS)
        try:
            found = calibrator(self.calibration).fit(expit(margin), rows.bad, rows.weight)
        except InputError as error:
            fallback.append(f"not calibrated: {error}")
            return None
        return found.to_dict()

    def _grow(self, rows: _Rows, rounds: int, held_out: _Rows | None = None) -> Any:
        engine = lightgbm()
        settings = {
            "objective": "binary", "metric": "binary_logloss", "learning_rate": self.learning_rate,
            "num_leaves": self.leaves, "min_data_in_leaf": self.leaf_rows,
            "feature_fraction": self.column_share, "feature_pre_filter": False,
            "monotone_constraints": [column.monotone for column in rows.columns],
            "deterministic": True, "force_row_wise": True, "num_threads": _THREADS,
            "seed": self.seed, "verbosity": -1,
        }  # fmt: skip
        data = rows.dataset()
        more: dict[str, Any] = {}
        if held_out is not None:
            more["valid_sets"] = [held_out.dataset().set_reference(data)]
            more["callbacks"] = [engine.early_stopping(self.patience, verbose=False)]
        return engine.train(settings, data, num_boost_round=rounds, **more)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows to learn from."""

    values: NDArray[np.float64]
    bad: NDArray[np.bool_]
    weight: NDArray[np.float64]
    columns: list[BoostedColumn]

    def taken(self, places: NDArray[Any]) -> _Rows:
        return _Rows(self.values[places], self.bad[places], self.weight[places], self.columns)

    def dataset(self) -> Any:
        categories = [i for i, column in enumerate(self.columns) if column.labels is not None]
        return lightgbm().Dataset(
            self.values, label=self.bad.astype(np.float64), weight=self.weight,
            free_raw_data=False, categorical_feature=categories or "auto",
            params={"verbosity": -1, "feature_pre_filter": False},
        )  # fmt: skip


def _weights(sample_weight: Any, bad: NDArray[np.bool_]) -> NDArray[np.float64]:
    if sample_weight is None:
        return np.ones(len(bad))
    weight = read_weights(sample_weight, rows=len(bad))
    if not weight.any():
        raise InputError("sample_weight is zero on every row")
    held = bad[weight > 0.0]
    if not held.any() or held.all():
        raise OneClassError("rows with weight hold only one class: goods and bads are needed")
    return weight
