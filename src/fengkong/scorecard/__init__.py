"""The scorecard lab: develop, validate and watch credit models.

Names are loaded when they are first asked for: who bins pays neither for boosting nor for charts.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fengkong.scorecard.binning.binner import Binner
    from fengkong.scorecard.boosting import Challenger
    from fengkong.scorecard.card.document import Card
    from fengkong.scorecard.card.scaling import MinMaxScaling, PdoScaling
    from fengkong.scorecard.card.scorecard import Scorecard
    from fengkong.scorecard.card.selection import SelectionSettings
    from fengkong.scorecard.validation import validate
    from fengkong.scorecard.watch import drift

__all__ = [
    "Binner", "Card", "Challenger", "MinMaxScaling", "PdoScaling", "Scorecard",
    "SelectionSettings", "drift", "validate",
]  # fmt: skip

_HOMES = {
    "Binner": "binning.binner",
    "Card": "card.document",
    "Challenger": "boosting",
    "MinMaxScaling": "card.scaling",
    "PdoScaling": "card.scaling",
    "Scorecard": "card.scorecard",
    "SelectionSettings": "card.selection",
    "drift": "watch",
    "validate": "validation",
}


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
