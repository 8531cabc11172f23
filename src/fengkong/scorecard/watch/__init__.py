"""Watching a model: drift, performance before and after outcomes mature, recalibration."""

from fengkong.scorecard.watch._characteristic import (
    CharacteristicStability,
    characteristic_stability,
)
from fengkong.scorecard.watch._classifier import ClassifierDrift, drift_classifier
from fengkong.scorecard.watch._drift import Drift, drift
from fengkong.scorecard.watch._expected import ExpectedPerformance, expected_performance
from fengkong.scorecard.watch._recalibration import (
    RecalibrationProposal,
    recalibration_proposal,
)
from fengkong.scorecard.watch._reference import ColumnReference, DriftReference
from fengkong.scorecard.watch._stability import Stability, grade_of, stability
from fengkong.scorecard.watch._vintage import VintagePerformance, vintage_adjusted

__all__ = [
    "CharacteristicStability", "ClassifierDrift", "ColumnReference", "Drift", "DriftReference",
    "ExpectedPerformance", "RecalibrationProposal", "Stability", "VintagePerformance",
    "characteristic_stability", "drift", "drift_classifier", "expected_performance", "grade_of",
    "recalibration_proposal", "stability", "vintage_adjusted",
]  # fmt: skip
