"""One information value for every side, from the bins it chose, over the same rows.

A binning is a dictionary, as the sides write it to JSON: ``cuts`` (ascending; bins are [a, b)) of a
number or ``groups`` (lists of texts) of a category, and ``special`` (values with a bin each).
Missing values are a bin of their own whatever the side does with them, and so are the texts that no
group names. A bin with rows but without bads, or without goods, gets 0.5 added to both its counts.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def bin_codes(values: pd.Series, binning: dict[str, Any]) -> np.ndarray:
    """Return the number of the bin of each row."""
    missing = values.isna().to_numpy()
    if "groups" in binning:
        places = {text: number for number, group in enumerate(binning["groups"]) for text in group}
        rest = len(binning["groups"])
        codes = values.map(places).fillna(rest).to_numpy().astype(np.int64)
        return np.where(missing, rest + 1, codes)
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    cuts = np.asarray(binning["cuts"], dtype=np.float64)
    codes = np.searchsorted(cuts, numbers, side="right")
    for place, value in enumerate(binning.get("special", ())):
        codes[numbers == value] = len(cuts) + 2 + place
    codes[missing] = len(cuts) + 1
    return codes


def information_value(values: pd.Series, target: np.ndarray, binning: dict[str, Any]) -> float:
    """Return the information value of the binning on these rows."""
    codes = bin_codes(values, binning)
    count = np.bincount(codes).astype(np.float64)
    bad = np.bincount(codes, weights=target, minlength=len(count))
    good = count - bad
    alone = (count > 0) & ((bad == 0) | (good == 0))
    bad_share = (bad + 0.5 * alone)[count > 0] / bad.sum()
    good_share = (good + 0.5 * alone)[count > 0] / good.sum()
    return float(np.sum((good_share - bad_share) * np.log(good_share / bad_share)))
