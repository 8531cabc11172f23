"""Cards made by hand or at random, and a slow reader of their definition: one record at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fengkong.scorecard.binning.bins import ColumnBins, Special
from fengkong.scorecard.card.document import Card, Scaling, Variable

NAMES = (
    "income",
    "收入",
    'a"b',
    "it's",
    "back`tick",
    "a.b",
    "two words",
    "select",
    "emoji😀",
    "x\\y",
)
SIGNS = "abAB01 '\"\\`%_${}\n\t,;:<&>]收入é😀"
LABELS = st.text(SIGNS, max_size=6)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def numeric(
    name: str, cuts: Sequence[float], points: Sequence[float], *, specials: Any = (), **more: Any
) -> Variable:
    """Make a numeric variable; points of regular bins, missing, specials, unseen."""
    return _variable(name, "numeric", points, cuts=cuts, specials=specials, **more)


def categorical(
    name: str, groups: Sequence[Sequence[str]], points: Sequence[float], **more: Any
) -> Variable:
    """Make a categorical variable; points of groups, missing, specials, unseen."""
    return _variable(name, "categorical", points, groups=groups, **more)


def _variable(  # noqa: PLR0917
    name: str, kind: Any, points: Sequence[float], cuts: Sequence[float] = (),
    groups: Sequence[Sequence[str]] = (), specials: Mapping[str, Sequence[Any]] | tuple[()] = (),
    rare_code: int | None = None, count: Sequence[float] | None = None,
) -> Variable:  # fmt: skip
    size = len(points)
    counted = np.array([10.0] * (size - 1) + [0.0] if count is None else count, dtype=np.float64)
    named = dict(specials)
    bins = ColumnBins(
        name=name, kind=kind, cuts=np.array(cuts, dtype=np.float64), rare_code=rare_code,
        groups=tuple(tuple(group) for group in groups),
        specials=tuple(Special(name=key, values=tuple(named[key])) for key in named),
        count=counted, bad_count=counted / 4, woe=np.zeros(size),
    )  # fmt: skip
    given = np.array(points, dtype=np.float64)
    return Variable(bins=bins, points=given, coefficient=1.0, standard_error=0.1, p_value=0.01)


def card_of(*variables: Variable, base_points: float = 500.0, **more: Any) -> Card:
    """Make a card with 20 points to double the odds and 600 points at 50:1."""
    factor = 20 / math.log(2)
    scaling = Scaling(
        method="pdo", factor=factor, offset=600 - factor * math.log(50), decimals=0,
        settings={"pdo": 20.0, "base_score": 600.0, "base_odds": 50.0},
    )  # fmt: skip
    return Card(
        name=more.pop("name", "card"), variables=variables, intercept=0.0,
        base_points=base_points, scaling=more.pop("scaling", scaling), **more,
    )  # fmt: skip


def slow_code(bins: ColumnBins, value: Any) -> int:
    """Tell the code of one value from the words of the definition alone."""
    k = len(bins.cuts) + 1 if bins.kind == "numeric" else len(bins.groups)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return k
    for place, special in enumerate(bins.specials):
        if any(value == one for one in special.values):
            return k + 1 + place
    if bins.kind == "numeric":
        return sum(1 for cut in bins.cuts.tolist() if cut <= value)
    for code, group in enumerate(bins.groups):
        if value in group:
            return code
    return k + 1 + len(bins.specials) if bins.rare_code is None else bins.rare_code


def slow_score(card: Card, record: Mapping[str, Any]) -> float:
    """Add base points and the points of each variable, in the order of the card."""
    total = card.base_points
    for variable in card.variables:
        total += variable.points.tolist()[slow_code(variable.bins, record[variable.bins.name])]
    return total


def slow_probability(card: Card, score: float) -> float:
    """Return the probability of bad of a score, without overflow."""
    log_odds = (score - card.scaling.offset) / card.scaling.factor
    if log_odds > 0:
        return math.exp(-log_odds) / (1 + math.exp(-log_odds))
    return 1 / (1 + math.exp(log_odds))


def slow_calibrated(card: Card, probability: float) -> float:
    """Return the probability that the card says, from the words of the calibrators."""
    found = card.calibration
    if found is None:
        return probability
    if found["kind"] == "isotonic":
        x, y = found["probability"], found["calibrated"]
        if probability <= x[0] or probability >= x[-1]:
            return y[0] if probability <= x[0] else y[-1]
        at = next(place for place, corner in enumerate(x) if corner > probability)
        share = (probability - x[at - 1]) / (x[at] - x[at - 1])
        return y[at - 1] + share * (y[at] - y[at - 1])
    held = min(max(probability, 1e-12), 1 - 1e-12)
    ln_bad, ln_good = math.log(held), math.log1p(-held)
    if found["kind"] == "platt":
        bad = found["intercept"] + found["slope"] * (ln_bad - ln_good)
    else:
        bad = found["c"] + found["a"] * ln_bad - found["b"] * ln_good
    return 1 / (1 + math.exp(-bad))


@st.composite
def calibrations(draw: st.DrawFn) -> dict[str, Any] | None:
    """Draw none, or a map as the calibrators of validation write it."""
    kind = draw(st.sampled_from((None, "platt", "beta", "isotonic")))
    slope, shift = st.floats(0, 3), st.floats(-2, 2)
    if kind is None:
        return None
    if kind == "platt":
        return {"kind": kind, "intercept": draw(shift), "slope": draw(slope)}
    if kind == "beta":
        return {"kind": kind, "a": draw(slope), "b": draw(slope), "c": draw(shift)}
    x = draw(st.lists(st.integers(0, 1000), unique=True, min_size=1, max_size=30))
    size = {"min_size": len(x), "max_size": len(x)}
    y = sorted(draw(st.lists(st.floats(0, 1), **size)))
    return {"kind": kind, "probability": [one / 1000 for one in sorted(x)], "calibrated": y}


@st.composite
def variables(draw: st.DrawFn, name: str, *, whole: bool) -> Variable:
    """Draw a variable of either kind, with any specials, points whole or not."""
    kind = draw(st.sampled_from(("numeric", "categorical")))
    point = st.integers(-60, 60) if whole else st.floats(-60, 60)
    if kind == "numeric":
        taken = draw(st.lists(NUMBERS, unique=True, max_size=8))
        used = draw(st.integers(0, len(taken)))
        cuts, special = sorted(taken[:used]), taken[used:]
        special += draw(st.sampled_from(([], [math.inf], [-math.inf, -999.0])))
        bins, extra = len(cuts) + 1, {"cuts": cuts}
    else:
        taken = draw(st.lists(LABELS, unique=True, min_size=1, max_size=8))
        used = draw(st.integers(1, len(taken)))
        special = taken[used:]
        ends = sorted({*draw(st.lists(st.integers(1, used), max_size=3)), used})
        groups = [taken[a:b] for a, b in zip([0, *ends], ends, strict=False)]
        bins, extra = len(groups), {"groups": groups}
        extra["rare_code"] = draw(st.one_of(st.none(), st.integers(0, bins - 1)))
    half = draw(st.integers(0, len(special)))
    parts = {"first": special[:half], "second": special[half:]}
    specials = {key: found for key, found in parts.items() if found}
    size = bins + 2 + len(specials)
    points = draw(st.lists(point, min_size=size, max_size=size))
    return _variable(name, kind, points, specials=specials, **extra)


@st.composite
def cards(draw: st.DrawFn, *, most: int = 4, **more: Any) -> Card:
    """Draw a card of up to ``most`` variables, whole or unrounded points."""
    whole = draw(st.booleans())
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1, max_size=most))
    base = draw(st.integers(300, 700) if whole else st.floats(300, 700))
    more = {"calibration": draw(calibrations())} | more
    made = [draw(variables(name, whole=whole)) for name in names]
    return card_of(*made, base_points=float(base), name=draw(LABELS) or "card", **more)


def telling_values(bins: ColumnBins) -> list[Any]:
    """List values at which a reader could go wrong: edges, their neighbours, what is no value."""
    if bins.kind == "categorical":
        known = [label for group in bins.groups for label in group]
        known += [str(value) for special in bins.specials for value in special.values]
        return [None, *known, "", " ", "nan", "None", *[f"{label} " for label in known]]
    edges = [*bins.cuts.tolist(), *[v for s in bins.specials for v in s.values], 0.0, -0.0, 1.5]
    near = [math.nextafter(edge, side) for edge in edges for side in (math.inf, -math.inf)]
    return [None, math.nan, math.inf, -math.inf, *edges, *near]


def telling_records(card: Card) -> list[dict[str, Any]]:
    """Return records in which every telling value of every variable comes at least once."""
    pools = {v.bins.name: telling_values(v.bins) for v in card.variables}
    rows = max(map(len, pools.values()))
    return [
        {
            name: pool[(row + 3 * place) % len(pool)]
            for place, (name, pool) in enumerate(pools.items())
        }
        for row in range(rows)
    ]
