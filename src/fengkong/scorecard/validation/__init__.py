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

__all__ = [
    "AucInterval", "AucTest", "BetaCalibrator", "BrierSplit", "CalibrationSlope", "Calibrator",
    "HosmerLemeshow", "IsotonicCalibrator", "KolmogorovSmirnov", "PlattCalibrator",
    "accuracy_ratio", "auc", "auc_interval", "auc_test", "brier_score", "brier_split",
    "calibration_slope", "calibration_table", "calibrator", "calibrator_from_dict",
    "cap_points", "expected_calibration_error", "gini", "grade_table", "hosmer_lemeshow", "ks",
    "ks_grade", "ks_table", "lift_table", "roc_points",
]  # fmt: skip
