"""Optimal binning: exact, fast, and plain to read and edit."""

from fengkong.scorecard.binning.binner import Binner
from fengkong.scorecard.binning.bins import ColumnBins, Special, weight_of_evidence

__all__ = ["Binner", "ColumnBins", "Special", "weight_of_evidence"]
