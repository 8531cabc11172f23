"""What one bin is worth, and whether two neighbours may stand side by side."""

from __future__ import annotations

import math

import numba

IV, JS = 0, 1  # objectives that add up over bins
OBJECTIVES = {"iv": IV, "js": JS}
ZERO_CELL = 0.5  # as in bins.weight_of_evidence
NEVER = -math.inf

_njit = numba.njit(cache=True, nogil=True)


@_njit
def part(goods: float, bads: float, all_goods: float, all_bads: float, objective: int) -> float:
    """Return what a bin adds to the objective; the same rule for empty cells as for the WoE."""
    good_share, bad_share = goods / all_goods, bads / all_bads
    if objective == JS:
        middle = 0.5 * (good_share + bad_share)
        total = 0.0
        if goods > 0.0:
            total += 0.5 * good_share * math.log(good_share / middle)
        if bads > 0.0:
            total += 0.5 * bad_share * math.log(bad_share / middle)
        return total
    if goods + bads <= 0.0:
        return 0.0
    add = ZERO_CELL if goods <= 0.0 or bads <= 0.0 else 0.0
    odds = ((goods + add) * all_bads) / ((bads + add) * all_goods)
    return (good_share - bad_share) * math.log(odds)


@_njit
def allowed(goods: float, bads: float, min_weight: float, min_events: float) -> bool:
    """Whether a bin is large enough and holds enough goods and enough bads."""
    weight = goods + bads
    return weight > 0.0 and weight >= min_weight and bads >= min_events and goods >= min_events


@_njit
def differ(
    weight_1: float, bads_1: float, weight_2: float, bads_2: float, z_squared: float
) -> bool:
    """Whether two bad rates differ by the z test of two proportions with pooled variance."""
    if z_squared <= 0.0:
        return True
    weight = weight_1 + weight_2
    rate = (bads_1 + bads_2) / weight
    gap = bads_1 / weight_1 - bads_2 / weight_2
    variance = rate * (1.0 - rate) * (1.0 / weight_1 + 1.0 / weight_2)
    return gap * gap >= z_squared * variance and gap != 0.0
