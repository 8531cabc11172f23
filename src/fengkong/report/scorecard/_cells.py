"""One value in a table: as text on a page, as a typed cell in a workbook."""

from __future__ import annotations

import math
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd

from fengkong.report._tables import safe
from fengkong.report._words import cell_text, format_of, is_fraction, minus
from fengkong.report.scorecard._content import Both

# The form of a column's figures: for the page, for the workbook.
FORMATS: dict[str, tuple[str, str]] = {
    "percent": (".2%", "0.00%"),
    "fixed4": (",.4f", "#,##0.0000"),
    "fixed3": (",.3f", "#,##0.000"),
    "fixed2": (",.2f", "#,##0.00"),
    "fixed1": (",.1f", "#,##0.0"),
    "count": (",.0f", "#,##0"),
    "p_value": (".4f", "0.0000"),
}
_SMALL = 0.00005


def plain(value: Any) -> Any:
    """Return a value without NumPy types; what is not a number is None."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and math.isnan(value):
        return None
    return value


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the lines of a table."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def exists(value: Any) -> bool:
    """Whether a figure is there: neither None nor NaN."""
    return plain(value) is not None


def text_of(name: str, value: Any, language: str) -> str:
    """Return a value of a column as a reader of the page sees it."""
    value = plain(value)
    if isinstance(value, Both):
        return value[language]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell_text(name, value, language)
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    kind = format_of(name)
    if kind is None:
        return cell_text(name, value, language)
    if kind == "p_value" and value < _SMALL:
        return "<0.0001"
    if kind == "count" and value != round(value):
        kind = "fixed1"  # sums of weights need not be whole
    return minus(format(value, FORMATS[kind][0]))


def write_cell(sheet: Any, place: tuple[int, int], name: str, value: Any, formats: Any) -> None:
    """Write a value into a cell of a workbook; nothing where there is none."""
    value = plain(value)
    if value is None:
        return
    if isinstance(value, Both):
        lines = dict.fromkeys([value.zh, value.en])
        sheet.write_string(*place, safe("\n".join(lines)), formats["wrap"])
    elif isinstance(value, bool):
        sheet.write_boolean(*place, value)
    elif isinstance(value, int | float) and math.isfinite(value):
        kind = format_of(name) or ("percent" if is_fraction(name) else "fixed4")
        whole = kind == "fixed4" and isinstance(value, int)
        sheet.write_number(*place, value, formats["count" if whole else kind])
    elif isinstance(value, date | datetime):
        sheet.write_string(*place, value.isoformat())
    else:
        sheet.write_string(*place, safe(text_of(name, value, "en")))
