"""The smallest change of bins that passes: an exact search over fronts of best partial scores.

Points are added in the order of the card, as scoring adds them, and floating addition keeps order
(a <= b gives a + c <= b + c). So a partial change that is dearer and no better than another can be
dropped without ever being wrong, in exact floats and without a tolerance.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import TypeAlias

from fengkong.scorecard.card._moves import Move

# The goal chosen for each variable changed: (place, code), ...; with its cost and score.
Choice: TypeAlias = tuple[tuple[int, int], ...]
Partial: TypeAlias = tuple[float, float, Choice]
# The same on the way, each change with what was chosen before it.
Link: TypeAlias = "tuple[Link, int, int] | None"
Linked: TypeAlias = tuple[float, float, Link]


def smallest_change(
    base: float,
    now: Sequence[float],
    moves: Sequence[Sequence[Move]],
    floor: float,
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
    floor : float
        The lowest score that passes.

    Returns
    -------
    tuple or None
        Cost, score, and (place, code) of each change; None where nothing passes. The same question
        always has the same answer.
    """
    most = _fewest(base, now, moves, floor)
    if most is None:
        return None
    reach = _reach(now, moves, most)
    fronts: list[list[Linked]] = [[(0.0, base, None)], *([] for _ in range(most))]
    for place, (points, options) in enumerate(zip(now, moves, strict=True)):
        # From the largest count down, so that a variable changes at most once.
        for count in range(most, -1, -1):
            grown = [(cost, score + points, chosen) for cost, score, chosen in fronts[count]]
            if count:
                grown += [
                    (cost + move.cost, score + move.points, (chosen, place, move.code))
                    for cost, score, chosen in fronts[count - 1]
                    for move in options
                ]
            rest = reach[place + 1][most - count]
            fronts[count] = _front([one for one in grown if one[1] + rest >= floor])
    cost, score, chosen = next(found for found in fronts[most] if found[1] >= floor)
    return cost, score, _unlinked(chosen)


def _unlinked(chosen: Link) -> Choice:
    found = []
    while chosen is not None:
        chosen, place, code = chosen
        found.append((place, code))
    return tuple(reversed(found))


def _reach(now: Sequence[float], moves: Sequence[Sequence[Move]], most: int) -> list[list[float]]:
    """Return the most points that variables from a place on can add with so many changes.

    A little more than the sum, so that rounding never drops a change that would have passed.
    """
    gains = [
        max((move.points for move in options), default=points) - points
        for points, options in zip(now, moves, strict=True)
    ]
    slack = 1e-9 * (1.0 + sum(map(abs, now)) + sum(gains))
    found = []
    for place in range(len(now) + 1):
        kept = sum(now[place:]) + slack
        best = sorted(gains[place:], reverse=True)
        found.append([kept + sum(best[:count]) for count in range(most + 1)])
    return found


def _fewest(
    base: float, now: Sequence[float], moves: Sequence[Sequence[Move]], floor: float
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
    passing = (c for c, score in enumerate(best) if score is not None and score >= floor)
    return next(passing, None)


def _front(found: list[Linked]) -> list[Linked]:
    """Keep, from cheap to dear, only what scores more than everything cheaper."""
    kept: list[Linked] = []
    for one in sorted(found, key=lambda partial: (partial[0], -partial[1])):
        if not kept or one[1] > kept[-1][1]:
            kept.append(one)
    return kept


def diverse_changes(
    base: float, now: Sequence[float], moves: Sequence[Sequence[Move]], floor: float
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
        found = smallest_change(base, now, left, floor)
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
