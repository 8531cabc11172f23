"""Measures of an outcome tape: charge-off, loss and recovery of loans whose end is known."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.portfolio._frame import grouped, keys, money_sum, ordered, ratio

_NEEDS = ("loans", "loan_outcomes")
_LOSS = ("loan_outcomes.paid_principal_amount",)


def _latest(loans: ir.Table, loan_outcomes: ir.Table) -> ir.Table:
    """Return loans with their last outcome, the issue month, and what was lost and recovered."""
    last = loan_outcomes.group_by("loan_id").aggregate(last=loan_outcomes.observed_on.max())
    last = last.rename(last_loan_id="loan_id")
    ends = loan_outcomes.join(
        last,
        [loan_outcomes.loan_id == last.last_loan_id, loan_outcomes.observed_on == last["last"]],
        how="semi",
    )
    zero = ibis.literal(0).cast("decimal(18, 2)")
    ends = ends.select(
        end_loan_id="loan_id",
        status="status",
        paid=ibis.coalesce(ends.paid_principal_amount, zero),
        recovered=ibis.coalesce(ends.recovered_amount, zero),
        cost=ibis.coalesce(ends.recovery_cost_amount, zero),
    )
    both = loans.join(ends, loans.loan_id == ends.end_loan_id).drop("end_loan_id")
    off = both.status == "charged_off"
    unpaid = both.principal_amount - both.paid
    return both.mutate(
        issue_month=both.disbursed_on.truncate("M").cast("date"),
        charged_off=off,
        resolved=off | (both.status == "paid"),
        unpaid=off.ifelse(unpaid, zero).cast("decimal(18, 2)"),
        back=off.ifelse(both.recovered - both.cost, zero).cast("decimal(18, 2)"),
    )


def _totals(
    loans: ir.Table, loan_outcomes: ir.Table, by: Sequence[str]
) -> tuple[ir.Table, list[str]]:
    ends = _latest(loans, loan_outcomes)
    names = keys(ends, by)
    principal = ends.principal_amount
    small = grouped(
        ends,
        names,
        loans=ends.count(),
        resolved_loans=ends.count(where=ends.resolved),
        charged_off_loans=ends.count(where=ends.charged_off),
        principal_amount=money_sum(principal),
        resolved_principal_amount=money_sum(principal, ends.resolved),
        charged_off_principal_amount=money_sum(principal, ends.charged_off),
        gross_loss_amount=money_sum(ends.unpaid),
        net_recovery_amount=money_sum(ends.back),
    )
    return small.mutate(
        net_loss_amount=(small.gross_loss_amount - small.net_recovery_amount).cast("decimal(38, 2)")
    ), names


@register_measure(
    "charge_off_rate",
    needs=_NEEDS,
    unit="fraction",
    title={"en": "Charge-off rate of resolved loans", "zh": "已结束贷款核销率"},
    definition={
        "en": "Loans charged off over loans whose end is known (paid or charged off), by count "
        "and by "
        "principal; by may name issue_month, the month of disbursement.",
        "zh": "已核销贷款除以已有结果（结清或核销）的贷款，按笔数与按本金；by 可用 issue_month（放"
        "款月）。",
    },
    value="count_rate",
)
def charge_off_rate(
    loans: ir.Table, loan_outcomes: ir.Table, *, by: Sequence[str] = ()
) -> ir.Table:
    """Return the charge-off rate of an outcome tape.

    Parameters
    ----------
    loans, loan_outcomes : ibis Table
        Tables of the book; the outcome observed last counts.
    by : sequence of str, default=()
        Columns of the loans, "status", or "issue_month" (first day of the month of disbursement).

    Returns
    -------
    ibis Table
        ``by``, loans, resolved_loans, charged_off_loans, principal_amount,
        resolved_principal_amount, charged_off_principal_amount, count_rate, amount_rate.
    """
    small, names = _totals(loans, loan_outcomes, by)
    result = small.select(
        *names, "loans", "resolved_loans", "charged_off_loans", "principal_amount",
        "resolved_principal_amount", "charged_off_principal_amount",
        count_rate=ratio(small.charged_off_loans, small.resolved_loans),
        amount_rate=ratio(small.charged_off_principal_amount, small.resolved_principal_amount),
    )  # fmt: skip
    return ordered(result, names)


@register_measure(
    "outcome_loss",
    needs=_NEEDS,
    unit="fraction",
    title={"en": "Loss of resolved loans", "zh": "已结束贷款损失率"},
    definition={
        "en": "Principal not repaid of charged-off loans, less recoveries net of the collector's "
        "fee, over "
        "principal of the loans whose end is known. Losses are positive; interest is not counted.",
        "zh": "已核销贷款未偿本金减去扣除催收费后的回收，除以已有结果贷款的本金；损失为正，不含利"
        "息。",
    },
    value="net_loss_rate",
    columns=_LOSS,
)
def outcome_loss(loans: ir.Table, loan_outcomes: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return gross and net loss of an outcome tape; arguments as `charge_off_rate`.

    Returns
    -------
    ibis Table
        ``by``, loans, resolved_loans, resolved_principal_amount, gross_loss_amount,
        net_recovery_amount, net_loss_amount, gross_loss_rate, net_loss_rate.
    """
    small, names = _totals(loans, loan_outcomes, by)
    base = small.resolved_principal_amount
    result = small.select(
        *names, "loans", "resolved_loans", "resolved_principal_amount", "gross_loss_amount",
        "net_recovery_amount", "net_loss_amount",
        gross_loss_rate=ratio(small.gross_loss_amount, base),
        net_loss_rate=ratio(small.net_loss_amount, base),
    )  # fmt: skip
    return ordered(result, names)


@register_measure(
    "outcome_recovery",
    needs=_NEEDS,
    unit="fraction",
    title={"en": "Recovery on charged-off loans", "zh": "核销贷款回收率"},
    definition={
        "en": "Recoveries after charge-off, net of the collector's fee, over the principal not "
        "repaid of "
        "charged-off loans.",
        "zh": "核销后回收（扣除催收费）除以已核销贷款未偿本金。",
    },
    value="recovery_rate",
    columns=(*_LOSS, "loan_outcomes.recovered_amount"),
)
def outcome_recovery(
    loans: ir.Table, loan_outcomes: ir.Table, *, by: Sequence[str] = ()
) -> ir.Table:
    """Return the recovery rate of an outcome tape; arguments as `charge_off_rate`.

    Returns
    -------
    ibis Table
        ``by``, charged_off_loans, gross_loss_amount, net_recovery_amount, recovery_rate.
    """
    small, names = _totals(loans, loan_outcomes, by)
    result = small.select(
        *names, "charged_off_loans", "gross_loss_amount", "net_recovery_amount",
        recovery_rate=ratio(small.net_recovery_amount, small.gross_loss_amount),
    )  # fmt: skip
    return ordered(result, names)
