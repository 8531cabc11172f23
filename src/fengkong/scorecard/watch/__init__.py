"""Watching a model: drift, performance before and after outcomes mature, recalibration."""

from fengkong.scorecard.watch._drift import Drift, drift
from fengkong.scorecard.watch._reference import ColumnReference, DriftReference
from fengkong.scorecard.watch._stability import Stability, grade_of, stability

__all__ = [
    "ColumnReference",
    "Drift",
    "DriftReference",
    "Stability",
    "drift",
    "grade_of",
    "stability",
]
