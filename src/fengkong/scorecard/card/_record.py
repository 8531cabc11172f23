"""One record at a time, in plain Python: the same numbers as the whole table gives, bit for bit."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np

from fengkong.foundation.errors import ColumnTypeError
from fengkong.foundation.tables import label_of
from fengkong.scorecard.binning._encode import special_codes
from fengkong.scorecard.binning.bins import ColumnBins


def coder(bins: ColumnBins) -> Callable[[Any], int]:
    """Return the function that tells the code of one value of a column.

    The function raises ColumnTypeError where the value is of another type than the column.
    """
    return _number_coder(bins) if bins.kind == "numeric" else _category_coder(bins)


def _number_coder(bins: ColumnBins) -> Callable[[Any], int]:
    cuts, missing, name = bins.cuts.tolist(), bins.missing_code, bins.name
    values, codes = special_codes(bins)
    special = dict(zip(values.tolist(), codes.tolist(), strict=True))

    def code_of(value: Any) -> int:
        number = value if type(value) is float else _number(name, value)
        if number != number:  # noqa: PLR0124 - NaN is missing
            return missing
        found = special.get(number) if special else None
        return bisect_right(cuts, number) if found is None else found

    return code_of


def _category_coder(bins: ColumnBins) -> Callable[[Any], int]:
    known, missing, name = bins.code_of_label, bins.missing_code, bins.name
    fallback = bins.unseen_code if bins.rare_code is None else bins.rare_code

    def code_of(value: Any) -> int:
        label = value if type(value) is str else _label(name, value)
        return missing if label is None else known.get(label, fallback)

    return code_of


def is_unseen(bins: ColumnBins, value: Any) -> bool:
    """Tell whether a category is one that no bin names."""
    if bins.kind == "numeric":
        return False
    label = value if type(value) is str else _label(bins.name, value)
    return label is not None and label not in bins.code_of_label


def is_missing(value: Any) -> bool:
    """Tell whether a single value stands for "not known": None, NaN, NA, NaT."""
    if value is None or type(value).__name__ in {"NAType", "NaTType"}:
        return True
    return isinstance(value, Real | Decimal) and value != value  # noqa: PLR0124


def _number(name: str, value: Any) -> float:
    if is_missing(value):
        return float("nan")
    if isinstance(value, Real | Decimal | np.bool_):
        try:
            return float(value)
        except OverflowError:
            pass
    raise ColumnTypeError(name=name, expected="a number", found=type(value).__name__)


def _label(name: str, value: Any) -> str | None:
    """Write a value as a table's column of it would be labelled: 3.0 is "3"."""
    if is_missing(value):
        return None
    if not isinstance(value, str | Real | Decimal | np.bool_):
        raise ColumnTypeError(name=name, expected="a text", found=type(value).__name__)
    return label_of(value)
