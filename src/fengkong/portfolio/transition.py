"""Transition matrices from month-end to month-end, roll rates and cure rates."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.portfolio._buckets import STANDARD, Buckets, in_buckets
from fengkong.portfolio._frame import (
    grouped,
    keys,
    loan_months,
    money_sum,
    ordered,
    pick,
    ratio,
    unfold,
)

_COLUMNS = ("panel.opening_state", "panel.opening_principal_amount")


def _pairs(panel: ir.Table, by: Sequence[str], buckets: Buckets) -> tuple[ir.Table, list[str]]:
    """One scan: loans and opening balance by state before and after; P and W are no rows."""
    panel = in_buckets(panel, buckets, opening=True)
    names = keys(panel, by)
    small = grouped(
        panel,
        keys(panel, by, "opening_state", "state"),
        loans=loan_months(panel),
        balance=money_sum(panel.opening_principal_amount),
    )
    return small.filter(small.opening_state.isin(list(buckets.active))), names


@register_measure(
    "transition",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Transition matrix", "zh": "状态转移矩阵"},
    definition={
        "en": "Pairs of consecutive month-ends pooled: of the loans in a state at the first, the "
        "share in "
        "each state one month later, by balance at the first month-end and by count. Loans paid "
        "off "
        "or written off are no starting state.",
        "zh": "合并所有相邻月末：期初处于某状态的贷款，一个月后处于各状态的比例，按期初余额与按笔"
        "数；已结清与已核销不作为期初状态。",
    },
    value="balance_rate",
    columns=_COLUMNS,
)
def transition(panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD) -> ir.Table:
    """Return the transition matrix in long form.

    Parameters
    ----------
    panel : ibis Table
        Panel of the book.
    by : sequence of str, default=()
        Dimension columns of the panel; "month_end" gives one matrix a month.
    buckets : Buckets, default C, M1 to M7
        Others need a window over the panel for the state before, and are slower.

    Returns
    -------
    ibis Table
        ``by``, opening_state, state, loans, opening_principal_amount, count_rate, balance_rate.
        A row of the matrix holds every state, 0 where nothing went, and its rates add up to 1
        (balance_rate is null when the row carries no balance).
    """
    small, names = _pairs(panel, by, buckets)
    figures = {"row_loans": small.loans.sum(), "row_balance": money_sum(small.balance)}
    for code in buckets.states:
        figures[f"loans_{code}"] = small.loans.sum(where=small.state == code).fill_null(0)
        figures[f"balance_{code}"] = money_sum(small.balance, small.state == code)
    wide = grouped(small, [*names, "opening_state"], **figures)
    long = unfold(wide, buckets.states, "state")
    loans = pick(long.state, [(code, long[f"loans_{code}"]) for code in buckets.states])
    balance = pick(long.state, [(code, long[f"balance_{code}"]) for code in buckets.states])
    result = long.select(
        *names,
        "opening_state",
        "state",
        loans=loans,
        opening_principal_amount=balance,
        count_rate=ratio(loans, long.row_loans),
        balance_rate=ratio(balance, long.row_balance),
    )
    return ordered(result, [*names, "opening_state", "state"])


def _share(small: ir.Table, names: Sequence[str], hit: ir.BooleanValue, word: str) -> ir.Table:
    """Return, by opening state, loans and balance that hit, and their shares."""
    shares = grouped(
        small,
        [*names, "opening_state"],
        **{
            f"{word}_loans": small.loans.sum(where=hit).fill_null(0),
            f"{word}_principal_amount": money_sum(small.balance, hit),
        },
        loans=small.loans.sum(),
        opening_principal_amount=money_sum(small.balance),
    )
    result = shares.mutate(
        count_rate=ratio(shares[f"{word}_loans"], shares.loans),
        balance_rate=ratio(shares[f"{word}_principal_amount"], shares.opening_principal_amount),
    )
    return ordered(result, [*names, "opening_state"])


@register_measure(
    "roll_rate",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Roll rate", "zh": "滚动率"},
    definition={
        "en": "Of the loans in a bucket at a month-end, the share that is worse one month later "
        "(a later "
        "bucket or written off), by balance at the first month-end and by count, all months "
        "pooled.",
        "zh": "月末处于某段的贷款，一个月后变差（进入更后的段或核销）的比例，按期初余额与按笔数，"
        "各月合并。",
    },
    value="balance_rate",
    columns=_COLUMNS,
)
def roll_rate(panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD) -> ir.Table:
    """Return the share of each bucket that is worse one month later.

    Returns
    -------
    ibis Table
        ``by``, opening_state, worse_loans, worse_principal_amount, loans,
        opening_principal_amount, count_rate, balance_rate.
    """
    small, names = _pairs(panel, by, buckets)
    order = [*buckets.active, "W"]
    ranks = [(code, ibis.literal(rank, type="int8")) for rank, code in enumerate(order)]
    worse = pick(small.state, ranks) > pick(small.opening_state, ranks)
    return _share(small, names, worse.fill_null(False), "worse")


@register_measure(
    "cure_rate",
    needs=("panel",),
    adds_up=True,
    unit="fraction",
    title={"en": "Cure rate", "zh": "回愈率"},
    definition={
        "en": "Of the loans in an overdue bucket at a month-end, the share that is current or "
        "paid off "
        "one month later, by balance at the first month-end and by count, all months pooled.",
        "zh": "月末处于逾期段的贷款，一个月后恢复正常或结清的比例，按期初余额与按笔数，各月合并。",
    },
    value="balance_rate",
    columns=_COLUMNS,
)
def cure_rate(panel: ir.Table, *, by: Sequence[str] = (), buckets: Buckets = STANDARD) -> ir.Table:
    """Return the share of each overdue bucket, and of all together, that cured in a month.

    Returns
    -------
    ibis Table
        ``by``, opening_state (a bucket or "all_overdue"), cured_loans, cured_principal_amount,
        loans, opening_principal_amount, count_rate, balance_rate.
    """
    small, names = _pairs(panel, by, buckets)
    overdue = small.filter(small.opening_state != "C")
    both = unfold(overdue, ["own", "all_overdue"], "line")
    both = both.mutate(opening_state=(both.line == "own").ifelse(both.opening_state, "all_overdue"))
    return _share(both, names, both.state.isin(["C", "P"]), "cured")
