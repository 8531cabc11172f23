"""Are the figures of both sides of the bench the same? Keys and columns put in the peer's words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from bench.peer_pandas import STATES

CODES = {name: code for code, name in enumerate(STATES)}
# name in the peer -> (our keys, {our column: its column})
WORDS: dict[str, tuple[list[str], dict[str, str]]] = {
    "bucket balances": (
        ["month_end", "bucket"], {
        "outstanding_principal_amount": "sum", "loans": "size", "coincident_rate": "share"}),
    "vintage, ever over 30": (["cohort_month", "months_on_book"], {}),
    "vintage, point in time over 30": (["cohort_month", "months_on_book"], {}),
    "transition matrix": (["opening_state", "state"], {
        "loans": "size", "opening_principal_amount": "sum", "count_rate": "size_share",
        "balance_rate": "sum_share"}),
    "flow rates": (["month_end", "to_bucket"], {"flow_rate": "flow_rate"}),
    "over 30 by month, grade, region": (["month_end", "grade", "region"], {
        "overdue_principal_amount": "late", "outstanding_principal_amount":
        "outstanding_principal_amount", "amount_rate": "share", "loans": "loans",
        "overdue_loans": "late_loans", "count_rate": "count_rate"}),
    "prepayment": (["month_end"], {"smm": "smm", "cpr": "cpr"}),
    "concentration by borrower": ([], {name: name for name in (
        "hhi", "effective_number", "gini", "holders", "top_1", "top_3", "top_5", "top_10",
        "top_20")}),
}  # fmt: skip
_VINTAGE = ("bad_loans", "bad_amount", "count_rate", "amount_rate")
_EVER = (*_VINTAGE, "bad_disbursed_amount", "disbursed_rate")


def in_its_words(name: str, ours: pd.DataFrame) -> pd.DataFrame:
    """Return our figures as the peer writes them: months as numbers, states as codes."""
    keys, columns = WORDS[name]
    columns = columns or {name_: name_ for name_ in (_EVER if "ever" in name else _VINTAGE)}
    frame = ours.loc[:, [*keys, *columns]].rename(columns=columns)
    for key in keys:
        if key in ("month_end", "cohort_month"):
            moment = pd.to_datetime(frame[key])
            frame[key] = moment.dt.year * 12 + moment.dt.month
        elif key in ("bucket", "to_bucket", "opening_state", "state"):
            frame[key] = frame[key].map(CODES)
    return frame.set_index(keys).astype("float64") if keys else frame.astype("float64")


def its_own(name: str, found: Any) -> pd.DataFrame:
    """Return the peer's figures as one long table."""
    if name == "flow rates":
        return found.stack().rename("flow_rate").to_frame()
    return found.to_frame().T if isinstance(found, pd.Series) else found


def differences(name: str, ours: pd.DataFrame, found: Any) -> str:
    """Return what differs in words, "" when nothing does; what one side leaves out counts as 0."""
    mine, its = in_its_words(name, ours), its_own(name, found)
    its = its.loc[:, list(mine.columns)]
    its.index = its.index.set_names(mine.index.names)
    if isinstance(its.index, pd.MultiIndex):
        its.index = pd.MultiIndex.from_tuples(list(its.index), names=mine.index.names)
    mine, its = mine.align(its)
    mine, its = mine.fillna(0.0), its.fillna(0.0).astype("float64")
    wrong = ~np.isclose(mine, its, rtol=1e-9, atol=1e-9)
    if not wrong.any():
        return ""
    first = int(np.flatnonzero(wrong.any(axis=1))[0])
    return (
        f"{name}: {wrong.any(axis=1).sum()} of {len(mine)} rows differ, first "
        f"{mine.index[first]}: ours {mine.iloc[first].tolist()}, its {its.iloc[first].tolist()}"
    )
