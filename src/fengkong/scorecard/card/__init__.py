"""The card: selection, fit, points, reasons."""

from fengkong.scorecard.card._selection_table import Selection, SelectionLine
from fengkong.scorecard.card.document import Card, Grade, Scaling, Variable
from fengkong.scorecard.card.scaling import MinMaxScaling, PdoScaling
from fengkong.scorecard.card.scorecard import Scorecard
from fengkong.scorecard.card.scoring import Scored, ScoredTable
from fengkong.scorecard.card.selection import SelectionSettings

__all__ = [
    "Card", "Grade", "MinMaxScaling", "PdoScaling", "Scaling", "Scorecard", "Scored",
    "ScoredTable", "Selection", "SelectionLine", "SelectionSettings", "Variable",
]  # fmt: skip
