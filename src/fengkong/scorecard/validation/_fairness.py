"""Fairness at a cut-off: adverse impact, equal opportunity, by group and by intersection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError, ProtectedFeatureError
from fengkong.scorecard.validation._inputs import BoolArray, labels, numbers, outcomes, tally
from fengkong.scorecard.validation._intervals import newcombe, ratio_interval, wilson

# regulation.md D4, fairness: the four-fifths rule.
FOUR_FIFTHS = 0.80
MINIMUM_ROWS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Fairness:
    """Approval and equal opportunity by group.

    Attributes
    ----------
    table : DataFrame
        One line a group; see `fairness`.
    worst_ratio : float or None
        Smallest adverse impact ratio among groups that are not small; None where there is none.
    worst_group : str
        Its attribute and group, "" where there is none.
    largest_gap : float or None
        Largest equal-opportunity gap among groups with enough goods.
    smallest_group_rows : int
        Rows of the smallest group of all, small ones included.
    """

    table: pd.DataFrame
    worst_ratio: float | None
    worst_group: str
    largest_gap: float | None
    smallest_group_rows: int


def refuse_group_features(features: Iterable[str], groups: Iterable[str]) -> None:
    """Refuse a model whose features hold a column of protected groups.

    Names are compared without regard to case and outer blanks.

    Raises
    ------
    ProtectedFeatureError
        A group column is among the features.

    Notes
    -----
    It cannot see a stand-in (a postcode for an origin): adverse impact by group shows that.
    """
    known = {str(name).strip().casefold() for name in features}
    found = tuple(str(name) for name in groups if str(name).strip().casefold() in known)
    if found:
        raise ProtectedFeatureError(found)


def approved_at(value: ArrayLike, *, cutoff: float, higher_is_safer: bool = False) -> BoolArray:
    """Return which rows pass: score >= cutoff, or probability of bad < cutoff.

    Raises
    ------
    InputError
        Empty, missing or infinite values, or a cut-off that is not finite.
    """
    values = numbers(value, name="value")
    if not np.isfinite(cutoff):
        raise InputError(f"cutoff must be finite; got {cutoff!r}")
    return values >= cutoff if higher_is_safer else values < cutoff


def fairness(
    approved: ArrayLike,
    groups: Mapping[str, ArrayLike],
    *,
    bad: ArrayLike | None = None,
    features: Iterable[str] = (),
    reference: Mapping[str, object] | None = None,
    intersections: int = 2,
    minimum_rows: int = MINIMUM_ROWS,
    least_ratio: float = FOUR_FIFTHS,
    confidence: float = 0.95,
) -> Fairness:
    """Return adverse impact ratio and equal-opportunity gap by group and intersection of groups.

    Parameters
    ----------
    approved : array-like of bool of shape (n_rows,)
        Decision at the cut-off, see `approved_at`.
    groups : mapping of name to array-like of shape (n_rows,)
        Protected attributes. A missing value is the group "(missing)".
    bad : array-like of shape (n_rows,), optional
        Outcomes; without them there is no equal opportunity to measure.
    features : iterable of str
        Features of the model: none may be a group column.
    reference : mapping of attribute to group, optional
        Whom others are compared with. Where none is given: the group with the highest approval rate
        among those with ``minimum_rows`` rows (the four-fifths rule). For an intersection name the
        attribute as the table does, "sex x region", and the group likewise, "F x north".
    intersections : int, default=2
        Up to how many attributes are crossed; 1 for none.
    minimum_rows : int, default=30
        A smaller group is shown, marked ``small``, and judges nobody.
    least_ratio : float, default=0.80
        An adverse impact ratio below it is marked.
    confidence : float, default=0.95

    Returns
    -------
    Fairness
        ``table``: attribute, group, rows, approved, approval_rate, approval_lower, approval_upper,
        reference, ratio (adverse impact), ratio_lower, ratio_upper, ratio_below (below the limit),
        ratio_below_surely (even the upper end is), goods, goods_approved_rate, gap (goods approved
        in the reference less here; positive: worse off here), gap_lower, gap_upper, gap_real (the
        interval lies off zero), small. Missing values where a figure does not exist (no approvals
        in the reference, no goods, no outcomes).

    Raises
    ------
    ProtectedFeatureError
        A group column is among the features.
    InputError
        Empty, of other lengths, no groups, or an unknown reference.

    References
    ----------
    regulation.md D4; 29 CFR 1607.4 D (four-fifths); Hardt, Price, Srebro (2016), NeurIPS (equal
    opportunity). Intervals: Wilson (rate), Katz (ratio), Newcombe (gap).
    """
    if not groups:
        raise InputError("fairness needs at least one group column")
    refuse_group_features(features, groups)
    passed = outcomes(approved, name="approved", both=False)
    good = None if bad is None else ~outcomes(bad, both=False)
    if good is not None and good.size != passed.size:
        raise InputError(f"bad has {good.size} rows where {passed.size} are expected")
    parts = []
    for attribute, code, names in _attributes(groups, passed.size, intersections):
        counts = _counts(code, len(names), passed, good)
        seen = np.flatnonzero(counts["rows"] > 0)
        named = [names[k] for k in seen]
        asked = (reference or {}).get(attribute)
        parts.append(
            _judged(
                attribute, named, {key: value[seen] for key, value in counts.items()},
                reference=_reference(attribute, named, counts["rows"][seen],
                                     counts["approved"][seen], asked, minimum_rows),
                minimum_rows=minimum_rows, least_ratio=least_ratio, confidence=confidence,
            )
        )  # fmt: skip
    return _summed_up(pd.concat(parts, ignore_index=True), minimum_rows)


def _attributes(
    groups: Mapping[str, ArrayLike], rows: int, deepest: int
) -> list[tuple[str, np.ndarray, list[str]]]:
    """Return name, codes and group names of each attribute and each crossing of attributes."""
    single: list[tuple[str, np.ndarray, list[str]]] = []
    for name, column in groups.items():
        code, found = labels(column, name=name, rows=rows)
        single.append((str(name), code, [str(value) for value in found]))
    result = list(single)
    for depth in range(2, min(deepest, len(single)) + 1):
        for chosen in combinations(single, depth):
            code, names = chosen[0][1], chosen[0][2]
            for _, other, more in chosen[1:]:
                code = code * len(more) + other
                names = [f"{a} x {b}" for a in names for b in more]
            result.append((" x ".join(part[0] for part in chosen), code, names))
    return result


def _counts(
    code: np.ndarray, count: int, passed: BoolArray, good: BoolArray | None
) -> dict[str, np.ndarray]:
    nothing = np.zeros(count)
    return {
        "rows": tally(code, None, count=count),
        "approved": tally(code[passed], None, count=count),
        "goods": nothing if good is None else tally(code[good], None, count=count),
        "goods_approved": nothing
        if good is None
        else tally(code[good & passed], None, count=count),
    }


def _reference(  # noqa: PLR0917
    attribute: str,
    names: list[str],
    rows: np.ndarray,
    approved: np.ndarray,
    asked: object | None,
    minimum_rows: int,
) -> int:
    if asked is not None:
        if str(asked) not in names:
            raise InputError(f"no group {asked!r} in {attribute}")
        return names.index(str(asked))
    large = rows >= minimum_rows
    # Where every group is small the largest must do.
    return int(np.argmax(np.where(large, approved / rows, -1.0) if large.any() else rows))


def _judged(
    attribute: str,
    names: list[str],
    counts: dict[str, np.ndarray],
    *,
    reference: int,
    minimum_rows: int,
    least_ratio: float,
    confidence: float,
) -> pd.DataFrame:
    lower, upper = wilson(counts["approved"], counts["rows"], confidence=confidence)
    lines: list[dict[str, Any]] = []
    for place, name in enumerate(names):
        here = {key: float(value[place]) for key, value in counts.items()}
        base = {key: float(value[reference]) for key, value in counts.items()}
        line: dict[str, Any] = {
            "attribute": attribute,
            "group": name,
            "rows": int(here["rows"]),
            "approved": int(here["approved"]),
            "approval_rate": here["approved"] / here["rows"],
            "approval_lower": float(lower[place]),
            "approval_upper": float(upper[place]),
            "reference": names[reference],
            **_impact(here, base, place == reference, least_ratio, confidence),
            **_opportunity(here, base, place == reference, confidence),
            "small": here["rows"] < minimum_rows,
        }
        lines.append(line)
    return pd.DataFrame(lines)


def _impact(
    here: dict[str, float],
    base: dict[str, float],
    same: bool,
    least_ratio: float,
    confidence: float,
) -> dict[str, Any]:
    """Return the adverse impact ratio; it does not exist without approvals in the reference."""
    if base["approved"] == 0.0:
        ratio, low, high = np.nan, np.nan, np.nan
    elif same:
        ratio, low, high = 1.0, 1.0, 1.0
    else:
        ratio = (here["approved"] / here["rows"]) / (base["approved"] / base["rows"])
        low, high = ratio_interval(
            (here["approved"], here["rows"]),
            (base["approved"], base["rows"]),
            confidence=confidence,
        )
    return {
        "ratio": ratio,
        "ratio_lower": low,
        "ratio_upper": high,
        "ratio_below": bool(ratio < least_ratio),
        "ratio_below_surely": bool(high < least_ratio),
    }


def _opportunity(
    here: dict[str, float], base: dict[str, float], same: bool, confidence: float
) -> dict[str, Any]:
    """Return the share of goods approved and its distance from the reference."""
    share = here["goods_approved"] / here["goods"] if here["goods"] else np.nan
    gap, low, high = np.nan, np.nan, np.nan
    if here["goods"] and base["goods"]:
        gap, low, high = 0.0, 0.0, 0.0
        if not same:
            gap = base["goods_approved"] / base["goods"] - share
            low, high = newcombe(
                (base["goods_approved"], base["goods"]),
                (here["goods_approved"], here["goods"]),
                confidence=confidence,
            )
    return {
        "goods": int(here["goods"]),
        "goods_approved_rate": share,
        "gap": gap,
        "gap_lower": low,
        "gap_upper": high,
        "gap_real": bool(low > 0.0 or high < 0.0),
    }


def _summed_up(table: pd.DataFrame, minimum_rows: int) -> Fairness:
    large = table[~table["small"] & table["ratio"].notna()]
    compared = table[(table["goods"] >= minimum_rows) & table["gap"].notna()]
    worst = None if large.empty else large.iloc[int(large["ratio"].to_numpy().argmin())]
    return Fairness(
        table=table,
        worst_ratio=None if worst is None else float(worst["ratio"]),
        worst_group="" if worst is None else f"{worst['attribute']}: {worst['group']}",
        largest_gap=None if compared.empty else float(compared["gap"].max()),
        smallest_group_rows=int(table["rows"].min()),
    )
