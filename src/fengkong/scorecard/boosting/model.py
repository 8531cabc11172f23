"""The fitted challenger as a document: trees, calibration and scale in one JSON."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import expit

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import read_table
from fengkong.scorecard.boosting._columns import BoostedColumn, matrix
from fengkong.scorecard.boosting._engine import lightgbm
from fengkong.scorecard.boosting.reasons import Contributions, ModelReasons, ranked
from fengkong.scorecard.card.scaling import PdoScaling
from fengkong.scorecard.validation import Calibrator, calibrator_from_dict

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMAT = "fengkong.challenger/1"
_STEP = 1e-4  # log odds, over which a slope is taken


def log_odds_of_good(bad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ln((1 - p) / p), p held within [1e-12, 1 - 1e-12] as calibrators do."""
    held = np.clip(bad, 1e-12, 1.0 - 1e-12)
    return np.log1p(-held) - np.log(held)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostedScore:
    """The score of one record; ``contributions`` are log odds of good by variable."""

    points: float
    log_odds: float
    probability: float
    contributions: dict[str, float]


@dataclass(frozen=True, kw_only=True, eq=False)
class ChallengerModel:
    """A boosted model with the interface of a card.

    Attributes
    ----------
    name : str
    columns : tuple of BoostedColumn
    trees : str
        LightGBM's own text of the model.
    calibration : dict or None
        Map from the trees' probability of bad to a calibrated one; None leaves it as it is.
    doubt : float
        Calibrated probabilities are held within [doubt, 1 - doubt], so that log odds exist.
    scaling : PdoScaling
        Without rounding.
    texts : dict
        Names of variables in English and Chinese for the reasons; the column's name where none.
    audit : dict
        Sample, seed, rounds, directions, versions.
    """

    name: str
    columns: tuple[BoostedColumn, ...]
    trees: str
    calibration: dict[str, Any] | None
    doubt: float
    scaling: PdoScaling
    texts: dict[str, dict[str, str]] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables."""
        return tuple(column.name for column in self.columns)

    def probability(self, X: Any) -> NDArray[np.float64]:
        """Return each row's calibrated probability of bad, shape (n_rows,)."""
        return self._calibrated(self.margin(X))

    def log_odds(self, X: Any) -> NDArray[np.float64]:
        """Return the log odds of good, shape (n_rows,)."""
        return log_odds_of_good(self.probability(X))

    def points(self, X: Any) -> NDArray[np.float64]:
        """Return the score on the card's scale, not rounded; higher is safer."""
        return self.scaling.offset + self.scaling.factor * self.log_odds(X)

    def margin(self, X: Any) -> NDArray[np.float64]:
        """Return the trees' log odds of BAD before calibration."""
        return self._predict(matrix(self.columns, read_table(X)), raw_score=True)

    def contributions(self, X: Any) -> Contributions:
        """Return what each variable adds to the log odds of good, by TreeSHAP.

        Notes
        -----
        TreeSHAP splits the trees' margin exactly. The calibrated log odds are a rising function of
        the margin: each row's parts are multiplied by the slope of that function between the mean
        margin and the row's, so that they keep their signs and order and add up to the log odds.

        References
        ----------
        Lundberg et al. (2020), Nature Machine Intelligence 2, 56-67 (TreeSHAP).
        """
        found = self._predict(matrix(self.columns, read_table(X)), pred_contrib=True)
        found = found.reshape(-1, len(self.columns) + 1)
        parts, base = found[:, :-1], found[:, -1]
        margin = base + parts.sum(axis=1)
        start, end = self._good(base), self._good(margin)
        far = np.abs(margin - base) > _STEP
        distance = np.where(far, margin - base, 2.0 * _STEP)
        rise = np.where(far, end - start, self._good(base + _STEP) - self._good(base - _STEP))
        values = parts * (rise / distance)[:, None]
        # Where the row lies at the mean, the slope is a tangent: spread what it leaves evenly.
        rest = (end - start) - values.sum(axis=1)
        used = np.maximum((values != 0.0).sum(axis=1), 1)
        values += np.where(values != 0.0, (rest / used)[:, None], 0.0) * ~far[:, None]
        base_value = float(start[0]) if len(start) else float("nan")
        return Contributions(names=self.names, base=base_value, values=values)

    def reasons(self, X: Any, *, top: int = 4) -> ModelReasons:
        """Return up to ``top`` variables that raised each row's risk, most first."""
        table = read_table(X)
        return ranked(
            self.contributions(table), top=top, factor=self.scaling.factor, texts=self.texts,
            columns={column.name: column for column in self.columns}, table=table,
        )  # fmt: skip

    def score_one(
        self, record: Mapping[str, Any], *, missing: Collection[str] = ()
    ) -> BoostedScore:
        """Score one record with the same numbers as a table that holds it.

        Parameters
        ----------
        record : mapping of str to value
            A value for each variable; None or NaN where it is not known.
        missing : collection of str, optional
            Variables that the record may leave out.

        Raises
        ------
        InputError
            The record lacks a variable that ``missing`` does not name.
        ColumnTypeError
            A value is of another type than the model was made for.
        """
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

    def to_json(self) -> str:
        """Return the one JSON format that holds everything; it reads back bit-equal."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        asked = {name: getattr(self.scaling, name) for name in ("pdo", "base_score", "base_odds")}
        return {
            "format": FORMAT, "name": self.name, "scaling": asked,
            "columns": [column.to_dict() for column in self.columns],
            "calibration": self.calibration, "doubt": self.doubt, "texts": self.texts,
            "audit": self.audit, "trees": self.trees,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Self:
        """Return the model that ``to_dict`` described.

        Raises
        ------
        InputError
            Of another format, or a part is missing or wrong.
        """
        if found.get("format") != FORMAT:
            raise InputError(f"format {FORMAT} is expected; got {found.get('format')!r}")
        try:
            made = cls(
                name=found["name"], trees=found["trees"], calibration=found["calibration"],
                columns=tuple(BoostedColumn.from_dict(column) for column in found["columns"]),
                doubt=float(found["doubt"]), texts=found["texts"], audit=found["audit"],
                scaling=PdoScaling(decimals=None, **found["scaling"]),
            )  # fmt: skip
        except (KeyError, TypeError, AttributeError) as error:
            raise InputError(f"the challenger's document is incomplete: {error}") from error
        if made._booster.num_feature() != len(made.columns):
            raise InputError("the challenger's trees were made for other columns")
        return made

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the model whose JSON this is; InputError when it is none."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"this is no JSON: {error}") from error
        if not isinstance(found, dict):
            raise InputError("a challenger's JSON is an object")
        return cls.from_dict(found)

    def save(self, path: Path) -> None:
        """Write the model to a file."""
        Path(path).write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a model that ``save`` wrote."""
        return cls.from_json(Path(path).read_text(encoding="utf-8"))

    @cached_property
    def _booster(self) -> Any:
        engine = lightgbm()
        try:
            return engine.Booster(model_str=self.trees)
        except engine.basic.LightGBMError as error:
            raise InputError(f"the challenger's trees cannot be read: {error}") from error

    @cached_property
    def _calibrator(self) -> Calibrator | None:
        return None if self.calibration is None else calibrator_from_dict(self.calibration)

    def _predict(self, values: NDArray[np.float64], **kind: bool) -> NDArray[np.float64]:
        if not len(values):
            width = len(self.columns) + 1 if "pred_contrib" in kind else 1
            return np.empty((0, width)) if width > 1 else np.empty(0)
        threads = 1 if len(values) < 64 else 2  # starting threads costs more than a few rows
        found = self._booster.predict(values, num_threads=threads, **kind)
        return np.asarray(found, dtype=np.float64)

    def _calibrated(self, margin: NDArray[np.float64]) -> NDArray[np.float64]:
        bad = np.asarray(expit(margin), dtype=np.float64)
        if self._calibrator is not None and len(bad):
            bad = self._calibrator.transform(bad)
        return np.clip(bad, self.doubt, 1.0 - self.doubt)

    def _good(self, margin: NDArray[np.float64]) -> NDArray[np.float64]:
        return log_odds_of_good(self._calibrated(margin))
