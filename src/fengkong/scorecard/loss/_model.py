"""What the loss models share: reading targets, holding columns, one JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.foundation.tables import Table, read_table
from fengkong.scorecard.loss._design import Terms, learned_terms, refuse_empty
from fengkong.scorecard.loss._regression import LogitFit

if TYPE_CHECKING:
    from numpy.typing import NDArray

FloatPair = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


class LossModel(RegressorMixin, BaseEstimator):
    """A regressor with terms, logit fits by name, and a JSON document."""

    format_: ClassVar[str]

    def save(self, path: Path) -> None:
        """Write the fitted model; ``load`` reads it and predicts every row bit-equal."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model that ``save`` wrote."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))

    def to_json(self) -> str:
        """Return the one JSON format that holds everything; floats read back bit-equal."""
        check_is_fitted(self, "terms_")
        document = {
            "format": self.format_,
            "parameters": self.get_params(deep=False),
            "terms": self.terms_.to_dict(),
            "fits": {name: fit.to_dict() for name, fit in self.fits_.items()},
            "columns": list(self.columns_),
            "audit": self.audit_,
        }
        return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the model whose JSON this is.

        Raises
        ------
        InputError
            No JSON, of another format, or a part is missing or wrong.
        """
        try:
            found = json.loads(text)
            if found["format"] != cls.format_:
                raise InputError(f"format {cls.format_} is expected; got {found['format']!r}")
            made = cls(**found["parameters"])
            made.terms_ = Terms.from_dict(found["terms"])
            made.fits_ = {name: LogitFit.from_dict(fit) for name, fit in found["fits"].items()}
            made.columns_ = tuple(found["columns"])
            made.n_features_in_ = len(made.columns_)
            made.audit_ = found["audit"]
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"this is no JSON of a {cls.__name__}: {error}") from error
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.positive_only = True
        tags.regressor_tags.poor_score = True
        return tags

    def _opened(self, X: Any, *, reset: bool) -> Table:
        table = read_table(X)
        if not table.names:
            raise InputError(
                f"0 feature(s) (shape=({table.rows}, 0)) while a minimum of 1 is required."
            )
        if hasattr(X, "shape") and not hasattr(X, "column_names"):
            if reset or hasattr(self, "feature_names_in_") or not hasattr(X, "columns"):
                validate_data(self, X, reset=reset, skip_check_array=True)
        elif reset:
            self.n_features_in_ = len(table.names)
        if reset:
            self.columns_: tuple[str, ...] = table.names
        return table

    def _learn_terms(self, table: Table, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        self.terms_ = learned_terms(table, weight)
        self.fits_: dict[str, LogitFit] = {}
        return self.terms_.read(table)

    def _design(self, X: Any) -> tuple[Table, NDArray[np.float64]]:
        check_is_fitted(self, "terms_")
        table = self._opened(X, reset=False)
        return table, self.terms_.read(table)


def read_target(
    table: Table, y: Any, sample_weight: Any, *, name: str, highest: float
) -> FloatPair:
    """Return target and weights as float64 after checking them.

    Raises
    ------
    InputError
        Missing, not finite, of another length, or no row has weight.
    OutOfRangeError
        A target outside [0, ``highest``].
    """
    if y is None:
        raise InputError("requires y to be passed, but the target y is None")
    given = np.asarray(y)
    if given.dtype.kind == "c":
        raise InputError(f"Complex data not supported in {name}")
    if given.ndim == 2 and given.shape[1] == 1:
        given = column_or_1d(given, warn=True)
    if given.ndim != 1:
        raise InputError(f"{name} must have one dimension; got shape {given.shape}")
    target = given.astype(np.float64)
    refuse_empty(table, len(target))
    if not np.isfinite(target).all():
        raise InputError(f"{name} contains NaN or infinity")
    for value in (float(target.min()), float(target.max())):
        if not 0.0 <= value <= highest:
            raise OutOfRangeError(name=name, value=value, allowed=f"[0, {highest}]")
    if sample_weight is None:
        return target, np.ones(len(target))
    weight = np.asarray(sample_weight, dtype=np.float64)
    if weight.shape != target.shape:
        raise InputError(f"sample_weight has shape {weight.shape}, {name} {target.shape}")
    if not np.isfinite(weight).all() or (weight < 0.0).any():
        raise InputError("sample_weight must be finite and not below 0")
    if not weight.any():
        raise InputError("sample_weight is zero on every row")
    return target, weight


def refuse_constant(target: NDArray[np.float64], weight: NDArray[np.float64], name: str) -> None:
    """Refuse a target that is 0 on every row, or full on every row."""
    held = target[weight > 0.0]
    if (held == 0.0).all() or (held == 1.0).all():
        raise InputError(f"{name} is {held[0]:g} on every row: there is nothing to model")
