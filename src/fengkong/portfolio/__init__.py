"""Measures of a loan portfolio: pure functions over the tables of a view, registered by name."""

from __future__ import annotations

from fengkong.portfolio import loss
from fengkong.portfolio._buckets import STANDARD, Buckets
from fengkong.portfolio.classification import (
    CLASSES,
    RULE_2023,
    ClassRule,
    classification,
    eba_default_rate,
    five_class,
    npl_ratio,
    with_cross_default,
)
from fengkong.portfolio.collections import entry_to_collection, entry_to_overdue_monthly
from fengkong.portfolio.concentration import (
    Interval,
    concentration,
    concentration_funder,
    concentration_interval,
    concentration_partner,
    concentration_product,
    concentration_region,
)
from fengkong.portfolio.delinquency import (
    bucket_balance,
    bucket_borrowers,
    flow_rate,
    flow_rate_pooled,
    lagged_rate,
    net_flow_loss,
    over_30,
    over_90,
)
from fengkong.portfolio.first_payment import first_payment_default
from fengkong.portfolio.lines import compensation_rate, line_use
from fengkong.portfolio.loss import expected_loss, expected_loss_by_loan, pd_term_structure
from fengkong.portfolio.outcomes import charge_off_rate, outcome_loss, outcome_recovery
from fengkong.portfolio.prepayment import (
    default_speed,
    default_speed_compounded,
    prepayment_speed,
    prepayment_speed_compounded,
)
from fengkong.portfolio.recovery import recovery_curve, workout_lgd, workouts
from fengkong.portfolio.transition import cure_rate, roll_rate, transition
from fengkong.portfolio.vintage import vintage_ever, vintage_point_in_time

__all__ = [
    "CLASSES", "RULE_2023", "STANDARD", "Buckets", "ClassRule", "Interval",
    "bucket_balance", "bucket_borrowers", "charge_off_rate", "classification", "compensation_rate",
    "concentration", "concentration_funder", "concentration_interval",
    "concentration_partner", "concentration_product", "concentration_region", "cure_rate",
    "default_speed", "default_speed_compounded", "eba_default_rate", "entry_to_collection",
    "entry_to_overdue_monthly", "expected_loss", "expected_loss_by_loan",
    "first_payment_default", "five_class", "flow_rate",
    "flow_rate_pooled", "lagged_rate", "line_use", "loss", "net_flow_loss", "npl_ratio",
    "outcome_loss", "outcome_recovery", "over_30", "over_90", "pd_term_structure",
    "prepayment_speed",
    "prepayment_speed_compounded", "recovery_curve", "roll_rate", "transition",
    "vintage_ever", "vintage_point_in_time", "with_cross_default", "workout_lgd", "workouts",
]  # fmt: skip
