"""Delinquency: balances in buckets, overdue shares, coincident, lagged and flow rates."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError
from fengkong.portfolio._buckets import STANDARD, Buckets, in_buckets
from fengkong.portfolio._frame import (
    grouped,
    keys,
    loan_months,
    money_sum,
    month_number,
    months_before,
    ordered,
    pick,
    ratio,
    unfold,
)

_COLUMNS = ("panel.state", "panel.outstanding_principal_amount")


def _by_state(panel: ir.Table, by: Sequence[str], buckets: Buckets) -> ir.Table:
    """One scan of the panel: loans and balance by month-end and state."""
    panel = in_buckets(panel, buckets)
    return grouped(
        panel,
        keys(panel, by, "month_end", "state"),
        loans=loan_months(panel),
        balance=money_sum(panel.outstanding_principal_amount),
    )


def _wide(small: ir.Table, names: Sequence[str], buckets: Buckets) -> ir.Table:
    """One row a month-end: loans and balance of each bucket as columns, 0 where empty."""
    figures = {"total": money_sum(small.balance, small.state.isin(list(buckets.active)))}
    for code in buckets.states:
        figures[f"balance_{code}"] = money_sum(small.balance, small.state == code)
        figures[f"loans_{code}"] = small.loans.sum(where=small.state == code).fill_null(0)
    figures["active"] = small.loans.sum(where=small.state.isin(list(buckets.active))).fill_null(0)
    wide = grouped(small, names, **figures)
    return wide.mutate(month_number=month_number(wide.month_end))


def _months(panel: ir.Table, by: Sequence[str], buckets: Buckets) -> tuple[ir.Table, list[str]]:
    """Return the wide table and its key; ``by`` without the month-end."""
    names = [name for name in keys(panel, by, "month_end") if name != "month_end"]
    return _wide(_by_state(panel, by, buckets), [*names, "month_end"], buckets), names


@register_measure(
    "bucket_balance",
    needs=("panel",),
    adds_up=True,
    unit="amount",
    title={"en": "Balance by bucket", "zh": "各账龄段余额"},
    definition={
        "en": "Outstanding principal and loans in each bucket of days past due at each month-end; "
        "coincident_rate is the bucket's balance over all outstanding at the same month-end.",
        "zh": "各月末按逾期天数分段的剩余本金与笔数；coincident_rate 为该段余额除以同一月末的全部"
        "余额。",
    },
    value="outstanding_principal_amount",
    columns=_COLUMNS,
)
def bucket_balance(
    panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD
) -> ir.Table:
    """Return loans, balance and coincident rate of every bucket at every month-end.

    Parameters
    ----------
    panel : ibis Table
        Panel of the book.
    by : sequence of str, default=()
        Dimension columns of the panel.
    buckets : Buckets, default C, M1 to M7

    Returns
    -------
    ibis Table
        ``by``, month_end, bucket, loans, outstanding_principal_amount, coincident_rate (fraction;
        null when nothing is outstanding). Empty buckets are rows with 0.

    References
    ----------
    regulation.md D8, coincident rate.
    """
    wide, names = _months(panel, by, buckets)
    long = unfold(wide, buckets.active, "bucket")
    balance = pick(long.bucket, [(code, long[f"balance_{code}"]) for code in buckets.active])
    loans = pick(long.bucket, [(code, long[f"loans_{code}"]) for code in buckets.active])
    result = long.select(
        *names,
        "month_end",
        "bucket",
        loans=loans,
        outstanding_principal_amount=balance,
        coincident_rate=ratio(balance, long.total),
    )
    return ordered(result, [*names, "month_end", "bucket"])


@register_measure(
    "lagged_rate",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Lagged delinquency rate", "zh": "延滞率（递延）"},
    definition={
        "en": "Balance of bucket Mk over all outstanding principal k months earlier, the balance "
        "it "
        "came from; null where that month is not in the book.",
        "zh": "Mk 段余额除以 k 个月前的全部剩余本金（其来源余额）；该月不在账簿中则为空。",
    },
    value="lagged_rate",
    columns=_COLUMNS,
)
def lagged_rate(
    panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD
) -> ir.Table:
    """Return the lagged rate of every overdue bucket at every month-end.

    Returns
    -------
    ibis Table
        ``by``, month_end, bucket, outstanding_principal_amount, base_amount, lagged_rate.
    """
    wide, names = _months(panel, by, buckets)
    bases = {
        f"base_{code}": months_before(wide.total, names, wide.month_number, months)
        for months, code in enumerate(buckets.overdue, start=1)
    }
    long = unfold(wide.mutate(**bases), buckets.overdue, "bucket")
    balance = pick(long.bucket, [(code, long[f"balance_{code}"]) for code in buckets.overdue])
    base = pick(long.bucket, [(code, long[f"base_{code}"]) for code in buckets.overdue])
    result = long.select(
        *names,
        "month_end",
        "bucket",
        outstanding_principal_amount=balance,
        base_amount=base,
        lagged_rate=ratio(balance, base),
    )
    return ordered(result, [*names, "month_end", "bucket"])


def _flows(panel: ir.Table, by: Sequence[str], buckets: Buckets) -> tuple[ir.Table, list[str]]:
    """Return month-ends by pair of neighbour buckets: balance now, base one month earlier."""
    wide, names = _months(panel, by, buckets)
    pairs = list(zip(buckets.active, buckets.overdue, strict=False))
    bases = {
        f"base_{code}": months_before(wide[f"balance_{code}"], names, wide.month_number, 1)
        for code, _ in pairs
    }
    long = unfold(wide.mutate(**bases), [worse for _, worse in pairs], "to_bucket")
    flows = long.select(
        *names,
        "month_end",
        "to_bucket",
        from_bucket=pick(long.to_bucket, [(worse, ibis.literal(code)) for code, worse in pairs]),
        flow_amount=pick(long.to_bucket, [(worse, long[f"balance_{worse}"]) for _, worse in pairs]),
        base_amount=pick(long.to_bucket, [(worse, long[f"base_{code}"]) for code, worse in pairs]),
    )
    return flows.filter(flows.base_amount.notnull()), names


@register_measure(
    "flow_rate",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Flow rate by month", "zh": "月迁徙率"},
    definition={
        "en": "Balance of a bucket at a month-end over the balance of the bucket before it one "
        "month "
        "earlier. Aggregate balances, loans are not followed; null when the base is 0.",
        "zh": "某段月末余额除以上月末前一段余额；按汇总余额计算，不逐笔跟踪；分母为零时为空。",
    },
    value="flow_rate",
    columns=_COLUMNS,
)
def flow_rate(panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD) -> ir.Table:
    """Return the flow rate between neighbour buckets, from the second month on.

    Returns
    -------
    ibis Table
        ``by``, month_end, from_bucket, to_bucket, flow_amount, base_amount, flow_rate.

    References
    ----------
    regulation.md D8, flow rate.
    """
    flows, names = _flows(panel, by, buckets)
    result = flows.mutate(flow_rate=ratio(flows.flow_amount, flows.base_amount)).select(
        *names, "month_end", "from_bucket", "to_bucket", "flow_amount", "base_amount", "flow_rate"
    )
    return ordered(result, [*names, "month_end", "from_bucket"])


@register_measure(
    "flow_rate_pooled",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Flow rate, all months together", "zh": "合并迁徙率"},
    definition={
        "en": "Sum of the monthly numerators over the sum of the monthly bases of the flow rate.",
        "zh": "各月迁徙率分子之和除以分母之和。",
    },
    value="flow_rate",
    columns=_COLUMNS,
)
def flow_rate_pooled(
    panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD
) -> ir.Table:
    """Return the pooled flow rate between neighbour buckets.

    Returns
    -------
    ibis Table
        ``by``, from_bucket, to_bucket, flow_amount, base_amount, flow_rate.
    """
    flows, names = _flows(panel, by, buckets)
    pooled = grouped(
        flows,
        [*names, "from_bucket", "to_bucket"],
        flow_amount=money_sum(flows.flow_amount),
        base_amount=money_sum(flows.base_amount),
    )
    result = pooled.mutate(flow_rate=ratio(pooled.flow_amount, pooled.base_amount))
    return ordered(result, [*names, "from_bucket"])


@register_measure(
    "net_flow_loss",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Net flow loss", "zh": "净迁徙损失率"},
    definition={
        "en": "Product of the pooled flow rates from C to the last bucket named (M4 unless said): "
        "the share of current balance that ends there if the flows stay as they are.",
        "zh": "从 C 至指定末段（默认 M4）的合并迁徙率之积：若迁徙不变，正常余额最终落入该段的比例"
        "。",
    },
    value="net_flow_loss",
    columns=_COLUMNS,
)
def net_flow_loss(
    panel: ir.Table, *, by: Sequence[str] = (), to: str = "M4", buckets: Buckets = STANDARD
) -> ir.Table:
    """Return the product of pooled flow rates from C to the bucket ``to``.

    Returns
    -------
    ibis Table
        ``by``, net_flow_loss (fraction; null when a rate on the way has no base).

    Raises
    ------
    InputError
        ``to`` is not an overdue bucket.
    """
    if to not in buckets.overdue:
        raise InputError(f"to must be one of {', '.join(buckets.overdue)}; got {to!r}")
    flows, names = _flows(panel, by, buckets)
    steps = buckets.overdue[: buckets.overdue.index(to) + 1]
    figures = {}
    for code in steps:
        here = flows.to_bucket == code
        figures[f"flow_{code}"] = money_sum(flows.flow_amount, here)
        figures[f"base_{code}"] = money_sum(flows.base_amount, here)
    wide = grouped(flows, names, **figures)
    product = ibis.literal(1.0)
    for code in steps:
        product = product * ratio(wide[f"flow_{code}"], wide[f"base_{code}"])
    return ordered(wide.select(*names, net_flow_loss=product), names)


def _overdue_share(panel: ir.Table, by: Sequence[str], days: int) -> ir.Table:
    """Return loans and balance over ``days`` past due by month-end, with their shares."""
    names = keys(panel, by, "month_end")
    over = panel.state.isin(list(STANDARD.worse_than(days)[:-1]))
    active = panel.state.isin(list(STANDARD.active))
    balance = panel.outstanding_principal_amount
    result = grouped(
        panel,
        names,
        loans=loan_months(panel, active),
        overdue_loans=loan_months(panel, over),
        outstanding_principal_amount=money_sum(balance, active),
        overdue_principal_amount=money_sum(balance, over),
    )
    result = result.mutate(
        count_rate=ratio(result.overdue_loans, result.loans),
        amount_rate=ratio(result.overdue_principal_amount, result.outstanding_principal_amount),
    )
    return ordered(result, names)


@register_measure(
    "over_30",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Over 30 days past due", "zh": "逾期30天以上占比"},
    definition={
        "en": "Outstanding principal of active loans more than 30 days past due (M2 and worse) "
        "over "
        "all outstanding principal at the month-end; also by count.",
        "zh": "逾期超过30天（M2 及以上）的在贷本金除以月末全部在贷本金；另按笔数。",
    },
    value="amount_rate",
    columns=_COLUMNS,
)
def over_30(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the share over 30 days past due at every month-end.

    Returns
    -------
    ibis Table
        ``by``, month_end, loans, overdue_loans, outstanding_principal_amount,
        overdue_principal_amount (whole principal of the loans over 30), count_rate, amount_rate.
    """
    return _overdue_share(panel, by, 30)


@register_measure(
    "over_90",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Over 90 days past due", "zh": "逾期90天以上占比"},
    definition={
        "en": "Outstanding principal of active loans more than 90 days past due (M4 and worse) "
        "over "
        "all outstanding principal at the month-end; also by count.",
        "zh": "逾期超过90天（M4 及以上）的在贷本金除以月末全部在贷本金；另按笔数。",
    },
    value="amount_rate",
    columns=_COLUMNS,
)
def over_90(panel: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the share over 90 days past due at every month-end; columns as `over_30`."""
    return _overdue_share(panel, by, 90)


@register_measure(
    "bucket_borrowers",
    needs=("panel",),
    unit="borrowers",
    title={"en": "Borrowers by worst bucket", "zh": "按借款人最差状态分布"},
    definition={
        "en": "Borrowers with a loan outstanding at the month-end, by the worst bucket of their "
        "active loans; the whole outstanding principal of a borrower follows that bucket. A loan "
        "without a borrower counts as a borrower of its own.",
        "zh": "月末有在贷余额的借款人，按其在贷各笔中最差账龄段归类，全部余额随之归入；无借款人编"
        "号的贷款自成一户。",
    },
    value="borrowers",
    columns=_COLUMNS,
)
def bucket_borrowers(
    panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD
) -> ir.Table:
    """Return borrowers and their balance by worst bucket at every month-end.

    Returns
    -------
    ibis Table
        ``by``, month_end, bucket, borrowers, outstanding_principal_amount, coincident_rate. A
        borrower whose loans differ in ``by`` counts once in each group.

    Notes
    -----
    Groups by borrower first: cost grows with borrowers times months. Only loans in a bucket
    count; P and W are no status of a debt still owed.

    References
    ----------
    regulation.md D8, levels: the worst status rules up.
    """
    panel = in_buckets(panel, buckets)
    names = keys(panel, by, "month_end")
    active = panel.filter(panel.state.isin(list(buckets.active)))
    ranks = [(code, ibis.literal(rank, type="int8")) for rank, code in enumerate(buckets.active)]
    person = ibis.coalesce(active.borrower_id, active.loan_id)
    people = active.mutate(person=person, rank=pick(active.state, ranks))
    worst = people.group_by([*names, "person"]).aggregate(
        rank=people["rank"].max(), balance=money_sum(people.outstanding_principal_amount)
    )
    small = worst.group_by([*names, "rank"]).aggregate(
        borrowers=worst.count(), outstanding_principal_amount=money_sum(worst.balance)
    )
    total = small.outstanding_principal_amount.sum().over(ibis.window(group_by=names))
    codes = [(rank, ibis.literal(code)) for rank, code in enumerate(buckets.active)]
    result = small.select(
        *names,
        "borrowers",
        "outstanding_principal_amount",
        bucket=pick(small["rank"], codes),
        coincident_rate=ratio(small.outstanding_principal_amount, total),
    )
    return ordered(result, [*names, "bucket"])
