"""From log odds to points: what a bin is worth, rounded so that what is shown adds up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning.bins import ColumnBins, FloatArray
from fengkong.scorecard.card.document import Scaling

DECIMALS_AT_MOST = 6
UNITS_AT_MOST = 1e12  # beyond, a float tells too little of a unit to round by


@dataclass(frozen=True, slots=True, kw_only=True)
class PdoScaling:
    """Points that double the odds: ``base_score`` at ``base_odds``, ``pdo`` more at twice the odds.

    Attributes
    ----------
    pdo : float
        Points to double the odds of good, in (0, inf).
    base_score : float
        Score at the base odds.
    base_odds : float
        Goods for one bad, in (0, inf).
    decimals : int or None
        Each bin's points are rounded half up to this many decimals; None leaves them unrounded.
    spread_base : bool
        Share the base points out over the variables in equal parts, so that a card on paper has
        no line of its own for them.

    Raises
    ------
    OutOfRangeError
        A value lies outside its interval.
    """

    pdo: float = 20.0
    base_score: float = 600.0
    base_odds: float = 50.0
    decimals: int | None = 0
    spread_base: bool = False

    def __post_init__(self) -> None:
        _refuse_not_positive("pdo", self.pdo)
        _refuse_not_positive("base_odds", self.base_odds)
        if not math.isfinite(self.base_score):
            raise OutOfRangeError(
                name="base_score", value=self.base_score, allowed="the finite numbers"
            )
        _refuse_decimals(self.decimals)

    @property
    def factor(self) -> float:
        """Points per unit of log odds: pdo / ln 2."""
        return self.pdo / math.log(2.0)

    @property
    def offset(self) -> float:
        """Points at even odds: base_score - factor x ln(base_odds)."""
        return self.base_score - self.factor * math.log(self.base_odds)


@dataclass(frozen=True, slots=True, kw_only=True)
class MinMaxScaling:
    """Points between two limits: the worst possible applicant has ``low``, the best ``high``.

    Attributes
    ----------
    low, high : float
        Multiples of the unit of rounding, 1e12 of them at most; low < high.
    decimals : int or None
        As in `PdoScaling`.

    Raises
    ------
    OutOfRangeError
        ``low`` is not below ``high``, or one is no multiple of the unit of rounding, or too far
        from 0.
    """

    low: float = 300.0
    high: float = 850.0
    decimals: int | None = 0

    def __post_init__(self) -> None:
        _refuse_decimals(self.decimals)
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise OutOfRangeError(name="low", value=self.low, allowed=f"(-inf, {self.high})")
        for name in ("low", "high"):
            value = getattr(self, name)
            limit = UNITS_AT_MOST / 10.0 ** (self.decimals or 0)
            if abs(value) > limit:
                raise OutOfRangeError(name=name, value=value, allowed=f"[{-limit:g}, {limit:g}]")
            if self.decimals is not None and round(value, self.decimals) != value:
                raise OutOfRangeError(
                    name=name, value=value, allowed=f"multiples of 1e-{self.decimals}"
                )


ScalingSettings: TypeAlias = PdoScaling | MinMaxScaling


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """The points of a card: ``base`` and one array by code for each variable."""

    scaling: Scaling
    base: float
    variables: tuple[FloatArray, ...]


def scale(
    settings: ScalingSettings,
    *,
    intercept: float,
    coefficients: Sequence[float],
    bins: Sequence[ColumnBins],
) -> Points:
    """Return the points of every bin.

    Parameters
    ----------
    settings : PdoScaling or MinMaxScaling
    intercept : float
        Of the log odds of good.
    coefficients : sequence of float
        Of each variable's WoE, at or above zero.
    bins : sequence of ColumnBins
        The variables' bins, in the same order.

    Returns
    -------
    Points
        Score = base + sum of points; without rounding it is offset + factor x log odds.

    Raises
    ------
    InputError
        Min-max of a card whose score is the same for everybody, or differs by so little that
        points cannot hold it.

    References
    ----------
    Siddiqi (2017), Intelligent Credit Scoring, chapter 10, scaling by points to double the odds.
    """
    parts = [b * column.woe for b, column in zip(coefficients, bins, strict=True)]
    if isinstance(settings, PdoScaling):
        return _by_odds(settings, intercept, parts)
    return _between(settings, intercept, parts, bins)


def rounded(values: FloatArray, decimals: int | None) -> FloatArray:
    """Round half up (towards plus infinity: -2.5 becomes -2); None leaves values as they are."""
    if decimals is None:
        return np.asarray(values, dtype=np.float64)
    unit = 10.0**decimals
    scaled = np.asarray(values, dtype=np.float64) * unit
    whole = np.floor(scaled)
    return (whole + (scaled - whole >= 0.5)) / unit + 0.0  # + 0.0: no minus zero on a card


def _by_odds(settings: PdoScaling, intercept: float, parts: list[FloatArray]) -> Points:
    factor, offset = settings.factor, settings.offset
    base = offset + factor * intercept
    shared = settings.spread_base and len(parts) > 0
    each = base / len(parts) if shared else 0.0
    asked = {"pdo": settings.pdo, "base_score": settings.base_score,
             "base_odds": settings.base_odds, "spread_base": float(shared)}  # fmt: skip
    return Points(
        scaling=Scaling(method="pdo", factor=factor, offset=offset, decimals=settings.decimals,
                        settings=asked),
        base=0.0 if shared else float(rounded(np.array(base), settings.decimals)),
        variables=tuple(rounded(factor * part + each, settings.decimals) for part in parts),
    )  # fmt: skip


def _between(
    settings: MinMaxScaling, intercept: float, parts: list[FloatArray], bins: Sequence[ColumnBins]
) -> Points:
    ends = [
        (float(part[codes].min()), float(part[codes].max()))
        for part, codes in zip(parts, map(_codes_that_occur, bins), strict=True)
    ]
    least, reach = sum(low for low, _ in ends), sum(high - low for low, high in ends)
    if not reach > 0.0:
        raise InputError("min-max scaling needs a card whose score differs between applicants")
    factor = (settings.high - settings.low) / reach
    offset = settings.low - factor * (intercept + least)
    largest = max(factor * float(np.abs(part).max()) for part in parts)
    unit = 10.0 ** -(settings.decimals or 0)
    if not (math.isfinite(offset) and largest <= UNITS_AT_MOST * unit):
        raise InputError(
            f"min-max scaling needs a card whose score differs more between applicants: log odds "
            f"differ by {reach:.3g}, and a bin would be worth {largest:.3g} points"
        )
    points = [rounded(factor * part, settings.decimals) for part in parts]
    lows = [float(rounded(np.array(factor * low), settings.decimals)) for low, _ in ends]
    if settings.decimals is not None:
        best = [part >= high for part, (_, high) in zip(parts, ends, strict=True)]
        flat = [not high > low for low, high in ends]
        points = _meeting_high(
            settings, points, lows, [factor * high for _, high in ends], best=best, flat=flat
        )
    base = settings.low - math.fsum(lows)
    return Points(
        scaling=Scaling(method="min_max", factor=factor, offset=offset,
                        decimals=settings.decimals,
                        settings={"low": settings.low, "high": settings.high}),
        base=float(rounded(np.array(base), settings.decimals)), variables=tuple(points),
    )  # fmt: skip


def _meeting_high(
    settings: MinMaxScaling, points: list[FloatArray], lows: list[float], highs: list[float],
    *, best: list[NDArray[np.bool_]], flat: list[bool],
) -> list[FloatArray]:  # fmt: skip
    """Move the best bins of some variables by one unit, so that the best sum is ``high`` exactly.

    Those move whose rounding erred most in the other direction; a bin never passes the best one,
    and the worst one stays where it is. That suffices: the rounding of a variable's reach errs by
    less than a unit, so more variables erred in the other direction than units are lacking, and
    one whose reach was rounded up has a unit to give.
    """
    assert settings.decimals is not None  # noqa: S101 - the caller rounds
    unit = 10.0**-settings.decimals
    tops = [float(rounded(np.array(high), settings.decimals)) for high in highs]
    reach = math.fsum(tops) - math.fsum(lows)
    lacking = round((settings.high - settings.low - reach) / unit)
    sign = int(np.sign(lacking))
    can = [
        place for place, (low, top) in enumerate(zip(lows, tops, strict=True))
        if not flat[place] and (sign > 0 or top > low)
    ]  # fmt: skip
    moving = sorted(can, key=lambda place: -(highs[place] - tops[place]) * sign)[: abs(lacking)]
    if len(moving) < abs(lacking):
        raise InputError(
            f"points of {settings.decimals} decimals cannot hold the span from {settings.low} to "
            f"{settings.high}: {abs(lacking)} units are to be moved, {len(can)} variables can"
        )
    result = list(points)
    for place in moving:
        found, top = points[place], tops[place]
        moved = float(rounded(np.array(top + sign * unit), settings.decimals))
        # Where all bins were rounded to one value, only the best ones are told apart.
        lifted = best[place] if top <= lows[place] else found >= min(top, moved)
        result[place] = np.where(lifted, moved, found)
    return result


def _codes_that_occur(bins: ColumnBins) -> list[int]:
    """List the codes that a row can have: numbers are never unseen, nor labels with a rare bin."""
    never = bins.kind == "numeric" or bins.rare_code is not None
    return list(range(bins.n_codes - 1 if never else bins.n_codes))


def _refuse_not_positive(name: str, value: float) -> None:
    if not 0.0 < value < math.inf:
        raise OutOfRangeError(name=name, value=value, allowed="(0, inf)")


def _refuse_decimals(decimals: int | None) -> None:
    if decimals is not None and not 0 <= decimals <= DECIMALS_AT_MOST:
        raise OutOfRangeError(name="decimals", value=decimals, allowed=f"[0, {DECIMALS_AT_MOST}]")
