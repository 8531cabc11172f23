"""Features that are safe in time: behaviour of borrowers, and ties between them."""

from fengkong.scorecard.features.behaviour import (
    BehaviourSettings,
    behaviour,
    behaviour_of_view,
)
from fengkong.scorecard.features.ties import TieSettings, tie_features, tie_features_of_view

__all__ = [
    "BehaviourSettings",
    "TieSettings",
    "behaviour",
    "behaviour_of_view",
    "tie_features",
    "tie_features_of_view",
]
