"""What follows from the score (log odds, probability, calibration, grade), as one small formula."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fengkong.foundation.errors import UnsupportedError
from fengkong.scorecard.card.document import Card
from fengkong.scorecard.validation._logistic import TINY

Operator: TypeAlias = Literal["+", "-", "*", "/", "exp", "ln"]


@dataclass(frozen=True, slots=True)
class Ref:
    """A value computed before, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """An operator of one or two arguments."""

    operator: Operator
    args: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Steps:
    """The first ``then`` whose limit lies above the value, else ``last``."""

    value: Ref
    limits: tuple[float, ...]
    then: tuple[Formula, ...]
    last: Formula


Formula: TypeAlias = Ref | Call | Steps | float | str


def formulas(card: Card) -> dict[str, Formula]:
    """Return what a card says beyond the score, in the order in which it is computed.

    Returns
    -------
    dict
        "log_odds" (of good) and "probability" (of bad, as the card itself says it) always;
        "uncalibrated_probability" before it where the card is calibrated; "grade" where it has
        grades.

    Raises
    ------
    UnsupportedError
        The calibration is of a kind that has no formula here.
    """
    score, scaling = Ref("score"), card.scaling
    found: dict[str, Formula] = {
        "log_odds": _of("/", _of("-", score, scaling.offset), scaling.factor)
    }
    if card.calibration is None:
        found["probability"] = _bad(Ref("log_odds"))
    else:
        found["uncalibrated_probability"] = _bad(Ref("log_odds"))
        found["probability"] = _calibrated(card.calibration)
    if card.grades:
        limits = tuple(grade.score_from for grade in card.grades[1:])
        names: tuple[Formula, ...] = tuple(grade.name for grade in card.grades)
        found["grade"] = Steps(score, limits, names[:-1], names[-1])
    return found


def _of(operator: Operator, *args: Formula) -> Call:
    return Call(operator, args)


def _bad(log_odds: Formula) -> Formula:
    """Return 1 / (1 + exp(log odds of good)); an exp that overflows gives 0, as it should."""
    return _of("/", 1.0, _of("+", 1.0, _of("exp", log_odds)))


def _calibrated(calibration: dict[str, Any]) -> Formula:
    """Return the map of `validation`'s calibrators, by the parameters that they store."""
    kind = calibration.get("kind")
    if kind == "isotonic":
        return _interpolated(calibration["probability"], calibration["calibrated"])
    before = Ref("uncalibrated_probability")
    held = Steps(before, (TINY, 1.0 - TINY), (TINY, before), 1.0 - TINY)
    ln_bad, ln_good = _of("ln", held), _of("ln", _of("-", 1.0, held))
    if kind == "platt":
        odds = _of("-", ln_bad, ln_good)
        return _good(_of("+", calibration["intercept"], _of("*", calibration["slope"], odds)))
    if kind == "beta":
        left = _of("+", calibration["c"], _of("*", calibration["a"], ln_bad))
        return _good(_of("-", left, _of("*", calibration["b"], ln_good)))
    raise UnsupportedError("an export", (f"a calibration with a known formula, not {kind!r}",))


def _good(log_odds_of_bad: Formula) -> Formula:
    return _bad(_of("-", 0.0, log_odds_of_bad))


def _interpolated(x: list[float], y: list[float]) -> Formula:
    """Return the line through the corners, level outside them."""
    before = Ref("uncalibrated_probability")
    lines: list[Formula] = [
        _of("+", y0, _of("*", (y1 - y0) / (x1 - x0), _of("-", before, x0)))
        for x0, x1, y0, y1 in zip(x, x[1:], y, y[1:], strict=False)
    ]
    return Steps(before, tuple(x), (y[0], *lines), y[-1])
