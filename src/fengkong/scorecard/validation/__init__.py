"""Validation: is the model right, does it stay right, is it fair, and does it leak."""

from __future__ import annotations

from fengkong.scorecard.validation._discrimination import (
    AucInterval,
    AucTest,
    KolmogorovSmirnov,
    auc,
    auc_interval,
    auc_test,
    gini,
    ks,
    ks_grade,
)
from fengkong.scorecard.validation._gains import (
    accuracy_ratio,
    cap_points,
    ks_table,
    lift_table,
    roc_points,
)

__all__ = [
    "AucInterval", "AucTest", "KolmogorovSmirnov", "accuracy_ratio", "auc", "auc_interval",
    "auc_test", "cap_points", "gini", "ks", "ks_grade", "ks_table", "lift_table", "roc_points",
]  # fmt: skip
