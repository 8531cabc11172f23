"""LGD and EAD models where the tape carries recoveries, and their errors out of time."""

from fengkong.scorecard.loss.ead import CreditConversionEad
from fengkong.scorecard.loss.lgd import FractionalLgd, TwoStageLgd
from fengkong.scorecard.loss.validation import LossValidation, loss_capture_ratio, loss_validation

__all__ = [
    "CreditConversionEad",
    "FractionalLgd",
    "LossValidation",
    "TwoStageLgd",
    "loss_capture_ratio",
    "loss_validation",
]
