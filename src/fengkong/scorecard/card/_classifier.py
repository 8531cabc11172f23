"""What every model of the lab is to scikit-learn."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import validate_data

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import read_table


class CreditClassifier(ClassifierMixin, BaseEstimator, ABC):
    """A classifier of good and bad, over columns that may be text and may have gaps.

    A subclass has ``decision_function`` (log odds of BAD) and sets ``classes_`` in its ``fit``.
    """

    classes_: NDArray[Any]

    @abstractmethod
    def decision_function(self, X: Any) -> NDArray[np.float64]:
        """Return the log odds of BAD (scikit-learn's sign: positive means ``classes_[1]``)."""

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the likelier label of each row; the better use of a score is a cut-off."""
        is_bad = self.decision_function(X) > 0.0
        return self.classes_[is_bad.astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.classifier_tags.multi_class = False
        return tags

    def _hold_columns(self, X: Any, *, reset: bool) -> None:
        """Hold arrays and frames to the number and names of the columns of the fit."""
        table = read_table(X)
        if not table.names:
            rows = len(X) if hasattr(X, "__len__") else table.rows
            raise InputError(f"0 feature(s) (shape=({rows}, 0)) while a minimum of 1 is required.")
        if hasattr(X, "shape") and not hasattr(X, "column_names"):
            validate_data(self, X, reset=reset, skip_check_array=True)
        elif reset:
            self.n_features_in_ = len(table.names)
