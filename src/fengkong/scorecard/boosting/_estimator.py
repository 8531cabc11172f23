"""The interface of a card, for estimators that hold another kind of model."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from fengkong.scorecard.boosting.reasons import ModelReasons
from fengkong.scorecard.card._classifier import CreditClassifier


class ModelClassifier(CreditClassifier):
    """A classifier whose fitted ``model_`` scores, gives reasons and can be saved."""

    model_: Any

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of good and of bad, shape (n_rows, 2)."""
        bad = self._ready(X).probability(X)
        return np.column_stack([1.0 - bad, bad])

    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the log odds of BAD (scikit-learn's sign: positive means ``classes_[1]``)."""
        return 0.0 - self._ready(X).log_odds(X)

    def probability(self, X: Any) -> NDArray[np.float64]:
        """Return the probability of bad, shape (n_rows,)."""
        return self._ready(X).probability(X)

    def points(self, X: Any) -> NDArray[np.float64]:
        """Return the score of each row, shape (n_rows,); higher is safer."""
        return self._ready(X).points(X)

    def reasons(self, X: Any, *, top: int = 4) -> ModelReasons:
        """Return up to ``top`` variables that raised each row's risk, most first."""
        return self._ready(X).reasons(X, top=top)

    def save(self, path: Path) -> None:
        """Write the model; its class's ``load`` reads it and scores every row bit-equal."""
        check_is_fitted(self, "model_")
        self.model_.save(path)

    @abstractmethod
    def _ready(self, X: Any) -> Any:
        """Return the fitted model, the table having the columns of the fit."""
