"""The card as a document: everything that scoring, reasons and exports need, and nothing else.

The document also scores: :meth:`Card.score`, :meth:`Card.score_one` and their short forms hand over
to `scoring`, which is imported when it is first needed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from fengkong.foundation.errors import InputError
from fengkong.scorecard.binning.bins import ColumnBins, FloatArray

if TYPE_CHECKING:
    import pandas as pd

    from fengkong.scorecard.card.scoring import Scored, ScoredTable
    from fengkong.scorecard.validation import Calibrator

FORMAT = "fengkong.scorecard/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scaling:
    """How log odds of good become points: score = offset + factor x log odds.

    Attributes
    ----------
    method : "pdo" or "min_max"
        What factor and offset were made from.
    factor, offset : float
        Points per unit of log odds, and points at even odds.
    decimals : int or None
        Each bin's points are rounded half up to this many decimals; None leaves them unrounded.
    settings : dict
        What the modeller asked for (pdo, base_score, base_odds; or low, high).
    """

    method: Literal["pdo", "min_max"]
    factor: float
    offset: float
    decimals: int | None
    settings: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Variable:
    """One variable of the card.

    Attributes
    ----------
    bins : ColumnBins
        Its bins.
    points : ndarray of shape (bins.n_codes,)
        Points of each code.
    coefficient, standard_error, p_value : float
        Of its WoE in the logistic regression of the log odds of good.
    """

    bins: ColumnBins
    points: FloatArray
    coefficient: float
    standard_error: float
    p_value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """One grade of the master scale: scores from ``score_from`` up to the next grade's."""

    name: str
    score_from: float
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Return plain values; minus infinity, which JSON has no word for, becomes null."""
        score_from = None if self.score_from == -math.inf else self.score_from
        return {"name": self.name, "score_from": score_from, "probability": self.probability}

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        """Read a grade back."""
        score_from = -math.inf if found["score_from"] is None else found["score_from"]
        return cls(name=found["name"], score_from=score_from, probability=found["probability"])


@dataclass(frozen=True, kw_only=True, eq=False)
class Card:
    """A scorecard, whole: score = base_points + sum of the points of each variable's bin.

    Attributes
    ----------
    variables : tuple of Variable
        In the order of the columns.
    intercept : float
        Of the log odds of good.
    base_points : float
        Points that every applicant starts from.
    scaling : Scaling
    calibration : dict or None
        A map from the score's own probability to a calibrated one, as `validation` writes it.
    grades : tuple of Grade
        Ascending by ``score_from``; the first starts at minus infinity.
    reasons : dict
        Version of the text map, and texts by variable (see `reasons.yaml`).
    audit : dict
        Selection steps, sample, seed, versions: how the card came to be.
    """

    name: str
    variables: tuple[Variable, ...]
    intercept: float
    base_points: float
    scaling: Scaling
    calibration: dict[str, Any] | None = None
    grades: tuple[Grade, ...] = ()
    reasons: dict[str, Any] = field(default_factory=dict)
    audit: dict[str, Any] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the variables, in the order of the card."""
        return tuple(variable.bins.name for variable in self.variables)

    def score(self, X: Any) -> ScoredTable:
        """Score every row of a table.

        Parameters
        ----------
        X : DataFrame, pyarrow.Table, ndarray, mapping or Table
            Holds every variable of the card; other columns are not read.

        Returns
        -------
        ScoredTable
            Points, log odds of good, probability of bad, and counts of unseen categories.

        Raises
        ------
        InputError
            A variable is not in the table.
        ColumnTypeError
            A column is of another type than the card was made for.

        Notes
        -----
        Missing values have a bin of their own. Infinite numbers fall in the first and last bin. An
        unseen category follows the pooled rare ones where the card has such a bin, and is neutral
        (WoE 0) where it has none. No row is ever NaN.
        """
        from fengkong.scorecard.card.scoring import score_table

        return score_table(self, X)

    def points(self, X: Any) -> FloatArray:
        """Return the score of every row, shape (n_rows,); higher is safer."""
        from fengkong.foundation.tables import read_table
        from fengkong.scorecard.card._points import total_points

        return total_points(self, read_table(X))[0]

    def log_odds(self, X: Any) -> FloatArray:
        """Return the log odds of good that each row's (rounded) score stands for."""
        return self.score(X).log_odds

    def probability(self, X: Any) -> FloatArray:
        """Return each row's probability of bad, from the rounded score and the calibration."""
        return self.score(X).probability

    def variable_points(self, X: Any) -> pd.DataFrame:
        """Return the points of each variable, one column each."""
        import pandas as pd

        from fengkong.foundation.tables import read_table
        from fengkong.scorecard.card._points import points_by_variable

        return pd.DataFrame(points_by_variable(self, read_table(X)))

    def score_one(self, record: Mapping[str, Any], *, missing: Collection[str] = ()) -> Scored:
        """Score one record, with the same numbers as a table that holds it, bit for bit.

        Parameters
        ----------
        record : mapping of str to value
            A value for each variable; None, NaN or NA where it is not known.
        missing : collection of str, optional
            Variables that the record may leave out; they count as not known.

        Returns
        -------
        Scored

        Raises
        ------
        InputError
            The record lacks a variable that ``missing`` does not name.
        ColumnTypeError
            A value is of another type than the card was made for.
        """
        return self._scorer(record, missing)

    @cached_property
    def _scorer(self) -> Callable[[Mapping[str, Any], Collection[str]], Scored]:
        from fengkong.scorecard.card.scoring import record_scorer

        return record_scorer(self)

    @cached_property
    def calibrator(self) -> Calibrator:
        """The calibration, ready to use.

        Raises
        ------
        InputError
            The card has none.
        """
        from fengkong.scorecard.validation import calibrator_from_dict

        if self.calibration is None:
            raise InputError(f"card {self.name!r} is not calibrated")
        return calibrator_from_dict(self.calibration)

    def to_json(self) -> str:
        """Return the one JSON format that holds everything; floats read back bit-equal."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1, allow_nan=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the document as plain values."""
        scaling = {key: getattr(self.scaling, key) for key in Scaling.__slots__}
        return {
            "format": FORMAT, "name": self.name, "intercept": self.intercept,
            "base_points": self.base_points, "scaling": scaling,
            "variables": [
                {"bins": v.bins.to_dict(), "points": v.points.tolist(),
                 "coefficient": v.coefficient, "standard_error": v.standard_error,
                 "p_value": v.p_value} for v in self.variables],
            "calibration": self.calibration,
            "grades": [grade.to_dict() for grade in self.grades],
            "reasons": self.reasons, "audit": self.audit,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, found: dict[str, Any]) -> Self:
        """Read a document back; one that lacks a part or holds another kind is refused."""
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            shown = found.get("format") if isinstance(found, dict) else type(found).__name__
            raise InputError(f"not a scorecard: format is {shown!r}, not {FORMAT!r}")
        try:
            return cls._of_parts(found)
        except KeyError as error:
            raise InputError(f"a damaged scorecard: part {error.args[0]!r} is missing") from error
        except (TypeError, AttributeError, IndexError) as error:
            raise InputError(f"a damaged scorecard: {error}") from error

    @classmethod
    def _of_parts(cls, found: dict[str, Any]) -> Self:
        """Put the card together from a document of the right form."""
        variables = tuple(
            Variable(
                bins=ColumnBins.from_dict(v["bins"]),
                points=np.array(v["points"], dtype=np.float64),
                coefficient=v["coefficient"],
                standard_error=v["standard_error"],
                p_value=v["p_value"],
            )
            for v in found["variables"]
        )
        return cls(
            name=found["name"], variables=variables, intercept=found["intercept"],
            base_points=found["base_points"], scaling=Scaling(**found["scaling"]),
            calibration=found["calibration"], reasons=found["reasons"], audit=found["audit"],
            grades=tuple(map(Grade.from_dict, found["grades"])),
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a card from its JSON text."""
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(f"not a scorecard: {error}") from error
        return cls.from_dict(found)

    def save(self, path: Path) -> None:
        """Write the card to a file."""
        path.write_text(self.to_json(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a card from a file."""
        return cls.from_json(path.read_text(encoding="utf-8"))
