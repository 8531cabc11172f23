"""Intervals and tests of shares: Wilson, Newcombe, Katz; normal quantiles."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from fengkong.scorecard._score_interval import score_interval
from fengkong.scorecard.validation._inputs import FloatArray, fraction


def normal_quantile(confidence: float) -> float:
    """Return the two-sided standard normal quantile, 1.96 for 0.95."""
    return float(ndtri(0.5 + 0.5 * fraction(confidence, name="confidence")))


def two_sided(z: ArrayLike) -> FloatArray:
    """Return two-sided p-values of standard normal statistics."""
    return cast("FloatArray", 2.0 * ndtr(-np.abs(np.asarray(z, dtype=np.float64))))


def wilson(
    count: ArrayLike, rows: ArrayLike, *, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Return the Wilson score interval of ``count`` out of ``rows``; (0, 1) where rows are 0.

    References
    ----------
    Wilson (1927), JASA 22, 209-212; Newcombe (1998), Statistics in Medicine 17, 857-872, method 3.
    """
    return score_interval(count, rows, z=normal_quantile(confidence))


def newcombe(
    first: tuple[float, float], second: tuple[float, float], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of share(first) - share(second), each given as (count, rows).

    References
    ----------
    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10 (hybrid score).
    """
    if first[1] <= 0 or second[1] <= 0:
        return -1.0, 1.0
    low_1, high_1 = (float(x) for x in wilson(first[0], first[1], confidence=confidence))
    low_2, high_2 = (float(x) for x in wilson(second[0], second[1], confidence=confidence))
    one, two = first[0] / first[1], second[0] / second[1]
    gap = one - two
    lower = gap - float(np.hypot(one - low_1, high_2 - two))
    upper = gap + float(np.hypot(high_1 - one, two - low_2))
    return max(lower, -1.0), min(upper, 1.0)


def ratio_interval(
    first: tuple[float, float], second: tuple[float, float], *, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of share(first) / share(second), each given as (count, rows).

    One half is added to every count when a count is zero (Walter), else the interval is Katz's.

    References
    ----------
    Katz, Baptista, Azen, Pike (1978), Biometrics 34, 469-474; Walter (1975), Biometrika 62.
    """
    (x, m), (y, n) = first, second
    if m <= 0 or n <= 0:
        return 0.0, np.inf
    if x == 0 or y == 0:
        x, y, m, n = x + 0.5, y + 0.5, m + 0.5, n + 0.5
    centre = np.log(x / m) - np.log(y / n)
    spread = np.sqrt(max(1.0 / x - 1.0 / m + 1.0 / y - 1.0 / n, 0.0))
    half = normal_quantile(confidence) * spread
    low = 0.0 if first[0] == 0 else float(np.exp(centre - half))
    high = np.inf if second[0] == 0 else float(np.exp(centre + half))
    return low, high


def plain(value: object) -> Any:
    """Return ``value`` as JSON can hold it: no NumPy types; NaN and infinities become None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return [plain(item) for item in value.tolist()]
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def plain_fields(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass of figures as JSON can hold them."""
    return {item.name: plain(asdict(record)[item.name]) for item in fields(record)}
