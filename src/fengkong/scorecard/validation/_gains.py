"""Tables and curves of discrimination: KS table, gains and lift, ROC and CAP points."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from fengkong.foundation.errors import InputError, OutOfRangeError
from fengkong.scorecard.validation._inputs import FloatArray, IntArray, numbers, tally
from fengkong.scorecard.validation._ladder import Ladder, band_of_steps, ladder

DEPTHS = (0.01, 0.02, 0.05, 0.10, 0.20, 0.30, 0.40, 0.50, 0.60, 0.70, 0.80, 0.90, 1.0)


def ks_table(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    bands: int = 10,
    cuts: ArrayLike | None = None,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return the KS, gains and lift table by band, riskiest band first.

    Parameters
    ----------
    bad, value, higher_is_safer, sample_weight
        As `auc`.
    bands : int, default=10
        Bands of about equal weight. Rows of equal value stay in one band, so a value that many
        rows share makes a band larger, and there may be fewer bands than asked.
    cuts : array-like of shape (n_cuts,), optional
        Given bands in place of ``bands``: [a, b), a value equal to a cut is in the upper one.
        Bands without rows are left out.

    Returns
    -------
    DataFrame
        band (1 = riskiest), lowest, highest (values met), rows, good, bad (weights), bad_rate,
        row_share, good_share, bad_share, cumulative_row_share, cumulative_good_share,
        cumulative_bad_share (the gain), ks (cumulative bad less good share), lift (bad_rate over
        the overall bad rate), cumulative_lift. Shares are fractions.

    Raises
    ------
    InputError
        As `auc`; ``bands`` below 1; ``cuts`` not strictly rising.
    """
    steps = ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    return table_of_bands(steps, bands=bands, cuts=cuts)


def table_of_bands(
    steps: Ladder, *, bands: int = 10, cuts: ArrayLike | None = None
) -> pd.DataFrame:
    """Return the KS table of a ladder; see `ks_table`."""
    band = band_of_steps(steps, bands=bands) if cuts is None else _given_bands(steps, cuts)
    count = int(band[-1]) + 1
    first = np.flatnonzero(np.concatenate(([True], band[1:] != band[:-1])))
    last = np.concatenate((first[1:], [band.size])) - 1
    ends = np.sort(np.stack([steps.value[first], steps.value[last]]), axis=0)
    good = tally(band, steps.good, count=count)
    bad = tally(band, steps.bad, count=count)
    total = good + bad
    overall = bad.sum() / total.sum()
    good_share, bad_share = good / good.sum(), bad / bad.sum()
    cumulative_bad, cumulative_total = np.cumsum(bad), np.cumsum(total)
    rate = _share(bad, total)
    return pd.DataFrame(
        {
            "band": np.arange(1, count + 1),
            "lowest": ends[0],
            "highest": ends[1],
            "rows": tally(band, steps.rows.astype(np.float64), count=count).astype(np.int64),
            "good": good,
            "bad": bad,
            "bad_rate": rate,
            "row_share": total / total.sum(),
            "good_share": good_share,
            "bad_share": bad_share,
            "cumulative_row_share": cumulative_total / total.sum(),
            "cumulative_good_share": np.cumsum(good) / good.sum(),
            "cumulative_bad_share": cumulative_bad / bad.sum(),
            "ks": cumulative_bad / bad.sum() - np.cumsum(good) / good.sum(),
            "lift": rate / overall,
            "cumulative_lift": _share(cumulative_bad, cumulative_total) / overall,
        }
    )


def lift_table(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    depths: Sequence[float] = DEPTHS,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return what the riskiest share of rows catches.

    Parameters
    ----------
    bad, value, higher_is_safer, sample_weight
        As `auc`.
    depths : sequence of float
        Shares of rows, each in (0, 1].

    Returns
    -------
    DataFrame
        depth, bad_share (the gain: share of all bads among the riskiest ``depth`` of rows), lift
        (gain over depth), best_lift (of a perfect model). A depth that ends inside a step of tied
        rows takes its part of that step, what a random order of the ties gives on average.

    Raises
    ------
    InputError
        As `auc`.
    OutOfRangeError
        A depth outside (0, 1].
    """
    steps = ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    return lift_of(steps, depths=depths)


def lift_of(steps: Ladder, *, depths: Sequence[float] = DEPTHS) -> pd.DataFrame:
    """Return the lift table of a ladder; see `lift_table`."""
    depth = numbers(depths, name="depths")
    for extreme in (float(depth.min()), float(depth.max())):
        if not 0.0 < extreme <= 1.0:
            raise OutOfRangeError(name="depths", value=extreme, allowed="(0, 1]")
    rows, caught = _cap(steps)
    gain = np.interp(depth, rows, caught)
    base = steps.bad.sum() / steps.total.sum()
    return pd.DataFrame(
        {
            "depth": depth,
            "bad_share": gain,
            "lift": gain / depth,
            "best_lift": np.minimum(depth / base, 1.0) / depth,
        }
    )


def roc_points(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    points: int | None = None,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return points of the ROC curve from (0, 0) to (1, 1).

    Parameters
    ----------
    bad, value, higher_is_safer, sample_weight
        As `auc`.
    points : int, optional
        At most about this many points, all of them on the exact curve, spread evenly along it and
        with the point of the KS among them; every point when not given.

    Returns
    -------
    DataFrame
        value (that value and riskier is called bad; infinite at the origin), good_share (false
        positive rate), bad_share (true positive rate).
    """
    steps = ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    return roc_of(steps, points=points)


def roc_of(steps: Ladder, *, points: int | None = None) -> pd.DataFrame:
    """Return the ROC points of a ladder; see `roc_points`."""
    good = np.concatenate(([0.0], np.cumsum(steps.good) / steps.good.sum()))
    bad = np.concatenate(([0.0], np.cumsum(steps.bad) / steps.bad.sum()))
    nothing = -np.inf if steps.higher_is_safer else np.inf
    value = np.concatenate(([nothing], steps.value))
    keep = _thin(good + bad, points, also=int(np.argmax(np.abs(bad - good))))
    return pd.DataFrame({"value": value[keep], "good_share": good[keep], "bad_share": bad[keep]})


def cap_points(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    points: int | None = None,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> pd.DataFrame:
    """Return points of the cumulative accuracy profile from (0, 0) to (1, 1).

    Returns
    -------
    DataFrame
        value, row_share (riskiest share of rows), bad_share (share of bads caught), perfect_share
        (what a perfect model catches). Parameters as `roc_points`.
    """
    steps = ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    return cap_of(steps, points=points)


def cap_of(steps: Ladder, *, points: int | None = None) -> pd.DataFrame:
    """Return the CAP points of a ladder; see `cap_points`."""
    rows, caught = _cap(steps)
    nothing = -np.inf if steps.higher_is_safer else np.inf
    value = np.concatenate(([nothing], steps.value))
    base = steps.bad.sum() / steps.total.sum()
    # The corner of the perfect curve lies between points; the picture must not cut it off by much.
    keep = _thin(rows, points, also=int(np.searchsorted(rows, base)))
    return pd.DataFrame(
        {
            "value": value[keep],
            "row_share": rows[keep],
            "bad_share": caught[keep],
            "perfect_share": np.minimum(rows[keep] / base, 1.0),
        }
    )


def accuracy_ratio(
    bad: ArrayLike,
    value: ArrayLike,
    *,
    higher_is_safer: bool = False,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Return the area between CAP and diagonal over that of a perfect model; equals Gini.

    Raises
    ------
    InputError, OneClassError
        As `auc`.

    References
    ----------
    Engelmann, Hayden, Tasche (2003), Testing rating accuracy, Risk 16, 82-86.
    """
    steps = ladder(bad, value, higher_is_safer=higher_is_safer, sample_weight=sample_weight)
    rows, caught = _cap(steps)
    base = steps.bad.sum() / steps.total.sum()
    return float((np.trapezoid(caught, rows) - 0.5) / (0.5 * (1.0 - base)))


def _cap(steps: Ladder) -> tuple[FloatArray, FloatArray]:
    total = np.cumsum(steps.total)
    bad = np.cumsum(steps.bad)
    return (
        np.concatenate(([0.0], total / total[-1])),
        np.concatenate(([0.0], bad / bad[-1])),
    )


def _given_bands(steps: Ladder, cuts: ArrayLike) -> IntArray:
    edges = numbers(cuts, name="cuts")
    if (np.diff(edges) <= 0.0).any():
        raise InputError("cuts must rise strictly")
    band = np.searchsorted(edges, steps.value, side="right")
    band = band if steps.higher_is_safer else edges.size - band
    return np.unique(band, return_inverse=True)[1].astype(np.int64)


def _thin(along: FloatArray, points: int | None, *, also: int) -> IntArray:
    """Return places of at most about ``points`` values spread evenly over the rising ``along``."""
    if points is None or along.size <= points:
        return np.arange(along.size)
    if points < 2:
        raise InputError(f"points must be at least 2; got {points}")
    wanted = np.linspace(along[0], along[-1], points)
    places = np.minimum(np.searchsorted(along, wanted), along.size - 1)
    return np.unique(np.concatenate((places, [0, also, along.size - 1])))


def _share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole, 0 where a band has rows but no weight."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
