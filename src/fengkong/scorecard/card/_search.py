"""The smallest change of bins that passes: an exact search over fronts of best partial scores.

Points are added in the order of the card, as scoring adds them, and floating addition keeps order
(a <= b gives a + c <= b + c). So a partial change that is dearer and no better than another can be
dropped without ever being wrong, in exact floats and without a tolerance.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from fengkong.scorecard.card._moves import Move

# Cost, partial score, and the goal chosen for each variable changed so far: (place, code), ...
Choice: TypeAlias = tuple[tuple[int, int], ...]
Partial: TypeAlias = tuple[float, float, Choice]
Accepts: TypeAlias = Callable[[float], bool]


def smallest_change(
    base: float,
    now: Sequence[float],
    moves: Sequence[Sequence[Move]],
    accepts: Accepts,
) -> Partial | None:
    """Return the change with fewest variables, then the least cost, then the highest score.

    Parameters
    ----------
    base : float
        Points that everybody starts from.
    now : sequence of float
        Points of each variable as it is, in the order of the card.
    moves : sequence of sequence of Move
        What each variable could change to.
    accepts : callable
        Whether a score passes; whoever has more points passes too.

    Returns
    -------
    tuple or None
        Cost, score, and (place, code) of each change; None where nothing passes. The same question
        always has the same answer.
    """
    most = _fewest(base, now, moves, accepts)
    if most is None:
        return None
    fronts: list[list[Partial]] = [[(0.0, base, ())], *([] for _ in range(most))]
    for place, (points, options) in enumerate(zip(now, moves, strict=True)):
        # From the largest count down, so that a variable changes at most once.
        for count in range(most, -1, -1):
            grown = [(cost, score + points, chosen) for cost, score, chosen in fronts[count]]
            if count:
                grown += [
                    (cost + move.cost, score + move.points, (*chosen, (place, move.code)))
                    for cost, score, chosen in fronts[count - 1]
                    for move in options
                ]
            fronts[count] = _front(grown)
    return next(found for found in fronts[most] if accepts(found[1]))


def _fewest(
    base: float, now: Sequence[float], moves: Sequence[Sequence[Move]], accepts: Accepts
) -> int | None:
    """Return how many variables must change at least: the best score of each number of changes."""
    best = [base] + [None] * len(now)  # type: list[float | None]
    for points, options in zip(now, moves, strict=True):
        top = max((move.points for move in options), default=None)
        for count in range(len(now), -1, -1):
            kept, less = best[count], best[count - 1] if count else None
            found = [kept + points] if kept is not None else []
            if less is not None and top is not None:
                found.append(less + top)
            best[count] = max(found, default=None)
    passing = (c for c, score in enumerate(best) if score is not None and accepts(score))
    return next(passing, None)


def _front(found: list[Partial]) -> list[Partial]:
    """Keep, from cheap to dear, only what scores more than everything cheaper."""
    kept: list[Partial] = []
    for one in sorted(found, key=lambda partial: (partial[0], -partial[1], partial[2])):
        if not kept or one[1] > kept[-1][1]:
            kept.append(one)
    return kept


def diverse_changes(
    base: float, now: Sequence[float], moves: Sequence[Sequence[Move]], accepts: Accepts
) -> Iterator[Partial]:
    """Yield smallest changes one after another, none of which changes all that an earlier did.

    Notes
    -----
    An answer that does not hold all variables of an earlier one lacks at least one of them, so the
    next best is found exactly by holding each of them still in turn (Lawler 1972).

    References
    ----------
    Lawler (1972), Management Science 18 (7), 401-405.
    """
    waiting: list[tuple[int, float, float, Choice, tuple[int, ...]]] = []
    asked: set[tuple[int, ...]] = set()
    earlier: list[frozenset[int]] = []

    def ask(still: tuple[int, ...]) -> None:
        if still in asked:
            return
        asked.add(still)
        left = [() if place in still else options for place, options in enumerate(moves)]
        found = smallest_change(base, now, left, accepts)
        if found is not None:
            cost, score, chosen = found
            heapq.heappush(waiting, (len(chosen), cost, -score, chosen, still))

    ask(())
    while waiting:
        _, cost, negative, chosen, still = heapq.heappop(waiting)
        changed = frozenset(place for place, _ in chosen)
        if not any(one <= changed for one in earlier):
            earlier.append(changed)
            yield cost, -negative, chosen
        for place in sorted(changed):
            ask(tuple(sorted({*still, place})))
