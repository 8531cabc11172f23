"""A blend: the log odds of a card and of a challenger, weighted by what neither had seen."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.base import clone
from sklearn.model_selection import StratifiedKFold
from sklearn.utils.validation import check_is_fitted

from fengkong.foundation.errors import InputError, OneClassError, OutOfRangeError
from fengkong.foundation.tables import Table, read_table
from fengkong.scorecard.boosting._columns import BoostedColumn
from fengkong.scorecard.boosting._estimator import ModelClassifier
from fengkong.scorecard.boosting.challenger import Challenger
from fengkong.scorecard.boosting.model import BoostedScore, ChallengerModel
from fengkong.scorecard.boosting.reasons import Contributions, ModelReasons, ranked
from fengkong.scorecard.card.document import Card
from fengkong.scorecard.card.reasons import reference_points
from fengkong.scorecard.card.scorecard import Scorecard

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "fengkong.blend/1"


@dataclass(frozen=True, kw_only=True, eq=False)
class BlendModel:
    """Log odds of good = intercept + card_weight x the card's + challenger_weight x the other's.

    Attributes
    ----------
    card : Card
    challenger : ChallengerModel
        Its scale is that of the blend's points.
    intercept, card_weight, challenger_weight : float
        The weights are not below 0.
    audit : dict
    """

    card: Card
    challenger: ChallengerModel
    intercept: float
    card_weight: float
    challenger_weight: float
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables of both, the card's first."""
        return tuple(dict.fromkeys((*self.card.names, *self.challenger.names)))

    def log_odds(self, X: Any) -> NDArray[np.float64]:
        """Return the log odds of good, shape (n_rows,)."""
        table = read_table(X)
        return (
            self.intercept
            + self.card_weight * self.card.log_odds(table)
            + self.challenger_weight * self.challenger.log_odds(table)
        )

    def probability(self, X: Any) -> NDArray[np.float64]:
        """Return each row's probability of bad, shape (n_rows,)."""
        return np.asarray(expit(-self.log_odds(X)), dtype=np.float64)

    def points(self, X: Any) -> NDArray[np.float64]:
        """Return the score, not rounded; higher is safer."""
        scaling = self.challenger.scaling
        return scaling.offset + scaling.factor * self.log_odds(X)

    def contributions(self, X: Any) -> Contributions:
        """Return what each variable adds to the log odds of good, both models together.

        The card's part of a variable is its points against their mean over the rows of the fit.
        """
        table = read_table(X)
        names = self.names
        place = {name: number for number, name in enumerate(names)}
        values = np.zeros((table.rows, len(names)))
        scaling = self.card.scaling
        points = self.card.variable_points(table)
        base = (self.card.base_points - scaling.offset) / scaling.factor
        for variable in self.card.variables:
            name, mean = variable.bins.name, reference_points(variable, "mean")
            part = (points[name].to_numpy(np.float64) - mean) / scaling.factor
            values[:, place[name]] += self.card_weight * part
            base += mean / scaling.factor
        other = self.challenger.contributions(table)
        for number, name in enumerate(other.names):
            values[:, place[name]] += self.challenger_weight * other.values[:, number]
        total = self.intercept + self.card_weight * base + self.challenger_weight * other.base
        return Contributions(names=names, base=total, values=values)

    def reasons(self, X: Any, *, top: int = 4) -> ModelReasons:
        """Return up to ``top`` variables that raised each row's risk, most first."""
        table = read_table(X)
        columns = {column.name: column for column in self.challenger.columns}
        for variable in self.card.variables:
            bins = variable.bins
            labels = tuple(label for group in bins.groups for label in group)
            own = BoostedColumn(name=bins.name, labels=None if bins.kind == "numeric" else labels)
            columns.setdefault(bins.name, own)
        return ranked(
            self.contributions(table), top=top, factor=self.challenger.scaling.factor,
            texts=self.challenger.texts, columns=columns, table=table,
        )  # fmt: skip

    def score_one(
        self, record: Mapping[str, Any], *, missing: Collection[str] = ()
    ) -> BoostedScore:
        """Score one record; InputError when it lacks a variable that ``missing`` does not name."""
        lacking = [name for name in self.names if name not in record and name not in missing]
        if lacking:
            raise InputError(f"the record lacks {', '.join(lacking)}")
        table = read_table({name: [record.get(name)] for name in self.names})
        parts = self.contributions(table)
        return BoostedScore(
            points=float(self.points(table)[0]),
            log_odds=float(self.log_odds(table)[0]),
            probability=float(self.probability(table)[0]),
            contributions=dict(zip(parts.names, parts.values[0].tolist(), strict=True)),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "format": FORMAT, "intercept": self.intercept, "card_weight": self.card_weight,
            "challenger_weight": self.challenger_weight, "audit": self.audit,
            "card": self.card.to_dict(), "challenger": self.challenger.to_dict(),
        }  # fmt: skip

    def to_json(self) -> str:
        """Return the one JSON format that holds everything; it reads back bit-equal."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the blend whose JSON this is; InputError when it is none."""
        try:
            found = json.loads(text)
            if found["format"] != FORMAT:
                raise InputError(f"format {FORMAT} is expected; got {found['format']!r}")
            weights = {
                name: float(found[name])
                for name in ("intercept", "card_weight", "challenger_weight")
            }
            return cls(
                card=Card.from_dict(found["card"]),
                challenger=ChallengerModel.from_dict(found["challenger"]),
                audit=found["audit"], **weights,
            )  # fmt: skip
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise InputError(f"this is no blend's JSON: {error}") from error

    def save(self, path: Path) -> None:
        """Write the blend to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a blend that ``save`` wrote."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))


class Blend(ModelClassifier):
    """A card and a challenger, weighted by their log odds for rows that neither had seen.

    Parameters
    ----------
    card : Scorecard, optional
    challenger : Challenger, optional
        Both are cloned and fitted.
    folds : int
        At least 2; fewer where a class has fewer rows.
    seed : int
        Of the folds.

    Attributes
    ----------
    model_ : BlendModel
        The document that scores.
    classes_ : ndarray of shape (2,)
        Good first, bad second.

    Notes
    -----
    The intercept and the two weights maximise the likelihood of the out-of-fold rows; a weight is
    never below 0, and a ridge penalty worth one row keeps the weight of a model that says the same
    of everybody from running away. With fewer than two rows of a class both weights are one half,
    and ``model_.audit["fallback"]`` says so.

    References
    ----------
    Wolpert (1992), Stacked generalization; Breiman (1996), Stacked regressions, Machine Learning
    24, 49-64, for weights that are not negative.
    """

    def __init__(
        self, *, card: Scorecard | None = None, challenger: Challenger | None = None,
        folds: int = 5, seed: int = 0,
    ) -> None:  # fmt: skip
        self.card = card
        self.challenger = challenger
        self.folds = folds
        self.seed = seed

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Fit both models and their weights; parameters and errors as `Challenger.fit`."""
        if self.folds < 2:
            raise OutOfRangeError(name="folds", value=self.folds, allowed="[2, inf)")
        challenger = Challenger() if self.challenger is None else clone(self.challenger)
        card = Scorecard() if self.card is None else clone(self.card)
        challenger.fit(X, y, sample_weight)
        y = np.asarray(y).ravel()
        card.fit(X, y, sample_weight)
        self.classes_, self.n_features_in_ = challenger.classes_, challenger.n_features_in_
        if hasattr(challenger, "feature_names_in_"):
            self.feature_names_in_ = challenger.feature_names_in_
        self._challenger = challenger
        bad = (y == self.classes_[1]).astype(np.float64)
        weight = np.ones(len(bad)) if sample_weight is None else np.asarray(sample_weight, float)
        held = weight > 0.0
        folds = min(self.folds, int(bad[held].sum()), int((1.0 - bad[held]).sum()))
        audit: dict[str, Any] = {"seed": self.seed, "folds": folds, "fallback": []}
        if folds < 2:
            audit["fallback"].append("fewer than two rows of a class: both weights are one half")
            found = (0.0, 0.5, 0.5)
        else:
            odds = self._out_of_fold(read_table(X), bad, weight, folds, (card, challenger))
            found = _weights(odds, bad, weight)
        self.model_ = BlendModel(
            card=card.card_, challenger=challenger.model_, intercept=found[0],
            card_weight=found[1], challenger_weight=found[2], audit=audit,
        )  # fmt: skip
        return self

    def _ready(self, X: Any) -> BlendModel:
        check_is_fitted(self, "model_")
        self._challenger._hold_columns(X, reset=False)  # noqa: SLF001 - one contract for both
        return self.model_

    def _out_of_fold(
        self, table: Table, bad: NDArray[np.float64], weight: NDArray[np.float64], folds: int,
        models: tuple[Scorecard, Challenger],
    ) -> NDArray[np.float64]:  # fmt: skip
        """Return the log odds of good of both models for rows that they did not see."""
        odds = np.empty((len(bad), 2))
        columns = {field.name: _series(field) for field in table}
        split = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
        for kept, out in split.split(np.zeros(len(bad)), bad):
            inner = {name: values[kept] for name, values in columns.items()}
            outer = {name: values[out] for name, values in columns.items()}
            if not bad[kept].any() or bad[kept].all():  # pragma: no cover - stratified
                raise OneClassError("a fold holds only one class")
            card, challenger = (
                clone(model).fit(inner, bad[kept], weight[kept]) for model in models
            )
            odds[out, 0] = card.card_.log_odds(outer)
            odds[out, 1] = challenger.model_.log_odds(outer)
        return odds


def _series(field: Any) -> NDArray[Any]:
    """Return a column that can be cut by rows: numbers, or labels with None where missing."""
    if field.labels is None:
        return np.asarray(field.values)
    return np.array([*field.labels, None], dtype=object)[field.values]


def _weights(
    odds: NDArray[np.float64], bad: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return intercept and the two weights that fit best, the weights held at 0 or above."""
    design = np.column_stack([np.ones(len(bad)), odds])
    total = weight.sum()
    share = weight / total
    good = 1.0 - bad

    def loss(found: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        eta = design @ found
        value = float(share @ (np.logaddexp(0.0, eta) - good * eta))
        slopes = np.array([0.0, found[1], found[2]]) / total
        value += 0.5 * float(slopes @ found)
        return value, design.T @ (share * (expit(eta) - good)) + slopes

    bounds = [(None, None), (0.0, None), (0.0, None)]
    best = minimize(
        loss, np.array([0.0, 0.5, 0.5]), jac=True, method="L-BFGS-B", bounds=bounds,
        options={"ftol": 1e-14, "gtol": 1e-9, "maxiter": 500},
    )  # fmt: skip
    found = best.x
    return float(found[0]), float(found[1]), float(found[2])
