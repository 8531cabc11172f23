"""A variable as an ordered list of tests: what every target language writes in its own words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from fengkong.foundation.errors import InputError
from fengkong.scorecard.card.document import Card, Variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One test of a value and the points it gives; the first rule that holds decides.

    Attributes
    ----------
    test : str
        "missing", "equals" (one of ``values``), "below" (``limit``, exclusive) or "otherwise".
    code : int
        Code of the bin in the document of bins.
    points : float
    """

    test: Literal["missing", "equals", "below", "otherwise"]
    code: int
    points: float
    values: tuple[float | str, ...] = ()
    limit: float = math.nan


def rules_of(variable: Variable) -> tuple[Rule, ...]:
    """Return the tests of one variable in the order in which they must be asked."""
    bins = variable.bins
    points = [float(value) for value in variable.points]
    found = [Rule(test="missing", code=bins.missing_code, points=points[bins.missing_code])]
    by_code: dict[int, list[float | str]] = {}
    for value, code in _named_values(variable).items():
        by_code.setdefault(code, []).append(value)
    found += [
        Rule(test="equals", code=code, points=points[code], values=tuple(by_code[code]))
        for code in sorted(by_code)
    ]
    if bins.kind == "numeric":
        found += [
            Rule(test="below", code=code, points=points[code], limit=float(cut))
            for code, cut in enumerate(bins.cuts)
        ]
        rest = bins.n_bins - 1
    else:
        rest = bins.unseen_code if bins.rare_code is None else bins.rare_code
    return (*found, Rule(test="otherwise", code=rest, points=points[rest]))


def _named_values(variable: Variable) -> dict[float | str, int]:
    """Return the code of each label or special number; the last to name a value owns it."""
    bins, found = variable.bins, dict[float | str, int]()
    if bins.kind == "categorical":
        found.update(bins.code_of_label)
        return found
    for place, special in enumerate(bins.specials):
        for value in special.values:
            if isinstance(value, str):
                raise InputError(
                    f"column {bins.name!r} is numeric; special value {value!r} is text"
                )
            if not math.isnan(value):  # NaN is missing, whatever a special says
                found[float(value)] = bins.missing_code + 1 + place
    return found


def check_exportable(card: Card) -> None:
    """Refuse a card that no target can hold.

    Raises
    ------
    InputError
        It has no variables, or a point, cut, factor or offset is not a finite number.
    """
    if not card.variables:
        raise InputError(f"card {card.name!r} has no variables: there is nothing to export")
    numbers = [card.base_points, card.scaling.factor, card.scaling.offset]
    for variable in card.variables:
        numbers += [*variable.points.tolist(), *variable.bins.cuts.tolist()]
    if not all(map(math.isfinite, numbers)):
        raise InputError(f"card {card.name!r} holds points or cuts that are not finite")
    if card.scaling.factor == 0.0:
        raise InputError(f"card {card.name!r} has factor 0: its score says nothing of the odds")
