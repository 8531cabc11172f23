"""Tables of bins for a reader: one of a column, one of all columns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fengkong.scorecard._score_interval import score_interval
from fengkong.scorecard.binning.bins import ColumnBins

FloatArray = NDArray[np.float64]


def wilson_interval(bads: FloatArray, count: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the 95 % score interval of bad rates; NaN where there are no rows."""
    low, high = score_interval(bads, count)
    return np.where(count > 0, low, np.nan), np.where(count > 0, high, np.nan)


def bins_table(bins: ColumnBins) -> pd.DataFrame:
    """Return the bins of a column, one a row, in the order of codes.

    Returns
    -------
    DataFrame
        label, count, share, bads, bad_rate, bad_rate_low, bad_rate_high (95 % Wilson interval),
        woe, iv (the bin's part). Counts are sums of weights. The index is the code.
    """
    bads, count = bins.bad_count, bins.count
    goods = count - bads
    low, high = wilson_interval(bads, count)
    return pd.DataFrame(
        {
            "label": [bins.label(code) for code in range(bins.n_codes)],
            "count": count,
            "share": count / count.sum(),
            "bads": bads,
            "bad_rate": bins.bad_rate,
            "bad_rate_low": low,
            "bad_rate_high": high,
            "woe": bins.woe,
            "iv": (goods / goods.sum() - bads / bads.sum()) * bins.woe,
        },
        index=pd.RangeIndex(bins.n_codes, name="code"),
    )


def jensen_shannon(bins: ColumnBins) -> float:
    """Return the Jensen-Shannon divergence of goods and bads over the bins, in nats."""
    bads = bins.bad_count / bins.bad_count.sum()
    goods = bins.count - bins.bad_count
    goods = goods / goods.sum()
    middle = (bads + goods) / 2.0
    total = 0.0
    for share in (bads, goods):
        held = share > 0.0
        total += 0.5 * float(np.sum(share[held] * np.log(share[held] / middle[held])))
    return total


def gini(bins: ColumnBins) -> float:
    """Return 2 AUC - 1 of the WoE as a score; bins of equal WoE are ties."""
    bads, goods = bins.bad_count, bins.count - bins.bad_count
    order = np.argsort(bins.woe, kind="stable")
    _, first = np.unique(bins.woe[order], return_index=True)
    bads, goods = np.add.reduceat(bads[order], first), np.add.reduceat(goods[order], first)
    bads_below = np.cumsum(bads) - bads / 2.0
    return float(2.0 * np.sum(goods * bads_below) / (bads.sum() * goods.sum()) - 1.0)


def summary_table(bins: Mapping[str, ColumnBins]) -> pd.DataFrame:
    """Return one row a column: kind, trend, number of bins, iv, js, gini, missing share, note."""
    rows = [
        {
            "column": name, "kind": one.kind, "trend": one.trend, "bins": one.n_bins,
            "iv": one.iv, "js": jensen_shannon(one), "gini": gini(one),
            "missing_share": float(one.count[one.missing_code] / one.count.sum()),
            "note": one.note,
        } for name, one in bins.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)
