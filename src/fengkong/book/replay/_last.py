"""The columns of the states that the last month-end and the contract tell: no replay, no file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from fengkong.book.replay import _panel as pn
from fengkong.book.replay._arrow import Column, array
from fengkong.book.replay._history import loan_columns
from fengkong.book.replay._replayed import CARRIED, STATUS_NAMES
from fengkong.book.schema import STATES
from fengkong.book.schema._derived import STATE_CODES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fengkong.book.view import View

_TOLD = ("status", "months_on_book", "outstanding_principal_amount", "bucket")
LAST_COLUMNS = tuple(
    name for name in STATES.names if name in {*CARRIED, "disbursed_amount", *_TOLD}
)


def last_states(view: View, columns: Sequence[str]) -> pa.Table | None:
    """Return some columns of the states; None where they need more than the last month-ends.

    That is also so where there are payments, which tell the state to the day, or schedules.
    """
    columns = columns or ["loan_id"]
    replayed = any(view.rows_at_most(name) for name in ("payments", "instalments"))
    told = set(columns) <= set(LAST_COLUMNS) and not replayed
    history = view.history() if told else None
    if history is None:
        return None
    carried = [name for name in columns if name in CARRIED]
    more = ["principal_amount"] if "disbursed_amount" in columns else []
    loans = loan_columns(view, history, [*carried, *more] or ["loan_id"])
    some = np.diff(history.at) > 0
    loans = loans if some.all() else loans.filter(array(some))
    last = history.at[1:][some] - 1

    def made(name: str) -> Column:
        """Return a column in the order of the loans."""
        if name == "outstanding_principal_amount":
            return pn.money(history.balance[last].astype(np.int64))
        if name == "months_on_book":
            return array(view.as_of.year * 12 + view.as_of.month - 1 - history.cohort[some])
        state = pn.state_of(history.code[last])
        if name == "bucket":
            return pn.coded(np.where(state < pn.PAID_OFF_STATE, state, -1), STATE_CODES[:8])
        return pn.coded(np.maximum(state - pn.PAID_OFF_STATE + 1, 0), STATUS_NAMES)

    renamed = {"disbursed_amount": "principal_amount"}
    found: dict[str, Column] = {
        name: made(name) if name in _TOLD else loans[renamed.get(name, name)] for name in columns
    }
    return pa.table(found)
