"""Prepayment speed (SMM, CPR) and default speed (MDR, CDR)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.portfolio._frame import float_sum, grouped, keys, money_sum, ordered, ratio

_OPENING = "panel.opening_principal_amount"


def _prepayment(panel: ir.Table, by: Sequence[str]) -> tuple[ir.Table, list[str]]:
    """One scan: opening, scheduled and unscheduled principal by month-end."""
    names = keys(panel, by, "month_end")
    small = grouped(
        panel,
        names,
        opening_principal_amount=money_sum(panel.opening_principal_amount),
        scheduled_principal_amount=money_sum(panel.scheduled_principal_amount, panel.was_open),
        unscheduled_principal_amount=money_sum(panel.unscheduled_principal_amount, panel.was_open),
    )
    base = small.opening_principal_amount - small.scheduled_principal_amount
    smm = ratio(small.unscheduled_principal_amount, base)
    return small.filter(small.opening_principal_amount > 0).mutate(smm=smm), names


def _default(panel: ir.Table, by: Sequence[str]) -> tuple[ir.Table, list[str]]:
    """One scan: opening principal and what of it entered default by month-end."""
    names = keys(panel, by, "month_end")
    entered = panel.was_open & panel.default_entered
    opening = money_sum(panel.opening_principal_amount, entered)
    small = grouped(
        panel,
        names,
        opening_principal_amount=money_sum(panel.opening_principal_amount),
        defaulted_principal_amount=opening - money_sum(panel.paid_principal_amount, entered),
    )
    mdr = ratio(small.defaulted_principal_amount, small.opening_principal_amount)
    return small.filter(small.opening_principal_amount > 0).mutate(mdr=mdr), names


def _annual(monthly: Any) -> Any:
    """Return 1 - (1 - monthly)^12."""
    return 1.0 - (1.0 - monthly) ** 12


def _compounded(months: ir.Table, names: Sequence[str], rate: str, annual: str) -> ir.Table:
    """Return 1 - product(1 - rate)^(12 / months): the months compounded, then annualised."""
    keep = [name for name in names if name != "month_end"]
    all_gone = months[rate] >= 1
    # The logarithm of 0 is kept out and such a group answered apart: all of it went in one month.
    log = all_gone.ifelse(0.0, (1.0 - all_gone.ifelse(0.0, months[rate])).ln())
    small = grouped(
        months.mutate(log=log, all_gone=all_gone),
        keep,
        months=months[rate].count(),
        log=float_sum(log),
        all_gone=all_gone.any(),
    )
    value = 1.0 - (small.log * 12.0 / small.months.cast("float64").nullif(0.0)).exp()
    result = small.select(*keep, "months", **{annual: small.all_gone.ifelse(1.0, value)})
    return ordered(result, keep)


@register_measure(
    "prepayment",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Prepayment speed (SMM, CPR)", "zh": "提前还款速度（SMM、CPR）"},
    definition={
        "en": "SMM: principal paid above the month's schedule, loan by loan, over opening "
        "principal less "
        "scheduled principal. CPR = 1 - (1 - SMM)^12. All loans open at the start, defaulted ones "
        "too.",
        "zh": "SMM：逐笔超出当月计划的已还本金除以（期初本金 − 计划本金）；CPR = 1 −（1 − SMM）^12"
        "。含期初已违约贷款。",
    },
    value="smm",
    columns=(_OPENING, "panel.scheduled_principal_amount", "panel.paid_principal_amount"),
)
def prepayment_speed(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return SMM and CPR by month.

    Returns
    -------
    ibis Table
        ``by``, month_end, opening_principal_amount, scheduled_principal_amount,
        unscheduled_principal_amount, smm, cpr (fractions; null when all principal was scheduled).
        Months in which nothing was open at the start are left out.
    """
    small, names = _prepayment(panel, by)
    return ordered(small.mutate(cpr=_annual(small.smm)), names)


@register_measure(
    "prepayment_speed_compounded",
    needs=("panel",),
    adds_up=True,
    unit="fraction per year",
    title={"en": "Prepayment speed, all months (CPR)", "zh": "提前还款速度（全期 CPR）"},
    definition={
        "en": "1 - product(1 - SMM)^(12 / months) over all months of the book.",
        "zh": "全部月份：1 − ∏(1 − SMM)^(12 / 月数)。",
    },
    value="cpr",
    columns=(_OPENING, "panel.scheduled_principal_amount", "panel.paid_principal_amount"),
)
def prepayment_speed_compounded(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the annual prepayment rate that all months compound to.

    Returns
    -------
    ibis Table
        ``by``, months (with an SMM), cpr.
    """
    small, names = _prepayment(panel, by)
    return _compounded(small, names, "smm", "cpr")


@register_measure(
    "default_speed",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Default speed (MDR, CDR)", "zh": "违约速度（MDR、CDR）"},
    definition={
        "en": "MDR: balance that entered default for the first time in the month (opening less "
        "paid) over "
        "opening principal. CDR = 1 - (1 - MDR)^12.",
        "zh": "MDR：当月首次进入违约的余额（期初 − 已还）除以期初本金；CDR = 1 −（1 − MDR）^12。",
    },
    value="mdr",
    columns=(_OPENING, "panel.default_entered"),
)
def default_speed(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return MDR and CDR by month.

    Returns
    -------
    ibis Table
        ``by``, month_end, opening_principal_amount, defaulted_principal_amount, mdr, cdr.
    """
    small, names = _default(panel, by)
    return ordered(small.mutate(cdr=_annual(small.mdr)), names)


@register_measure(
    "default_speed_compounded",
    needs=("panel",),
    adds_up=True,
    unit="fraction per year",
    title={"en": "Default speed, all months (CDR)", "zh": "违约速度（全期 CDR）"},
    definition={
        "en": "1 - product(1 - MDR)^(12 / months) over all months of the book.",
        "zh": "全部月份：1 − ∏(1 − MDR)^(12 / 月数)。",
    },
    value="cdr",
    columns=(_OPENING, "panel.default_entered"),
)
def default_speed_compounded(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the annual default rate that all months compound to.

    Returns
    -------
    ibis Table
        ``by``, months, cdr.
    """
    small, names = _default(panel, by)
    return _compounded(small, names, "mdr", "cdr")
