"""Validation: is the model right, does it stay right, is it fair, and does it leak."""

from __future__ import annotations

from fengkong.scorecard.validation._calibration import (
    BrierSplit,
    CalibrationSlope,
    HosmerLemeshow,
    brier_score,
    brier_split,
    calibration_slope,
    calibration_table,
    expected_calibration_error,
    hosmer_lemeshow,
)
from fengkong.scorecard.validation._calibrators import (
    BetaCalibrator,
    Calibrator,
    IsotonicCalibrator,
    PlattCalibrator,
    calibrator,
    calibrator_from_dict,
)
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
from fengkong.scorecard.validation._fairness import (
    Fairness,
    approved_at,
    fairness,
    refuse_group_features,
)
from fengkong.scorecard.validation._findings import (
    Finding,
)
from fengkong.scorecard.validation._gains import (
    accuracy_ratio,
    cap_points,
    ks_table,
    lift_table,
    roc_points,
)
from fengkong.scorecard.validation._grades import (
    grade_table,
)
from fengkong.scorecard.validation._leakage import (
    leakage_findings,
)
from fengkong.scorecard.validation._reject import (
    AugmentedDesign,
    acceptance_by_band,
    accepted_only,
    fuzzy_augmentation,
    parcelling,
    reweighting,
)
from fengkong.scorecard.validation._sensitivity import (
    reject_sensitivity,
)
from fengkong.scorecard.validation._stability import (
    RankOrder,
    rank_order,
)
from fengkong.scorecard.validation._validate import (
    Validation,
    validate,
)

__all__ = [
    "AucInterval", "AucTest", "AugmentedDesign", "BetaCalibrator", "BrierSplit",
    "CalibrationSlope", "Calibrator", "Fairness", "Finding", "HosmerLemeshow",
    "IsotonicCalibrator", "KolmogorovSmirnov", "PlattCalibrator", "RankOrder", "Validation",
    "acceptance_by_band", "accepted_only", "accuracy_ratio", "approved_at", "auc",
    "auc_interval", "auc_test", "brier_score", "brier_split", "calibration_slope",
    "calibration_table", "calibrator", "calibrator_from_dict", "cap_points",
    "expected_calibration_error", "fairness", "fuzzy_augmentation", "gini", "grade_table",
    "hosmer_lemeshow", "ks", "ks_grade", "ks_table", "leakage_findings", "lift_table",
    "parcelling", "rank_order", "refuse_group_features", "reject_sensitivity", "reweighting",
    "roc_points", "validate",
]  # fmt: skip
