"""The population stability index of two sets of counts, and what chance alone makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, chdtri

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.watch._count import FloatArray

Grade: TypeAlias = Literal["stable", "watch", "shift"]
ZeroCell: TypeAlias = float | Literal["half_row"]
WATCH_FROM, SHIFT_ABOVE = 0.10, 0.25  # Lewis (1994), a convention


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stability:
    """The stability index of one variable, cell by cell.

    Attributes
    ----------
    psi : float
        Sum of ``contribution``; 0 when all shares are equal.
    reference_share, current_share, contribution : ndarray of shape (n_cells,)
        Shares as counted (before the rule for empty cells), and each cell's part of the index.
    psi_95, psi_99 : float
        What the index stays below in 95 and 99 of 100 comparisons of two samples of these sizes
        from one and the same population.
    p_value : float
        Chance of an index at least this high without any change.
    js : float
        Jensen-Shannon divergence in nats, in [0, ln 2]; needs no rule for empty cells.
    grade : str
        "stable" below 0.10, "watch" up to 0.25, "shift" above: the convention, whatever the sizes.
    """

    psi: float
    reference_share: FloatArray
    current_share: FloatArray
    contribution: FloatArray
    psi_95: float
    psi_99: float
    p_value: float
    js: float

    @property
    def grade(self) -> Grade:
        """Say what the convention calls the index."""
        return grade_of(self.psi)

    @property
    def chance(self) -> str:
        """Say whether chance explains it: "within 95", "beyond 95" or "beyond 99"."""
        if self.psi > self.psi_99:
            return "beyond 99"
        return "beyond 95" if self.psi > self.psi_95 else "within 95"


def grade_of(psi: float) -> Grade:
    """Grade an index by the convention; 0.10 and 0.25 themselves are "watch"."""
    if psi > SHIFT_ABOVE:
        return "shift"
    return "watch" if psi >= WATCH_FROM else "stable"


def stability(
    reference_count: ArrayLike,
    current_count: ArrayLike,
    *,
    zero_cell: ZeroCell = "half_row",
    reference_rows: float | None = None,
    current_rows: float | None = None,
) -> Stability:
    """Return the stability index of two sets of counts over the same cells.

    Parameters
    ----------
    reference_count, current_count : array-like of shape (n_cells,)
        Rows, or sums of weights, not negative; at least one row each.
    zero_cell : "half_row" or float, default "half_row"
        What stands for the share of a cell that is empty on one side: that of half a row
        (0.5 / n), or a share in (0, 1), such as 0.0001. The other cells are not touched. A cell
        that is empty on both sides adds nothing.
    reference_rows, current_rows : float, optional
        Independent rows behind the counts, for the quantiles under no change and for
        "half_row"; by default the sums of the counts.

    Returns
    -------
    Stability

    Raises
    ------
    InputError
        Different numbers of cells, a negative or unbounded count, or a side without rows.
    OutOfRangeError
        ``zero_cell`` is a number outside (0, 1).

    Notes
    -----
    PSI = sum (a - e) ln(a / e). Without a change, with n and m rows and k cells that are not
    empty on both sides, PSI is distributed as (1/n + 1/m) chi2(k - 1) when both samples are large:
    it is the symmetric form of Pearson's statistic to the second order.

    References
    ----------
    Lewis (1994), An Introduction to Credit Scoring. Yurdakul (2018), Statistical Properties of
    Population Stability Index, Western Michigan University. Lin (1991), Divergence measures based
    on the Shannon entropy, IEEE Transactions on Information Theory 37.
    """
    counts = [_checked(reference_count, "reference"), _checked(current_count, "current")]
    if len(counts[0]) != len(counts[1]):
        raise InputError(f"{len(counts[0])} cells of reference, {len(counts[1])} of current")
    if not isinstance(zero_cell, str) and not 0.0 < zero_cell < 1.0:
        raise OutOfRangeError(name="zero_cell", value=zero_cell, allowed="(0, 1)")
    rows = [reference_rows or counts[0].sum(), current_rows or counts[1].sum()]
    shares = [count / count.sum() for count in counts]
    used = (counts[0] > 0) | (counts[1] > 0)
    expected, actual = (
        np.where(share > 0, share, 0.5 / size if zero_cell == "half_row" else zero_cell)
        for share, size in zip(shares, rows, strict=True)
    )
    contribution = np.where(used, (actual - expected) * np.log(actual / expected), 0.0)
    psi = float(contribution.sum())
    scale, degrees = 1.0 / rows[0] + 1.0 / rows[1], int(used.sum()) - 1
    limit = chdtri(degrees, np.array([0.05, 0.01])) * scale if degrees else np.zeros(2)
    return Stability(
        psi=psi, reference_share=shares[0], current_share=shares[1], contribution=contribution,
        psi_95=float(limit[0]), psi_99=float(limit[1]),
        p_value=float(chdtrc(degrees, psi / scale)) if degrees else 1.0,
        js=_jensen_shannon(*shares),
    )  # fmt: skip


def _checked(count: ArrayLike, side: str) -> FloatArray:
    found = np.asarray(count, dtype=np.float64)
    if found.ndim != 1 or not np.isfinite(found).all() or (found < 0).any():
        raise InputError(f"{side} counts must be one-dimensional, finite and not negative")
    if not found.sum() > 0:
        raise InputError(f"{side} has no rows")
    return found


def _jensen_shannon(first: FloatArray, second: FloatArray) -> float:
    """Return half the sum of both divergences from the mean of two sets of shares."""
    middle = (first + second) / 2
    total = 0.0
    for share in (first, second):
        some = share > 0
        total += float((share[some] * np.log(share[some] / middle[some])).sum()) / 2
    return max(total, 0.0)
