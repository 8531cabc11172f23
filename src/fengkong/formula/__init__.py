"""One expression language: Expression (a row), Metric (an aggregate), and named measures."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fengkong.formula.measures import Measure, measure, measures, register_measure

if TYPE_CHECKING:
    from fengkong.formula.expression import Expression
    from fengkong.formula.metric import Metric
    from fengkong.formula.schema import Schema

# The parser is only loaded when a formula is read: a quick command must not pay for it.
_LAZY = {"Expression": "expression", "Metric": "metric", "Schema": "schema"}

__all__ = ["Expression", "Measure", "Metric", "Schema", "measure", "measures", "register_measure"]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
