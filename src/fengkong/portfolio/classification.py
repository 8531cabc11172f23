"""Chinese five-class classification (2023 rule), NPL ratio, and the EBA definition of default."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir

from fengkong.formula.measures import register_measure
from fengkong.foundation.errors import InputError
from fengkong.portfolio._frame import (
    day_literal,
    grouped,
    keys,
    money_sum,
    ordered,
    pick,
    ratio,
    shifted,
)

CLASSES = ("normal", "special_mention", "substandard", "doubtful", "loss")
_RANKS = [(code, ibis.literal(rank, type="int8")) for rank, code in enumerate(CLASSES)]
_NAMES = [(rank, ibis.literal(code)) for rank, code in enumerate(CLASSES)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassRule:
    """Settings of the five-class floor.

    Attributes
    ----------
    from_days : tuple of int
        First day past due of special mention, substandard, doubtful and loss.
    technical_days : int
        Overdue up to so many days is excused as operational or technical (the rule allows 7 when
        the bank can show it; 0 excuses nothing).
    restructured_months : int
        Months from the first due date after a restructure (from the restructure when that is not
        known) in which a loan is at least special mention.
    impaired_days_floor : bool
        A loan declared in default is at least substandard (credit-impaired is non-performing).

    References
    ----------
    regulation.md A7, CN-CLS-02 to 06, 09, 10.
    """

    from_days: tuple[int, int, int, int] = (1, 91, 271, 361)
    technical_days: int = 0
    restructured_months: int = 12
    impaired_days_floor: bool = True

    def __post_init__(self) -> None:
        if sorted(set(self.from_days)) != list(self.from_days) or self.from_days[0] < 1:
            raise InputError(f"from_days must be ascending and above 0; got {self.from_days}")
        if not 0 <= self.technical_days <= 7:
            raise InputError(f"technical_days must lie in 0 to 7; got {self.technical_days}")


RULE_2023 = ClassRule()


def _rank(states: ir.Table, rule: ClassRule, as_of: date) -> ir.IntegerValue:
    """Return the number of the class, 0 normal to 4 loss: the worst of the floors."""
    days = states.days_past_due.fill_null(0)
    steps = [
        (days >= first, ibis.literal(rank, type="int8"))
        for rank, first in reversed(list(enumerate(rule.from_days, start=1)))
    ]
    by_days = ibis.cases(*steps, else_=ibis.literal(0, type="int8"))
    excused = (days > 0) & (days <= rule.technical_days)
    by_days = excused.ifelse(ibis.literal(0, type="int8"), by_days)
    # The year of observation begins with the first due date under the new terms.
    begins = ibis.coalesce(states.restructured_first_due_on, states.restructured_on)
    watched_until = shifted(begins, months=rule.restructured_months)
    fresh = (watched_until > day_literal(as_of)).fill_null(False)
    floors = [by_days, fresh.ifelse(ibis.literal(1, type="int8"), ibis.literal(0, type="int8"))]
    if rule.impaired_days_floor:
        declared = states.declared_default.fill_null(False)
        floors.append(declared.ifelse(ibis.literal(2, type="int8"), ibis.literal(0, type="int8")))
    return ibis.greatest(*floors)


def five_class(states: ir.Table, *, as_of: date, rule: ClassRule = RULE_2023) -> ir.Table:
    """Return the active loans with their class in ``five_class``.

    Parameters
    ----------
    states : ibis Table
        States of the book at the close of ``as_of``.
    as_of : date
        Business date of the states.
    rule : ClassRule, default the 2023 rule with nothing excused

    Returns
    -------
    ibis Table
        The rows of active loans and the column five_class.
    """
    active = states.filter(states.status == "active")
    active = active.mutate(class_rank=_rank(active, rule, as_of))
    return active.mutate(five_class=pick(active.class_rank, _NAMES)).drop("class_rank")


def with_cross_default(
    classified: ir.Table, parties: ir.Table, *, claims_share: float = 0.10
) -> ir.Table:
    """Return classified loans after cross default of firms.

    Parameters
    ----------
    classified : ibis Table
        Result of `five_class`.
    parties : ibis Table
        Parties of the book; only those with party_type "firm" are non-retail.
    claims_share : float, default=0.10
        When more than this share of a firm's claims is non-performing, all become at least
        substandard.

    Returns
    -------
    ibis Table
        The same rows, five_class raised where the rule says so.

    Notes
    -----
    The other half of the rule (20 % overdue over 90 days in all banks) needs credit-bureau data,
    which a platform's book does not hold; it is not applied.

    References
    ----------
    regulation.md A7, CN-CLS-08.
    """
    if not 0 <= claims_share <= 1:
        raise InputError(f"claims_share must lie in [0, 1]; got {claims_share}")
    bad = classified.five_class.isin(["substandard", "doubtful", "loss"])
    amount = classified.outstanding_principal_amount
    firms = classified.group_by("borrower_id").aggregate(
        all_claims=money_sum(amount), bad_claims=money_sum(amount, bad)
    )
    share = ratio(firms.bad_claims, firms.all_claims)
    firm_ids = parties.filter(parties.party_type == "firm").select(firm_id="party_id")
    hit = firms.filter(share > claims_share).select(hit_id="borrower_id")
    hit = hit.join(firm_ids, hit.hit_id == firm_ids.firm_id, how="semi")
    both = classified.join(hit, classified.borrower_id == hit.hit_id, how="left")
    raised = both.hit_id.notnull() & both.five_class.isin(["normal", "special_mention"])
    return both.mutate(five_class=raised.ifelse("substandard", both.five_class)).drop("hit_id")


def _classified(
    states: ir.Table, parties: ir.Table | None, as_of: date, rule: ClassRule
) -> ir.Table:
    """Classify loan by loan, then firm by firm where the parties are known."""
    loans = five_class(states, as_of=as_of, rule=rule)
    return loans if parties is None else with_cross_default(loans, parties)


@register_measure(
    "classification",
    needs=("states",),
    unit="amount",
    title={"en": "Five-class classification", "zh": "五级分类"},
    definition={
        "en": "Outstanding principal of active loans by class of the 2023 rule: floors of 1, 91, "
        "271 "
        "and 361 days past due, at least special mention for 12 months after a restructure, at "
        "least substandard when declared in default. Technical overdue is excused only when set. "
        "Where the book knows its parties, all loans of a firm are at least substandard when more "
        "than a tenth of what it owes is non-performing.",
        "zh": "在贷本金按2023年风险分类办法五级分布：逾期1、91、271、361天为各级底线；重组后12个月"
        "内至少关注；已宣告违约至少次级；技术性逾期仅在设置时豁免。账簿有主体信息时，企业债务人不良债权占比超过一成的，其全部债权至少归为次级。",
    },
    value="outstanding_principal_amount",
    columns=("states.days_past_due",),
    optional=("parties",),
)
def classification(
    states: ir.Table,
    *,
    as_of: date,
    by: Sequence[str] = (),
    rule: ClassRule = RULE_2023,
    parties: ir.Table | None = None,
) -> ir.Table:
    """Return loans and balance by class.

    Returns
    -------
    ibis Table
        ``by``, five_class, loans, outstanding_principal_amount, share (of all outstanding of the
        group). Only classes that occur are rows.
    """
    loans = _classified(states, parties, as_of, rule)
    names = keys(states, by)
    small = grouped(
        loans,
        [*names, "five_class"],
        loans=loans.count(),
        outstanding_principal_amount=money_sum(loans.outstanding_principal_amount),
    )
    total = small.outstanding_principal_amount.sum().over(ibis.window(group_by=names or None))
    result = small.mutate(
        share=ratio(small.outstanding_principal_amount, total),
        place=pick(small.five_class, _RANKS),
    )
    return ordered(result, [*names, "place"]).drop("place")


@register_measure(
    "npl_ratio",
    needs=("states",),
    unit="fraction",
    title={"en": "Non-performing loan ratio", "zh": "不良贷款率"},
    definition={
        "en": "Outstanding principal of loans classed substandard, doubtful or loss over all "
        "outstanding principal; classes as in the five-class classification.",
        "zh": "次级、可疑、损失类贷款本金除以全部在贷本金；分类口径同五级分类。",
    },
    value="npl_ratio",
    columns=("states.days_past_due",),
    optional=("parties",),
)
def npl_ratio(
    states: ir.Table,
    *,
    as_of: date,
    by: Sequence[str] = (),
    rule: ClassRule = RULE_2023,
    parties: ir.Table | None = None,
) -> ir.Table:
    """Return the NPL ratio.

    Returns
    -------
    ibis Table
        ``by``, loans, npl_loans, outstanding_principal_amount, npl_amount, over_90_amount,
        npl_ratio, over_90_to_npl (分类偏离度: balance over 90 days past due over NPL).
    """
    loans = _classified(states, parties, as_of, rule)
    names = keys(states, by)
    bad = loans.five_class.isin(["substandard", "doubtful", "loss"])
    amount = loans.outstanding_principal_amount
    small = grouped(
        loans,
        names,
        loans=loans.count(),
        npl_loans=loans.count(where=bad),
        outstanding_principal_amount=money_sum(amount),
        npl_amount=money_sum(amount, bad),
        over_90_amount=money_sum(amount, loans.days_past_due > 90),
    )
    result = small.mutate(
        npl_ratio=ratio(small.npl_amount, small.outstanding_principal_amount),
        over_90_to_npl=ratio(small.over_90_amount, small.npl_amount),
    )
    return ordered(result, names)


@register_measure(
    "eba_default_rate",
    needs=("states",),
    unit="fraction",
    title={"en": "Loans in default (EBA)", "zh": "违约占比（EBA 定义）"},
    definition={
        "en": "Active loans in default by the EBA definition (more than 90 days in a row above "
        "both "
        "materiality limits, and three months of probation) over all active loans, by outstanding "
        "principal and by count.",
        "zh": "按 EBA 定义处于违约（连续90天以上超过两项重要性门槛，并含三个月观察期）的在贷贷款占"
        "比，按本金与按笔数。",
    },
    value="amount_rate",
    columns=("states.eba_default",),
)
def eba_default_rate(states: ir.Table, *, by: Sequence[str] = ()) -> ir.Table:
    """Return the share of active loans in default by the EBA definition.

    Returns
    -------
    ibis Table
        ``by``, loans, default_loans, outstanding_principal_amount, default_principal_amount,
        count_rate, amount_rate.
    """
    names = keys(states, by)
    active = states.filter(states.status == "active")
    amount = active.outstanding_principal_amount
    # Counting where unknown is 0 on DuckDB and null on Spark: unknown is said to be no.
    bad = active.eba_default.fill_null(False)
    small = grouped(
        active,
        names,
        loans=active.count(),
        default_loans=active.count(where=bad),
        outstanding_principal_amount=money_sum(amount),
        default_principal_amount=money_sum(amount, bad),
    )
    result = small.mutate(
        count_rate=ratio(small.default_loans, small.loans),
        amount_rate=ratio(small.default_principal_amount, small.outstanding_principal_amount),
    )
    return ordered(result, names)
