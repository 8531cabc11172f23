"""Workout LGD with censoring, and recovery curves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError
from fengkong.portfolio._frame import (
    FLOAT_SUM,
    MONEY_SUM,
    day_literal,
    grouped,
    keys,
    money_sum,
    ordered,
    pick,
    ratio,
    shifted,
    unfold,
)

CURVE_MONTHS = (3, 6, 12, 18, 24, 36)


def _beginnings(loan_events: ir.Table) -> ir.Table:
    """Return, by loan, when its workout began (first default, else write-off) and if it closed."""
    kind, day = loan_events.kind, loan_events.occurred_on
    dates = loan_events.group_by("loan_id").aggregate(
        declared_on=day.min(where=kind == "default"),
        written_on=day.min(where=kind == "write_off"),
        closed_on=day.max(where=kind == "workout_closed"),
    )
    began = ibis.coalesce(ibis.least(dates.declared_on, dates.written_on), dates.declared_on,
                          dates.written_on)  # fmt: skip
    dates = dates.mutate(default_on=began)
    return dates.filter(dates.default_on.notnull()).select("loan_id", "default_on", "closed_on")


def _cash(payments: ir.Table) -> ir.Table:
    """Return recoveries that were not reversed: loan, day, amount, cost."""
    undone = payments.filter(payments.kind == "reversal").select("reverses_payment_id")
    kept = payments.filter(payments.kind == "recovery")
    kept = kept.join(undone, kept.payment_id == undone.reverses_payment_id, how="anti")
    zero = ibis.literal(0).cast("decimal(18, 2)")
    return kept.select(
        cash_loan_id="loan_id",
        paid_on="paid_on",
        amount=ibis.coalesce(kept.amount, zero),
        cost=ibis.coalesce(kept.cost_amount, zero),
    )


def workouts(
    states: ir.Table, loan_events: ir.Table, payments: ir.Table, panel: ir.Table
) -> ir.Table:
    """Return one row a workout: exposure at default, present value of what came back, LGD.

    Parameters
    ----------
    states, loan_events, payments, panel : ibis Table
        Tables of the view.

    Returns
    -------
    ibis Table
        The columns of states and default_on (first default event, or write-off when earlier or
        alone), closed (a workout_closed event, or paid off), exposure_at_default_amount (exposure
        at the month-end of default; before that month-end is there: principal outstanding or
        written off now), recovered_gross_amount, pv_net (sum of (recovery - cost) x
        (1 + EIR)^(-days / 365)), lgd (1 - pv_net / exposure; not bounded).

    Notes
    -----
    Only payments of kind recovery count, reversed ones not. The effective rate is that of the loan;
    null counts as 0 (undiscounted).
    """
    began = _beginnings(loan_events).rename(began_loan_id="loan_id")
    found = states.drop("default_on").join(began, states.loan_id == began.began_loan_id)
    month = panel.select(
        panel_loan_id="loan_id", panel_month="month_end", month_exposure="exposure_amount"
    )
    first = found.default_on.truncate("M").cast("date")
    month_end = shifted(shifted(first, months=1), days=-1)
    found = found.mutate(default_month_end=month_end)
    found = found.join(
        month,
        [found.loan_id == month.panel_loan_id, found.default_month_end == month.panel_month],
        how="left",
    ).drop("panel_loan_id", "panel_month", "began_loan_id")
    zero = ibis.literal(0).cast("decimal(18, 2)")
    now = (
        ibis.coalesce(found.outstanding_principal_amount, zero)
        + ibis.coalesce(found.written_off_principal_amount, zero)
    ).cast("decimal(18, 2)")
    found = found.mutate(
        exposure_at_default_amount=ibis.coalesce(found.month_exposure, now),
        closed=found.closed_on.notnull() | (found.status == "closed"),
    )
    found = found.filter(found.exposure_at_default_amount > 0)
    return _with_value(found, _cash(payments)).drop("month_exposure", "default_month_end")


def _with_value(found: ir.Table, cash: ir.Table) -> ir.Table:
    """Add what came back from default on: gross, and discounted net of cost."""
    rows = found.select("loan_id", "default_on", "eir_annual")
    rows = rows.join(cash, rows.loan_id == cash.cash_loan_id)
    rows = rows.filter(rows.paid_on >= rows.default_on)
    days = rows.paid_on.delta(rows.default_on, unit="day").cast("float64")
    factor = (1.0 + rows.eir_annual.fill_null(0.0)) ** (-days / 365.0)
    value = ((rows.amount - rows.cost).cast("float64") * factor).cast(FLOAT_SUM)
    rows = rows.mutate(value=value)
    sums = rows.group_by("loan_id").aggregate(
        gross=money_sum(rows.amount), pv=rows["value"].sum().cast("float64")
    ).rename(sum_loan_id="loan_id")  # fmt: skip
    both = found.join(sums, found.loan_id == sums.sum_loan_id, how="left").drop("sum_loan_id")
    both = both.mutate(
        recovered_gross_amount=ibis.coalesce(both.gross, ibis.literal(0).cast(MONEY_SUM)),
        pv_net=both.pv.fill_null(0.0),
    ).drop("gross", "pv")
    lgd = 1.0 - both.pv_net / both.exposure_at_default_amount.cast("float64")
    return both.mutate(lgd=lgd)


_NEEDS = ("states", "loan_events", "payments", "panel")


@register_measure(
    "workout_lgd",
    needs=_NEEDS,
    unit="fraction",
    title={"en": "Workout LGD", "zh": "清收法违约损失率"},
    definition={
        "en": "1 - discounted recoveries net of cost over exposure at default, days from default "
        "/ 365 at "
        "the loan's effective rate. closed_only leaves open workouts out (they are censored); "
        "all_with_open takes them as if nothing more came, an upper view. Mean, weighted by "
        "exposure, "
        "and mean bounded to 0 to 1.",
        "zh": "1 − 违约后扣除费用的回收现值 / 违约敞口，按贷款实际利率、违约起天数/365 折现。close"
        "d_only 不含未结清收（删失）；"
        "all_with_open 视未结清收不再回收，为上限口径。给出均值、敞口加权与截断至0–1的均值。",
    },
    value="exposure_weighted",
)
def workout_lgd(
    states: ir.Table,
    loan_events: ir.Table,
    payments: ir.Table,
    panel: ir.Table,
    *,
    by: Sequence[str] = (),
) -> ir.Table:
    """Return workout LGD with closed workouts only, and with open ones.

    Parameters
    ----------
    states, loan_events, payments, panel : ibis Table
        Tables of the view.
    by : sequence of str, default=()
        Dimension columns of the states.

    Returns
    -------
    ibis Table
        ``by``, basis ("closed_only" or "all_with_open"), workouts, exposure_at_default_amount,
        mean, exposure_weighted, mean_bounded (fractions; losses positive).
    """
    names = keys(states, by)
    every = workouts(states, loan_events, payments, panel)
    both = unfold(every, ["all_with_open", "closed_only"], "basis")
    both = both.filter((both.basis == "all_with_open") | both.closed)
    bounded = both.lgd.clip(lower=0.0, upper=1.0)
    small = grouped(
        both,
        [*names, "basis"],
        workouts=both.count(),
        exposure_at_default_amount=money_sum(both.exposure_at_default_amount),
        lgd=both.lgd.cast(FLOAT_SUM).sum().cast("float64"),
        bounded=bounded.cast(FLOAT_SUM).sum().cast("float64"),
        pv=both.pv_net.cast(FLOAT_SUM).sum().cast("float64"),
    )
    count = small.workouts.cast("float64")
    result = small.select(
        *names,
        "basis",
        "workouts",
        "exposure_at_default_amount",
        mean=small.lgd / count,
        exposure_weighted=1.0 - ratio(small.pv, small.exposure_at_default_amount),
        mean_bounded=small.bounded / count,
    )
    return ordered(result, [*names, "basis"])


@register_measure(
    "recovery_curve",
    needs=_NEEDS,
    unit="fraction",
    title={"en": "Recovery curve", "zh": "回收曲线"},
    definition={
        "en": "Undiscounted recoveries dated up to k calendar months after default over exposure "
        "at "
        "default, over the workouts whose k months lie on or before the as-of date.",
        "zh": "违约后 k 个日历月内的未折现回收额除以违约敞口，仅含业务日前已满 k 个月的清收。",
    },
    value="recovery_rate",
)
def recovery_curve(
    states: ir.Table,
    loan_events: ir.Table,
    payments: ir.Table,
    panel: ir.Table,
    *,
    as_of: date,
    by: Sequence[str] = (),
    months: Sequence[int] = CURVE_MONTHS,
) -> ir.Table:
    """Return the gross recovery rate by months since default.

    Parameters
    ----------
    as_of : date
        Business date of the states.
    months : sequence of int, default=(3, 6, 12, 18, 24, 36)
        Months since default, above 0.

    Returns
    -------
    ibis Table
        ``by``, months_since_default, workouts, recovered_amount, exposure_at_default_amount,
        recovery_rate. Months that no workout has reached are no rows.

    Raises
    ------
    InputError
        ``months`` is empty or holds a number below 1.
    """
    if not months or min(months) < 1:
        raise InputError(f"months must be 1 or more; got {list(months)}")
    names = keys(states, by)
    every = workouts(states, loan_events, payments, panel)
    long = unfold(every, months, "months_since_default", "int64")
    steps = [(k, shifted(long.default_on, months=k)) for k in months]
    long = long.mutate(until=pick(long.months_since_default, steps))
    long = long.filter(long.until <= day_literal(as_of))
    cash = _cash(payments)
    rows = long.join(
        cash,
        [
            long.loan_id == cash.cash_loan_id,
            cash.paid_on >= long.default_on,
            cash.paid_on <= long.until,
        ],
        how="left",
    )
    line = [*names, "months_since_default"]
    loans = rows.group_by([*line, "loan_id"]).aggregate(
        recovered=money_sum(rows.amount), exposure=rows.exposure_at_default_amount.max()
    )
    small = grouped(
        loans,
        line,
        workouts=loans.count(),
        recovered_amount=money_sum(loans.recovered),
        exposure_at_default_amount=money_sum(loans.exposure),
    )
    rate = ratio(small.recovered_amount, small.exposure_at_default_amount)
    return ordered(small.mutate(recovery_rate=rate), line)
