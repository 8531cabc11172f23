"""The card: selection, fit, points, grades, reasons."""

from fengkong.scorecard.card._selection_table import Selection, SelectionLine
from fengkong.scorecard.card.counterfactual import WhatWouldPass, what_would_pass
from fengkong.scorecard.card.document import Card, Grade, Scaling, Variable
from fengkong.scorecard.card.grades import (
    grade_of,
    grades_at,
    grades_from,
    scale_table,
    with_grades,
)
from fengkong.scorecard.card.reasons import AdverseReasons, adverse_reasons, with_reasons
from fengkong.scorecard.card.scaling import MinMaxScaling, PdoScaling
from fengkong.scorecard.card.scorecard import Scorecard
from fengkong.scorecard.card.scoring import Scored, ScoredTable
from fengkong.scorecard.card.selection import SelectionSettings

__all__ = [
    "AdverseReasons", "Card", "Grade", "MinMaxScaling", "PdoScaling", "Scaling", "Scorecard",
    "Scored", "ScoredTable", "Selection", "SelectionLine", "SelectionSettings", "Variable",
    "WhatWouldPass", "adverse_reasons", "grade_of", "grades_at", "grades_from", "scale_table",
    "what_would_pass", "with_grades", "with_reasons",
]  # fmt: skip
