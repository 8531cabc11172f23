"""Entry to collection: what falls due and is unpaid the day after."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.portfolio._frame import (
    day_literal,
    grouped,
    keys,
    loan_months,
    money_sum,
    ordered,
    ratio,
)


@register_measure(
    "entry_to_collection",
    needs=("states", "instalments"),
    unit="fraction",
    title={"en": "Entry to collection", "zh": "入催率"},
    definition={
        "en": "Of the loans with an instalment due the day before the as-of date, the share that "
        "is past "
        "due at the close of the as-of date; by count and by principal due.",
        "zh": "业务日前一日有分期到期的贷款中，业务日终仍逾期的比例；按笔数与按到期本金。",
    },
    value="count_rate",
)
def entry_to_collection(
    states: ir.Table, instalments: ir.Table, *, as_of: date, by: Sequence[str] = ()
) -> ir.Table:
    """Return the share of loans due yesterday that are unpaid today.

    Parameters
    ----------
    states : ibis Table
        States of the book at the close of ``as_of``.
    instalments : ibis Table
        Schedules; the version in force the day before ``as_of`` counts.
    as_of : date
        Business date of the states.
    by : sequence of str, default=()
        Dimension columns of the states.

    Returns
    -------
    ibis Table
        ``by``, due_loans, unpaid_loans, due_principal_amount, unpaid_principal_amount, count_rate,
        amount_rate.

    Notes
    -----
    A loan with days past due has its oldest unpaid instalment due yesterday or before, so the one
    of yesterday is unpaid too. Loans closed or written off before yesterday had nothing due.

    References
    ----------
    regulation.md E1, C05.
    """
    names = keys(states, by)
    due_on = day_literal(as_of - timedelta(days=1))
    known = instalments.filter(
        instalments.effective_on.isnull() | (instalments.effective_on <= due_on)
    )
    newest = known.group_by("loan_id").aggregate(newest=known.schedule_version.max())
    due = known.filter(known.due_on == due_on).join(newest, "loan_id")
    due = due.filter(due.schedule_version == due.newest)
    due = due.group_by("loan_id").aggregate(due_principal_amount=money_sum(due.principal_amount))
    alive = states.filter(
        (states.status == "active") | ((states.status == "closed") & (states.disbursed_on < due_on))
    )
    both = alive.join(due, "loan_id")
    unpaid = (both.days_past_due > 0).fill_null(False) & (both.status == "active")
    result = grouped(
        both,
        names,
        due_loans=both.count(),
        unpaid_loans=both.count(where=unpaid),
        due_principal_amount=money_sum(both.due_principal_amount),
        unpaid_principal_amount=money_sum(both.due_principal_amount, unpaid),
    )
    result = result.mutate(
        count_rate=ratio(result.unpaid_loans, result.due_loans),
        amount_rate=ratio(result.unpaid_principal_amount, result.due_principal_amount),
    )
    return ordered(result, names)


@register_measure(
    "entry_to_overdue_monthly",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Entry to overdue by month", "zh": "月度新增逾期率"},
    definition={
        "en": "Of the loans current at the month-end before, the share overdue or written off at "
        "this "
        "month-end, by balance at the month-end before and by count. Those overdue and paid again "
        "within the month are not seen by month-ends.",
        "zh": "上月末正常的贷款中，本月末逾期或核销的比例，按上月末余额与按笔数；月内逾期又还清者"
        "月末不可见。",
    },
    value="balance_rate",
    columns=("panel.opening_state",),
)
def entry_to_overdue_monthly(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the share of current loans that is overdue one month later, month by month.

    Returns
    -------
    ibis Table
        ``by``, month_end, loans, entered_loans, opening_principal_amount,
        entered_principal_amount, count_rate, balance_rate.
    """
    names = keys(panel, by, "month_end")
    current = panel.filter(panel.opening_state == ibis.literal("C"))
    entered = ~current.state.isin(["C", "P"])
    result = grouped(
        current,
        names,
        loans=loan_months(current),
        entered_loans=loan_months(current, entered),
        opening_principal_amount=money_sum(current.opening_principal_amount),
        entered_principal_amount=money_sum(current.opening_principal_amount, entered),
    )
    result = result.mutate(
        count_rate=ratio(result.entered_loans, result.loans),
        balance_rate=ratio(result.entered_principal_amount, result.opening_principal_amount),
    )
    return ordered(result, names)
