"""AUC and KS of rows whose outcomes are only probable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from fengkong.scorecard.watch._count import FloatArray

ROWS_AT_MOST = 20_000  # more rows are simulated in bands of score
BANDS = 2_000


class SoftAuc(NamedTuple):
    """Expected AUC and its standard error over outcomes."""

    expected: float
    standard_error: float


class Draws(NamedTuple):
    """Simulated KS and AUC; draws without both classes are left out."""

    ks: FloatArray
    auc: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ranked:
    """Rows from the least to the most risky.

    Attributes
    ----------
    order : ndarray of shape (n_rows,)
        Places of the rows in ascending risk.
    p : ndarray of shape (n_rows,)
        Probability of bad, in that order.
    step : ndarray of shape (n_rows,)
        Which distinct risk a row has, from 0.
    """

    order: NDArray[np.int64]
    p: FloatArray
    step: NDArray[np.int64]

    @classmethod
    def of(cls, p: FloatArray, risk: FloatArray) -> Self:
        """Rank rows by risk; equal risks share a step."""
        order = np.argsort(risk, kind="stable")
        ordered = risk[order]
        step = np.concatenate([[0], np.cumsum(ordered[1:] != ordered[:-1])])
        return cls(order=order, p=p[order], step=step)

    def below(self, amount: FloatArray) -> FloatArray:
        """Return for each row the amount of safer rows and half that of rows of equal risk."""
        by_step = np.bincount(self.step, weights=amount)
        return (np.cumsum(by_step) - 0.5 * by_step)[self.step]

    def observed_auc(self, bad: FloatArray) -> float:
        """Return the AUC of known outcomes, given in the order of the input."""
        y = bad[self.order]
        return float((y * self.below(1 - y)).sum() / (y.sum() * (1 - y).sum()))


def soft_auc(ranked: Ranked) -> SoftAuc:
    """Return E(U) / E(bads x goods) over independent outcomes, with the error of its linear part.

    U counts the pairs of a bad and a good that are ranked right, a tie as one half. Dividing the
    two expectations instead of taking the expectation of the ratio costs less than 1/n.
    """
    p, q = ranked.p, 1 - ranked.p
    # A row makes no pair with itself: its own half is taken out.
    goods_below = ranked.below(q) - 0.5 * q
    bads_above = p.sum() - ranked.below(p) - 0.5 * p
    pairs = p.sum() * q.sum() - (p * q).sum()
    if pairs <= 0:
        return SoftAuc(0.5, 0.0)
    area = float((p * goods_below).sum() / pairs)
    # What one more bad instead of a good does to U and to the number of pairs.
    slope = (goods_below - bads_above - area * ((q.sum() - q) - (p.sum() - p))) / pairs
    return SoftAuc(area, float(np.sqrt((p * q * slope**2).sum())))


@njit(cache=True, nogil=True)
def _walk(bads: FloatArray, goods: FloatArray) -> tuple[float, float]:
    """Return KS and AUC from the bads and goods of ascending steps; -1 if a class is absent."""
    total_bad, total_good = bads.sum(), goods.sum()
    if total_bad <= 0.0 or total_good <= 0.0:
        return -1.0, -1.0
    seen_bad, seen_good, gap, right = 0.0, 0.0, 0.0, 0.0
    for step in range(bads.size):
        right += bads[step] * (seen_good + 0.5 * goods[step])
        seen_bad += bads[step]
        seen_good += goods[step]
        gap = max(gap, abs(seen_bad / total_bad - seen_good / total_good))
    return gap, right / (total_bad * total_good)


def simulated_ks(ranked: Ranked, *, seed: int, draws: int) -> Draws:
    """Draw outcomes and return the KS and AUC of each draw.

    Parameters
    ----------
    ranked : Ranked
    seed, draws : int
        One generator, drawn in order.
    """
    rng = np.random.default_rng(seed)
    step = ranked.step
    banded = len(step) > ROWS_AT_MOST
    if banded:
        # Bands end only between distinct risks, so ties stay ties.
        ends = np.searchsorted(step, step[np.arange(1, BANDS) * len(step) // BANDS], side="left")
        step = np.zeros(len(step), dtype=np.int64)
        step[np.unique(ends[ends > 0])] = 1
        step = np.cumsum(step)
    rows = np.bincount(step).astype(np.float64)
    mean = np.bincount(step, weights=ranked.p)
    spread = np.sqrt(np.bincount(step, weights=ranked.p * (1 - ranked.p)))
    found = np.empty((draws, 2))
    for draw in range(draws):
        if banded:
            bads = np.clip(mean + spread * rng.standard_normal(len(mean)), 0.0, rows)
        else:
            drawn = (rng.random(len(step)) < ranked.p).astype(np.float64)
            bads = np.bincount(step, weights=drawn).astype(np.float64)
        found[draw] = _walk(bads, rows - bads)
    held = found[found[:, 0] >= 0]
    return Draws(held[:, 0], held[:, 1])
