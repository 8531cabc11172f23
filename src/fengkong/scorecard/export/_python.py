"""A card as one plain Python module, which needs nothing but ``math``."""

from __future__ import annotations

import math

from fengkong.scorecard.card.document import Card, Variable
from fengkong.scorecard.export._formula import Formula, Ref, Steps, formulas
from fengkong.scorecard.export._rules import Rule, check_exportable, rules_of

_HEAD = '''\
"""Scorecard {name}: score(record) for one record, a mapping of column to value.

None and NaN are missing; a column that is not in the record is a KeyError.
"""

import math


def _is_missing(value):
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _number(value):
    """Return a float, NaN where missing; text is refused, never read as a number."""
    if _is_missing(value):
        return math.nan
    if isinstance(value, (str, bytes)):
        raise TypeError("expected a number, found text: " + repr(value))
    return float(value)


def _label(value):
    """Return the text of a category, None where missing: 3.0 and 3 are both "3"."""
    if _is_missing(value):
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        raise TypeError("expected a text, found bytes: " + repr(value))
    number = float(value)
    return str(int(number)) if number.is_integer() else str(number)


def _exp(value):
    """Return exp(value), infinite where it overflows."""
    return math.exp(value) if value < 709.0 else math.inf


def score(record):
    """Return the score: higher is safer."""
    total = {base}
'''
_DOC = {
    "log_odds": "Return the log odds of good.",
    "probability": "Return the probability of bad.",
    "uncalibrated_probability": "Return the probability of bad before calibration.",
    "grade": "Return the grade.",
}


def to_python(card: Card) -> str:
    """Return the text of a module with ``score(record)`` and what follows from the score.

    Parameters
    ----------
    card : Card

    Returns
    -------
    str
        Functions score, log_odds, probability and, where the card is calibrated or has grades,
        uncalibrated_probability and grade; each takes one record. Only ``math`` is imported.

    Raises
    ------
    InputError
        A card that cannot be exported.
    UnsupportedError
        Its calibration has no formula.
    """
    check_exportable(card)
    lines = [_HEAD.format(name=_quiet(card.name), base=_float(card.base_points))]
    for variable in card.variables:
        lines += _points(variable)
    lines.append("    return total\n")
    for name, formula in formulas(card).items():
        lines.append(f'\ndef {name}(record):\n    """{_DOC[name]}"""')
        lines += [*_body(formula), ""]
    return "\n".join(lines)


def _quiet(name: str) -> str:
    """Return a name that cannot end or bend the docstring it stands in."""
    return (
        name
        if name.isprintable() and not set(name) & {'"', "\\"}
        else ascii(name)[1:-1].replace('"', "'")
    )


def _points(variable: Variable) -> list[str]:
    name = variable.bins.name
    read = "_number" if variable.bins.kind == "numeric" else "_label"
    lines = [f"    value = {read}(record[{name!r}])"]
    *tests, last = rules_of(variable)
    for place, rule in enumerate(tests):
        word = "elif" if place else "if"
        lines += [
            f"    {word} {_condition(rule, variable.bins.kind)}:",
            f"        total += {_float(rule.points)}",
        ]
    return [*lines, "    else:", f"        total += {_float(last.points)}"]


def _condition(rule: Rule, kind: str) -> str:
    if rule.test == "missing":
        return "value != value" if kind == "numeric" else "value is None"
    if rule.test == "below":
        return f"value < {_float(rule.limit)}"
    listed = ", ".join(
        one.__repr__() if isinstance(one, str) else _float(one) for one in rule.values
    )
    return f"value in ({listed},)"


def _float(value: float) -> str:
    """Write a float so that it reads back bit-equal."""
    if math.isinf(value):
        return "math.inf" if value > 0 else "-math.inf"
    return repr(float(value))


def _body(formula: Formula) -> list[str]:
    if not isinstance(formula, Steps):
        return [f"    return {_written(formula)}"]
    lines = [f"    value = {_written(formula.value)}"]
    for limit, then in zip(formula.limits, formula.then, strict=True):
        lines += [f"    if value < {_float(limit)}:", f"        return {_written(then)}"]
    return [*lines, f"    return {_written(formula.last)}"]


def _written(formula: Formula) -> str:
    if isinstance(formula, str):
        return repr(formula)
    if isinstance(formula, float | int):
        return _float(formula)
    if isinstance(formula, Ref):
        return f"{formula.name}(record)"
    if isinstance(formula, Steps):
        return _chain(formula)
    args = [_written(arg) for arg in formula.args]
    if len(args) == 1:
        return f"{'_exp' if formula.operator == 'exp' else 'math.log'}({args[0]})"
    return f"({args[0]} {formula.operator} {args[1]})"


def _chain(steps: Steps) -> str:
    text = _written(steps.last)
    for limit, then in reversed(list(zip(steps.limits, steps.then, strict=True))):
        text = f"({_written(then)} if {_written(steps.value)} < {_float(limit)} else {text})"
    return text
