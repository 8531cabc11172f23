"""Expected loss: staging, PD term structure, LGD, exposure, scenarios, movement."""

from fengkong.portfolio.loss.expected_loss import (
    Lines,
    Parameters,
    expected_loss_totals,
    loss_by_line,
    loss_by_loan,
    loss_items,
    parameters,
)
from fengkong.portfolio.loss.exposure import undrawn_exposures, undrawn_lines
from fengkong.portfolio.loss.measures import (
    expected_loss,
    expected_loss_by_loan,
    pd_term_structure,
)
from fengkong.portfolio.loss.movement import movement, write_offs_between
from fengkong.portfolio.loss.settings import LossSettings, default_settings, load_settings
from fengkong.portfolio.loss.staging import StagingRule, load_rules, staged

__all__ = [
    "Lines", "LossSettings", "Parameters", "StagingRule", "default_settings", "expected_loss",
    "expected_loss_by_loan", "expected_loss_totals", "load_rules", "load_settings", "loss_by_line",
    "loss_by_loan", "loss_items", "movement", "parameters", "pd_term_structure", "staged",
    "undrawn_exposures", "undrawn_lines", "write_offs_between",
]  # fmt: skip
