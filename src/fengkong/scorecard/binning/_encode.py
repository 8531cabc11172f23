"""From values to codes of bins, a column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fengkong.foundation.tables import Field

if TYPE_CHECKING:
    from fengkong.scorecard.binning.bins import CodeArray, ColumnBins


def numeric_codes(bins: ColumnBins, field: Field) -> CodeArray:
    """Tell the code of each number."""
    codes = np.searchsorted(bins.cuts, field.values, side="right").astype(np.uint8)
    codes[np.isnan(field.values)] = bins.missing_code
    for place, special in enumerate(bins.specials):
        codes[np.isin(field.values, special.values)] = bins.missing_code + 1 + place
    return codes


def category_codes(bins: ColumnBins, field: Field) -> CodeArray:
    """Tell the code of each label; unseen ones follow the pooled rare ones if there are any."""
    unseen = bins.unseen_code if bins.rare_code is None else bins.rare_code
    known = [bins.code_of_label.get(label, unseen) for label in field.labels or ()]
    return np.array([*known, bins.missing_code], dtype=np.uint8)[field.values]
