"""What a binning is held to, as plain values that every column shares."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.binning._parts import OBJECTIVES

Trend: TypeAlias = Literal[
    "auto", "monotonic", "ascending", "descending", "peak", "valley", "convex", "concave", "none"
]
TRENDS: tuple[str, ...] = get_args(Trend)
BINS_AT_MOST = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits of every bin and every pair of neighbours.

    Attributes
    ----------
    min_bins, max_bins : int
        Number of regular bins.
    min_bin_share : float
        Least share of the total weight in a regular bin.
    min_bin_events : float
        Least weight of bads, and of goods, in a regular bin.
    max_p_value : float or None
        Neighbours must differ by a two-sided z test of two proportions at this level.
    objective : str
        "iv" or "js".
    """

    min_bins: int
    max_bins: int
    min_bin_share: float
    min_bin_events: float
    max_p_value: float | None
    objective: str

    def __post_init__(self) -> None:
        if not 1 <= self.max_bins <= BINS_AT_MOST:
            raise OutOfRangeError(
                name="max_bins", value=self.max_bins, allowed=f"[1, {BINS_AT_MOST}]"
            )
        if not 1 <= self.min_bins <= self.max_bins:
            raise OutOfRangeError(
                name="min_bins", value=self.min_bins, allowed=f"[1, max_bins = {self.max_bins}]"
            )
        if not 0.0 <= self.min_bin_share <= 0.5:
            raise OutOfRangeError(
                name="min_bin_share", value=self.min_bin_share, allowed="[0, 0.5]"
            )
        if not self.min_bin_events >= 0.0:
            raise OutOfRangeError(
                name="min_bin_events", value=self.min_bin_events, allowed="[0, inf)"
            )
        if self.max_p_value is not None and not 0.0 < self.max_p_value < 1.0:
            raise OutOfRangeError(name="max_p_value", value=self.max_p_value, allowed="(0, 1)")
        if self.objective not in OBJECTIVES:
            raise InputError(f"objective must be one of {list(OBJECTIVES)}; got {self.objective!r}")

    @property
    def z_squared(self) -> float:
        """Least squared z of two neighbours; 0 where no test is asked."""
        if self.max_p_value is None:
            return 0.0
        return NormalDist().inv_cdf(1.0 - self.max_p_value / 2.0) ** 2

    @property
    def objective_code(self) -> int:
        """The objective as the kernels know it."""
        return OBJECTIVES[self.objective]

    def limits(self, total_weight: float) -> NDArray[np.float64]:
        """Return least weight and least events of a bin; a hair is left for rounding."""
        return np.array([self.min_bin_share * total_weight * (1.0 - 1e-12), self.min_bin_events])
