"""First-payment default: loans whose first instalment was not paid n days after it was due."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError
from fengkong.portfolio._frame import (
    day_literal,
    grouped,
    keys,
    money_sum,
    ordered,
    ratio,
    shifted,
)


@register_measure(
    "first_payment_default",
    needs=("states",),
    unit="fraction",
    title={"en": "First-payment default (FPD-n)", "zh": "首逾率（FPD-n）"},
    definition={
        "en": "First instalment not paid in full at the close of day n after its due date, over "
        "the "
        "loans whose first instalment was due at least n days before the as-of date (n = 7 unless "
        "said); by count and by principal disbursed.",
        "zh": "首期到期后第 n 日终仍未足额偿还的贷款，除以首期到期日距业务日至少 n 天的贷款（默认 "
        "n = 7）；按笔数与按放款额。",
    },
    value="count_rate",
    # Month-end states alone do not say when it was paid, and an unknown day is no default.
    columns=("states.first_due_on", "states.first_paid_in_full_on"),
)
def first_payment_default(
    states: ir.Table, *, as_of: date, by: Sequence[str] = (), days: int = 7
) -> ir.Table:
    """Return FPD-n.

    Parameters
    ----------
    states : ibis Table
        States of the book at the close of ``as_of``.
    as_of : date
        Business date of the states.
    by : sequence of str, default=()
        Dimension columns of the states.
    days : int, default=7
        n; paid on day n itself is not bad.

    Returns
    -------
    ibis Table
        ``by``, loans, bad_loans, disbursed_amount, bad_disbursed_amount, count_rate, amount_rate.

    Raises
    ------
    InputError
        ``days`` is below 0.

    References
    ----------
    regulation.md D8, FPD-n.
    """
    if days < 0:
        raise InputError(f"days must be 0 or more; got {days}")
    names = keys(states, by)
    last_day = shifted(states.first_due_on, days=days)
    asked = states.mutate(last_day=last_day)
    asked = asked.filter(asked.last_day <= day_literal(as_of))
    paid = asked.first_paid_in_full_on
    bad = paid.isnull() | (paid > asked.last_day)
    result = grouped(
        asked,
        names,
        loans=asked.count(),
        bad_loans=asked.count(where=bad),
        disbursed_amount=money_sum(asked.disbursed_amount),
        bad_disbursed_amount=money_sum(asked.disbursed_amount, bad),
    )
    result = result.mutate(
        count_rate=ratio(result.bad_loans, result.loans),
        amount_rate=ratio(result.bad_disbursed_amount, result.disbursed_amount),
    )
    return ordered(result, names)
