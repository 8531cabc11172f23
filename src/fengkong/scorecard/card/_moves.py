"""Which bins a person could move to, and what each move costs."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import ColumnBins
from fengkong.scorecard.card.document import Card, Variable

Direction: TypeAlias = Literal["rise", "fall"]
Limits: TypeAlias = tuple[float, float] | Collection[str]


@dataclass(frozen=True, kw_only=True)
class ChangeRules:
    """What may change, and how.

    Parameters
    ----------
    immutable : collection of str
        Variables that stay as they are: age, sex, history.
    one_way : mapping of str to "rise" or "fall"
        Numeric variables that can only go one way.
    limits : mapping of str to (low, high), or to a collection of labels
        Values that a person can reach, both ends included; or the categories.
    linked : sequence of collections of str
        Variables that move together (income and the ratio of debt to income). Changing one alone
        would not be true, so none of them is changed, and the answer says so.
    costs : mapping of str to float
        Cost of one step of bins of a variable, above 0; 1 where not given.
    """

    immutable: Collection[str] = ()
    one_way: Mapping[str, Direction] = field(default_factory=dict)
    limits: Mapping[str, Limits] = field(default_factory=dict)
    linked: Sequence[Collection[str]] = ()
    costs: Mapping[str, float] = field(default_factory=dict)

    def check(self, card: Card) -> None:
        """Refuse rules that do not fit the card.

        Raises
        ------
        InputError
            A variable that the card does not have; a direction or an interval of a categorical
            variable, or labels for a numeric one; a linked group of one.
        OutOfRangeError
            A cost that is not above 0 and finite.
        """
        kinds = {variable.bins.name: variable.bins.kind for variable in card.variables}
        listed = [name for group in self.linked for name in group]
        named = [*self.immutable, *self.one_way, *self.limits, *self.costs, *listed]
        if unknown := sorted(set(named) - set(kinds)):
            raise InputError(f"rules of change name variables not in the card: {unknown}")
        for name, way in self.one_way.items():
            if way not in ("rise", "fall") or kinds[name] != "numeric":
                raise InputError(f'{name!r}: a numeric variable can "rise" or "fall"; got {way!r}')
        for name, limit in self.limits.items():
            _check_limit(name, kinds[name], limit)
        for name, cost in self.costs.items():
            if not 0.0 < cost < math.inf:
                raise OutOfRangeError(name=f"cost of {name!r}", value=cost, allowed="(0, inf)")
        if any(isinstance(group, str) or len(set(group)) < 2 for group in self.linked):
            raise InputError("a linked group is a collection of two or more variables")

    def frozen(self) -> frozenset[str]:
        """Return the variables that may not change."""
        return frozenset(self.immutable).union(*map(frozenset, self.linked))


def _check_limit(name: str, kind: str, limit: Limits) -> None:
    if isinstance(limit, str):
        raise InputError(f"limits of {name!r}: give a collection of labels, not one text")
    if kind == "categorical":
        if not all(isinstance(label, str) for label in limit):
            raise InputError(f"limits of {name!r} must be labels: it is categorical")
        return
    numbers = [one for one in limit if isinstance(one, int | float) and not math.isnan(one)]
    if len(limit) != 2 or len(numbers) != 2 or not numbers[0] <= numbers[1]:
        raise InputError(f"limits of {name!r} must be (low, high) with low <= high; got {limit!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One bin that a variable could be in, and the cost of getting there."""

    code: int
    points: float
    cost: float


def moves_of(variable: Variable, code: int, rules: ChangeRules) -> tuple[Move, ...]:
    """Return the bins that would give more points and that the rules allow.

    Parameters
    ----------
    variable : Variable
    code : int
        The bin now.
    rules : ChangeRules
        Checked.

    Notes
    -----
    Only regular bins are goals: to hide a value, or to have a special one, is no advice. From one
    interval to another costs the number of bins between; any other move is one step.
    """
    bins = variable.bins
    if bins.name in rules.frozen():
        return ()
    step = float(rules.costs.get(bins.name, 1.0))
    ordered = bins.kind == "numeric" and code < bins.n_bins
    return tuple(
        Move(code=goal, points=points, cost=step * (abs(goal - code) if ordered else 1))
        for goal, points in enumerate(variable.points[: bins.n_bins].tolist())
        if points > variable.points[code] and _allowed(bins, code, goal, rules)
    )


def _allowed(bins: ColumnBins, code: int, goal: int, rules: ChangeRules) -> bool:
    way = rules.one_way.get(bins.name)
    if way is not None and code < bins.n_bins and (goal > code) != (way == "rise"):
        return False
    return example_value(bins, code, goal, rules) is not None


def example_value(bins: ColumnBins, code: int, goal: int, rules: ChangeRules) -> float | str | None:
    """Return a value of the goal that a person can reach from his bin, or None if there is none.

    Notes
    -----
    Of an interval, the value nearest to where he is. A special value inside it is not of its bin,
    so the next float is taken.
    """
    if bins.kind == "categorical":
        return next(iter(reachable_labels(bins, goal, rules)), None)
    low, high, closed = reachable_interval(bins, goal, rules)
    special = {value for one in bins.specials for value in one.values}
    falls = goal < code < bins.n_bins or low == -math.inf
    value = low
    if falls:
        value = high if closed else math.nextafter(high, -math.inf)
    while value in special:
        beside = math.nextafter(value, -math.inf if falls else math.inf)
        if beside == value:  # a special infinity: nothing lies beyond it
            return None
        value = beside
    inside = low <= value and (value < high or (closed and value == high))
    return value if inside else None


def reachable_labels(bins: ColumnBins, goal: int, rules: ChangeRules) -> tuple[str, ...]:
    """Return the labels of a bin that a person can reach."""
    limit = rules.limits.get(bins.name)
    return tuple(label for label in bins.groups[goal] if limit is None or label in limit)


def reachable_interval(
    bins: ColumnBins, goal: int, rules: ChangeRules
) -> tuple[float, float, bool]:
    """Return the part of an interval that a person can reach: low, high, and whether high counts.

    Notes
    -----
    A bin holds its lower edge and not its upper one; a limit holds both of its ends.
    """
    low = float(bins.cuts[goal - 1]) if goal else -math.inf
    high = float(bins.cuts[goal]) if goal < len(bins.cuts) else math.inf
    limit = rules.limits.get(bins.name)
    if limit is None:
        return low, high, False
    least, most = (float(one) for one in limit)
    return max(low, least), min(high, most), most < high or math.isinf(high)
