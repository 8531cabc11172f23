"""A simulated lender whose truth is known: for demonstrations, tests and benches."""

from fengkong.book.simulate._model import EVENTS, GRADES, STATES, Model
from fengkong.book.simulate._platform import simulate
from fengkong.book.simulate.truth import Truth

__all__ = ["EVENTS", "GRADES", "STATES", "Model", "Truth", "simulate"]
