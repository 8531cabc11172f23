"""What scoring returns: one record in plain Python, or a whole table, with the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.special import expit

from fengkong.foundation.errors import InputError
from fengkong.foundation.tables import Table, read_table
from fengkong.scorecard.binning.bins import FloatArray
from fengkong.scorecard.card._points import points_by_variable, total_points
from fengkong.scorecard.card._record import coder, is_unseen

if TYPE_CHECKING:
    from fengkong.scorecard.card.document import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """The score of one record.

    Attributes
    ----------
    points : float
        The score: base points and the points of every variable.
    log_odds : float
        Log odds of good that the score stands for.
    probability : float
        Of bad, calibrated where the card is.
    variable_points : dict of str to float
        Points of each variable.
    codes : dict of str to int
        Code of the bin each variable fell into.
    unseen : tuple of str
        Variables whose category no bin names.
    """

    points: float
    log_odds: float
    probability: float
    variable_points: dict[str, float]
    codes: dict[str, int]
    unseen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoredTable:
    """The scores of a table.

    Attributes
    ----------
    points, log_odds, probability : ndarray of shape (n_rows,)
        As in `Scored`; never NaN.
    unseen : dict of str to int
        Rows of each variable whose category no bin names; variables without such are left out.
    """

    points: FloatArray
    log_odds: FloatArray
    probability: FloatArray
    unseen: dict[str, int]
    _card: Card = field(repr=False)
    _table: Table = field(repr=False)

    def variable_points(self) -> pd.DataFrame:
        """Return the points of each variable, one column each; computed when asked for."""
        return pd.DataFrame(points_by_variable(self._card, self._table))


def log_odds_of(card: Card, points: FloatArray) -> FloatArray:
    """Return the log odds of good that scores stand for.

    Raises
    ------
    InputError
        The card's factor is zero: its scores say nothing of the odds.
    """
    if card.scaling.factor == 0.0:
        raise InputError(f"card {card.name!r} has factor 0: its score says nothing of the odds")
    return (points - card.scaling.offset) / card.scaling.factor


def probability_of(card: Card, log_odds: FloatArray) -> FloatArray:
    """Return the probability of bad, through the card's calibration where there is one."""
    raw = expit(-log_odds)
    if card.calibration is None or not raw.size:
        return raw
    return card.calibrator.transform(raw)


def score_table(card: Card, X: Any) -> ScoredTable:
    """Score a table; see `Card.score`."""
    table = read_table(X)
    points, unseen = total_points(card, table)
    log_odds = log_odds_of(card, points)
    return ScoredTable(
        points=points, log_odds=log_odds, probability=probability_of(card, log_odds),
        unseen=unseen, _card=card, _table=table,
    )  # fmt: skip


def record_scorer(card: Card) -> Callable[[Mapping[str, Any], Collection[str]], Scored]:
    """Return the function that scores one record; what can be looked up is looked up once."""
    lines = [
        (variable.bins.name, coder(variable.bins), variable.points.tolist())
        for variable in card.variables
    ]
    categories = [v.bins for v in card.variables if v.bins.kind == "categorical"]

    def score(record: Mapping[str, Any], absent: Collection[str]) -> Scored:
        points, by_variable, codes = card.base_points, {}, {}
        for name, code_of, of_code in lines:
            if name in record:
                value = record[name]
            elif name in absent:
                value = None
            else:
                raise InputError(
                    f"the record has no {name!r}; give None where it is not known, or name it in "
                    "`missing`"
                )
            code = codes[name] = code_of(value)
            found = by_variable[name] = of_code[code]
            points += found
        log_odds = log_odds_of(card, np.array([points]))
        return Scored(
            points=points, log_odds=float(log_odds[0]),
            probability=float(probability_of(card, log_odds)[0]), variable_points=by_variable,
            codes=codes,
            unseen=tuple(b.name for b in categories if is_unseen(b, record.get(b.name))),
        )  # fmt: skip

    return score
