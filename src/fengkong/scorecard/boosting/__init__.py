"""Challengers: boosted trees with the card's interface, and blends of both."""

from fengkong.scorecard.boosting.blend import Blend, BlendModel
from fengkong.scorecard.boosting.challenger import Challenger
from fengkong.scorecard.boosting.model import BoostedScore, ChallengerModel
from fengkong.scorecard.boosting.reasons import Contributions, ModelReasons

__all__ = [
    "Blend",
    "BlendModel",
    "BoostedScore",
    "Challenger",
    "ChallengerModel",
    "Contributions",
    "ModelReasons",
]
