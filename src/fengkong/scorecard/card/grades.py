"""The master scale: from scores to a few grades, each with its probability of bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import FloatArray
from fengkong.scorecard.card._cut import probability_at, score_at
from fengkong.scorecard.card.document import Card, Grade

Steps: TypeAlias = Literal["quantile", "geometric"]
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MIN_SHARE = 0.02


def grades_at(
    card: Card,
    edges: Sequence[float],
    *,
    probabilities: Sequence[float] | None = None,
    names: Sequence[str] | None = None,
) -> tuple[Grade, ...]:
    """Return grades with given edges of probability.

    Parameters
    ----------
    card : Card
    edges : sequence of float
        Probabilities of bad, as the card says them, rising, in (0, 1). A probability equal to an
        edge belongs to the better grade.
    probabilities : sequence of float, optional
        Of each grade, best first, one more than edges; each within its own edges. By default the
        middle of the edges in log odds, and half a step beyond the first and the last edge.
    names : sequence of str, optional
        Best first; by default A, B, C, ...

    Returns
    -------
    tuple of Grade
        Ascending by score, so the worst first, which starts at minus infinity.

    Raises
    ------
    InputError
        Edges or probabilities that do not rise, names that are not all different, or an edge that
        no score of this card can tell from the next.
    OutOfRangeError
        A number outside (0, 1).
    """
    limits = _rising(edges, name="edges")
    found = _middles(limits) if probabilities is None else _rising(probabilities, name="pd")
    if len(found) != len(limits) + 1:
        raise InputError(f"{len(limits)} edges make {len(limits) + 1} grades; got {len(found)} pd")
    for pd_, low, high in zip(found, (0.0, *limits), (*limits, 1.0), strict=True):
        if not low <= pd_ <= high:
            raise InputError(f"the pd {pd_:g} lies outside its grade, {low:g} to {high:g}")
    return _grades([_dividing_score(card, limit) for limit in limits], list(found), names)


def grades_from(
    card: Card,
    score: ArrayLike,
    *,
    n_grades: int,
    steps: Steps = "quantile",
    bad: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    min_share: float = MIN_SHARE,
    names: Sequence[str] | None = None,
) -> tuple[Grade, ...]:
    """Return grades made from scored rows.

    Parameters
    ----------
    card : Card
    score : array-like of shape (n_rows,)
    n_grades : int
        At least 2.
    steps : "quantile" or "geometric", default "quantile"
        Grades of about equal share; or equal ratios of the probability between the 1 % and the
        99 % quantile of the rows.
    bad : array-like of shape (n_rows,), optional
        1 for bad. A grade's probability is then its bad rate; without, the mean of its rows'.
    sample_weight : array-like of shape (n_rows,), optional
    min_share : float, default 0.02
        Of the weight, in each grade.
    names : sequence of str, optional
        Best first; by default A, B, C, ...

    Returns
    -------
    tuple of Grade
        As :func:`grades_at`.

    Raises
    ------
    InputError
        Too few distinct scores for the grades; a grade with less than ``min_share``; bad rates that
        do not fall as the score rises: a scale that is not monotone is refused, with its figures.
    OutOfRangeError
        ``n_grades`` below 2 or ``min_share`` outside [0, 1 / n_grades].
    """
    if n_grades < 2:
        raise OutOfRangeError(name="n_grades", value=n_grades, allowed="[2, inf)")
    if not 0.0 <= min_share <= 1.0 / n_grades:
        raise OutOfRangeError(name="min_share", value=min_share, allowed=f"[0, 1/{n_grades}]")
    scores = _numbers(score, name="score")
    weight = (
        np.ones(scores.size)
        if sample_weight is None
        else _numbers(sample_weight, name="sample_weight", rows=scores.size)
    )
    if weight.min() < 0.0 or not weight.sum() > 0.0:
        raise InputError("sample_weight must not be negative, nor zero on every row")
    said = probability_at(card, scores)
    worth = said if bad is None else _numbers(bad, name="bad", rows=scores.size)
    if bad is not None and not np.isin(worth, (0.0, 1.0)).all():
        raise InputError("bad must hold 0 (good) and 1 (bad) only")
    if steps == "quantile":
        floors = _quantile_floors(scores, weight, n_grades)
    elif steps == "geometric":
        floors = _geometric_floors(card, said, weight, n_grades)
    else:
        raise InputError(f'steps must be "quantile" or "geometric"; got {steps!r}')
    place = np.searchsorted(floors, scores, side="right")
    held = np.bincount(place, weight, minlength=n_grades)
    if (held <= 0.0).any() or (held < min_share * held.sum()).any():
        shares = ", ".join(f"{share:.2%}" for share in held[::-1] / held.sum())
        raise InputError(f"a grade holds less than {min_share:.2%}; best first: {shares}")
    rates = np.bincount(place, weight * worth, minlength=n_grades) / held
    return _grades(floors[::-1], rates[::-1].tolist(), names)


def with_grades(card: Card, grades: Sequence[Grade]) -> Card:
    """Return the card with a master scale.

    Raises
    ------
    InputError
        The grades are not a scale: see :func:`check_grades`.
    """
    check_grades(grades)
    return replace(card, grades=tuple(grades))


def check_grades(grades: Sequence[Grade]) -> None:
    """Refuse what is not a master scale.

    Raises
    ------
    InputError
        No grades; the first does not start at minus infinity; scores that do not rise,
        probabilities that do not fall, or two grades of one name.
    """
    if not grades or grades[0].score_from != -math.inf:
        raise InputError("the first grade of a master scale starts at a score of minus infinity")
    if len({grade.name for grade in grades}) != len(grades):
        raise InputError(f"two grades have one name: {[grade.name for grade in grades]}")
    for lower, upper in pairwise(grades):
        if not lower.score_from < upper.score_from:
            raise InputError(f"grade {upper.name!r} does not start above {lower.name!r}")
        if not lower.probability > upper.probability:
            raise InputError(
                f"not monotone: grade {upper.name!r} has the higher scores but its probability of "
                f"bad, {upper.probability:.4%}, is not below the {lower.probability:.4%} of "
                f"{lower.name!r}; take fewer grades or other edges"
            )


def grade_of(card: Card, score: ArrayLike) -> NDArray[np.object_]:
    """Return the name of each score's grade, shape (n_rows,).

    Raises
    ------
    InputError
        The card has no grades, or a score is NaN.
    """
    return np.array([grade.name for grade in card.grades], dtype=object)[_places(card, score)]


def scale_table(card: Card, score: ArrayLike, *, bad: ArrayLike | None = None) -> pd.DataFrame:
    """Return the master scale beside scored rows, best grade first.

    Parameters
    ----------
    card : Card
    score : array-like of shape (n_rows,)
    bad : array-like of shape (n_rows,), optional
        1 for bad.

    Returns
    -------
    DataFrame
        grade, score_from (included), score_to (excluded), probability (of the scale), rows, share
        and mean_probability (of the rows, missing where there are none); with ``bad`` also
        bad_rate.
    """
    scores, place = _numbers(score, name="score"), _places(card, score)
    size = len(card.grades)
    rows = np.bincount(place, minlength=size)
    floors = [grade.score_from for grade in card.grades]
    table = pd.DataFrame(
        {
            "grade": [grade.name for grade in card.grades],
            "score_from": floors,
            "score_to": [*floors[1:], math.inf],
            "probability": [grade.probability for grade in card.grades],
            "rows": rows,
            "share": rows / scores.size,
            "mean_probability": _means(place, probability_at(card, scores), rows),
        }
    )
    if bad is not None:
        table["bad_rate"] = _means(place, _numbers(bad, name="bad", rows=scores.size), rows)
    return table.iloc[::-1].reset_index(drop=True)


def _places(card: Card, score: ArrayLike) -> NDArray[np.intp]:
    if not card.grades:
        raise InputError(f"card {card.name!r} has no grades")
    floors = [grade.score_from for grade in card.grades[1:]]
    return np.searchsorted(floors, _numbers(score, name="score"), side="right")


def _means(place: NDArray[np.intp], values: FloatArray, rows: NDArray[np.intp]) -> FloatArray:
    sums = np.bincount(place, values, minlength=len(rows))
    return np.divide(sums, rows, out=np.full(len(rows), np.nan), where=rows > 0)


def _grades(
    floors: Sequence[float], probabilities: Sequence[float], names: Sequence[str] | None
) -> tuple[Grade, ...]:
    """Make grades of floors and probabilities that stand best first."""
    size = len(probabilities)
    if names is None:
        names = list(LETTERS[:size]) if size <= len(LETTERS) else [f"G{n + 1}" for n in range(size)]
    if len(names) != size:
        raise InputError(f"{size} grades need {size} names; got {len(names)}")
    best_first = [
        Grade(name=name, score_from=float(floor), probability=float(probability))
        for name, floor, probability in zip(names, (*floors, -math.inf), probabilities, strict=True)
    ]
    check_grades(best_first[::-1])
    return tuple(best_first[::-1])


def _rising(values: Sequence[float], *, name: str) -> tuple[float, ...]:
    found = tuple(float(value) for value in values)
    for value in found:
        if not 0.0 < value < 1.0:
            raise OutOfRangeError(name=name, value=value, allowed="(0, 1)")
    if not found or any(high <= low for low, high in pairwise(found)):
        raise InputError(f"{name} must rise, best grade first; got {list(found)}")
    return found


def _middles(edges: Sequence[float]) -> tuple[float, ...]:
    """Return the middle of each grade in log odds; the open ends take half a step beyond."""
    odds = [math.log(edge / (1.0 - edge)) for edge in edges]
    first, last = (odds[1] - odds[0], odds[-1] - odds[-2]) if len(odds) > 1 else (1.0, 1.0)
    middles = [(low + high) / 2 for low, high in pairwise(odds)]
    ends = (odds[0] - first / 2, *middles, odds[-1] + last / 2)
    return tuple(1.0 / (1.0 + math.exp(-one)) for one in ends)


def _dividing_score(card: Card, edge: float) -> float:
    found = score_at(card, edge)
    if math.isinf(found):
        raise InputError(f"no score of card {card.name!r} divides at a probability of {edge:g}")
    return found


def _quantile_floors(scores: FloatArray, weight: FloatArray, n_grades: int) -> list[float]:
    """Return the scores at which the next higher share begins; a tie stays in one grade."""
    distinct, place = np.unique(scores, return_inverse=True)
    if distinct.size < n_grades:
        raise InputError(f"{distinct.size} distinct scores cannot make {n_grades} grades")
    before = np.concatenate(([0.0], np.cumsum(np.bincount(place, weight))[:-1])) / weight.sum()
    floors: list[float] = []
    start = 1
    for number in range(1, n_grades):
        # Leave one score at least for each grade still to come.
        stop = distinct.size - (n_grades - 1 - number)
        at = start + int(np.argmin(np.abs(before[start:stop] - number / n_grades)))
        floors.append(float(distinct[at]))
        start = at + 1
    return floors


def _geometric_floors(
    card: Card, said: FloatArray, weight: FloatArray, n_grades: int
) -> list[float]:
    order = np.argsort(said)
    share = np.cumsum(weight[order]) / weight.sum()
    low, high = (float(said[order][np.searchsorted(share, one)]) for one in (0.01, 0.99))
    if not 0.0 < low < high < 1.0:
        raise InputError(f"probabilities from {low:g} to {high:g} have no geometric steps")
    edges = np.geomspace(low, high, n_grades + 1)[1:-1]
    return sorted(_dividing_score(card, float(edge)) for edge in edges)


def _numbers(values: ArrayLike, *, name: str, rows: int | None = None) -> FloatArray:
    found: Any = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or found.size == 0 or not np.isfinite(found).all():
        raise InputError(f"{name} must be finite numbers of one dimension, and at least one")
    if rows is not None and found.size != rows:
        raise InputError(f"{name} has {found.size} rows where {rows} are expected")
    return np.asarray(found)
