"""Use of credit lines, and what guarantors paid (代偿)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.portfolio._frame import (
    MONEY_SUM,
    day_literal,
    grouped,
    keys,
    money_sum,
    ordered,
    ratio,
)


@register_measure(
    "line_use",
    needs=("facilities", "drawdowns", "states"),
    unit="fraction",
    title={"en": "Line use", "zh": "授信使用率"},
    definition={
        "en": "Outstanding principal of loans drawn on lines open at the as-of date over the "
        "limits of "
        "those lines; undrawn is the limit not used, line by line, never below 0.",
        "zh": "业务日有效授信额度项下贷款的剩余本金除以该等额度；未用额度逐笔计算，不低于零。",
    },
    value="use_rate",
)
def line_use(
    facilities: ir.Table,
    drawdowns: ir.Table,
    states: ir.Table,
    *,
    as_of: date,
    by: Sequence[str] = (),
) -> ir.Table:
    """Return limits, what is drawn and what is not.

    Parameters
    ----------
    facilities, drawdowns, states : ibis Table
        Tables of the book.
    as_of : date
        Business date; lines opened later or expired before are left out.
    by : sequence of str, default=()
        Columns of the facilities.

    Returns
    -------
    ibis Table
        ``by``, lines, limit_amount, outstanding_principal_amount, undrawn_amount, use_rate.
    """
    names = keys(facilities, by)
    day = day_literal(as_of)
    is_open = (facilities.opened_on <= day) & (
        facilities.expires_on.isnull() | (facilities.expires_on >= day)
    )
    lines = facilities.filter(is_open)
    loans = drawdowns.select("facility_id", "loan_id").distinct()
    loans = loans.join(states.select("loan_id", "outstanding_principal_amount"), "loan_id")
    used = loans.group_by("facility_id").aggregate(
        used=money_sum(loans.outstanding_principal_amount)
    )
    used = used.rename(used_facility_id="facility_id")
    both = lines.join(used, lines.facility_id == used.used_facility_id, how="left")
    zero = ibis.literal(0).cast(MONEY_SUM)
    both = both.mutate(used=ibis.coalesce(both.used, zero))
    left = both.limit_amount.cast(MONEY_SUM) - both.used
    both = both.mutate(undrawn=(left > 0).ifelse(left, zero).cast(MONEY_SUM))
    result = grouped(
        both,
        names,
        lines=both.count(),
        limit_amount=money_sum(both.limit_amount),
        outstanding_principal_amount=money_sum(both.used),
        undrawn_amount=money_sum(both.undrawn),
    )
    rate = ratio(result.outstanding_principal_amount, result.limit_amount)
    return ordered(result.mutate(use_rate=rate), names)


@register_measure(
    "compensation_rate",
    needs=("guarantees", "compensations"),
    unit="fraction",
    title={"en": "Compensation rate", "zh": "代偿率"},
    definition={
        "en": "What guarantors paid for borrowers in the period over the guaranteed amount "
        "released in "
        "it (a guarantee that paid counts as released by its payment); net of what was recovered "
        "too.",
        "zh": "期间代偿额除以期间解除的担保额（代偿部分视为随代偿解除）；另列扣除追回后的净代偿率"
        "。",
    },
    value="compensation_rate",
)
def compensation_rate(
    guarantees: ir.Table,
    compensations: ir.Table,
    *,
    as_of: date,
    since: date | None = None,
    by: Sequence[str] = (),
) -> ir.Table:
    """Return the compensation rate (代偿率) of the period that ends at ``as_of``.

    Parameters
    ----------
    guarantees, compensations : ibis Table
        Tables of the book.
    as_of : date
        Last day of the period.
    since : date, default=None
        First day of the period; None: from the beginning.
    by : sequence of str, default=()
        Columns of the guarantees.

    Returns
    -------
    ibis Table
        ``by``, released_amount (guaranteed amounts with released_on in the period, plus what was
        paid in it on guarantees not released), compensated_amount, recovered_amount,
        compensation_rate, net_compensation_rate.

    References
    ----------
    regulation.md E1, C26.
    """
    names = keys(guarantees, by)

    def inside(day: ir.DateValue) -> ir.BooleanValue:
        ends = day <= day_literal(as_of)
        return ends if since is None else ends & (day >= day_literal(since))

    paid = compensations.filter(inside(compensations.compensated_on))
    paid = paid.group_by("guarantee_id").aggregate(
        compensated=money_sum(paid.compensated_amount), recovered=money_sum(paid.recovered_amount)
    )
    paid = paid.rename(paid_guarantee_id="guarantee_id")
    both = guarantees.join(paid, guarantees.guarantee_id == paid.paid_guarantee_id, how="left")
    released = inside(both.released_on).fill_null(False)
    result = grouped(
        both,
        names,
        ended=money_sum(both.guaranteed_amount, released),
        paid_alive=money_sum(both.compensated, ~released),
        compensated_amount=money_sum(both.compensated),
        recovered_amount=money_sum(both.recovered),
    )
    base = (result.ended + result.paid_alive).cast(MONEY_SUM)
    net = result.compensated_amount - result.recovered_amount
    result = result.select(
        *names,
        "compensated_amount",
        "recovered_amount",
        released_amount=base,
        compensation_rate=ratio(result.compensated_amount, base),
        net_compensation_rate=ratio(net, base),
    )
    return ordered(result, names)
